"""Plots: the numbers that the browser draws, and the same as a table for who cannot see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

Kind = Literal["bars", "lines", "points"]


@dataclass(frozen=True, slots=True)
class Plot:
    """Columns of equal length: `x`, and one for each of `series`; `mark` is a line at an x."""

    kind: Kind
    x_label: str
    y_label: str
    x: Sequence[float | None]
    series: Mapping[str, Sequence[float | None]]
    mark: float | None = None
    mark_label: str = ""

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
        }

    def rows(self) -> list[tuple[float | None, ...]]:
        """The same as rows of a table."""
        return list(zip(self.x, *self.series.values(), strict=True))


def histogram(
    x_label: str,
    groups: Mapping[str, ArrayLike],
    *,
    bins: int = 20,
    mark: float | None = None,
) -> Plot:
    """How many values of each group lie in each of so many equal parts of [0, 1]; `x` is the
    middle of each part. Values that are missing are left out.

    >>> histogram("score", {"all": [0.1, 0.9, 0.95]}, bins=2).series
    {'all': [1, 2]}
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    counts = {}
    for name, given in groups.items():
        known = np.asarray(given, dtype=np.float64)
        known = known[~np.isnan(known)]
        counts[name] = np.histogram(np.clip(known, 0.0, 1.0), edges)[0].tolist()
    middles = ((edges[:-1] + edges[1:]) / 2.0).tolist()
    return Plot("bars", x_label, "samples", middles, counts, mark, "cutoff")
