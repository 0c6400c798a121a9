"""How each annotator answers, worked out by hand."""

from goldloop.annotators import annotator_reports
from goldloop.consensus import Annotation
from goldloop.fields import Field, FieldKind

VERDICT = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad"))
_ids = iter(range(1, 1000))


def answer(person, value, **more):
    """One annotation; None is a skip."""
    answers = {} if value is None else {"verdict": value}
    skipped = value is None
    when = "2026-01-01T00:00:00Z"
    return Annotation(next(_ids), person, answers, when, was_cancelled=skipped, **more)


def test_nobody_vouches_for_themselves():
    tasks = {"t": [answer(1, "good"), answer(2, "good"), answer(3, "bad")]}
    one, two, three = annotator_reports([VERDICT], tasks)
    # The others of 1 are split, as are those of 2, so neither can be compared.
    assert (one.with_others, one.compared) == (None, 0)
    assert (two.with_others, two.compared) == (None, 0)
    assert (three.with_others, three.compared) == (0.0, 1)


def test_agreement_with_the_others_is_a_share_of_the_answers_that_can_be_compared():
    tasks = {
        "a": [answer(1, "good"), answer(2, "good")],
        "b": [answer(1, "bad"), answer(2, "good")],
        "c": [answer(1, "bad")],
    }
    one, two = annotator_reports([VERDICT], tasks)
    assert (one.answers, one.with_others, one.compared) == (3, 0.5, 2)
    assert (two.answers, two.with_others, two.compared) == (2, 0.5, 2)


def test_the_ground_truth_checks_everybody_but_who_gave_it():
    tasks = {"t": [answer(1, "good"), answer(2, "bad"), answer(9, "bad", ground_truth=True)]}
    one, two, expert = annotator_reports([VERDICT], tasks)
    assert (one.with_truth, one.checked) == (0.0, 1)
    assert (two.with_truth, two.checked) == (1.0, 1)
    assert (expert.with_truth, expert.checked) == (None, 0)


def test_skips_times_and_confidence_are_counted():
    tasks = {
        "a": [answer(1, "good", lead_time=2.0, confidence=1.0)],
        "b": [answer(1, "good", lead_time=40.0, confidence=0.5)],
        "c": [answer(1, None), answer(1, "good", lead_time=60.0)],
        "d": [answer(1, None)],
    }
    [one] = annotator_reports([VERDICT], tasks)
    assert (one.answers, one.skips) == (3, 1)
    assert (one.median_seconds, one.hasty, one.mean_confidence) == (40.0, 1, 0.75)
