"""Why people disagree: one of them, the guideline, or the case itself."""

from goldloop.consensus import Annotation
from goldloop.disagreement import Cause, explain
from goldloop.fields import Field, FieldKind

VERDICT = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "fair", "bad"))
WHEN = "2026-01-01T00:00:00Z"
_ids = iter(range(1, 10**6))


def said(person, value, confidence=1.0, seconds=30.0):
    """One answer."""
    return Annotation(next(_ids), person, {"verdict": value}, WHEN, confidence, lead_time=seconds)


def agreed(count, people=(1, 2, 3)):
    """Tasks on which everybody says the same."""
    return {f"a{n:02}": [said(person, "good") for person in people] for n in range(count)}


def why(tasks, task):
    """The reason of one task."""
    return explain([VERDICT], tasks, {task: VERDICT})[task]


def test_somebody_who_is_far_from_the_others_everywhere_is_the_cause():
    tasks = {f"a{n:02}": [said(1, "good"), said(2, "good"), said(3, "bad")] for n in range(12)}
    tasks |= {f"b{n:02}": [said(1, "good"), said(2, "good")] for n in range(12)}
    tasks["x"] = [said(1, "good"), said(3, "bad")]
    found = why(tasks, "x")
    assert (found.cause, found.annotators) == (Cause.ANNOTATOR, (3,))


def test_two_options_that_good_annotators_confuse_again_and_again_are_the_guideline():
    tasks = agreed(30)
    for number in range(4):
        tasks[f"x{number}"] = [said(1, "good"), said(2, "fair")]
    found = why(tasks, "x0")
    assert found.cause is Cause.GUIDELINE
    assert found.options == ("fair", "good")
    assert found.examples == ("x0", "x1", "x2", "x3")


def test_a_case_that_nobody_is_sure_of_is_hard():
    tasks = agreed(30)
    tasks["x"] = [said(1, "good", confidence=0.25), said(2, "bad", confidence=0.5)]
    assert why(tasks, "x").cause is Cause.HARD_CASE


def test_a_case_that_takes_everybody_long_is_hard():
    tasks = agreed(30)
    tasks["x"] = [said(1, "good", seconds=600.0), said(2, "bad", seconds=500.0)]
    assert why(tasks, "x").cause is Cause.HARD_CASE


def test_a_single_disagreement_between_sure_and_quick_people_stays_unexplained():
    tasks = agreed(30)
    tasks["x"] = [said(1, "good"), said(2, "bad")]
    assert why(tasks, "x").cause is Cause.UNKNOWN


def test_little_data_accuses_nobody():
    tasks = {"x": [said(1, "good"), said(2, "bad")]}
    assert why(tasks, "x").cause is Cause.UNKNOWN
