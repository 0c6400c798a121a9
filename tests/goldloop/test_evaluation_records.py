"""An evaluation as JSON: what was written comes back equal, and what is hostile is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from goldloop.errors import RecordError
from goldloop.evaluation import (
    Attempt,
    Case,
    Evaluation,
    GraderFacts,
    evaluation_record,
    read_evaluation,
)
from goldloop.evaluation.records import MAX_CASES
from goldloop.graders import Grade
from goldloop.samples import ToolCall

GRADES = (
    Grade("tools", 0.5, False, "id is 0, expected 1", {"missing": [{"name": "find"}]}),
    Grade("tone", None, None, error="the judge did not answer"),
)
EVALUATION = Evaluation(
    evaluation_id="7",
    dataset="golden",
    version="1.2.0",
    content_fingerprint="a" * 64,
    labels_fingerprint="b" * 64,
    agent_version="agent-1",
    graders=(
        GraderFacts("tools", "tool_calls", "0123456789ab", 2.5),
        GraderFacts("tone", "judge", "ba9876543210", threshold=0.5, model="judge-1"),
    ),
    cases=(
        Case(
            "s-1",
            "0" * 16,
            (
                Attempt(
                    GRADES,
                    None,
                    "  I found it.\n",
                    (ToolCall("find", {"id": 1.5, "deep": [{"a": None}]}, "call-1"),),
                    0.1 + 0.2,
                    10,
                    3,
                    "0.00025",
                ),
                Attempt(error="it fell over"),
            ),
            "Where is it? \U0001f4e6",
            "cluster-1",
            ("a", "b"),
            "hard",
            "trace",
            0.3,
            "http://localhost:8080/projects/1/data?task=5",
        ),
        Case("s-2", "1" * 16, (), ""),
    ),
    runs_per_case=2,
    pass_score=0.75,
    agent={"kind": "http", "url": "http://agent"},
    branch="feature/x",
    created_at="2026-01-01T00:00:00Z",
    seconds=12.25,
    notes=("one note",),
)


def written() -> dict[str, Any]:
    """The record as it comes out of a file."""
    found: dict[str, Any] = json.loads(json.dumps(evaluation_record(EVALUATION)))
    return found


def test_what_was_written_comes_back_equal() -> None:
    assert read_evaluation(written(), "run.json") == EVALUATION


def test_what_was_written_is_written_again_the_same() -> None:
    again = evaluation_record(read_evaluation(written(), "run.json"))
    assert json.dumps(again) == json.dumps(evaluation_record(EVALUATION))


def test_an_evaluation_of_somebody_else_needs_only_what_names_it() -> None:
    record = {key: written()[key] for key in ("schema", "evaluation_id", "dataset", "version")}
    found = read_evaluation({**record, "agent_version": "v"}, "run.json")
    assert (found.runs_per_case, found.cases, found.made_by) == (1, (), "goldloop")


def test_cases_come_in_the_order_of_their_ids() -> None:
    record = written()
    record["cases"].reverse()
    assert [case.sample_id for case in read_evaluation(record, "run.json").cases] == ["s-1", "s-2"]


def _set(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        place: Any = record
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


ATTEMPT = ("cases", 0, "attempts", 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_set("schema", to="goldloop-evaluation-2"), "written by a newer Goldloop"),
        (_set("schema", to="other"), "this is no evaluation file"),
        (_set("agent_version", to=None), "agent_version is missing"),
        (_set("dataset", to="a\x1b[2J"), "dataset holds characters that do not print"),
        (_set("strange", to=1), "unknown key strange"),
        (_set("runs_per_case", to=0), "runs_per_case must be from 1 to 100"),
        (_set("pass_score", to=2), "pass_score must be a number from 0 to 1"),
        (_set("cases", to={}), "cases must be a list, not an object"),
        (_set("cases", 1, "sample_id", to="s-1"), "cases: case 's-1' is there twice"),
        (_set("cases", 0, "inclusion_probability", to=0), "must be above 0"),
        (_set("cases", 0, "attempts", to=[{}] * 101), "has 101 entries; at most 100 are read"),
        (_set("graders", 1, "name", to="tools"), "graders: grader 'tools' is there twice"),
        (_set("graders", 0, "weight", to=-1), "graders[0].weight must be a number"),
        (_set("graders", 1, "name", to="x"), "'tone', which is not among graders"),
        (_set(*ATTEMPT, "usd", to="free"), "cases[0].attempts[0].usd must be an amount"),
        (_set(*ATTEMPT, "usd", to="-1"), "usd must be an amount"),
        (_set(*ATTEMPT, "response", to=7), "response must be a string, not a number"),
        (_set(*ATTEMPT, "input_tokens", to=0.5), "input_tokens must be a whole number"),
        (_set(*ATTEMPT, "grades", 0, "score", to=1.5), "score must be a number from 0 to 1"),
        (_set(*ATTEMPT, "grades", 0, "passed", to=None), "passed must be true or false"),
        (_set(*ATTEMPT, "grades", 0, "passed", to="yes"), "passed must be true or false"),
        (_set(*ATTEMPT, "grades", 1, "error", to=None), "neither a score nor an error"),
        (_set(*ATTEMPT, "grades", 1, "grader", to="tools"), "grader 'tools' is there twice"),
        (_set("notes", to=[1]), "notes[0] must be a string"),
        (_set("created_at", to="yesterday"), "created_at"),
        (_set("agent", to={"key": float("inf")}), "agent.key is inf, which is not JSON"),
    ],
)
def test_a_hostile_file_is_refused_with_the_place(
    change: Callable[[dict[str, Any]], None], said: str
) -> None:
    record = written()
    change(record)
    with pytest.raises(RecordError) as refused:
        read_evaluation(record, "run.json")
    assert str(refused.value).startswith("run.json: ")
    assert said in str(refused.value)


@pytest.mark.parametrize("value", [None, [], "text", 7])
def test_what_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(RecordError, match=r"run\.json: the evaluation must be an object"):
        read_evaluation(value, "run.json")


def test_more_cases_than_can_be_read_are_refused_by_their_number() -> None:
    record = {**written(), "cases": [None] * (MAX_CASES + 1)}
    with pytest.raises(RecordError, match=r"cases has 100001 entries; at most 100000 are read"):
        read_evaluation(record, "run.json")
