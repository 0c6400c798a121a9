"""Jaccard and MASI: how alike two sets of options are, and alpha under their distances."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np

from goldloop.agreement.alpha import DistanceRows, distance_alpha_draws
from goldloop.agreement.bootstrap import estimate
from goldloop.agreement.counts import CountTable, FloatArray
from goldloop.errors import SettingsError

SetDistance: TypeAlias = Literal["masi", "jaccard"]


def jaccard(first: Collection[Hashable], second: Collection[Hashable]) -> float:
    """Options in both by options in either, in [0, 1]; 1 for two empty sets.

    Order and repeats do not count. Source: Jaccard, New Phytologist 11 (1912).

    >>> jaccard(("a", "b"), ("b", "c"))
    0.3333333333333333
    """
    one, other = set(first), set(second)
    return len(one & other) / len(one | other) if one | other else 1.0


def masi(first: Collection[Hashable], second: Collection[Hashable]) -> float:
    """Jaccard times 1 for equal sets, 2/3 where one holds the other, 1/3 where they overlap.

    In [0, 1]; 0 for sets without a common option, 1 for two empty sets. Sets that contradict each
    other so score lower than sets of which one merely says more. Source: Passonneau, Measuring
    Agreement on Set-valued Items (MASI), LREC 2006.

    >>> masi(("a",), ("a", "b"))
    0.3333333333333333
    """
    one, other = set(first), set(second)
    if one == other:
        return 1.0
    nested = one <= other or other <= one
    return jaccard(one, other) * (2 if nested else 1) / 3


def set_alpha(table: CountTable, distance: SetDistance = "masi") -> float | None:
    """Krippendorff's alpha for sets, with 1 - MASI or 1 - Jaccard as the distance.

    The table's options are collections of the chosen options. None without a task that has two
    answers and when only one set was used. Time is quadratic in the number of different sets.
    Raises SettingsError for another distance.

    >>> from goldloop.agreement.counts import count_table
    >>> answers = [(1, ("a",)), (1, ("a", "b")), (2, ("c",)), (2, ("c",)), (3, ("b",)), (3, ("b",))]
    >>> round(set_alpha(count_table(answers)), 3)
    0.722
    """
    return estimate(table, partial(set_alpha_draws, distance=distance), min_options=2)


def set_alpha_draws(
    table: CountTable, weights: FloatArray, distance: SetDistance = "masi"
) -> FloatArray:
    """Alpha for sets of a paired table for each row of weights: (draws, tasks) to (draws,)."""
    if distance not in ("masi", "jaccard"):
        raise SettingsError(f"distance must be masi or jaccard; got {distance!r:.40}")
    return distance_alpha_draws(table, weights, _rows(table, distance))


def _rows(table: CountTable, distance: SetDistance) -> DistanceRows:
    members = _members(table)
    sizes = members.sum(axis=1)

    def rows(some: slice) -> FloatArray:
        common = members[some] @ members.T
        smaller = np.minimum.outer(sizes[some], sizes)
        either = np.add.outer(sizes[some], sizes) - common
        similarity = np.divide(common, either, out=np.ones_like(common), where=either > 0)
        if distance == "masi":
            nested = np.where(common == smaller, 2 / 3, 1 / 3)
            similarity *= np.where(common == either, 1.0, nested)
        apart: FloatArray = 1.0 - similarity
        return apart

    return rows


def _members(table: CountTable) -> FloatArray:
    """Which set holds which option, as 0 and 1, shape (sets, options that occur in them)."""
    sets: tuple[Any, ...] = table.options
    column: dict[Hashable, int] = {}
    for chosen in sets:
        for option in chosen:
            column.setdefault(option, len(column))
    members = np.zeros((len(sets), len(column)))
    for row, chosen in enumerate(sets):
        members[row, [column[option] for option in chosen]] = 1.0
    return members
