"""What a report is made of: sections of sentences and tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

MOST_ROWS = 50
UNKNOWN = "not known"
_WORDS = (None, "", "-", "enough", "undefined", "nothing to compare", "not timed")
_NUMBER = re.compile(r"[-+<]?\d")


@dataclass(frozen=True, slots=True)
class Bar:
    """A share from 0 to 1 as a bar, with a mark where it should be where there is such a place."""

    value: float
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A value with its interval on a scale from 0 to 1, and a mark as in `Bar`.

    `says` is what a reader is told who does not see it, where the scale is of something else.
    """

    low: float | None
    value: float
    high: float | None
    mark: float | None = None
    says: str = ""


Cell: TypeAlias = str | int | float | Bar | Span | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; plots stand in the last column of those that have them."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report: sentences, and then tables."""

    name: str
    title: str
    says: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


def table_of(caption: str, headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
    """A table of the first rows, and how many more there are."""
    shown = tuple(tuple(row) for row in rows[:MOST_ROWS])
    return Table(caption, tuple(headings), shown, max(0, len(rows) - MOST_ROWS))


def said(cell: Cell) -> str:
    """What a cell says in words; nothing for a plot, whose numbers stand beside it."""
    if cell is None or isinstance(cell, (Bar, Span)):
        return UNKNOWN if cell is None else ""
    if isinstance(cell, float):
        return f"{cell:,.3g}" if abs(cell) < 1000 else f"{cell:,.0f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def is_numeric(table: Table, place: int) -> bool:
    """Whether a column holds numbers: all its cells but the words that stand for a missing one."""
    cells = [row[place] for row in table.rows if row[place] not in _WORDS]
    return place > 0 and bool(cells) and all(_NUMBER.match(str(said(cell))) for cell in cells)


def place_of(value: float) -> float:
    """Where a value from 0 to 1 is in a plot that is 100 wide; what is below 0, as agreement can
    be, is at 0.
    """
    return 100.0 * min(max(value, 0.0), 1.0)
