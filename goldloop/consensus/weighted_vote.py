"""Weighted vote: an annotator who agrees more with the others counts for more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from goldloop.consensus.inference import TIE, Inference, clamp
from goldloop.consensus.majority_posterior import counted_inference
from goldloop.consensus.votes import Floats, Ints, Votes, checked_gold, vote_counts

METHOD = "weighted_vote"
VERSION = 1
SHRINK = 4.0
LEAST = 0.01
MAX_ITERATIONS = 50


def weighted_vote(
    votes: Votes, gold: ArrayLike | None = None, *, max_iterations: int = MAX_ITERATIONS
) -> Inference:
    """Votes weighted by each annotator's accuracy against the weighted vote, until it settles.

    Iterative weighted majority voting (Li & Yu 2014, arXiv:1411.4086): accuracy a_w is the share of
    an annotator's answers that won, weight v_w = (K a_w - 1) / (K - 1), and the options' scores are
    the sums of weights. Three departures: accuracies are drawn to their mean by 4 answers; weights
    are at least 0.01, so that nobody's answer counts against itself; and tied options share the
    credit, so that nothing depends on the order of rows or options. Weights are scaled to a mean of
    1 over the answers, and the posterior is the smoothed share of the weighted votes.

    `gold` is (T,) with -1 for none. Raises RecordError for a table above 400 MB.

    >>> tasks, annotators = np.repeat(np.arange(9), 3), np.tile(np.arange(3), 9)
    >>> labels = np.array([0, 0, 1] * 4 + [1, 1, 0] * 4 + [0, 0, 0])
    >>> result = weighted_vote(Votes(tasks, annotators, labels, 9, 3, 2))
    >>> result.weights.round(2).tolist()
    [1.49, 1.49, 0.02]
    """
    known = checked_gold(votes, gold)
    weights: Floats = np.ones(votes.n_annotators)
    converged, iterations = False, 0
    while not converged and iterations < max_iterations:
        table = vote_counts(votes, weights[votes.annotators])
        new = _weights(votes, _won(table, known))
        converged = bool(np.abs(new - weights).max(initial=0.0) < TIE)
        weights, iterations = new, iterations + 1
    inference = counted_inference(METHOD, VERSION, votes, known, weights)
    return replace(inference, iterations=iterations, converged=converged)


def _won(table: Floats, gold: Ints) -> Floats:
    """1 for the option that won, shared where several did, (T, K)."""
    best = table.max(axis=1, initial=0.0, keepdims=True)
    won: Floats = (table >= best - TIE).astype(np.float64)
    won /= np.maximum(won.sum(axis=1, keepdims=True), 1.0)
    clamp(won, gold)
    return won


def _weights(votes: Votes, won: Floats) -> Floats:
    options = votes.n_options
    if options < 2 or not len(votes):
        return np.ones(votes.n_annotators)
    credit = won[votes.tasks, votes.labels]
    right = np.bincount(votes.annotators, weights=credit, minlength=votes.n_annotators)
    answers = np.bincount(votes.annotators, minlength=votes.n_annotators)
    accuracy = (right + SHRINK * credit.mean()) / (answers + SHRINK)
    weights = np.maximum((options * accuracy - 1) / (options - 1), LEAST)
    scaled: Floats = weights / weights[votes.annotators].mean()
    return scaled
