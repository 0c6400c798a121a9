"""runs: evaluations over versions and agents, and one of them with what failed."""

from __future__ import annotations

import pytest

from sync.evaluation_file import read_evaluation_file
from tests.sync import dying
from tests.sync.evaluated import AGENT, set_up, write_agent
from tests.sync.loop import Loop


def test_evaluations_are_listed_with_the_change_since_the_one_before(offline: Loop) -> None:
    set_up(offline, 3)
    offline.run("evaluate", "--branch", "main")
    write_agent(offline, AGENT.replace("0 if number == 1", "9 if number < 2"))
    offline.run("evaluate", "--agent-version", "agent-2", "-m", "worse")
    offline.run("evaluate", "--agent-version", "agent-2", "--tag", "refund")
    found = offline.json("runs")
    assert [(one["id"], one["agent_version"], one["branch"]) for one in found] == [
        (1, "agent-1", "main"),
        (2, "agent-2", None),
        (3, "agent-2", None),
    ]
    assert found[0]["change"] is None
    assert found[1]["change"] == pytest.approx(-1 / 3)
    assert found[2]["change"] is None  # of other cases
    assert [one["id"] for one in offline.json("runs", "--agent-version", "agent-2")] == [2, 3]
    assert [one["id"] for one in offline.json("runs", "--branch", "main")] == [1]
    assert [one["id"] for one in offline.json("runs", "--limit", "1")] == [3]
    assert "-33.3" in offline.run("runs").stdout


def test_one_evaluation_is_shown_with_what_failed_and_why(offline: Loop) -> None:
    set_up(offline)
    offline.run("evaluate", exit_code=3)
    found = offline.json("runs", "1")
    assert [(one["sample_id"], one["passed"]) for one in found["failed"]] == [
        ("s-001", "0 of 1"),
        ("s-003", "0 of 1"),
    ]
    assert "id is 0, expected 1" in found["failed"][0]["reason"]
    assert "the agent fell over" in found["failed"][1]["error"]
    shown = offline.run("runs", "1").stdout
    assert "worst slices: difficulty:hard 0.0% of 1, tag:refund 50.0% of 2" in shown
    assert "2 cases did not pass" in shown


def test_an_evaluation_that_all_cases_pass_says_so(offline: Loop) -> None:
    set_up(offline, 1)
    offline.run("evaluate")
    assert "every case passed" in offline.run("runs", "1").stdout


def test_an_unfinished_evaluation_is_marked(offline: Loop) -> None:
    set_up(offline, 3)
    dying.dies(
        offline.folder, ["evaluate"], ("before", "sync.evaluation_attempts", "save_attempt", 2)
    )
    done = offline.run("runs")
    assert "unfinished" in done.stdout
    assert "goes on with the command that began it" in done.stderr
    assert "it is not finished" in offline.json("runs", "1")["notes"]


def test_a_kept_evaluation_is_written_as_a_file(offline: Loop) -> None:
    set_up(offline, 1)
    offline.run("evaluate")
    path = offline.folder / "run.json"
    offline.run("runs", "1", "-o", str(path))
    assert read_evaluation_file(path).agent_version == "agent-1"
    assert "run.json exists" in offline.refused("runs", "1", "-o", str(path))
    offline.run("runs", "1", "-o", str(path), "--force")


def test_nothing_yet_and_an_unknown_run_are_said(offline: Loop) -> None:
    assert "there is no evaluation yet: goldloop evaluate" in offline.run("runs").stdout
    assert "there is no evaluation 9" in offline.refused("runs", "9")
    assert "-o writes one evaluation" in offline.run("runs", "-o", "x.json", exit_code=2).stderr
