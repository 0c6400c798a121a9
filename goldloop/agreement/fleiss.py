"""Fleiss' kappa: chance-corrected agreement among any number of people."""

from __future__ import annotations

import numpy as np

from goldloop.agreement.bootstrap import estimate
from goldloop.agreement.chance import chance_corrected
from goldloop.agreement.counts import CountTable, FloatArray
from goldloop.agreement.percent import percent_draws


def fleiss_kappa(table: CountTable) -> float | None:
    """Fleiss' kappa, (Po - Pe) / (1 - Pe), at most 1.

    Po is the percent agreement, Pe = sum_k p_k^2, and p_k the mean over tasks of the share of a
    task's answers on option k. With equal numbers of answers this is Fleiss (1971); with unequal
    ones it is the generalisation in Gwet, Handbook of Inter-Rater Reliability (2014), chapter 2,
    over the tasks with two answers or more (Gwet also counts single answers into p_k; here they
    change nothing). With two answers a task it is Scott's pi. None without such a task and when
    only one option was used.

    >>> from goldloop.agreement.counts import count_matrix
    >>> fleiss_kappa(count_matrix([[2, 0], [0, 2], [1, 1], [1, 1]]))
    0.0
    """
    return estimate(table, fleiss_kappa_draws, min_options=2)


def fleiss_kappa_draws(table: CountTable, weights: FloatArray) -> FloatArray:
    """Fleiss' kappa of a paired table for each row of weights: (draws, tasks) to (draws,)."""
    expected = np.square(option_shares(table, weights)).sum(axis=1)
    return chance_corrected(percent_draws(table, weights), expected)


def option_shares(table: CountTable, weights: FloatArray) -> FloatArray:
    """The mean share of each option over weighted tasks: (draws, tasks) to (draws, options)."""
    shares = table.option_sums(weights, table.count / table.sizes()[table.task])
    means: FloatArray = shares / weights.sum(axis=1, keepdims=True)
    return means
