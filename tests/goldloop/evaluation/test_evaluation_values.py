"""What attempts and cases come to by their grades."""

from __future__ import annotations

import pytest

from goldloop.evaluation import (
    SCORE,
    Attempt,
    Case,
    Evaluation,
    GraderFacts,
    attempt_outcome,
    case_outcomes,
)
from goldloop.graders import Grade, Grader, failed_grade, grade_of

TOOLS = GraderFacts("tools", "tool_calls", "1")
TONE = GraderFacts("tone", "judge", "2", weight=3.0, model="judge-1")
SHOWN = GraderFacts("length", "regex", "3", weight=0.0)
FACTS = {one.name: one for one in (TOOLS, TONE, SHOWN)}


def attempt(tools: float | None, tone: float = 1.0, length: float = 1.0) -> Attempt:
    """One attempt with a grade by each; a tools grade of None is one that failed."""
    first = (
        Grade("tools", None, None, error="no schema")
        if tools is None
        else Grade("tools", tools, tools >= 1.0)
    )
    return Attempt(
        (first, Grade("tone", tone, tone >= 1.0), Grade("length", length, length >= 1.0))
    )


def evaluation(*cases: tuple[Attempt, ...], pass_score: float | None = None) -> Evaluation:
    """Cases with these attempts."""
    made = tuple(Case(f"s-{i}", f"c{i}", attempts) for i, attempts in enumerate(cases))
    return Evaluation(
        "1", "golden", "1.0.0", "aa", "bb", "agent-1", tuple(FACTS.values()), made,
        pass_score=pass_score,
    )  # fmt: skip


def test_an_attempt_passes_when_each_grader_that_counts_passes() -> None:
    assert attempt_outcome(attempt(1.0), FACTS).passed
    assert not attempt_outcome(attempt(1.0, 0.9), FACTS).passed
    assert not attempt_outcome(attempt(0.5), FACTS).passed


def test_a_grader_of_weight_0_counts_for_nothing() -> None:
    assert attempt_outcome(attempt(1.0, length=0.0), FACTS).passed
    assert attempt_outcome(attempt(1.0, length=0.0), FACTS).score == 1.0


def test_the_score_is_the_weighted_mean() -> None:
    assert attempt_outcome(attempt(1.0, 0.5), FACTS).score == pytest.approx(2.5 / 4)


def test_with_a_pass_score_the_mean_decides() -> None:
    assert attempt_outcome(attempt(1.0, 0.5), FACTS, pass_score=0.625).passed
    assert not attempt_outcome(attempt(1.0, 0.5), FACTS, pass_score=0.63).passed


def test_a_grader_that_failed_leaves_no_outcome_and_says_why() -> None:
    found = attempt_outcome(attempt(None), FACTS)
    assert (found.score, found.passed) == (None, None)
    assert found.error == "grader tools: no schema"


def test_a_failed_grader_that_is_left_out_hides_nothing() -> None:
    assert attempt_outcome(attempt(None), FACTS, without=["tools"]).passed


def test_an_agents_error_is_an_error_and_no_failure() -> None:
    found = attempt_outcome(Attempt(error="time-out"), FACTS)
    assert (found.passed, found.error) == (None, "time-out")


def test_nothing_graded_is_no_pass() -> None:
    assert attempt_outcome(Attempt((Grade("length", 1.0, True),)), FACTS).passed is None


def test_a_case_is_the_mean_of_its_graded_attempts() -> None:
    [found] = case_outcomes(evaluation((attempt(1.0), attempt(0.0), Attempt(error="down"))))
    assert (found.value, found.passes, found.graded, found.errors) == (0.5, 1, 2, 1)
    assert found.error == "down"
    assert found.always is None


def test_an_error_is_named_before_an_attempt_that_nothing_graded() -> None:
    [found] = case_outcomes(evaluation((Attempt(), Attempt(error="down"))))
    assert (found.value, found.error) == (None, "down")


def test_pass_hat_k_wants_every_attempt() -> None:
    all_pass, one_fails = case_outcomes(
        evaluation((attempt(1.0), attempt(1.0)), (attempt(1.0), attempt(0.0)))
    )
    assert (all_pass.always, one_fails.always) == (True, False)


def test_by_score_a_case_is_its_mean_score() -> None:
    [found] = case_outcomes(evaluation((attempt(1.0, 0.5), attempt(1.0))), SCORE)
    assert found.value == pytest.approx((2.5 / 4 + 1) / 2)


def test_a_graders_version_changes_with_its_settings_and_threshold_alone() -> None:
    one = Grader("a", "regex", {"pattern": "x"})
    assert one.version == Grader("b", "regex", {"pattern": "x"}, weight=2.0).version
    assert one.version != Grader("a", "regex", {"pattern": "y"}).version
    assert one.version != Grader("a", "regex", {"pattern": "x"}, threshold=0.5).version
    assert one.version != Grader("a", "contains", {"pattern": "x"}).version


def test_a_grade_passes_from_the_threshold_on() -> None:
    third = Grader("a", "judge", {}, threshold=1 / 3)
    assert grade_of(third, 1 / 3, "one of three").passed
    assert not grade_of(third, 0.33, "less").passed
    assert failed_grade(third, "no reply").passed is None


def test_slices_name_tags_difficulty_and_source() -> None:
    case = Case("s", "c", (), tags=("refund", "vip"), difficulty="hard", source="trace")
    assert case.slices == ("tag:refund", "tag:vip", "difficulty:hard", "source:trace")
    assert Case("s", "c", ()).slices == ()
