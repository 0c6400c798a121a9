"""What a batch is expected to tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from goldloop.estimates import (
    estimate_pool,
    expected_failures,
    expected_half_width,
    labels_needed,
)
from goldloop.selection import Round, design, hard_round, interest, soft_round


@pytest.fixture
def pool() -> tuple[np.ndarray, np.ndarray]:
    """Calibrated confidences and permanent random numbers of 10,000 items, 80% right."""
    rng = np.random.default_rng(1)
    right = rng.random(10_000) < 0.8
    score = rng.normal(size=10_000) + 0.9539 * right
    return expit(np.log(4) + 0.9539 * score - 0.9539**2 / 2), rng.random(10_000)


def one(mode: str, confidence: np.ndarray, prn: np.ndarray, batch: int) -> Round:
    if mode == "hard":
        return hard_round(design(prn), 1 - confidence, batch, 0.7)
    return soft_round(design(prn), interest(confidence, np.zeros(len(prn), bool), 0), batch, 0.7)


def test_expected_failures_add_up_the_doubts_of_the_picks():
    assert expected_failures([0.9, 0.5, np.nan, 0.25], [1, 2, 3]) == 1.75


@pytest.mark.parametrize(
    ("mode", "control_variate", "points"),
    # Half of the interval's widths that were published for this pool: 11.9, 11.3 and 6.1.
    [("hard", False, 5.95), ("hard", True, 5.65), ("soft", True, 3.05)],
)
def test_half_widths_are_those_published(pool, mode: str, control_variate: bool, points: float):
    sample = one(mode, *pool, 500).design
    width = expected_half_width(pool[0], sample, control_variate=control_variate)
    assert width is not None
    assert 100 * width == pytest.approx(points, rel=0.06)


@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_the_preview_is_about_what_the_estimate_says_afterwards(pool, mode: str):
    confidence, prn = pool
    sample = one(mode, confidence, prn, 500).design
    right = np.random.default_rng(2).random(len(prn)) < confidence
    found = estimate_pool(np.where(sample.drawn, right, np.nan), sample, confidence)
    expected = expected_half_width(confidence, sample)
    assert found.half_width == pytest.approx(expected, rel=0.2)


def test_there_is_no_half_width_while_some_cannot_be_drawn(pool):
    confidence, prn = pool
    assert expected_half_width(confidence, design(prn)) is None
    assert expected_half_width([], design([])) is None


def test_a_pool_that_is_labelled_whole_has_a_width_of_0():
    sample = hard_round(design([0.1, 0.2]), [0.5, 0.4], 2, 0.5).design
    assert expected_half_width([0.5, 0.6], sample) == 0.0


def test_the_labels_needed_are_the_fewest_that_do(pool):
    confidence, prn = pool
    needed = labels_needed(
        confidence, design(prn), 0.03, lambda size: one("soft", confidence, prn, size)
    )
    assert needed is not None
    enough, fewer = (
        expected_half_width(confidence, one("soft", confidence, prn, size).design)
        for size in (needed, needed - 5)
    )
    assert enough is not None
    assert fewer is not None
    assert enough <= 0.03 < fewer


def test_no_labels_are_needed_when_the_interval_is_narrow_enough(pool):
    confidence, prn = pool
    after = one("soft", confidence, prn, 500).design

    def more(size: int) -> Round:
        raise AssertionError(f"asked for {size}")

    assert labels_needed(confidence, after, 0.05, more) == 0


def test_an_interval_that_no_number_of_labels_gives_is_none():
    half = hard_round(design([0.1, 0.2, 0.3]), [0.5] * 3, 1, 1.0)
    assert labels_needed([0.5] * 3, design([0.1, 0.2, 0.3]), 0.01, lambda _: half) is None
