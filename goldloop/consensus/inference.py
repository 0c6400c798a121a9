"""What a method for choices gives, and the two sparse products and the softmax that it needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from goldloop.consensus.votes import (
    NO_GOLD,
    Counts,
    Floats,
    Ints,
    Votes,
    vote_counts,
    votes_per_task,
)

TIE = 1e-9
LARGE_MAJORITY = 2 / 3
ANSWERS_TO_JUDGE = 5
LARGEST_MODEL = 1_000_000  # cells of annotators by options by options: 8 MB, 20 MB as JSON
TINY = 1e-300
_BLOCK = 40_000  # cells of a posterior that stay in the processor's cache


@dataclass(frozen=True, slots=True)
class Warnings:
    """What a person should look at before trusting the labels; codes of annotators and tasks.

    `worse_than_chance`: annotators who are right less often than by giving their own answers at
    random, by more than a standard error, from 5 answers on. `overruled_unanimous`: tasks where two
    or more agree and the method says otherwise. `overruled_majority`: the same for two thirds or
    more of three or more answers. `notes` are sentences.
    """

    worse_than_chance: tuple[int, ...] = ()
    overruled_unanimous: tuple[int, ...] = ()
    overruled_majority: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Inference:
    """What a method infers from the votes of T tasks, W annotators and K options.

    `posterior` (T, K) has rows that sum to 1. `confusion` (W, K, K) is how likely annotator w gives
    answer l where k is true, at [w, k, l]; `unknown` (K, K) is the same for an annotator of whom
    nothing is known. Both are None for a method that only counts votes. `weights` (W,) is what an
    annotator's vote counts, for the weighted vote alone. `accuracy` (W,) is the share of an
    annotator's answers that are right, by this posterior. `prior` (K,) is how often each option is
    true. `temperature` multiplies the votes' evidence and not the prior.
    """

    method: str
    method_version: int
    posterior: Floats
    accuracy: Floats
    prior: Floats
    confusion: Floats | None = None
    unknown: Floats | None = None
    weights: Floats | None = None
    temperature: float = 1.0
    iterations: int = 0
    converged: bool = True
    warnings: Warnings = Warnings()


def top_options(posterior: Floats, tolerance: float = TIE) -> tuple[Counts, NDArray[np.bool_]]:
    """The most probable option of each task, (T,), and whether another is as probable, (T,).

    Where options are tied (within `tolerance`) the option named means nothing: a tie is never
    decided by the order of options or rows.

    >>> top, tied = top_options(np.array([[0.2, 0.8], [0.5, 0.5]]))
    >>> top.tolist()[0], tied.tolist()
    (1, [False, True])
    """
    if posterior.size == 0:
        return np.zeros(len(posterior), dtype=np.int64), np.zeros(len(posterior), dtype=bool)
    best = posterior.max(axis=1)
    return posterior.argmax(axis=1), (posterior >= best[:, None] - tolerance).sum(axis=1) > 1


def incidence(votes: Votes) -> csr_array:
    """A, (T, W K) in CSR form: 1 at [t, w K + l] where annotator w gave answer l to task t."""
    starts = np.concatenate(([0], np.cumsum(votes_per_task(votes)))).astype(np.int32)
    columns = votes.annotators * np.int32(votes.n_options) + votes.labels
    shape = (votes.n_tasks, votes.n_annotators * votes.n_options)
    return csr_array((np.ones(len(votes)), columns, starts), shape=shape)


def evidence(answers: csr_array, confusion: Floats) -> Floats:
    """The votes' log likelihood of each option, (T, K): A @ logE, a sum over the task's votes."""
    annotators, options, _ = confusion.shape
    by_answer = np.log(np.maximum(confusion, TINY)).transpose(0, 2, 1)
    scores: Floats = answers @ by_answer.reshape(annotators * options, options)
    return scores


def expected_counts(answers: csr_array, posterior: Floats, annotators: int) -> Floats:
    """C, (W, K, K): how often annotator w gave l where k is true, expected: A.T @ P.

    Laid out in memory by answer, so that `evidence` reads it in one run.
    """
    options = posterior.shape[1]
    counts: Floats = answers.T @ posterior
    by_answer = counts.reshape(annotators, options, options)
    return by_answer.transpose(0, 2, 1)


def softmax(scores: Floats) -> float:
    """Turn each row into probabilities, exp(s) / sum exp(s), in place; the total entropy in nats.

    Works through blocks that fit the cache, options first: numpy's sums over short rows are several
    times slower.
    """
    entropy = 0.0
    step = max(_BLOCK // max(scores.shape[1], 1), 1)
    for start in range(0, len(scores), step):
        block = np.ascontiguousarray(scores[start : start + step].T)
        block -= block.max(axis=0)
        powers = np.exp(block)
        total = powers.sum(axis=0)
        powers /= total
        block -= np.log(total)
        entropy -= float(np.einsum("kt,kt->", powers, block))
        scores[start : start + step] = powers.T
    return entropy


def clamp(posterior: Floats, gold: Ints) -> None:
    """Put all probability of a gold task on its gold label, in place."""
    known = np.flatnonzero(gold != NO_GOLD)
    posterior[known] = 0.0
    posterior[known, gold[known]] = 1.0


def rows_to_one(counts: Floats) -> Floats:
    """Each row divided by its sum; a row without anything becomes uniform."""
    total = counts.sum(axis=-1, keepdims=True)
    uniform = np.full_like(counts, 1 / max(counts.shape[-1], 1))
    np.divide(counts, total, out=uniform, where=total > 0)
    return uniform


def too_large(votes: Votes) -> str | None:
    """Why there can be no confusion matrix for each annotator, in words; None when there can."""
    cells = votes.n_annotators * votes.n_options**2
    if votes.n_options < 2 or not len(votes):
        return "there is nothing to model: " + (
            "nobody answered" if not len(votes) else "only one option"
        )
    if cells > LARGEST_MODEL:
        return (
            f"{votes.n_options} options by {votes.n_annotators} annotators would need {cells}"
            " probabilities, far more than the answers can tell: the votes are counted instead"
        )
    return None


def warn(votes: Votes, posterior: Floats, counts: Floats | None, gold: ArrayLike) -> Warnings:
    """The warnings for a posterior (T, K) and counts (W, K, K); gold tasks are left out."""
    shares = vote_counts(votes)
    answered = shares.sum(axis=1)
    voted, vote_tied = top_options(shares)
    top, tied = top_options(posterior)
    judged = (np.asarray(gold) == NO_GOLD) & ~tied & ~vote_tied & (top != voted)
    share = shares.max(axis=1, initial=0.0) / np.maximum(answered, 1)
    unanimous = judged & (answered >= 2) & (share == 1)
    large = judged & (answered >= 3) & (share >= LARGE_MAJORITY - TIE) & ~unanimous
    return Warnings(
        worse_than_chance=() if counts is None else _worse_than_chance(counts),
        overruled_unanimous=tuple(np.flatnonzero(unanimous).tolist()),
        overruled_majority=tuple(np.flatnonzero(large).tolist()),
    )


def _worse_than_chance(counts: Floats) -> tuple[int, ...]:
    total = counts.sum(axis=(1, 2))
    enough = np.maximum(total, 1.0)
    right = np.trace(counts, axis1=1, axis2=2) / enough
    chance = np.einsum("wk,wk->w", counts.sum(axis=2), counts.sum(axis=1)) / enough**2
    error = np.sqrt(np.maximum(chance * (1 - chance), 0.0) / enough)
    worse = (total >= ANSWERS_TO_JUDGE - TIE) & (right < chance - error - TIE)
    return tuple(np.flatnonzero(worse).tolist())
