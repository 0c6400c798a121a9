"""Columns as a notebook's tables have them: plain values, with what is missing known as such.

pandas is never imported: what its tables give is known by how it behaves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from numbers import Number
from typing import Any, Protocol

import numpy as np

from goldloop.errors import RecordError, SettingsError

_MISSING = ("NAType", "NaTType")  # of pandas: neither true nor false, and equal to nothing
_SEVERAL = (list, tuple, set, frozenset, np.ndarray)


class Table(Protocol):
    """Columns by name."""

    def __getitem__(self, name: str, /) -> Any: ...


def column(table: Table, name: str) -> list[Any]:
    """A table's column as plain values. Raises RecordError for a table without it."""
    try:
        found = table[name]
    except (KeyError, IndexError, ValueError, TypeError):
        raise RecordError(f"the table has no column {name!r}; name yours") from None
    return values(found, name)


def values(given: Iterable[Any], what: str) -> list[Any]:
    """The values one by one, None for what is missing. Raises RecordError for what has none."""
    try:
        return [_plain(one) for one in given]
    except TypeError:
        said = type(given).__name__
        raise RecordError(f"{what} must be a column of values, not of the type {said}") from None


def _plain(value: Any) -> Any:
    """A value that hashes and compares as Python's own: arrays and data frames give others, and
    turn a column of whole numbers into floats when one of them is missing.

    >>> _plain(np.int64(3)), _plain(3.0), _plain(0.5), _plain(np.float32("nan"))
    (3, 3, 0.5, None)
    """
    timed = isinstance(value, np.datetime64 | np.timedelta64)
    one = value.item() if isinstance(value, np.generic) and not timed else value
    if timed and np.isnat(value):
        return None
    if one is None or type(one).__name__ in _MISSING or (isinstance(one, Number) and one != one):
        return None
    return int(one) if isinstance(one, float) and one.is_integer() else one


def numbers(given: Iterable[Any], what: str) -> Any:
    """The values as floats, NaN for what is missing. Raises RecordError for what is no number."""
    return np.array(
        [_number(one, f"{what} at position {n}") for n, one in enumerate(values(given, what))],
        dtype=np.float64,
    )


def _number(value: Any, where: str) -> float:
    if value is None:
        return math.nan
    try:
        if not isinstance(value, _SEVERAL):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise RecordError(f"{where} is {value!r:.80}; expected a number")


def names(given: Iterable[Any], what: str) -> list[Any]:
    """Values that name something. Raises RecordError where one is missing."""
    found = values(given, what)
    if None in found:
        raise RecordError(f"{what} at position {found.index(None)} is missing; leave out the row")
    return found


def spelled(value: Any, labels: dict[str, Any]) -> Any:
    """An option, or several, as text, which is what options are; `labels` keeps what each was.

    >>> labels = {}
    >>> spelled([True, 2], labels), labels
    (('True', '2'), {'True': True, '2': 2})
    """
    if isinstance(value, _SEVERAL):
        return tuple(spelled(one, labels) for one in value)
    plain = _plain(value)
    labels.setdefault(str(plain), plain)
    return str(plain)


def given_back(value: Any, labels: dict[str, Any]) -> Any:
    """What was spelled, as it was given."""
    if isinstance(value, tuple):
        return tuple(given_back(one, labels) for one in value)
    return labels.get(value, value) if isinstance(value, str) else value


def refuse_other_order(**columns: Any) -> None:
    """Raise RecordError where two of the columns have an index (as of pandas), and these differ:
    they are compared in the order in which they are given, so the values would belong to others.
    """
    known = {name: one.index for name, one in columns.items() if hasattr(one, "index")}
    known = {name: index for name, index in known.items() if hasattr(index, "equals")}
    for (first, index), (second, other) in pairwise(known.items()):
        if not index.equals(other):
            raise RecordError(
                f"{first} and {second} have different indexes, and are compared in their order; "
                "align them, or give their values alone (.to_numpy())"
            )


def refuse_outside(value: Any, name: str, low: float, high: float = math.inf) -> None:
    """Raise SettingsError for what is no number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise SettingsError(f"{name} must be a number, not {value!r:.80}")
    if not low <= value <= high:
        most = f" to {high:g}" if high < math.inf else " on"
        raise SettingsError(f"{name} must be from {low:g}{most}, not {value:g}")


def refuse_count(value: Any, name: str, least: int) -> None:
    """Raise SettingsError for what is no whole number of at least so many."""
    refuse_outside(value, name, least)
    if not isinstance(value, int | np.integer):
        raise SettingsError(f"{name} must be a whole number, not {value!r:.80}")
