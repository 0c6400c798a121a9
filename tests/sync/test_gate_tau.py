"""The gate on recorded runs of a real agent: 50 scenarios, graded by the calls that they expect."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from label_config.interface import builtin_interface
from sync.init import init_project
from sync.project import open_project
from tests.sync.labelled import Labelled
from tests.sync.loop import Loop

# The tools that change the database: looking things up again is no mistake.
GRADERS = """
[[graders]]
name = "calls"
kind = "tool_calls"
only_tools = [
    "book_reservation", "cancel_reservation", "send_certificate",
    "update_reservation_baggages", "update_reservation_flights", "update_reservation_passengers",
]
"""
RASH = {"name": "cancel_reservation", "arguments": {"reservation_id": "ANY1"}}


@pytest.fixture(scope="module")
def trials(tau_airline: Path) -> dict[int, list[dict[str, Any]]]:
    """By trial, its runs in the order of the scenarios."""
    found: dict[int, list[dict[str, Any]]] = {}
    lines = map(json.loads, tau_airline.read_text().splitlines())
    for one in sorted(lines, key=lambda one: (one["trial"], one["scenario_id"])):
        found.setdefault(one["trial"], []).append(one)
    return found


@pytest.fixture(scope="module")
def project(
    trials: dict[int, list[dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory
) -> Loop:
    """The scenarios as version 1.0.0, and trial 0 evaluated on it."""
    folder = tmp_path_factory.mktemp("tau")
    init_project(folder)
    loop = Loop(folder, "")
    (folder / "graders.toml").write_text(GRADERS)
    with closing(open_project(folder).open_store()) as db:
        made = Labelled(folder, db, builtin_interface())
        made.run("import", str(loop.write("cases.jsonl", map(scenario, range(50), trials[0]))))
        made.show(made.interface.xml)
        made.label(one for n in range(50) for one in made.three(n, ["correct"] * 2))
        made.run("commit", "-m", "the scenarios")
    evaluate(loop, "trial-0", trials[0])
    return loop


def scenario(number: int, one: dict[str, Any]) -> dict[str, Any]:
    """A case: what the user wanted first, and the calls that a right run makes."""
    return {
        "sample_id": f"s{number}",
        "user_input": one["messages"][0]["content"],
        "expected_tool_calls": one["expected_tool_calls"],
    }


def evaluate(loop: Loop, version: str, runs: list[dict[str, Any]], damaged: bool = False) -> None:
    """Evaluate recorded runs; a damaged agent is rash in every second scenario: it also cancels
    somebody's reservation. (Only six of the runs that are right change anything, so that one which
    forgets its calls would be as good as this one.)
    """
    records = [
        scenario(number, one)
        | {
            "run": {
                "agent_version": version,
                "response": "done",
                "tool_calls": [*calls(one), *([RASH] if damaged and number % 2 else [])],
            }
        }
        for number, one in enumerate(runs)
    ]
    file = str(loop.write(f"{version}.jsonl", records))
    loop.run(
        "evaluate", "--runs-file", file, "--agent-version", version, "--graders", graders(loop)
    )


def graders(loop: Loop) -> str:
    """The file of graders."""
    return str(loop.folder / "graders.toml")


def calls(one: dict[str, Any]) -> list[dict[str, Any]]:
    """The calls of a recorded run, in OpenAI's form."""
    return [call for turn in one["messages"] for call in turn.get("tool_calls") or ()]


def test_two_trials_of_the_same_agent_pass(
    project: Loop, trials: dict[int, list[dict[str, Any]]]
) -> None:
    evaluate(project, "trial-1", trials[1])
    found = project.json("gate", "--baseline", "trial-0")
    assert found["status"] in ("pass", "inconclusive", "no_evidence")
    assert found["paired"]["pairs"] == 50


def test_a_damaged_agent_is_blocked(project: Loop, trials: dict[int, list[dict[str, Any]]]) -> None:
    evaluate(project, "damaged", trials[1], damaged=True)
    found = project.json("gate", "--baseline", "trial-0", exit_code=1)
    assert found["status"] == "regression"
    assert found["paired"]["drop"] > 0.05


def test_the_grades_agree_with_the_reward_of_most_runs(
    project: Loop, trials: dict[int, list[dict[str, Any]]]
) -> None:
    with project.store() as db:
        rows = dict(
            db.execute("SELECT sample_id, passed FROM evaluation_grades WHERE evaluation_id = 1")
        )
    rewards = {f"s{number}": one["reward"] == 1.0 for number, one in enumerate(trials[0])}
    agreed = sum(bool(rows[one]) == reward for one, reward in rewards.items()) / len(rewards)
    print(f"the grades agree with the reward of {agreed:.0%} of 50 runs")  # noqa: T201
    assert agreed > 0.8
