"""evaluate: the agent on every case, graded; what was paid for is never paid for again."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bench._golden_version import item_of, write_version
from goldloop.samples import ToolCall
from sync import claims
from sync.evaluation_file import read_evaluation_file
from tests.sync import dying
from tests.sync.evaluated import AGENT, asked, case, set_up, write_agent
from tests.sync.loop import Loop

ERRORS = 3  # what evaluate exits with where a case of five came to nothing
PYTHON_GRADER = """
from pathlib import Path

def grade(sample, run):
    with (Path(__file__).parent / "graded.txt").open("a") as file:
        file.write(sample["sample_id"] + "\\n")
    return 1.0
"""


def lines(loop: Loop, name: str) -> list[str]:
    """What a callable of the project wrote down."""
    path = loop.folder / name
    return path.read_text().splitlines() if path.exists() else []


def test_every_case_is_asked_once_graded_and_summed_up(offline: Loop) -> None:
    set_up(offline)
    found = offline.json("evaluate", exit_code=ERRORS)
    assert Counter(asked(offline)) == Counter(f"s-{number:03}" for number in range(5))
    whole = found["whole"]
    assert (whole["cases"], whole["graded"], whole["errors"], whole["mean"]) == (5, 4, 1, 0.75)
    assert found["pool"]["value"] == pytest.approx(0.75)
    assert {part["name"] for part in found["slices"]} == {
        *("difficulty:easy", "difficulty:hard", "source:manual", "tag:order", "tag:refund")
    }
    assert (found["id"], found["found"], found["made"], found["left"]) == (1, 0, 5, 0)


def test_too_many_errors_are_said_with_what_to_do(offline: Loop) -> None:
    set_up(offline)
    done = offline.run("evaluate", exit_code=ERRORS)
    assert "1 of 5 cases came to nothing" in done.stderr
    assert "--retry" in done.stderr
    offline.configure("evaluation", max_errors=0.2)
    assert "came to nothing" not in offline.run("evaluate", "--new").stderr


def test_an_agent_whose_source_changed_is_another_agent(offline: Loop) -> None:
    set_up(offline)
    offline.run("evaluate", exit_code=ERRORS)
    write_agent(offline, AGENT.replace("number == 3", "False"))
    done = offline.json("evaluate", "--retry")
    assert (done["found"], done["made"], done["whole"]["errors"]) == (0, 5, 0)


def test_retry_asks_only_what_came_to_nothing(offline: Loop) -> None:
    set_up(offline)
    offline.run("evaluate", exit_code=ERRORS)
    again = offline.json("evaluate", "--retry", exit_code=ERRORS)
    assert asked(offline)[5:] == ["s-003"]
    assert (again["id"], again["found"], again["made"]) == (2, 4, 1)
    assert again["notes"] == ["taken over from evaluation 1: what came to something there"]


DOWN = """
from pathlib import Path

def answer(asked):
    with (Path(__file__).parent / "asked.txt").open("a") as file:
        file.write(asked["sample_id"] + "\\n")
    if not (Path(__file__).parent / "up").exists():
        raise ConnectionError("nobody listens")
    return {"response": "done", "tool_calls": [{"name": "find", "arguments": {"id": 1}}]}
"""


def test_an_agent_that_is_down_is_not_asked_about_every_case(offline: Loop) -> None:
    set_up(offline, 60, DOWN)
    said = offline.refused("evaluate")
    assert "the agent is down: 8 calls in a row failed" in said
    assert "nobody listens" in said
    assert len(asked(offline)) < 20
    (offline.folder / "up").touch()
    found = offline.json("evaluate", "--retry")
    assert (found["whole"]["cases"], found["whole"]["errors"]) == (60, 0)


def test_each_case_runs_as_often_as_is_asked(offline: Loop) -> None:
    set_up(offline, 3)
    found = offline.json("evaluate", "-k", "3")
    assert Counter(asked(offline)) == {"s-000": 3, "s-001": 3, "s-002": 3}
    assert found["whole"]["usage"]["runs"] == 9
    assert found["whole"]["always"] == pytest.approx(2 / 3)


def test_only_a_part_is_evaluated_where_that_is_asked(offline: Loop) -> None:
    set_up(offline)
    offline.run("evaluate", "--tag", "refund", "--difficulty", "hard")
    assert asked(offline) == ["s-001"]
    said = offline.refused("evaluate", "--tag", "unknown")
    assert "golden@1.0.0 has no case of tag unknown" in said


def test_a_case_that_no_grader_applies_to_is_said_and_not_asked(offline: Loop) -> None:
    set_up(offline, [case(0), case(1), case(2, calls=False)])
    done = offline.run("evaluate")
    assert "1 of 3 cases left out: no grader applies to them (s-002)" in done.stderr
    assert "s-002" not in asked(offline)


def test_nothing_is_asked_where_nothing_can_be_graded(offline: Loop) -> None:
    set_up(offline, [case(0, calls=False)])
    said = offline.refused("evaluate")
    assert "no grader applies to any of the 1 cases of golden@1.0.0" in said
    assert "--graders" in said
    assert asked(offline) == []


def test_responses_that_nobody_grades_are_told(offline: Loop) -> None:
    set_up(offline, [replace(case(0), expected_response="done 0")])
    done = offline.run("evaluate")
    assert "the responses of 1 cases are not graded" in done.stderr
    assert "[evaluation] judge" in done.stderr


def test_graders_come_from_the_dataset_s_folder_or_a_file(offline: Loop) -> None:
    root = set_up(offline, 3)
    contains = '[[graders]]\nname = "word"\nkind = "contains"\nvalues = ["{}"]\n'
    (root / "golden" / "graders.toml").write_text(contains.format("done"))
    assert offline.json("evaluate")["whole"]["mean"] == 1.0
    own = offline.folder / "own.toml"
    own.write_text(contains.format("done 2"))
    found = offline.json("evaluate", "--graders", str(own))
    assert found["whole"]["mean"] == pytest.approx(1 / 3)
    assert [one["facts"]["name"] for one in found["graders"]] == ["word"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("[[graders]]\nname = ", "own.toml is not valid TOML"), ("a = 1\n", "own.toml")],
)
def test_a_broken_file_of_graders_is_named(offline: Loop, text: str, said: str) -> None:
    set_up(offline, 3)
    own = offline.folder / "own.toml"
    own.write_text(text)
    assert said in offline.refused("evaluate", "--graders", str(own), exit_code=2)
    assert asked(offline) == []


def test_a_graders_file_of_the_settings_is_relative_to_them(offline: Loop) -> None:
    set_up(offline, 3)
    graders = {"graders": [{"name": "word", "kind": "contains", "values": ["done"]}]}
    (offline.folder / "mine.json").write_text(json.dumps(graders))
    offline.configure("evaluation", graders="mine.json")
    assert offline.json("evaluate")["whole"]["mean"] == 1.0
    offline.configure("evaluation", graders="gone.toml")
    assert "gone.toml cannot be read" in offline.refused("evaluate", exit_code=2)


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("../golden@1.0.0", "cannot name a dataset"),
        ("golden@9.9.9", "there is no golden@9.9.9; there are: 1.0.0"),
        ("golden@new", "'new' is no version"),
        ("silver", "there is no version of silver yet"),
    ],
)
def test_a_version_that_is_not_there_is_named(offline: Loop, dataset: str, said: str) -> None:
    set_up(offline, 3)
    assert said in offline.refused("evaluate", "--dataset", dataset)


def test_a_tampered_version_is_refused(offline: Loop) -> None:
    root = set_up(offline, 3)
    data = root / "golden" / "1.0.0" / "data.jsonl"
    data.write_text(data.read_text().replace("question 1", "question 7"))
    assert "is not as it was committed" in offline.refused("evaluate")
    assert asked(offline) == []


def test_a_fresh_checkout_without_a_store_is_evaluated(offline: Loop) -> None:
    set_up(offline, 3)
    for path in offline.folder.glob("goldloop.db*"):
        path.unlink()
    assert offline.json("evaluate")["whole"]["cases"] == 3
    assert [path.name for path in offline.folder.glob("goldloop.db-evaluate*")] == []


def test_the_evaluation_is_written_for_the_gate(offline: Loop) -> None:
    set_up(offline)
    path = offline.folder / "run.json"
    offline.run("evaluate", "-o", str(path), "--branch", "feature", exit_code=ERRORS)
    found = read_evaluation_file(path)
    assert (found.evaluation_id, found.name, found.branch) == (
        *("1", "agent-1 on golden@1.0.0", "feature"),
    )
    assert found.cases[1].attempts[0].grades[0].passed is False
    assert found.cases[2].attempts[0].response == "done 2"


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_paid(offline: Loop) -> None:
    set_up(offline, 3)
    there = offline.folder / "run.json"
    there.write_text("mine")
    assert "run.json exists" in offline.refused("evaluate", "-o", str(there))
    assert "run.txt must end in" in offline.refused("evaluate", "-o", "run.txt")
    assert (there.read_text(), asked(offline)) == ("mine", [])


def test_a_killed_evaluation_goes_on_and_asks_again_only_for_what_was_in_the_air(
    offline: Loop,
) -> None:
    set_up(offline, 3 * 4)
    point = ("before", "sync.evaluation_attempts", "save_attempt", 6)
    dying.dies(offline.folder, ["evaluate"], point)
    before = len(asked(offline))
    done = offline.run("evaluate", exit_code=ERRORS)
    assert "going on with evaluation 1" in done.stderr
    again = [name for name, count in Counter(asked(offline)).items() if count > 1]
    assert 1 <= len(again) <= 2
    assert len(asked(offline)) == 12 + len(again)
    assert before < 12


def test_what_was_answered_and_not_graded_is_graded_without_asking_again(offline: Loop) -> None:
    set_up(offline, 3)
    (offline.folder / "graders_of_mine.py").write_text(PYTHON_GRADER)
    own = offline.folder / "own.toml"
    own.write_text(
        '[[graders]]\nname = "mine"\nkind = "python"\ntarget = "graders_of_mine:grade"\n'
    )
    arguments = ["evaluate", "--graders", str(own)]
    dying.dies(offline.folder, arguments, ("before", "sync.evaluation_attempts", "save_grades", 1))
    found = offline.json(*arguments)
    assert found["whole"]["mean"] == 1.0
    assert Counter(asked(offline))["s-000"] == 1
    assert set(lines(offline, "graded.txt")) == {"s-000", "s-001", "s-002"}


def test_an_interrupt_says_how_to_go_on(offline: Loop) -> None:
    broken = AGENT.replace('raise RuntimeError("the agent fell over")', "raise KeyboardInterrupt")
    set_up(offline, 5, broken)
    said = offline.refused("evaluate", exit_code=130)
    assert "evaluation 1 has" in said
    assert "the same command goes on with it" in said
    (found,) = offline.json("runs")
    assert found["finished"] is False


def test_an_evaluation_with_another_agent_is_another_one(offline: Loop) -> None:
    set_up(offline, 4 * 2)
    dying.dies(
        offline.folder, ["evaluate"], ("before", "sync.evaluation_attempts", "save_attempt", 3)
    )
    offline.run("evaluate", "--agent-version", "agent-2", exit_code=ERRORS)
    found = offline.json("runs")
    assert [(one["id"], one["agent_version"], one["finished"]) for one in found] == [
        (1, "agent-1", False),
        (2, "agent-2", True),
    ]


def test_new_begins_anew(offline: Loop) -> None:
    set_up(offline, 3)
    dying.dies(
        offline.folder, ["evaluate"], ("before", "sync.evaluation_attempts", "save_attempt", 2)
    )
    found = offline.json("evaluate", "--new")
    assert (found["id"], found["found"], found["made"]) == (2, 0, 3)


def test_two_commands_do_not_work_at_one_evaluation(offline: Loop) -> None:
    set_up(offline, 3, AGENT.replace("SECONDS = 0.0", "SECONDS = 1.0"))
    process = dying.start(offline.folder, ["evaluate"])
    while not asked(offline):
        process.join(0.02)
    said = offline.refused("evaluate")
    process.join(60)
    assert "another goldloop evaluate is at work" in said
    assert len(asked(offline)) == 3


def test_a_claim_that_was_taken_away_while_it_was_opened_is_made_anew(
    offline: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, real = offline.project, claims._claim
    with real(project, "evaluate-x") as before:
        Path(before.name).unlink()
        opened = iter([before])
        monkeypatch.setattr(claims, "_claim", lambda *what: next(opened, None) or real(*what))
        ours, theirs = (claims.claimed(project, "evaluate-x") for _ in range(2))
        with ours as first, theirs as second:
            assert (first, second) == (True, False)


def test_money_stops_it_and_more_money_goes_on(offline: Loop) -> None:
    set_up(offline, 3)
    offline.configure("prices", **{"agent-1": [100, 1000]})  # 0.02 USD a run
    stopped = offline.run("evaluate", "--max-usd", "0.05", "--json", exit_code=3)
    found = json.loads(stopped.stdout)
    assert found["left"] == 3 - found["made"] > 0
    assert "stopped at --max-usd" in stopped.stderr
    done = offline.json("evaluate")
    assert (done["id"], done["left"]) == (1, 0)
    assert done["whole"]["usage"]["usd"] == "0.06"
    assert len(asked(offline)) == 3


def test_money_that_no_price_is_known_for_is_refused(offline: Loop) -> None:
    set_up(offline, 3)
    assert "[prices]" in offline.refused("evaluate", "--max-usd", "1", exit_code=2)
    assert asked(offline) == []


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("robot", "--agent 'robot': expected recorded, python:module:callable"),
        ("python:nothing", "--agent: kind must be"),
        ("http:nowhere", "--agent: url must be an http:// or https:// address"),
        ("python:no_such_module:answer", "no_such_module"),
    ],
)
def test_an_agent_that_is_none_is_refused(offline: Loop, agent: str, said: str) -> None:
    set_up(offline, 3)
    assert said in offline.refused("evaluate", "--agent", agent, exit_code=2)
    assert offline.json("runs") == []


def test_an_old_version_can_be_evaluated(offline: Loop) -> None:
    root = set_up(offline, 3)
    changed = replace(case(0), expected_tool_calls=(ToolCall("other", {}),))
    write_version(root, [item_of(changed)], version="2.0.0", parent="1.0.0")
    assert offline.json("evaluate")["version"] == "2.0.0"
    assert offline.json("evaluate", "--dataset", "golden@1.0.0")["whole"]["cases"] == 3
    assert offline.json("evaluate", "--dataset", "1.0.0")["version"] == "1.0.0"


def test_the_branch_is_read_from_git(offline: Loop) -> None:
    set_up(offline, 1)
    git = Path(offline.folder / ".git")
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/feature/new-prompt\n")
    assert offline.json("evaluate")["branch"] == "feature/new-prompt"


def test_a_hostile_answer_cannot_steer_the_terminal(offline: Loop) -> None:
    hostile = AGENT.replace('f"done {number}"', '"\\x1b[2J\\u202e<script>"')
    set_up(offline, 2, hostile.replace('"find"', '"\\x1b[31mfind"'))
    done = offline.run("evaluate")
    shown = offline.run("runs", "1")
    assert "\x1b" not in done.output + shown.output
