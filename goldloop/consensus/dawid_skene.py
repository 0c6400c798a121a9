"""Dawid and Skene's model by maximum likelihood, as published: a comparison, not the default."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from goldloop.consensus.inference import (
    TINY,
    Inference,
    clamp,
    evidence,
    expected_counts,
    incidence,
    rows_to_one,
    softmax,
    too_large,
    warn,
)
from goldloop.consensus.majority_posterior import accuracies, majority_instead, task_weights
from goldloop.consensus.votes import Floats, Votes, checked_gold, vote_counts

METHOD = "dawid_skene"
VERSION = 1
LEAST = 1e-10
TOLERANCE = 1e-5
MAX_ITERATIONS = 100


def dawid_skene(
    votes: Votes,
    gold: ArrayLike | None = None,
    *,
    max_iterations: int = MAX_ITERATIONS,
    tolerance: float = TOLERANCE,
) -> Inference:
    """Annotators' confusion matrices and the tasks' labels by expectation maximisation.

    E step: P[t, k] proportional to q[k] times the product of pi_w[k, l] over the task's answers.
    M step: pi_w[k, l] proportional to the sum of P[t, k] over the tasks where w answered l; q the
    mean of P. Starts from the vote shares (Dawid & Skene 1979, Applied Statistics 28(1), 20-28).

    Stops as crowd-kit 1.4.2 does, so that both can be compared at the same number of iterations:
    when the evidence lower bound per answer grows by less than `tolerance`, in a bound that counts
    the log prior once for each answer. (The model counts it once for each task; stopping by that
    takes longer.) Give a `tolerance` of minus infinity to force `max_iterations`.

    It has no prior, so with few answers it is overconfident and may collapse: see `hierarchical`.
    `gold` is (T,) with -1 for none. Where there is nothing to model, or too many options for
    matrices, the smoothed vote stands in and a note says so. Tasks without votes get q. The
    matrices given are those that the posterior was computed with.

    >>> tasks, annotators = np.repeat(np.arange(4), 3), np.tile(np.arange(3), 4)
    >>> labels = [0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1]
    >>> result = dawid_skene(Votes(tasks, annotators, labels, 4, 3, 2))
    >>> result.posterior.argmax(axis=1).tolist(), result.converged
    ([0, 1, 0, 1], True)
    """
    known = checked_gold(votes, gold)
    why = too_large(votes)
    if why is not None:
        return majority_instead(votes, known, why)
    answers, weights = incidence(votes), task_weights(votes)
    posterior = rows_to_one(vote_counts(votes))
    clamp(posterior, known)
    prior, confusion, counts = _maximise(answers, posterior, weights)
    bound, converged, iterations = -np.inf, False, 0
    used = prior, confusion
    while not converged and iterations < max_iterations:
        used = prior, confusion
        posterior = evidence(answers, confusion)
        posterior += np.log(np.maximum(prior, LEAST))
        entropy = softmax(posterior)
        clamp(posterior, known)
        prior, confusion, counts = _maximise(answers, posterior, weights)
        new = (_joint(prior, confusion, counts) + entropy) / len(votes)
        converged = bool(new - bound < tolerance)
        bound, iterations = new, iterations + 1
    return Inference(
        method=METHOD,
        method_version=VERSION,
        posterior=posterior,
        accuracy=accuracies(votes, posterior),
        prior=used[0],
        confusion=used[1],
        unknown=rows_to_one(used[1].mean(axis=0)),
        iterations=iterations,
        converged=converged,
        warnings=warn(votes, posterior, counts, known),
    )


def _maximise(
    answers: csr_array, posterior: Floats, weights: Floats
) -> tuple[Floats, Floats, Floats]:
    """The M step: the prior (K,), the matrices (W, K, K) and the counts behind them.

    Only answers that an annotator gave get probability; those he never gave have none.
    """
    counts = expected_counts(answers, posterior, answers.shape[1] // posterior.shape[1])
    given = counts.sum(axis=1, keepdims=True) > 0
    confusion = rows_to_one(np.where(given, np.maximum(counts, LEAST), 0.0))
    return weights @ posterior, confusion, counts


def _joint(prior: Floats, confusion: Floats, counts: Floats) -> float:
    """The expected log likelihood of answers and labels, the log prior once for each answer."""
    answers = np.einsum("wkl,wkl->", counts, np.log(np.maximum(confusion, TINY)))
    labels = counts.sum(axis=(0, 2)) @ np.log(np.maximum(prior, LEAST))
    return float(answers + labels)
