"""The cases that went from right to wrong, and back."""

import json
from dataclasses import replace

from made_evaluations import TONE, call, case, evaluation, graded, judged, passing

from goldloop.evaluation import SCORE, flips


def test_regressions_come_first_and_both_sides_are_shown():
    shown = {"user_input": "Where is it?", "tags": ("orders",), "task_url": "http://ls/tasks/7"}
    old = evaluation(
        [
            case(0, 0),
            replace(
                case(1), attempts=(graded(1.0, response="found", tool_calls=(call("find", n=1),)),)
            ),
            case(2, 1),
        ]
    )
    new = evaluation(
        [case(0, 1), replace(case(1, **shown), attempts=(graded(0.0, response="no"),)), case(2, 1)],
    )
    found = flips(old, new)
    assert [(one.sample_id, one.direction) for one in found] == [
        ("s-0001", "regressed"),
        ("s-0000", "recovered"),
    ]
    record = json.loads(json.dumps(found[0].record()))
    assert record == {
        "sample_id": "s-0001",
        "direction": "regressed",
        "change": -1.0,
        "user_input": "Where is it?",
        "slices": ["tag:orders"],
        "task_url": "http://ls/tasks/7",
        "baseline": {
            "value": 1.0,
            "attempt": 0,
            "response": "found",
            "tool_calls": [{"name": "find", "arguments": {"n": 1}}],
            "grades": [
                {"grader": "tools", "score": 1.0, "passed": True, "reason": "scored 1"},
            ],
        },
        "candidate": {
            "value": 0.0,
            "attempt": 0,
            "response": "no",
            "tool_calls": [],
            "grades": [
                {"grader": "tools", "score": 0.0, "passed": False, "reason": "scored 0"},
            ],
        },
    }


def test_of_several_runs_the_one_that_shows_the_change_is_shown():
    old = evaluation([case(0, None, 0, 1)])
    new = evaluation([case(0, 1, None, 0, 0, 0)])
    assert flips(old, new) == ()
    new = evaluation([case(0, None, 0, 0)])
    (found,) = flips(old, new)
    assert (found.baseline.value, found.baseline.attempt) == (0.5, 2)
    assert (found.candidate.value, found.candidate.attempt) == (0.0, 1)


def test_cases_that_came_to_nothing_or_are_in_one_only_are_no_flips():
    old = passing([1.0, None, 1.0])
    new = replace(passing([None, 0.0]), cases=passing([None, 0.0]).cases)
    assert flips(old, new) == ()


def test_by_score_the_largest_changes_come_first_a_hundred_at_most():
    old = evaluation([case(n, 0.9) for n in range(150)])
    new = evaluation([case(n, 0.9 - n / 200) for n in range(150)])
    found = flips(old, new, SCORE)
    assert len(found) == 100
    assert found[0].sample_id == "s-0149"
    assert found[0].change < found[1].change < 0.0


def test_graders_that_are_left_out_make_no_flip_but_are_shown():
    old, new = judged([1.0, 1.0], [1.0, 1.0]), judged([1.0, 0.0], [0.0, 1.0])
    assert len(flips(old, new)) == 2
    (found,) = flips(old, new, without=[TONE.name])
    assert found.sample_id == "s-0001"
    assert [grade.grader for grade in found.candidate.grades] == ["tools", "tone"]


def test_a_record_can_have_the_beginnings_of_what_was_said():
    calls = (call("find", n=1, what="x" * 99, ids=list(range(99))),)
    said = {"response": "y" * 99, "tool_calls": calls}
    old, new = (
        evaluation([replace(case(0, user_input="z" * 99), attempts=(graded(one, **said),))])
        for one in (1.0, 0.0)
    )
    [flip] = flips(old, new)
    record = json.loads(json.dumps(flip.record(longest=5)))
    assert (record["sample_id"], record["user_input"]) == ("s-0000", "zzzz…")
    side = record["candidate"]
    assert side["response"] == "yyyy…"
    assert side["tool_calls"][0]["arguments"] == {"n": 1, "what": "xxxx…", "ids": "[0, …"}
    assert side["grades"][0]["reason"] == "scor…"
    assert flip.record()["candidate"]["response"] == "y" * 99
