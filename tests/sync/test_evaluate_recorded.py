"""evaluate, of runs that were made before: in the store, in a file, or by another evaluation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sync.evaluated import asked, case, set_up
from tests.sync.loop import Loop


def record(number: int, version: str | None = "v7", **run: Any) -> dict[str, Any]:
    """A recorded run on case `number`, right unless it says otherwise."""
    calls = [{"name": "find", "arguments": {"id": number}}]
    named = {"agent_version": version} if version else {}
    return {
        "sample_id": f"s-{number:03}",
        "user_input": f"question {number}",
        "run": {"response": "done", "tool_calls": calls, **named, **run},
    }


def test_runs_of_the_store_are_graded_without_an_agent(offline: Loop) -> None:
    set_up(offline, 2)
    offline.run("import", str(offline.write("runs.jsonl", [record(0), record(1)])))
    found = offline.json("evaluate", "--agent", "recorded", "--agent-version", "v7")
    assert (found["agent_version"], found["whole"]["mean"]) == ("v7", 1.0)
    assert asked(offline) == []


def test_an_agent_version_without_recorded_runs_is_named(offline: Loop) -> None:
    set_up(offline, 2)
    said = offline.refused("evaluate", "--agent", "recorded", "--agent-version", "v8")
    assert "the store holds no run by v8 on any of the 2 cases" in said


def test_runs_of_a_file_are_matched_by_sample(offline: Loop) -> None:
    set_up(offline, 3)
    wrong = record(1, tool_calls=[])
    path = offline.write("runs.jsonl", [record(0), wrong, record(9)])
    done = offline.run("evaluate", "--runs-file", str(path), "--json", exit_code=3)
    found = json.loads(done.stdout)
    assert (found["whole"]["mean"], found["whole"]["errors"]) == (0.5, 1)
    assert found["notes"] == [
        "the runs of 1 samples are of no case: s-009",
        "1 cases have no run: s-002",
    ]
    assert found["errors"] == [{"error": "no run is recorded", "runs": 1}]


def test_several_runs_of_a_case_are_its_attempts(offline: Loop) -> None:
    set_up(offline, 2)
    runs = [record(0), record(0, tool_calls=[]), record(1)]
    path = str(offline.write("runs.jsonl", runs))
    found = offline.json("evaluate", "--runs-file", path)
    assert (found["runs_per_case"], found["whole"]["usage"]["runs"]) == (2, 3)
    assert found["whole"]["mean"] == pytest.approx(0.75)
    assert offline.json("evaluate", "--runs-file", path, "-k", "1")["whole"]["mean"] == 1.0


def test_an_error_that_was_recorded_is_an_error(offline: Loop) -> None:
    set_up(offline, 2)
    failed = record(1, error="timed out", response=None, tool_calls=[])
    path = str(offline.write("runs.jsonl", [record(0), failed]))
    found = offline.json("evaluate", "--runs-file", path, exit_code=3)
    assert (found["whole"]["graded"], found["whole"]["errors"]) == (1, 1)


def test_runs_of_several_versions_need_a_choice(offline: Loop) -> None:
    set_up(offline, 2)
    path = str(offline.write("runs.jsonl", [record(0), record(1, "v8")]))
    said = offline.refused("evaluate", "--runs-file", path)
    assert "holds runs by v7, v8; name one of them with --agent-version" in said
    found = offline.json("evaluate", "--runs-file", path, "--agent-version", "v8", exit_code=3)
    assert found["whole"]["graded"] == 1


def test_runs_that_do_not_say_whose_they_are_take_the_name_given(offline: Loop) -> None:
    set_up(offline, 1)
    path = str(offline.write("runs.jsonl", [record(0, None)]))
    found = offline.json("evaluate", "--runs-file", path, "--agent-version", "nightly")
    assert found["agent_version"] == "nightly"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{nonsense", "runs.jsonl:1: the line is not JSON"),
        ('{"user_input": "x", "sample_id": "s-000"}', "holds no run"),
        (json.dumps(record(77)), "no run is of a case that is evaluated"),
    ],
)
def test_a_file_without_runs_to_grade_is_refused(offline: Loop, content: str, said: str) -> None:
    set_up(offline, 1)
    (offline.folder / "runs.jsonl").write_text(content + "\n")
    assert said in offline.refused("evaluate", "--runs-file", str(offline.folder / "runs.jsonl"))
    assert offline.json("runs") == []


def test_what_was_done_is_graded_again_without_asking(offline: Loop) -> None:
    set_up(offline, 3)
    offline.run("evaluate", "-k", "2")
    own = offline.folder / "own.toml"
    own.write_text('[[graders]]\nname = "word"\nkind = "contains"\nvalues = ["done 2"]\n')
    found = offline.json("evaluate", "--from", "1", "--graders", str(own))
    assert len(asked(offline)) == 6
    assert found["whole"]["mean"] == pytest.approx(1 / 3)
    assert (found["runs_per_case"], found["whole"]["usage"]["runs"]) == (2, 6)
    stored = offline.json("runs", "2")
    assert stored["agent"]["graded_again"] == 1


def test_an_evaluation_that_is_not_there_cannot_be_graded_again(offline: Loop) -> None:
    set_up(offline, 1)
    assert "there is no evaluation 7" in offline.refused("evaluate", "--from", "7")


def test_both_sources_of_runs_exclude_each_other(offline: Loop) -> None:
    set_up(offline, [case(0)])
    path = str(offline.write("runs.jsonl", [record(0)]))
    said = offline.refused("evaluate", "--from", "1", "--runs-file", path, exit_code=2)
    assert "--runs-file and --from exclude each other" in said
