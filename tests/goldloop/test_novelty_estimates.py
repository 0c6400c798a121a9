"""Novelty moves picks, and the estimate for the whole pool stays without bias."""

from __future__ import annotations

import numpy as np
import pytest

from goldloop.estimates import estimate_pool
from goldloop.novelty import NoveltyRule, assess_novelty, boost_novel, most_novel
from goldloop.prn import tie_break
from goldloop.selection import design, hard_round, split_batch

POOL, BATCH, ROUNDS = 500, 50, 3
BY_PATH = NoveltyRule(by_text=False)


def one_pool(random):
    """Paths of which a few are common, and runs that fail more often the rarer their path is."""
    kinds = np.minimum(random.zipf(1.5, POOL), 80)
    paths = [((f"tool {kind}", ()),) for kind in kinds.tolist()]
    right = random.random(POOL) < np.where(kinds > 3, 0.6, 0.9)
    confidence = np.clip(random.normal(0.6 + 0.15 * right, 0.15), 0.01, 0.99)
    return paths, right.astype(float), confidence


def estimate_after_rounds(random):
    paths, right, confidence = one_pool(random)
    state, novel_picks = design(random.random(POOL)), 0
    for _ in range(ROUNDS):
        novelty = assess_novelty([], paths, state.labelled, rule=BY_PATH)
        boosted = boost_novel(
            1.0 - confidence,
            novelty,
            tie_break(state.prn),
            ~state.labelled,
            split_batch(BATCH, 0.7)[0],
            boost=0.2,
            most=most_novel(BATCH, 0.3),
        )
        assert boosted.because.sum() <= most_novel(BATCH, 0.3)
        novel_picks += int(boosted.because.sum())
        state = hard_round(state, boosted.final, BATCH, 0.7).design
    found = estimate_pool(np.where(state.labelled, right, np.nan), state)
    return found.value - right.mean(), found.low <= right.mean() <= found.high, novel_picks


@pytest.mark.slow
def test_a_boosted_selection_over_several_rounds_estimates_the_pool_without_bias():
    random = np.random.default_rng(11)
    errors, covered, novel_picks = zip(
        *(estimate_after_rounds(random) for _ in range(400)), strict=True
    )
    assert np.mean(novel_picks) > 5
    assert abs(np.mean(errors)) < 3 * np.std(errors) / 20
    assert np.mean(covered) > 0.915
