"""Hierarchical MAP Dawid-Skene with a tempered posterior: the default with enough data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from goldloop.consensus.inference import (
    Inference,
    clamp,
    evidence,
    expected_counts,
    incidence,
    rows_to_one,
    too_large,
    warn,
)
from goldloop.consensus.majority_posterior import majority_instead
from goldloop.consensus.temperature import (
    GOLD_NEEDED,
    check_temperature,
    default_temperature,
    fitted_temperature,
    tempered,
)
from goldloop.consensus.votes import (
    NO_GOLD,
    Floats,
    Ints,
    Votes,
    checked_gold,
    vote_counts,
    votes_per_task,
)

METHOD = "hierarchical"
VERSION = 1
MATRIX = 12.0  # s: answers that an annotator's prior matrix is worth, in each row
SKILL = 10.0  # h: answers that the typical accuracy is worth against an annotator's own
POOLED = 300.0  # S: answers that symmetric errors are worth against the pooled matrix, in each row
LABELS = 300.0  # S_pi: tasks that the prior's mean is worth against the labels inferred
LEAST, MOST = 0.02, 0.98
TOLERANCE = 1e-5
EARLY = 5  # iterations
CONVERGED = 100  # iterations: as good as converged


def hierarchical(
    votes: Votes,
    gold: ArrayLike | None = None,
    *,
    temperature: float | None = None,
    max_iterations: int = EARLY,
    tolerance: float = TOLERANCE,
) -> Inference:
    """Dawid and Skene's model with annotators drawn to a pooled one, and it to symmetric errors.

    An annotator's matrix has a prior of 12 answers a row around the pooled matrix with the
    annotator's own skill on its diagonal; the pooled matrix and the class prior are held by 300
    pseudo-answers each, because estimating them freely makes such models collapse. After
    `max_iterations`, or when no probability moves by `tolerance`, the evidence is tempered:

        P[t, k] = softmax(log q[k] + tau * sum over the task's answers of log pi_w[k, l])

    It stops early on purpose: with few and weak answers the iteration feeds on its own guesses. At
    two answers a task the set `web` is labelled as well as by the vote after 5 iterations and nine
    points worse after 100; elsewhere the two differ by a point or so. `max_iterations=CONVERGED`
    iterates to the end; `converged` tells whether it got there.

    `temperature` is tau. None fits it on gold from 100 gold tasks with votes on, and takes
    `default_temperature` below that. A gold task (a code in `gold`, (T,), -1 for none) keeps its
    label throughout and teaches the annotators' matrices.

    Where there is nothing to model, or too many options for matrices, the smoothed vote stands in
    and a note says so. A task without votes gets the class prior and changes nothing else. Where
    nobody can be compared, each annotator is believed a little more than chance.

    Annotators drawn to a population: Paun et al. 2018 (TACL 6, 571-585). The constants were chosen
    on 21 public data sets. Raises RecordError for gold or a temperature that makes no sense.

    >>> tasks, annotators = np.repeat(np.arange(4), 3), np.tile(np.arange(3), 4)
    >>> labels = [0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1]
    >>> result = hierarchical(Votes(tasks, annotators, labels, 4, 3, 2))
    >>> result.posterior.argmax(axis=1).tolist(), result.iterations
    ([0, 1, 0, 1], 5)
    """
    known = checked_gold(votes, gold)
    why = too_large(votes)
    if why is not None:
        return majority_instead(votes, known, why)
    answers, start = incidence(votes), _start(votes)
    scores = evidence(answers, np.repeat(start.base[None], votes.n_annotators, axis=0))
    posterior = _clamped(scores, start.prior, 1.0, known)
    iterations, converged = 0, False
    while not converged and iterations < max(max_iterations, 1):
        fit = _maximise(answers, posterior, start)
        scores = evidence(answers, fit.confusion)
        new = _clamped(scores, fit.prior, 1.0, known)
        posterior -= new
        converged = bool(max(posterior.max(), -posterior.min()) < tolerance)
        posterior, iterations = new, iterations + 1
    warnings = warn(votes, posterior, fit.counts, known)
    tau = _temperature(votes, scores, fit, known) if temperature is None else temperature
    return Inference(
        method=METHOD,
        method_version=VERSION,
        posterior=_clamped(scores, fit.prior, check_temperature(tau), known),
        accuracy=fit.accuracy,
        prior=fit.prior,
        confusion=fit.confusion,
        unknown=fit.pooled,
        temperature=tau,
        iterations=iterations,
        converged=converged,
        warnings=warnings,
    )


def typical_accuracy(votes: Votes) -> float:
    """a0, the accuracy of an annotator that the pairwise agreement A speaks for.

    a0 = (1 + sqrt((K - 1)(K A - 1))) / K under symmetric errors, clipped to
    [max(0.55, 1/K + 0.05), 0.97]; A is over pairs of answers to one task. The lower bound where
    nobody shares a task.

    >>> two = Votes([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 0], 2, 2, 2)  # A = 1/2: guesses
    >>> typical_accuracy(two)
    0.55
    """
    options = votes.n_options
    least = max(0.55, 1 / options + 0.05)
    counts = vote_counts(votes)
    answered = counts.sum(axis=1)
    pairs = float(answered @ (answered - 1))
    if pairs == 0:
        return least
    agreement = float(np.einsum("tk,tk->", counts, counts - 1)) / pairs
    root = np.sqrt(max((options - 1) * (options * agreement - 1), 0.0))
    return float(np.clip((1 + root) / options, least, 0.97))


@dataclass(frozen=True, slots=True, eq=False)
class _Start:
    """What stays as it is: a0, B0 (K, K), p0 (K,), and 1 for each task with votes, (T,)."""

    typical: float
    base: Floats
    prior: Floats
    answered: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """An M step: q (K,), C, s m and pi (W, K, K), the pooled matrix (K, K), accuracies (W,)."""

    prior: Floats
    counts: Floats
    pseudo: Floats
    confusion: Floats
    pooled: Floats
    accuracy: Floats


def _start(votes: Votes) -> _Start:
    options, typical = votes.n_options, typical_accuracy(votes)
    base = np.full((options, options), (1 - typical) / (options - 1))
    np.fill_diagonal(base, typical)
    answered = (votes_per_task(votes) > 0).astype(np.float64)
    shares = answered @ rows_to_one(vote_counts(votes))
    marginal = (shares + 1 / options) / (answered.sum() + 1)
    return _Start(typical, base, 0.5 * marginal + 0.5 / options, answered)


def _clamped(scores: Floats, prior: Floats, temperature: float, gold: Ints) -> Floats:
    posterior = tempered(scores, prior, temperature)
    clamp(posterior, gold)
    return posterior


def _maximise(answers: csr_array, posterior: Floats, start: _Start) -> _Fit:
    options = posterior.shape[1]
    counts = expected_counts(answers, posterior, answers.shape[1] // options)
    pooled = rows_to_one(counts.sum(axis=0) + POOLED * start.base)
    typical = np.clip(np.diagonal(pooled), LEAST, MOST)
    total = counts.sum(axis=(1, 2))
    right = np.trace(counts, axis1=1, axis2=2)
    expected = counts.sum(axis=2) @ typical  # what the pooled annotator would get right
    accuracy = _drawn(right, total, start.typical)
    skill = _logit(accuracy) - _logit(_drawn(expected, total, start.typical))
    pseudo = MATRIX * _prior_matrices(pooled, typical, skill)
    labels = start.answered @ posterior + LABELS * start.prior
    return _Fit(
        prior=labels / labels.sum(),
        counts=counts,
        pseudo=pseudo,
        confusion=rows_to_one(counts + pseudo),
        pooled=pooled,
        accuracy=accuracy,
    )


def _drawn(right: Floats, total: Floats, typical: float) -> Floats:
    """Accuracies drawn to the typical one, (W,)."""
    return np.clip((right + SKILL * typical) / (total + SKILL), LEAST, MOST)


def _prior_matrices(pooled: Floats, typical: Floats, skill: Floats) -> Floats:
    """m_w, (W, K, K): the pooled matrix with its diagonal moved by the annotator's skill in logits.

    What the diagonal leaves of a row is shared out as in the pooled matrix. In memory by answer,
    as `expected_counts` has it.
    """
    diagonal = 1 / (1 + np.exp(-(_logit(typical)[None] + skill[:, None])))
    errors = pooled.copy()
    np.fill_diagonal(errors, 0.0)
    errors = rows_to_one(errors)
    by_answer = errors.T[None] * (1 - diagonal)[:, None, :]
    place = np.arange(len(pooled))
    by_answer[:, place, place] = diagonal
    return by_answer.transpose(0, 2, 1)


def _logit(share: Floats) -> Floats:
    odds: Floats = np.log(share / (1 - share))
    return odds


def _temperature(votes: Votes, scores: Floats, fit: _Fit, gold: Ints) -> float:
    usable = np.flatnonzero((gold != NO_GOLD) & (votes_per_task(votes) > 0))
    if len(usable) < GOLD_NEEDED:
        return default_temperature(votes)
    without = scores + _without_itself(votes, fit, gold)
    return fitted_temperature(without[usable], fit.prior, gold[usable])


def _without_itself(votes: Votes, fit: _Fit, gold: Ints) -> Floats:
    """What the scores of gold tasks change by when their own label is taken from the matrices.

    (T, K). A gold label g put 1 into C_w[g, l] of each of its answers; other rows do not know it.
    """
    rows = np.flatnonzero(gold[votes.tasks] != NO_GOLD)
    task, who, given = votes.tasks[rows], votes.annotators[rows], votes.labels[rows]
    label = gold[task]
    cells = (fit.counts + fit.pseudo)[who, label]
    here, total = cells[np.arange(len(rows)), given], cells.sum(axis=1)
    change = np.log((here - 1) / (total - 1)) - np.log(here / total)
    difference = np.zeros((votes.n_tasks, votes.n_options))
    np.add.at(difference, (task, label), change)
    return difference
