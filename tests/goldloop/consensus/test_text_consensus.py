"""Free text: what most wrote, or the wording nearest to all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.consensus.by_kind import decide, fit_field
from goldloop.consensus.texts import similarity
from goldloop.fields import Field, FieldKind

ANSWER = Field("answer", FieldKind.TEXT, "trace")


def _decide(*texts):
    return fit_field(ANSWER, {"a": dict(enumerate(texts))}).outcomes["a"]


def test_case_and_spacing_do_not_make_texts_differ():
    outcome = _decide("Refund the order", "refund  the ORDER", "Cancel it")

    assert outcome.value == "Refund the order"
    assert outcome.share == pytest.approx(2 / 3)
    assert not outcome.far_apart


def test_where_no_two_are_equal_the_nearest_to_the_others_stands():
    outcome = _decide(
        "refund the whole order and apologise",
        "refund the whole order",
        "refund the order and say sorry to them",
    )

    assert outcome.value == "refund the whole order and apologise"
    assert not outcome.tied
    assert outcome.agreement is not None


def test_texts_that_share_little_are_marked_for_a_person():
    outcome = _decide(
        "refund the whole order now", "nothing can be done about this", "ask later on please"
    )

    assert outcome.far_apart


def test_two_different_texts_by_strangers_are_tied():
    outcome = _decide("refund the order today", "refund the order tomorrow")

    assert (outcome.value, outcome.tied) == (None, True)


def test_two_different_texts_go_to_whoever_is_nearer_to_the_others_elsewhere():
    answers = {
        f"t{task}": {
            1: f"refund order {task} today",
            2: f"refund order {task} today please",
            3: "no idea what this is",
        }
        for task in range(10)
    }
    fit = fit_field(ANSWER, answers)

    outcome = decide(fit.model, {3: "no idea at all here", 1: "refund the order today"})

    assert outcome.value == "refund the order today"
    assert outcome.far_apart


def test_one_text_stands_and_none_stays_without_a_value():
    fit = fit_field(ANSWER, {"a": {1: "yes"}, "b": {}})

    assert fit.outcomes["a"].value == "yes"
    assert (fit.outcomes["b"].value, fit.outcomes["b"].tied) == (None, False)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_answers_does_not_matter(texts, random):
    answers = list(enumerate(texts))
    one = fit_field(ANSWER, {"a": dict(answers)}).outcomes["a"]
    random.shuffle(answers)

    assert fit_field(ANSWER, {"a": dict(answers)}).outcomes["a"] == one


@given(st.text(max_size=40), st.text(max_size=40))
def test_similarity_is_symmetric_and_between_0_and_1(one, other):
    assert similarity(one, other) == similarity(other, one)
    assert 0 <= similarity(one, other) <= 1
    assert similarity(one, one) == 1


def test_very_long_texts_are_compared_in_bounded_time():
    assert similarity("x" * 5_000_000, "y" * 5_000_000) == 0
    assert similarity("a b c d " * 200_000, "a b c e " * 200_000) == pytest.approx(0.75)
