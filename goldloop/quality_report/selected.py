"""How the items of a version were selected, and what that makes their weights worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from goldloop.quality_report.composition import Share, shares
from goldloop.versions import Item

REASONS = ("uncertain", "novel", "random")
BY_HAND = "manual"


@dataclass(frozen=True, slots=True)
class Selected:
    """Why items are in the version, as shares of all items, and the weights for a weighted mean.

    `weighted` items have a weight, one over the chance to be labelled; `unweighted` were labelled
    by no design, and speak for themselves only. `effective` is how many items of equal weight
    would estimate the whole pool as well: Kish's (sum w)^2 / sum w^2. `speaks_for` is the sum of
    the weights, an estimate of the pool's size. None without a weight.
    """

    reasons: tuple[Share, ...]
    rounds: tuple[Share, ...]
    weighted: int
    unweighted: int
    effective: float | None
    smallest: float | None
    largest: float | None
    speaks_for: float | None


def kish_size(weights: Sequence[float]) -> float | None:
    """How many items of equal weight are worth as much: (sum w)^2 / sum w^2; None of none.

    Source: Kish, Survey Sampling (1965).

    >>> kish_size([1.0, 1.0, 1.0]), kish_size([1.0, 3.0]), kish_size([])
    (3.0, 1.6, None)
    """
    squares = sum(weight * weight for weight in weights)
    return sum(weights) ** 2 / squares if squares else None


@dataclass(slots=True)
class SelectedTally:
    """Counts one item after another."""

    items: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rounds: Counter[str] = field(default_factory=Counter)
    weights: list[float] = field(default_factory=list)

    def add(self, item: Item) -> None:
        """Count why an item was selected."""
        self.items += 1
        given = item.get("selection") or {}
        self.reasons[given.get("reason") or BY_HAND] += 1
        if given.get("round") is not None:
            self.rounds[str(given["round"])] += 1
        if given.get("weight"):
            self.weights.append(float(given["weight"]))

    def found(self) -> Selected:
        """What was counted."""
        weights = self.weights
        return Selected(
            reasons=shares(self.reasons, self.items, [r for r in REASONS if self.reasons[r]]),
            rounds=shares(self.rounds, self.items, _in_order(self.rounds)),
            weighted=len(weights),
            unweighted=self.items - len(weights),
            effective=kish_size(weights),
            smallest=min(weights, default=None),
            largest=max(weights, default=None),
            speaks_for=sum(weights) if weights else None,
        )


def selected(items: Iterable[Item]) -> Selected:
    """How the items came to be labelled."""
    tally = SelectedTally()
    for item in items:
        tally.add(item)
    return tally.found()


def _in_order(rounds: Iterable[str]) -> list[str]:
    return sorted(rounds, key=lambda name: (len(name), name))
