"""Paths in a tree of options: agreement credited from the root down."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import takewhile
from typing import TypeAlias

Path: TypeAlias = Sequence[str]


def path_credit(first: Path, second: Path) -> float:
    """The length of the common way from the root by the length of the longer path, in [0, 1].

    1 for equal paths (two empty ones too), 0 for paths that part at the root.

    >>> path_credit(("animal", "bird", "owl"), ("animal", "bird", "jay"))
    0.6666666666666666
    """
    longest = max(len(first), len(second))
    common = takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    return sum(1 for _ in common) / longest if longest else 1.0


def taxonomy_credit(first: Collection[Path], second: Collection[Path]) -> float:
    """How alike two choices of paths are, in [0, 1].

    Each path of either choice counts with its best `path_credit` among the other's paths, and the
    mean is over all paths of both. Two empty choices score 1, an empty and another one 0.

    >>> taxonomy_credit([("animal", "bird")], [("animal", "bird"), ("plant",)])
    0.6666666666666666
    """
    if not first or not second:
        return float(not first and not second)
    shares = [max(path_credit(path, other) for other in second) for path in first]
    shares += [max(path_credit(path, other) for other in first) for path in second]
    return sum(shares) / len(shares)
