"""Gwet's AC1 and AC2: chance-corrected agreement that holds up when one option prevails."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, TypeAlias

import numpy as np

from goldloop.agreement.bootstrap import estimate
from goldloop.agreement.chance import chance_corrected
from goldloop.agreement.counts import CountTable, FloatArray
from goldloop.agreement.fleiss import option_shares
from goldloop.agreement.percent import percent_draws
from goldloop.errors import SettingsError

AC2Weights: TypeAlias = Literal["linear", "quadratic", "ordinal"]


def gwet_ac1(table: CountTable) -> float | None:
    """Gwet's AC1, (Po - Pe) / (1 - Pe), at most 1.

    Po is the percent agreement, Pe = sum_k p_k (1 - p_k) / (K - 1) over the table's K options (the
    ones that nobody chose count too), p_k as in `fleiss_kappa`. Where nearly all answers are one
    option, kappa and alpha fall towards 0 however well people agree, and AC1 does not. None without
    a task that has two answers, and when only one option was used: agreement was not put to the
    test then. Source: Gwet, Computing inter-rater reliability and its variance in the presence of
    high agreement, British Journal of Mathematical and Statistical Psychology 61 (2008).

    >>> from goldloop.agreement.counts import count_matrix
    >>> round(gwet_ac1(count_matrix([[2, 0]] * 118 + [[1, 1]] * 7)), 4)
    0.9408
    """
    return estimate(table, ac1_draws, min_options=2)


def gwet_ac2(table: CountTable, weights: AC2Weights = "ordinal") -> float | None:
    """Gwet's AC2: AC1 with part credit for near misses, for options in order.

    With w_kl the credit for options k and l: a task's agreement is
    sum_k n_k (sum_l w_kl n_l - 1) / (m (m - 1)) and chance is
    (sum of all w_kl) / (K (K - 1)) * sum_k p_k (1 - p_k). For a distance d = |k - l| of positions
    among the K options w is 1 - d / (K - 1) ("linear"), 1 - (d / (K - 1))^2 ("quadratic") or
    1 - d (d + 1) / (K (K - 1)) ("ordinal"). None as for AC1. Makes a matrix of K x K. Source:
    Gwet, Handbook of Inter-Rater Reliability (2014), chapter 4. Raises SettingsError for other
    weights.

    >>> from goldloop.agreement.counts import count_matrix
    >>> near, far = count_matrix([[1, 1, 0], [0, 0, 2]]), count_matrix([[1, 0, 1], [0, 2, 0]])
    >>> gwet_ac2(near) > gwet_ac2(far)
    True
    """
    return estimate(table, partial(ac2_draws, weighting=weights), min_options=2)


def ac1_draws(table: CountTable, weights: FloatArray) -> FloatArray:
    """AC1 of a paired table for each row of weights: (draws, tasks) to (draws,)."""
    options = len(table.options)
    expected = _diversity(table, weights) / max(options - 1, 1)
    return chance_corrected(percent_draws(table, weights), expected)


def ac2_draws(
    table: CountTable, weights: FloatArray, weighting: AC2Weights = "ordinal"
) -> FloatArray:
    """AC2 of a paired table for each row of weights: (draws, tasks) to (draws,)."""
    credit = _credit(len(table.options), weighting)
    sizes = table.sizes()
    left, right = table.cell_pairs()
    near = table.pair_sums(left, right, credit[table.option[left], table.option[right]])
    credited = table.task_sums(table.count * (table.count - 1)) + 2 * near
    observed = weights @ (credited / (sizes * (sizes - 1))) / weights.sum(axis=1)
    share = credit.sum() / max(credit.size - len(credit), 1)
    return chance_corrected(observed, share * _diversity(table, weights))


def _diversity(table: CountTable, weights: FloatArray) -> FloatArray:
    shares = option_shares(table, weights)
    diversity: FloatArray = (shares * (1.0 - shares)).sum(axis=1)
    return diversity


_CREDITS: dict[str, Callable[[FloatArray, int], FloatArray]] = {
    "linear": lambda distance, options: 1 - distance / (options - 1),
    "quadratic": lambda distance, options: 1 - np.square(distance / (options - 1)),
    "ordinal": lambda distance, options: 1 - distance * (distance + 1) / (options * (options - 1)),
}


def _credit(options: int, weighting: AC2Weights) -> FloatArray:
    """The credit for each pair of options, shape (options, options), 1 on the diagonal."""
    if weighting not in _CREDITS:
        raise SettingsError(f"weights must be one of {', '.join(_CREDITS)}; got {weighting!r:.40}")
    position = np.arange(options, dtype=np.float64)
    distance = np.abs(position[:, None] - position)
    return _CREDITS[weighting](distance, max(options, 2))
