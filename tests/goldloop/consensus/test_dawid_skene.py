"""Dawid and Skene's model, the same as crowd-kit's at the same number of iterations."""

import math

import numpy as np
import pytest

from goldloop.consensus.dawid_skene import dawid_skene
from goldloop.consensus.votes import Votes

TASKS = np.repeat(np.arange(8), 3)
ANNOTATORS = [0, 1, 2, 0, 1, 3, 0, 2, 3, 1, 2, 3] * 2
LABELS = [0, 0, 1, 1, 1, 1, 2, 0, 2, 0, 0, 0, 1, 2, 1, 2, 2, 2, 0, 1, 0, 1, 1, 2]
SMALL = Votes(TASKS, ANNOTATORS, LABELS, 8, 4, 3)

# Computed with crowd-kit 1.4.2 (to compute it again: uv run --with crowd-kit python):
#   frame = pandas.DataFrame({"task": TASKS, "worker": ANNOTATORS, "label": LABELS})
#   crowdkit.aggregation.DawidSkene(n_iter=3, tol=-numpy.inf).fit(frame).probas_
CROWD_KIT_AFTER_3 = [
    [0.999966818, 3.3182e-05, 0.0],
    [0.0, 1.0, 0.0],
    [2.4e-08, 0.0, 0.999999976],
    [1.0, 0.0, 0.0],
    [0.0, 0.981051349, 0.018948651],
    [0.0, 0.0, 1.0],
    [0.999893942, 0.000106058, 0.0],
    [0.0, 0.925191978, 0.074808022],
]
CROWD_KIT_STOPS_AFTER = 7  # with its own defaults, n_iter=100 and tol=1e-5


def test_it_equals_crowd_kit_after_the_same_number_of_iterations():
    result = dawid_skene(SMALL, max_iterations=3, tolerance=-math.inf)

    assert result.iterations == 3
    assert result.posterior == pytest.approx(np.array(CROWD_KIT_AFTER_3), abs=2e-9)


def test_it_stops_when_crowd_kit_does():
    result = dawid_skene(SMALL)

    assert (result.iterations, result.converged) == (CROWD_KIT_STOPS_AFTER, True)


def test_one_step_is_what_the_formulas_give_by_hand():
    """Two tasks: both say 0 on the first; on the second 0 says 1 and 1 says 0.

    Start: P = (1, 0) and (1/2, 1/2), so q = (3/4, 1/4). Annotator 0 gave 0 where P0 = 1 and 1 where
    P0 = 1/2: pi_0[0] = (2/3, 1/3), pi_0[1] = (0, 1). Annotator 1 gave 0 twice: pi_1[k] = (1, 0).
    Second task: 3/4 * 1/3 * 1 = 1/4 for 0, and 1/4 * 1 * 1 = 1/4 for 1. First: all on 0.
    """
    votes = Votes([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 0], 2, 2, 2)

    result = dawid_skene(votes, max_iterations=1)

    assert result.prior == pytest.approx([0.75, 0.25])
    assert result.confusion[0] == pytest.approx(np.array([[2 / 3, 1 / 3], [0, 1]]), abs=1e-9)
    assert result.confusion[1] == pytest.approx(np.array([[1, 0], [1, 0]]), abs=1e-9)
    assert result.posterior == pytest.approx(np.array([[1, 0], [0.5, 0.5]]), abs=1e-8)


def test_gold_is_clamped_and_turns_the_others():
    votes = Votes(np.repeat(np.arange(6), 2), [0, 1] * 6, [0, 1] * 6, 6, 2, 2)

    result = dawid_skene(votes, np.array([0, 0, 0, 0, 0, -1]))

    assert result.posterior[:5, 0].tolist() == [1] * 5
    assert result.posterior[5, 0] > 0.9
