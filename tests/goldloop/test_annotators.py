"""How each annotator answers, worked out by hand."""

from itertools import count
from typing import ClassVar

from goldloop.annotators import annotator_reports, is_hasty, words_to_read
from goldloop.annotators.proportions import wilson_interval
from goldloop.consensus import Annotation
from goldloop.fields import Field, FieldKind
from goldloop.samples import Message, Run, Sample

VERDICT = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad"))
WHEN = "2026-01-01T00:00:00Z"
_ids = count(1)


def answer(person, value, when=WHEN, **more):
    """One annotation; None is a skip."""
    answers = {} if value is None else {"verdict": value}
    skipped = value is None
    return Annotation(next(_ids), person, answers, when, was_cancelled=skipped, **more)


def said(person, **answers):
    """One annotation with these answers."""
    return Annotation(next(_ids), person, answers, WHEN)


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
    assert one.others_interval == wilson_interval(1, 2)
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


def test_of_two_ground_truths_the_latest_that_somebody_else_gave_counts():
    old, new = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
    tasks = {
        "t": [
            answer(1, "good"),
            answer(8, "good", when=new, ground_truth=True),
            answer(9, "bad", when=old, ground_truth=True),
        ]
    }
    one, eight, nine = annotator_reports([VERDICT], tasks)
    assert (one.with_truth, eight.with_truth, nine.with_truth) == (1.0, 0.0, 0.0)


def test_texts_are_compared_without_case_and_spacing():
    wording = Field("wording", FieldKind.TEXT, "run")
    tasks = {"t": [said(1, wording="Sorry, no."), said(2, wording=" sorry,  no. ")]}
    assert [r.with_others for r in annotator_reports([wording], tasks)] == [1.0, 1.0]


class TestHaste:
    TASKS: ClassVar = {
        "short": [answer(1, "good", lead_time=6.0)],
        "long": [answer(1, "good", lead_time=6.0)],
        "unknown": [answer(1, "good", lead_time=4.9)],
    }

    def test_without_words_it_is_under_five_seconds(self):
        assert [r.hasty for r in annotator_reports([VERDICT], self.TASKS)] == [1]

    def test_with_words_it_is_faster_than_600_a_minute(self):
        words = {"short": 60, "long": 61}  # 6.0 and 6.1 seconds
        assert [r.hasty for r in annotator_reports([VERDICT], self.TASKS, words)] == [2]

    def test_few_words_give_no_leave_to_answer_under_five_seconds(self):
        assert is_hasty(4.9, words=1)
        assert not is_hasty(5.0, words=1)

    def test_each_text_is_read_once_and_what_is_folded_away_is_not(self):
        turns = (
            Message("system", "a policy of five words"),
            Message("user", "where is it"),
            Message("assistant", "let me look"),
            Message("tool", '{"a": [1, 2, 3]}'),
            Message("assistant", "on its way to you"),
        )
        sample = Sample("s", "where is it", conversation=(Message("user", "hello there"),))
        run = Run("s", "v1", turns, response="on its way to you")
        assert words_to_read(sample, run) == 3 + 2 + 3 + 5

    def test_a_sample_without_a_run_has_its_own_words(self):
        assert words_to_read(Sample("s", "two  words\n")) == 2
