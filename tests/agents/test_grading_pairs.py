"""A judge that compares the answer with the expected one, in both orders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.grading import Grading
from goldloop.graders import Grade
from goldloop.samples import Run, Sample
from tests.agents.judging import RUN, SAMPLE, case_in, grader_set, pair, prefers, settings_for, told
from tests.agents.openai_server import Behaviour, OpenAIServer, fails, says

ANSWER, EXPECTED = str(RUN.response), str(SAMPLE.expected_response)


def graded(
    server: OpenAIServer, folder: Path, *script: Behaviour, sample: Sample = SAMPLE, run: Run = RUN
) -> Grade:
    server.script = list(script)
    with Grading(settings_for(server), folder) as grading:
        [grader] = grading.prepared(grader_set(pair())).graders
        return grading.grade(grader, sample, run)


def place_of(text: str) -> Callable[[dict[str, Any]], str]:
    return lambda case: "A" if case["answer_A"] == text else "B"


@pytest.mark.parametrize(
    ("choose", "score", "passed"),
    [
        (place_of(ANSWER), 1.0, True),
        (lambda _: "equal", 1.0, True),
        (place_of(EXPECTED), 0.0, False),
    ],
)
def test_both_orders_decide_where_they_agree(
    server: OpenAIServer,
    tmp_path: Path,
    choose: Callable[[dict[str, Any]], str],
    score: float,
    passed: bool,
) -> None:
    grade = graded(server, tmp_path, prefers(choose))
    assert (grade.score, grade.passed) == (score, passed)
    assert grade.details["unstable"] is False
    assert grade.reason.endswith("I find.")


@pytest.mark.parametrize("place", ["A", "B"])
def test_a_judge_that_goes_by_the_place_is_unstable(
    server: OpenAIServer, tmp_path: Path, place: str
) -> None:
    grade = graded(server, tmp_path, prefers(lambda _: place))
    assert (grade.score, grade.details["unstable"]) == (0.5, True)
    assert "order" in grade.reason
    assert [one["answer_is"] for one in grade.details["orders"]] == ["A", "B"]


def test_the_order_is_swapped_and_no_answer_is_called_the_expected_one(
    server: OpenAIServer, tmp_path: Path
) -> None:
    graded(server, tmp_path, prefers(place_of(ANSWER)))
    first, second = (case_in(request.body) for request in server.requests)
    assert (first["answer_A"], first["answer_B"]) == (ANSWER, EXPECTED)
    assert (second["answer_A"], second["answer_B"]) == (EXPECTED, ANSWER)
    for request in server.requests:
        assert "expected" not in str(request.body["messages"])
        assert "reference" not in str(request.body["messages"])
        assert '"better": "more helpful"' in request.body["messages"][0]["content"]


def test_both_orders_are_paid(server: OpenAIServer, tmp_path: Path) -> None:
    details = graded(server, tmp_path, prefers(place_of(ANSWER))).details
    assert (details["usage"]["input_tokens"], details["usage"]["output_tokens"]) == (14, 6)
    good = prefers(place_of(ANSWER))
    failed = graded(server, tmp_path, good, good, good, fails(401))
    assert failed.score is None
    assert failed.details["usage"]["input_tokens"] == 7


def test_the_same_text_and_no_text_need_no_judge(server: OpenAIServer, tmp_path: Path) -> None:
    same = graded(server, tmp_path, fails(500), run=told(RUN, response=EXPECTED))
    silent = graded(server, tmp_path, fails(500), run=told(RUN, response=None))
    assert (same.score, silent.score) == (1.0, 0.0)
    assert server.requests == []


def test_a_case_without_an_expected_response_cannot_be_compared(
    server: OpenAIServer, tmp_path: Path
) -> None:
    grade = graded(server, tmp_path, fails(500), sample=Sample("s", "Hi"))
    assert "no expected_response" in str(grade.error)


def test_a_reply_that_names_neither_is_no_verdict(server: OpenAIServer, tmp_path: Path) -> None:
    grade = graded(server, tmp_path, says('{"reason": "Hm.", "better": "C"}'))
    assert grade.score is None
    assert len(server.requests) == 2
