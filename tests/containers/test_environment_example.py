""".env.example: every variable that there is, with its default, and nothing else."""

import re

import pytest
from dotenv import dotenv_values

from goldloop.settings import Settings, parse_settings
from tests.conftest import REPOSITORY
from tests.containers.compose import (
    REQUIRED,
    TEXT,
    VARIABLE,
    settings_defaults,
    variables_of_compose,
)

FILE = REPOSITORY / ".env.example"
LINES = FILE.read_text().splitlines()
ASKED = dict(re.findall(r"(?m)^([A-Z_]+)=(.*)$", "\n".join(LINES)))
OPTIONAL = dict(re.findall(r"(?m)^# ([A-Z_]+)=(.*)$", "\n".join(LINES)))


def test_it_names_every_variable_that_compose_and_our_settings_read_and_no_other():
    assert {*ASKED, *OPTIONAL} == variables_of_compose() | settings_defaults().keys()


def test_it_names_none_twice():
    named = [line for line in LINES if re.match(r"(# )?[A-Z_]+=", line)]
    assert len(named) == len(ASKED) + len(OPTIONAL)


def test_it_asks_for_what_compose_requires_and_gives_none_of_it():
    assert dict.fromkeys(REQUIRED, "") == ASKED


def test_what_it_shows_is_the_default_of_compose():
    defaults = {v["name"]: v["text"] for v in VARIABLE.finditer(TEXT) if v["rule"] == ":-"}
    assert len(defaults) >= 5
    assert {name: OPTIONAL[name] for name in defaults} == defaults


def test_what_it_shows_are_the_defaults_of_our_settings(tmp_path):
    shown = {name: OPTIONAL[name] for name in settings_defaults() if name in OPTIONAL}
    written = tmp_path / ".env"
    written.write_text("".join(f"{name}={value}\n" for name, value in shown.items()))
    read = dotenv_values(written, interpolate=False)
    assert parse_settings({}, {name: value or "" for name, value in read.items()}) == Settings()


@pytest.mark.parametrize("name", REQUIRED)
def test_a_required_variable_has_a_word_said_about_it(name):
    above = LINES[: LINES.index(f"{name}=")]
    said = next(line for line in reversed(above) if not re.match(r"[A-Z_]+=", line))
    assert re.match(r"# \w", said)
