from goldloop.consensus import Annotation
from goldloop.fields import Field, FieldKind
from goldloop.gold_checks import (
    Check,
    CheckScore,
    Settled,
    check_scores,
    doubtful_gold,
    pick_checks,
)

VERDICT = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad"))
REASON = Field("reason", FieldKind.TEXT, "run")


def _answer(person, verdict, **others):
    return Annotation(person, person, {"verdict": verdict, **others}, "2026-01-01T00:00:00Z")


def test_adjudicated_samples_come_first_and_then_those_with_a_small_random_number():
    settled = [
        Settled("a", 0.1, False, {1}),
        Settled("b", 0.9, True, {1}),
        Settled("c", 0.05, False, {1}),
    ]
    picked = pick_checks(settled, 2, {1, 2})
    assert picked == [Check("b", 1), Check("c", 1)]


def test_a_sample_that_everybody_has_seen_is_no_check():
    settled = [Settled("a", 0.1, False, {1, 2}), Settled("b", 0.2, False, {2, 3})]
    assert pick_checks(settled, 5, {1, 2}) == [Check("b", 1)]


def test_the_order_of_the_samples_does_not_matter():
    settled = [Settled(name, prn, False, set()) for name, prn in (("a", 0.3), ("b", 0.2))]
    assert pick_checks(settled, 1, {1}) == pick_checks(settled[::-1], 1, {1}) == [Check("b", 1)]


def test_each_question_that_was_answered_counts_once():
    labels = {"x": {"verdict": "good", "reason": "It is  right."}, "y": {"verdict": "bad"}}
    answers = {
        "x": [_answer(1, "good", reason="it is right."), _answer(2, "bad", reason="no")],
        "y": [_answer(1, "good", reason="nobody settled this")],
    }
    assert check_scores([VERDICT, REASON], labels, answers) == {
        1: CheckScore(3, 2),
        2: CheckScore(2, 0),
    }


def test_gold_that_most_of_those_who_were_checked_contradict_is_doubtful():
    labels = {name: {"verdict": "good"} for name in "xyz"}
    answers = {
        "x": [_answer(1, "bad"), _answer(2, "bad"), _answer(3, "good")],
        "y": [_answer(1, "bad"), _answer(2, "good")],
        "z": [_answer(1, "bad")],
    }
    assert doubtful_gold([VERDICT], labels, answers) == ["x"]
