from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.errors import RecordError, SettingsError
from goldloop.prn import tie_break
from goldloop.selection import Selection, select, split_batch, uncertainty

NAN = math.nan


def picked(selection: Selection) -> set[int]:
    return {*selection.uncertain.tolist(), *selection.random.tolist()}


# Uncertainty


@pytest.mark.parametrize(
    ("confidence", "novel", "expected"),
    [
        (1.0, False, 0.0),
        (0.0, False, 1.0),
        (0.25, False, 0.75),
        (1.0, True, 0.2),
        (0.5, True, 0.7),
        (0.8, True, 0.4),
        (0.1, True, 1.0),
        (NAN, False, 0.5),
        (None, True, 0.7),
    ],
)
def test_uncertainty_is_one_minus_confidence_and_a_capped_boost(
    confidence: float | None, novel: bool, expected: float
) -> None:
    assert uncertainty([confidence], [novel], 0.2).tolist() == [expected]


def test_sums_that_are_equal_on_paper_are_equal() -> None:
    scores = uncertainty([0.9, 0.7, 0.6], [True, False, False], 0.2)
    assert scores[0] == scores[1] != scores[2]


@given(
    st.lists(st.tuples(st.floats(0, 1) | st.just(NAN), st.booleans()), max_size=20),
    st.floats(0, 1),
)
def test_uncertainty_stays_between_0_and_1(items: list[tuple[float, bool]], boost: float) -> None:
    scores = uncertainty([c for c, _ in items], [n for _, n in items], boost)
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("confidence", [-0.1, 1.1, math.inf])
def test_a_confidence_out_of_range_is_refused_by_its_position(confidence: float) -> None:
    with pytest.raises(RecordError, match=r"^the confidence at position 1 is "):
        uncertainty([0.5, confidence], [False, False], 0.2)


# The shares of a batch


@pytest.mark.parametrize(
    ("size", "share", "expected"),
    [
        (20, 0.7, (14, 6)),
        (10, 0.7, (7, 3)),
        (5, 0.7, (4, 1)),
        (5, 0.5, (3, 2)),
        (1, 0.7, (1, 0)),
        (1, 0.4, (0, 1)),
        (0, 0.7, (0, 0)),
        (7, 0.0, (0, 7)),
        (7, 1.0, (7, 0)),
        (1_000_000, 0.7, (700_000, 300_000)),
    ],
)
def test_a_batch_is_split_with_halves_rounded_up(
    size: int, share: float, expected: tuple[int, int]
) -> None:
    assert split_batch(size, share) == expected


# Selecting, by hand


def test_the_most_uncertain_and_then_the_smallest_random_numbers() -> None:
    scores = [0.1, 0.9, 0.3, 0.8, 0.2, 0.0, 0.7, 0.4]
    prn = [0.50, 0.90, 0.10, 0.80, 0.05, 0.60, 0.30, 0.20]
    found = select(scores, prn, batch_size=5, uncertain_share=0.6)
    assert found.uncertain.tolist() == [1, 3, 6]
    assert found.random.tolist() == [4, 2]
    assert (found.cutoff, found.prn_level) == (0.7, 0.10)
    assert found.inclusion_probability.tolist() == [0.4, 1, 0.4, 1, 0.4, 0.4, 1, 0.4]


def test_a_random_number_does_not_help_into_the_uncertain_part() -> None:
    found = select([0.9, 0.8, 0.1], [0.9, 0.01, 0.02], 1, uncertain_share=1.0)
    assert (found.uncertain.tolist(), found.random.tolist()) == ([0], [])


def test_what_is_left_out_by_certainty_alone_can_never_be_picked() -> None:
    found = select([0.9, 0.8, 0.1], [0.9, 0.01, 0.02], 1, uncertain_share=1.0)
    assert found.inclusion_probability.tolist() == [1, 0, 0]
    assert found.prn_level is None


def test_a_batch_may_be_random_altogether() -> None:
    found = select([0.9, 0.8, 0.1, 0.0], [0.9, 0.3, 0.5, 0.1], 2, uncertain_share=0.0)
    assert (found.uncertain.tolist(), found.random.tolist()) == ([], [3, 1])
    assert (found.cutoff, found.prn_level) == (None, 0.3)
    assert found.inclusion_probability.tolist() == [0.5] * 4


@pytest.mark.parametrize("batch", [3, 4, 1000])
def test_a_pool_no_larger_than_the_batch_is_taken_whole(batch: int) -> None:
    found = select([0.2, 0.9, 0.2], [0.1, 0.2, 0.3], batch, uncertain_share=0.7)
    assert picked(found) == {0, 1, 2}
    assert found.inclusion_probability.tolist() == [1, 1, 1]
    assert len(found.uncertain) == 2


def test_an_empty_pool_gives_an_empty_batch() -> None:
    found = select([], [], 5, uncertain_share=0.7)
    assert (picked(found), found.cutoff, found.prn_level) == (set(), None, None)


def test_ties_at_the_cutoff_go_by_the_tie_break() -> None:
    prn = np.random.default_rng(5).random(50)
    found = select(np.full(50, 0.5), prn, 10, uncertain_share=1.0)
    assert found.uncertain.tolist() == np.argsort(tie_break(prn))[:10].tolist()


def test_among_ties_the_random_number_itself_gives_no_advantage() -> None:
    rng = np.random.default_rng(6)
    ranks = []
    for _ in range(400):
        prn = rng.random(40)
        taken = select(np.full(40, 0.5), prn, 20, uncertain_share=1.0).uncertain
        ranks.append(prn[taken].mean())
    # The mean of 20 uniform numbers has a standard error of 0.0645; that of 400 such means, 0.0032.
    assert abs(np.mean(ranks) - 0.5) < 4 * 0.0032


@given(st.data())
def test_the_order_of_arrival_never_matters(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 30))
    levels = st.sampled_from([0.0, 0.2, 0.5, 0.5000000001, 1.0])
    scores = np.array(data.draw(st.lists(levels, min_size=size, max_size=size)))
    prn = np.random.default_rng(data.draw(st.integers(0, 2**32))).random(size)
    order = np.array(data.draw(st.permutations(range(size))))
    batch, share = data.draw(st.integers(1, 35)), data.draw(st.floats(0, 1))
    first = select(scores, prn, batch, share)
    second = select(scores[order], prn[order], batch, share)
    assert order[second.uncertain].tolist() == first.uncertain.tolist()
    assert order[second.random].tolist() == first.random.tolist()
    assert second.inclusion_probability.tolist() == first.inclusion_probability[order].tolist()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(1, 50), st.floats(0, 1))
def test_a_batch_has_its_size_no_repeats_and_probabilities_that_add_up(
    scores: list[float], batch: int, share: float
) -> None:
    prn = np.random.default_rng(len(scores)).random(len(scores))
    found = select(scores, prn, batch, share)
    size = min(batch, len(scores))
    assert len(found.uncertain) + len(found.random) == len(picked(found)) == size
    assert found.inclusion_probability.sum() == pytest.approx(size)


# As a sampling design


def draws(n_draws: int, scores: np.ndarray, batch: int, share: float, seed: int) -> np.ndarray:
    """How often each item is picked when the permanent random numbers are drawn anew."""
    rng = np.random.default_rng(seed)
    counts = np.zeros(len(scores))
    for _ in range(n_draws):
        found = select(scores, rng.random(len(scores)), batch, share)
        counts[found.uncertain] += 1
        counts[found.random] += 1
    return counts


def test_each_item_of_the_rest_is_drawn_as_often_as_its_inclusion_probability_says() -> None:
    scores = np.linspace(0, 1, 40)
    n = 8_000
    counts = draws(n, scores, 20, 0.7, seed=7)
    probability = select(scores, np.random.default_rng(0).random(40), 20, 0.7)
    expected = probability.inclusion_probability
    assert (counts[expected == 1.0] == n).all()
    rest = counts[expected < 1.0]
    p = 6 / 26
    assert len(rest) == 26
    assert expected[expected < 1.0].tolist() == [p] * 26
    # Each count is binomial; of 26 none should be 4.5 standard deviations away.
    assert (np.abs(rest - n * p) < 4.5 * math.sqrt(n * p * (1 - p))).all()
    # The sum of squares, scaled for draws without replacement, is chi-square with 25 degrees.
    statistic = ((rest - n * p) ** 2).sum() / (n * p * (1 - p)) * (25 / 26)
    assert statistic < 60.1  # the 0.9999 quantile


def test_items_that_tie_at_the_cutoff_are_taken_equally_often() -> None:
    n = 4_000
    counts = draws(n, np.full(30, 0.5), 10, 1.0, seed=8)
    p = 1 / 3
    assert (np.abs(counts - n * p) < 4.5 * math.sqrt(n * p * (1 - p))).all()


# What is refused


@pytest.mark.parametrize(("batch", "share"), [(0, 0.7), (-1, 0.7), (5, -0.1), (5, 1.1), (5, NAN)])
def test_a_batch_that_makes_no_sense_is_refused(batch: int, share: float) -> None:
    with pytest.raises(SettingsError, match=r"at least 1 sample and a share in \[0, 1\]"):
        select([0.5], [0.5], batch, share)


@pytest.mark.parametrize(
    ("scores", "prn", "message"),
    [
        ([0.5, NAN], [0.1, 0.2], r"^the uncertainty at position 1 is nan; expected a number"),
        ([0.5, None], [0.1, 0.2], r"^the uncertainty at position 1 is nan"),
        ([0.5, 0.5], [0.1, 1.2], r"^the permanent random number at position 1 is 1.2; .* 0 to 1"),
        ([0.5, 0.5], [NAN, 0.2], r"^the permanent random number at position 0 is nan"),
        ([0.5], [0.1, 0.2], r"two lists of one length, not of shapes \(1,\) and \(2,\)"),
        ([[0.5]], [[0.1]], r"two lists of one length"),
    ],
)
def test_a_pool_that_makes_no_sense_is_refused(scores: Any, prn: Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        select(scores, prn, 1, 0.7)
