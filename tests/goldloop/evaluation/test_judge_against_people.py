"""How a judge compares with people, and when it may block."""

import json
from dataclasses import replace

import pytest
from made_evaluations import TONE

from goldloop.errors import RecordError
from goldloop.evaluation import JudgeCheck, Rules, check_judge, read_judge_check, unproven


def check(both_pass: int, judge_only: int, people_only: int, both_fail: int) -> JudgeCheck:
    """A judge that met people's labels so many times each way."""
    pairs = (
        [(True, True)] * both_pass
        + [(True, False)] * judge_only
        + [(False, True)] * people_only
        + [(False, False)] * both_fail
    )
    verdicts = {f"s-{n}": judge for n, (judge, _) in enumerate(pairs)}
    labels = {f"s-{n}": people for n, (_, people) in enumerate(pairs)}
    return check_judge(TONE, verdicts, labels, dataset="golden@1.0.0")


def test_kappa_agreement_and_confusion_are_those_worked_by_hand():
    found = check(20, 5, 10, 15)
    assert found.kappa == pytest.approx(0.4)
    assert found.agreement == pytest.approx(0.7)
    assert found.confusion == {
        "judge_pass_people_pass": 20,
        "judge_pass_people_fail": 5,
        "judge_fail_people_pass": 10,
        "judge_fail_people_fail": 15,
    }
    assert found.low < 0.4 < found.high
    assert (found.grader, found.version, found.model) == ("tone", "j-1", "judge-2026-01-01")


def test_only_cases_that_both_decided_count():
    found = check_judge(
        TONE, {"a": True, "b": False, "c": True}, {"b": False, "c": False, "d": True}, dataset="g@1"
    )
    assert (found.cases, found.agreement) == (2, 0.5)


def test_slices_are_compared_by_themselves():
    verdicts = {"a": True, "b": False, "c": True, "d": True}
    labels = {"a": True, "b": False, "c": False, "d": True}
    slices = {"a": ["tag:x"], "b": ["tag:x", "tag:y"], "c": ["tag:y"], "other": ["tag:z"]}
    found = check_judge(TONE, verdicts, labels, slices, dataset="g@1").slices
    assert list(found) == ["tag:x", "tag:y"]
    assert (found["tag:x"].cases, found["tag:x"].kappa) == (2, 1.0)
    assert (found["tag:y"].agreement, found["tag:y"].kappa) == (0.5, 0.0)


def test_no_case_in_common_is_told_and_no_error():
    found = check_judge(TONE, {"a": True}, {}, dataset="g@1")
    assert (found.cases, found.agreement, found.kappa, found.low) == (0, None, None, None)
    assert "0 cases" in unproven(found, Rules())


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (None, "has not been compared"),
        (check(45, 2, 2, 50), "99 cases only; 100 are needed"),
        (check(150, 0, 0, 0), "kappa cannot be told"),
        (check(60, 20, 20, 20), "the lower bound of its kappa"),
    ],
)
def test_a_judge_is_unproven_for_a_reason_that_is_told(found, why):
    assert why in unproven(found, Rules())


def test_a_judge_that_agrees_with_people_on_enough_cases_is_proven():
    found = check(70, 6, 4, 40)
    assert unproven(found, Rules()) is None
    assert unproven(found, Rules(judge_kappa=0.9)) is not None


def test_a_check_comes_back_from_its_record():
    found = replace(
        check_judge(TONE, {"a": True}, {"a": True}, {"a": ["tag:x"]}, dataset="g@1"),
        checked_at="2026-11-23T10:00:00+00:00",
    )
    assert read_judge_check(json.loads(json.dumps(found.record())), "judges[0]") == found


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"cases": 7}, "confusion must add up to the 7 cases"),
        ({"kappa": 2}, "kappa must be a number from -1 to 1"),
        ({"grader": None}, "grader is missing"),
        ({"mood": 1}, "mood"),
        ({"slices": {"tag:x": {"cases": -1, "agreement": 1}}}, "cases must be"),
        ({"confusion": {}}, "judge_pass_people_pass is missing"),
    ],
)
def test_a_record_that_was_tampered_with_is_refused_by_place(change, named):
    with pytest.raises(RecordError, match="judges") as caught:
        read_judge_check(check(1, 1, 1, 1).record() | change, "judges[3]")
    assert named in str(caught.value)
    with pytest.raises(RecordError, match="must be an object"):
        read_judge_check([], "judges[3]")
