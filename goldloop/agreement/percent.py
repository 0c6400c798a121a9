"""Percent agreement: the share of pairs of answers that are equal, averaged over tasks."""

from __future__ import annotations

from goldloop.agreement.bootstrap import estimate
from goldloop.agreement.counts import CountTable, FloatArray


def percent_agreement(table: CountTable) -> float | None:
    """The mean over tasks of the share of pairs of answers that are equal, in [0, 1].

    With n_k of a task's m answers on option k, its share is sum_k n_k (n_k - 1) / (m (m - 1)).
    Tasks with fewer than two answers are left out; None when that leaves none. Says nothing about
    what chance alone would give: with one option in 95% of the answers it is 0.905 by chance.

    >>> from goldloop.agreement.counts import count_matrix
    >>> percent_agreement(count_matrix([[3, 0], [2, 1], [1, 0]]))
    0.6666666666666666
    """
    return estimate(table, percent_draws)


def percent_draws(table: CountTable, weights: FloatArray) -> FloatArray:
    """Percent agreement of a paired table for each row of weights: (draws, tasks) to (draws,)."""
    shares: FloatArray = weights @ pair_shares(table) / weights.sum(axis=1)
    return shares


def pair_shares(table: CountTable) -> FloatArray:
    """The share of equal pairs in each task of a paired table, shape (tasks,)."""
    sizes = table.sizes()
    shares: FloatArray = table.task_sums(table.count * (table.count - 1)) / (sizes * (sizes - 1))
    return shares
