"""Smoothed vote shares: what the votes alone say, with a little doubt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from goldloop.consensus.inference import (
    Inference,
    Warnings,
    clamp,
    expected_counts,
    incidence,
    rows_to_one,
    too_large,
    warn,
)
from goldloop.consensus.majority import PER_OPTION, pseudo_votes
from goldloop.consensus.votes import Floats, Ints, Votes, checked_gold, vote_counts, votes_per_task

METHOD = "majority_posterior"
VERSION = 1
SHRINK = 2.0


def smoothed_shares(counts: Floats) -> Floats:
    """Votes (..., K) as probabilities: (votes + a) / (all votes + K a), a from `pseudo_votes`.

    No votes at all gives every option the same.

    >>> smoothed_shares(np.array([[2.0, 0.0], [0.0, 0.0]])).round(3).tolist()
    [[0.833, 0.167], [0.5, 0.5]]
    """
    return rows_to_one(counts + pseudo_votes(counts.shape[-1]))


def majority_posterior(votes: Votes, gold: ArrayLike | None = None) -> Inference:
    """The vote shares with 0.5 votes added to every option, as the posterior.

    Formula: P[t, k] = (n[t, k] + 0.5) / (n[t] + 0.5 K); see `pseudo_votes` for more than five
    options. Equal votes stay equal, a task without votes gets 1/K, and a gold task (a code in
    `gold`, (T,), -1 for none) gets its label. The annotators' matrices and accuracies are read off
    the vote afterwards and not used for it. Raises RecordError for a table above 400 MB.

    Brier score and calibration beat raw shares (Krichevsky & Trofimov 1981 give the 0.5).

    >>> votes = Votes([0, 0, 1], [0, 1, 0], [1, 1, 0], n_tasks=2, n_annotators=2, n_options=2)
    >>> majority_posterior(votes).posterior.round(3).tolist()
    [[0.167, 0.833], [0.75, 0.25]]
    """
    return counted_inference(METHOD, VERSION, votes, checked_gold(votes, gold))


def counted_inference(
    method: str, method_version: int, votes: Votes, gold: Ints, weights: Floats | None = None
) -> Inference:
    """What a method says that counts votes, (T, K), each one as much as its annotator's weight.

    `weights` is (W,), None for 1 each. The annotators' matrices are read off afterwards.
    """
    each = None if weights is None else weights[votes.annotators]
    posterior = smoothed_shares(vote_counts(votes, each))
    clamp(posterior, gold)
    confusion, warnings = read_off(votes, posterior, gold)
    return Inference(
        method=method,
        method_version=method_version,
        posterior=posterior,
        accuracy=accuracies(votes, posterior),
        prior=vote_prior(votes, posterior),
        confusion=confusion,
        weights=weights,
        warnings=warnings,
    )


def majority_instead(votes: Votes, gold: ArrayLike | None, why: str) -> Inference:
    """`majority_posterior`, with a note that says why it stands in for another method."""
    inference = majority_posterior(votes, gold)
    return replace(inference, warnings=replace(inference.warnings, notes=(why,)))


def read_off(votes: Votes, posterior: Floats, gold: Ints) -> tuple[Floats | None, Warnings]:
    """The annotators' matrices that a posterior implies, with 0.5 answers a cell, and the warnings.

    None, and the warnings that need no matrix, where `too_large` says that there can be none.
    """
    if too_large(votes) is not None:
        return None, warn(votes, posterior, None, gold)
    counts = expected_counts(incidence(votes), posterior, votes.n_annotators)
    return rows_to_one(counts + PER_OPTION), warn(votes, posterior, counts, gold)


def accuracies(votes: Votes, posterior: Floats) -> Floats:
    """How often each annotator is right by this posterior, (W,), drawn 2 answers to the mean."""
    credit = posterior[votes.tasks, votes.labels]
    right = np.bincount(votes.annotators, weights=credit, minlength=votes.n_annotators)
    answers = np.bincount(votes.annotators, minlength=votes.n_annotators)
    typical = float(credit.mean()) if len(credit) else 1 / max(votes.n_options, 1)
    return (right + SHRINK * typical) / (answers + SHRINK)


def vote_prior(votes: Votes, posterior: Floats) -> Floats:
    """The posterior's mean over the tasks that have votes, (K,); uniform when none has."""
    if not len(votes):
        return np.full(votes.n_options, 1 / max(votes.n_options, 1))
    mean: Floats = task_weights(votes) @ posterior
    return mean


def task_weights(votes: Votes) -> Floats:
    """1 / (number of tasks with votes) for each of them and 0 for the others, (T,)."""
    voted = votes_per_task(votes) > 0
    weights: Floats = voted / max(int(voted.sum()), 1)
    return weights
