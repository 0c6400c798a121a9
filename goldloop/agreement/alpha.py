"""Krippendorff's alpha: chance-corrected agreement for any number of people and any scale.

alpha = 1 - Do / De. Do is the mean distance between two answers to one task, where a task with m
answers enters with weight m; De is the mean distance between two answers drawn from all of them.
Source: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np

from goldloop.agreement.bootstrap import estimate
from goldloop.agreement.chance import ratio
from goldloop.agreement.counts import CountTable, FloatArray
from goldloop.errors import RecordError, SettingsError

Level: TypeAlias = Literal["nominal", "ordinal", "interval", "ratio"]

# The distances of some options (a slice) from all of them, shape (some, options).
DistanceRows: TypeAlias = Callable[[slice], FloatArray]

_BLOCK_CELLS = 4_000_000


def krippendorff_alpha(table: CountTable, level: Level = "nominal") -> float | None:
    """Krippendorff's alpha, at most 1; 0 is chance, below 0 systematic disagreement.

    The squared distance of answers c and k by `level`: 1 unless equal ("nominal"); the number of
    answers ranked between them, squared ("ordinal", in the order of the table's options; it depends
    on how often the options were used); (c - k)^2 ("interval"); ((c - k) / (c + k))^2 ("ratio").
    Tasks with fewer than two answers are left out. None when that leaves none, and when only one
    option was used: chance would then not disagree either.

    Time is linear in the number of answers except for "ratio", where it is quadratic in the number
    of distinct ones; no matrix of options x options is made. Raises SettingsError for another
    level, RecordError where "interval" or "ratio" meet options that are no finite numbers, and
    "ratio" a negative one.

    >>> from goldloop.agreement.counts import count_matrix
    >>> table = count_matrix([[2, 0, 0], [1, 1, 0], [0, 2, 0], [0, 0, 2]])
    >>> [round(krippendorff_alpha(table, level), 3) for level in ("nominal", "interval")]
    [0.667, 0.821]
    """
    return estimate(table, partial(alpha_draws, level=level), min_options=2)


def alpha_draws(table: CountTable, weights: FloatArray, level: Level = "nominal") -> FloatArray:
    """Alpha of a paired table for each row of weights: (draws, tasks) to (draws,).

    NaN where the drawn tasks hold one option only.
    """
    if level == "nominal":
        return _nominal(table, weights)
    if level == "ordinal":
        return _ordinal(table, weights)
    if level == "interval":
        return _interval(table, weights)
    if level == "ratio":
        return distance_alpha_draws(table, weights, _ratio_rows(table))
    raise SettingsError(f"level must be nominal, ordinal, interval or ratio; got {level!r:.40}")


def distance_alpha_draws(
    table: CountTable, weights: FloatArray, distances: DistanceRows
) -> FloatArray:
    """Alpha of a paired table under any distance, for each row of weights.

    `distances` gives rows of the symmetric matrix of distances between options, 0 on its diagonal;
    it is asked for a block of rows at a time, so that the whole matrix is never held.
    """
    totals = table.option_sums(weights, table.count)
    left, right = table.cell_pairs()
    order = np.argsort(table.option[left], kind="stable")
    left, right = left[order], right[order]
    apart = np.zeros(len(left))
    expected = np.zeros(len(weights))
    size = max(1, _BLOCK_CELLS // max(len(table.options), 1))
    for start in range(0, len(table.options), size):
        rows = distances(slice(start, start + size))
        expected += np.einsum("dk,dk->d", totals[:, start : start + size], totals @ rows.T)
        here = slice(*np.searchsorted(table.option[left], [start, start + size]))
        apart[here] = rows[table.option[left[here]] - start, table.option[right[here]]]
    within = 2 * table.pair_sums(left, right, apart)
    return _alpha(totals, weights @ (within / (table.sizes() - 1)), expected)


def _nominal(table: CountTable, weights: FloatArray) -> FloatArray:
    totals = table.option_sums(weights, table.count)
    sizes = table.sizes()
    unequal = np.square(sizes) - table.task_sums(np.square(table.count))
    expected = np.square(totals.sum(axis=1)) - np.square(totals).sum(axis=1)
    return _alpha(totals, weights @ (unequal / (sizes - 1)), expected)


def _ordinal(table: CountTable, weights: FloatArray) -> FloatArray:
    """Alpha for squared distances between mid-ranks, which depend on the answers drawn.

    The squared distances of m places from each other, over all ordered pairs, are 2 m times the
    squared distances from their mean. That saves the matrix of pairs.
    """
    totals = table.option_sums(weights, table.count)
    ranks = _midranks(totals)
    answers = totals.sum(axis=1)
    # The mean mid-rank is one half, whatever the answers.
    expected = 2 * answers * np.einsum("dk,dk->d", totals, np.square(ranks - 0.5))
    sizes = table.sizes()
    within = _spread(table, ranks) * (2 * sizes / (sizes - 1))
    return _alpha(totals, np.einsum("dt,dt->d", weights, within), expected)


def _interval(table: CountTable, weights: FloatArray) -> FloatArray:
    """Alpha for squared differences, from sums of the tasks' answers and of their squares."""
    values = _centred(table)
    at = values[table.option]
    sizes, sums = table.sizes(), table.task_sums(table.count * at)
    squares = weights @ table.task_sums(table.count * np.square(at))
    within = _spread(table, values[None])[0] * (2 * sizes / (sizes - 1))
    answers = weights @ sizes
    expected = 2 * (answers * squares - np.square(weights @ sums))
    # What rounding leaves of a difference of 0 must not pass for disagreement.
    expected = np.where(expected > 1e-12 * answers * squares, expected, 0.0)
    return 1.0 - ratio((answers - 1) * (weights @ within), expected)


def _spread(table: CountTable, place: FloatArray) -> FloatArray:
    """The squared distances of a task's answers from their mean, summed, shape (draws, tasks)."""
    starts = table.starts()
    at = place[:, table.option]
    middle = np.add.reduceat(at * table.count, starts, axis=1) / table.sizes()
    return np.add.reduceat(np.square(at - middle[:, table.task]) * table.count, starts, axis=1)


def _alpha(totals: FloatArray, observed: FloatArray, expected: FloatArray) -> FloatArray:
    """1 - (n - 1) x observed / expected, both summed over pairs.

    NaN for a single option: in all three callers the expected sum is then exactly 0.
    """
    return 1.0 - ratio((totals.sum(axis=1) - 1) * observed, expected)


def _midranks(totals: FloatArray) -> FloatArray:
    """The mean rank of each option's answers, by all answers: ordinal places in [0, 1]."""
    ranks = np.cumsum(totals, axis=1) - totals / 2
    shares: FloatArray = ranks / np.maximum(totals.sum(axis=1, keepdims=True), 1.0)
    return shares


def _centred(table: CountTable) -> FloatArray:
    """The options as numbers around the mean answer, at most 1 from it; alpha sees no scale."""
    values = _numbers(table)
    values = values / (np.abs(values).max(initial=0.0) or 1.0)
    values = values - np.average(values[table.option], weights=table.count)
    centred: FloatArray = values / (np.abs(values[table.option]).max(initial=0.0) or 1.0)
    return centred


def _ratio_rows(table: CountTable) -> DistanceRows:
    values = _numbers(table)
    if (values < 0).any():
        raise RecordError('the level "ratio" needs numbers from 0 up; use "interval"')
    values = values / (values.max(initial=0.0) or 1.0)

    def rows(some: slice) -> FloatArray:
        total = np.add.outer(values[some], values)
        apart = np.subtract.outer(values[some], values)
        shares = np.divide(apart, total, out=np.zeros_like(total), where=total > 0)
        return np.asarray(np.square(shares), dtype=np.float64)

    return rows


def _numbers(table: CountTable) -> FloatArray:
    """The options as finite floats, shape (options,)."""
    options: tuple[Any, ...] = table.options
    try:
        values = np.array([float(option) for option in options])
    except (TypeError, ValueError, OverflowError):
        raise RecordError(f"options must be numbers for this level; got {options!r:.80}") from None
    if not np.isfinite(values).all():
        raise RecordError("options must be finite numbers for this level")
    return values
