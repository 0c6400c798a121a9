"""Lines of the log: one for each thing that is told, whatever is in it."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.logs import JsonLines, Seldom, TextLines, tell

TEXTS = st.text() | st.sampled_from(
    ["a\nb", "\r\n{}", "\x1b[2J", "\u2028x\u202e", "\ud800", "\x00"]
)


def entry(message: str, **extra: Any) -> logging.LogRecord:
    found = logging.makeLogRecord({"msg": message, "levelname": "INFO", "args": ()})
    found.__dict__.update(extra)
    return found


@given(TEXTS, TEXTS)
def test_any_text_is_one_line_in_either_form(message: str, fact: str) -> None:
    made = entry(message, facts={"fact": fact})
    text, line = TextLines().format(made), JsonLines().format(made)
    assert text.isprintable()
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["fact"] == fact


def test_an_error_with_a_trace_is_one_line_that_names_its_place() -> None:
    try:
        raise ValueError("one\ntwo")
    except ValueError:
        made = entry("it broke", exc_info=sys.exc_info())
    for form in (TextLines(), JsonLines()):
        line = form.format(made)
        assert "it broke: ValueError in backend/test_backend_logs.py:" in line
        assert "one two" in line
        assert "Traceback" not in line


def test_of_many_ids_the_first_are_told_with_how_many_there_are(lines: Any) -> None:
    tell("many", {"task_ids": range(1, 101), "none": (), "absent": None, "secret": "of-mine"}, ())
    [line] = lines()
    assert line["task_ids"] == list(range(1, 21))
    assert line["task_ids_count"] == 100
    assert line["none"] == []
    assert "absent" not in line


def test_secrets_are_starred_in_facts_as_in_messages(lines: Any) -> None:
    tell("it is of-mine", {"path": "/of-mine"}, ["of-mine"])
    assert "of-mine" not in json.dumps(lines())


def test_one_of_a_kind_passes_at_once_and_then_one_in_a_while() -> None:
    seldom = Seldom(seconds=3600)
    assert [seldom.passes("a") for _ in range(3)] == [0, None, None]
    assert seldom.passes("b") == 0
    always = Seldom(seconds=0)
    assert [always.passes("a") for _ in range(3)] == [0, 0, 0]
