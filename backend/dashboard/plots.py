"""Plots: the numbers that the browser draws, and the same as a table for who cannot see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

Kind = Literal["bars", "lines", "points"]
Numbers = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Plot:
    """Columns of equal length: `x`, and one for each of `series`; `mark` is a line at an x.

    `bands` has, for the series that have one, the lower and the upper ends of their intervals: a
    band around lines, whiskers on points. `x_range` and `y_range` are where the axes begin and end;
    without them they fit the numbers. `diagonal` draws where y is x.
    Lines that are `joined` go on over missing values, and their intervals are whiskers.
    `counts` has, for series of shares, how many each value stands for: they are told beside it.
    """

    kind: Kind
    x_label: str
    y_label: str
    x: Numbers
    series: Mapping[str, Numbers]
    mark: float | None = None
    mark_label: str = ""
    bands: Mapping[str, tuple[Numbers, Numbers]] = field(default_factory=dict)
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    diagonal: bool = False
    joined: bool = False
    counts: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """What the browser gets."""
        return {
            "kind": self.kind,
            "xLabel": self.x_label,
            "yLabel": self.y_label,
            "names": list(self.series),
            "data": [list(self.x), *(list(values) for values in self.series.values())],
            "mark": self.mark,
            "markLabel": self.mark_label,
            "bands": [[list(end) for end in self.bands.get(name, ())] for name in self.series],
            "xRange": self.x_range,
            "yRange": self.y_range,
            "diagonal": self.diagonal,
            "joined": self.joined,
            "counts": [list(self.counts.get(name, ())) for name in self.series],
        }

    def columns(self) -> dict[str, Numbers]:
        """The columns of the table, beside `x`: every series, how many each of its values stands
        for, and the ends of its intervals.
        """
        found: dict[str, Numbers] = {}
        for name, values in self.series.items():
            if name in self.counts:
                found[f"{name}, number"] = self.counts[name]
            found[name] = values
            if name in self.bands:
                low, high = self.bands[name]
                found |= {f"{name}, 95% from": low, f"{name}, 95% to": high}
        return found

    def rows(self) -> list[tuple[float | None, ...]]:
        """The same as rows of a table."""
        return list(zip(self.x, *self.columns().values(), strict=True))


def histogram(
    x_label: str,
    groups: Mapping[str, ArrayLike],
    *,
    bins: int = 20,
    mark: float | None = None,
) -> Plot:
    """How many percent of each group lie in each of so many equal parts of [0, 1], and how many
    values these are; `x` is the middle of each part. Values that are missing are left out.

    Shares, because beside a pool of thousands a few picks would not be seen.

    >>> made = histogram("score", {"all": [0.1, 0.6, 0.9, 0.95]}, bins=2)
    >>> made.series, made.counts
    ({'all': [25.0, 75.0]}, {'all': [1, 3]})
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    counts = {}
    for name, given in groups.items():
        known = np.asarray(given, dtype=np.float64)
        known = known[~np.isnan(known)]
        counts[name] = np.histogram(np.clip(known, 0.0, 1.0), edges)[0].tolist()
    middles = ((edges[:-1] + edges[1:]) / 2.0).tolist()
    shares = {name: _percent(numbers) for name, numbers in counts.items()}
    return Plot(
        "bars",
        x_label,
        "% of each group",
        middles,
        shares,
        mark,
        "cutoff",
        x_range=(0.0, 1.0),
        y_range=(0.0, _headroom([value for one in shares.values() for value in one])),
        counts=counts,
    )


def _headroom(shares: Sequence[float]) -> float:
    """Where the axis ends: above the highest bar, where the mark is named, and below 125%."""
    return min(1.25 * max([1.0, *shares]), 110.0)


def _percent(counts: Sequence[int]) -> list[float]:
    return [100.0 * one / (sum(counts) or 1) for one in counts]
