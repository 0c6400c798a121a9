"""Point values and bootstrap intervals over tasks.

The answers to one task belong together, so whole tasks are drawn, never single answers: drawing
answers would pretend to more evidence than there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

from goldloop.agreement.counts import CountTable, FloatArray, IntArray
from goldloop.errors import SettingsError

DRAWS = 1_000
LEVEL = 0.95
FEWEST_TASKS = 10
LARGEST_UNDEFINED_SHARE = 0.05
_CHUNK = 2_000_000

# A measure over weighted tasks: a table and weights of shape (draws, tasks) to shape (draws,).
Statistic: TypeAlias = Callable[[CountTable, FloatArray], FloatArray]


class Interval(NamedTuple):
    """The two ends of an interval; 95% unless another level was asked for."""

    low: float
    high: float


def estimate(table: CountTable, statistic: Statistic, min_options: int = 1) -> float | None:
    """The statistic over the tasks with two answers or more, each with weight one.

    None without such a task, where the formula divides by zero, and where fewer than `min_options`
    different answers were given.
    """
    paired = table.paired()
    if not paired.tasks or paired.options_used() < min_options:
        return None
    return defined(statistic(paired, np.ones((1, len(paired.tasks))))[0])


def bootstrap_interval(
    table: CountTable,
    statistic: Statistic,
    *,
    min_options: int = 1,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval | None:
    """The percentile interval of a statistic over resampled tasks with two answers or more.

    None below 10 such tasks, where fewer than `min_options` different answers were given, and as
    `weighted_interval` says. The same seed gives the same interval, in whatever order the answers
    came. Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    paired = table.paired()
    if paired.options_used() < min_options:
        return None
    distinct, copies = paired.patterns()
    return weighted_interval(
        lambda weights: statistic(distinct, weights),
        copies,
        width=max(len(distinct.count), len(distinct.options)),
        draws=draws,
        seed=seed,
        level=level,
    )


def mean_interval(
    scores: FloatArray, *, draws: int = DRAWS, seed: int = 0, level: float = LEVEL
) -> Interval | None:
    """The percentile interval of the mean of one score a task, shape (tasks,)."""
    values, copies = np.unique(scores, return_counts=True)
    return weighted_interval(
        lambda weights: weights @ values / weights.sum(axis=1),
        copies.astype(np.int64),
        draws=draws,
        seed=seed,
        level=level,
    )


def weighted_interval(
    statistic: Callable[[FloatArray], FloatArray],
    copies: IntArray,
    *,
    width: int = 1,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval | None:
    """The percentile interval of a statistic of weighted kinds of tasks.

    `copies` says how many tasks there are of each kind, shape (kinds,); the statistic takes weights
    of shape (draws, kinds) and gives (draws,), NaN where it is undefined. Undefined draws are left
    out. `width` is how many numbers the statistic holds for a draw, to bound memory. None below 10
    tasks, without draws, and when over 5% of the draws are undefined. Raises SettingsError for
    fewer than 0 draws and a level that is not between 0 and 1.
    """
    if draws < 0 or not 0 < level < 1:
        raise SettingsError(f"draws ({draws}) must be 0 or more, and level ({level}) within (0, 1)")
    if draws == 0 or copies.sum() < FEWEST_TASKS:
        return None
    resampled = _resampled(copies, draws, seed, width)
    values = np.concatenate([statistic(weights) for weights in resampled])
    values = values[~np.isnan(values)]
    if len(values) < (1 - LARGEST_UNDEFINED_SHARE) * draws:
        return None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def defined(value: float) -> float | None:
    """A float of Python's own; None for NaN."""
    return None if np.isnan(value) else float(value)


def _resampled(copies: IntArray, draws: int, seed: int, width: int) -> Iterator[FloatArray]:
    """Weights of shape (some draws, kinds), as many tasks drawn in each as there are.

    Drawing how often each kind comes up is the same as drawing tasks, and faster while there are
    few kinds.
    """
    random = np.random.default_rng(seed)
    tasks, kinds = int(copies.sum()), len(copies)
    if kinds * 4 < tasks:
        for some in _chunks(draws, max(kinds, width)):
            yield random.multinomial(tasks, copies / tasks, size=some).astype(np.float64)
        return
    kind = np.repeat(np.arange(kinds), copies)
    for some in _chunks(draws, max(tasks, width)):
        drawn = kind[random.integers(tasks, size=(some, tasks))]
        flat = (drawn + np.arange(some)[:, None] * kinds).ravel()
        weights = np.bincount(flat, minlength=some * kinds).reshape(some, kinds)
        yield weights.astype(np.float64)


def _chunks(draws: int, width: int) -> Iterator[int]:
    """Numbers of draws that add up to `draws`, each small enough for memory."""
    size = max(1, _CHUNK // width)
    for start in range(0, draws, size):
        yield min(size, draws - start)
