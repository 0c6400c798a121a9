"""Label balance: how often each value of a field is the label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from hashlib import blake2b
from math import floor
from statistics import median
from typing import Any

from goldloop.fields import Field, FieldKind
from goldloop.quality_report.composition import Share, shares
from goldloop.versions import Item

LARGEST_SCALE = 20
_CHOICES = (
    FieldKind.SINGLE_CHOICE,
    FieldKind.PAIRWISE,
    FieldKind.MULTIPLE_CHOICE,
    FieldKind.TAXONOMY,
)


@dataclass(frozen=True, slots=True)
class FieldBalance:
    """The labels of one field.

    `labelled` items have a label there, `without` have none. `values` counts the labels: every
    option that there is, also one that is never the label, and shares are of the labelled items;
    of several choices each counts, so those shares may sum to more than 1. A rating between two
    steps, as consensus gives them, counts for the nearer one, from the half on the higher.
    Numbers have `smallest`, `middle` (the median) and `largest` instead, and dates the first and
    the last; of texts there is only how many are `distinct`.
    """

    field: str
    kind: str
    labelled: int
    without: int
    distinct: int
    values: tuple[Share, ...] = ()
    smallest: float | str | None = None
    middle: float | None = None
    largest: float | str | None = None

    @property
    def top(self) -> Share | None:
        """The most frequent value, the first among equals; None where values are not counted."""
        return max(self.values, key=lambda one: one.count, default=None)

    @property
    def never(self) -> tuple[str, ...]:
        """The values that are never the label."""
        return tuple(one.name for one in self.values if not one.count)


@dataclass(slots=True)
class BalanceTally:
    """Counts the labels of one field, one after another."""

    field: Field
    labelled: int = 0
    counts: Counter[str] = dataclass_field(default_factory=Counter)
    numbers: list[float] = dataclass_field(default_factory=list)

    def add(self, label: Any) -> None:
        """Count a label; None is none."""
        if label is None:
            return
        self.labelled += 1
        if self.field.kind is FieldKind.TEXT:
            # A mark of the text, so that memory does not grow with what people wrote.
            self.counts[blake2b(str(label).encode(), digest_size=16).hexdigest()] += 1
        elif isinstance(label, (list, tuple)):
            self.counts.update(set(_names(self.field, label)))
        elif self.field.kind is FieldKind.RATING and isinstance(label, (int, float)):
            self.counts[str(floor(label + 0.5))] += 1
        else:
            self.counts[f"{label:g}" if isinstance(label, float) else str(label)] += 1
        if isinstance(label, (int, float)):
            self.numbers.append(float(label))

    def found(self, items: int) -> FieldBalance:
        """What was counted, of so many items with and without a label."""
        counted = self.field.kind in (*_CHOICES, FieldKind.RATING)
        low, middle, high = self._spread()
        return FieldBalance(
            field=self.field.name,
            kind=self.field.kind.value,
            labelled=self.labelled,
            without=items - self.labelled,
            distinct=len(self.counts),
            values=shares(self.counts, self.labelled, _options(self.field)) if counted else (),
            smallest=low,
            middle=middle,
            largest=high,
        )

    def _spread(self) -> tuple[float | str | None, float | None, float | str | None]:
        if self.field.kind is FieldKind.DATE and self.counts:
            return min(self.counts), None, max(self.counts)
        if self.field.kind in (FieldKind.NUMBER, FieldKind.RATING) and self.numbers:
            return min(self.numbers), median(self.numbers), max(self.numbers)
        return None, None, None


def field_balance(field: Field, items: Iterable[Item]) -> FieldBalance:
    """How the labels of one field are spread.

    >>> verdict = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad"))
    >>> found = field_balance(verdict, [{"labels": {"verdict": "good"}}, {"labels": {}}])
    >>> found.labelled, found.without, found.never
    (1, 1, ('bad',))
    """
    tally, count = BalanceTally(field), 0
    for count, item in enumerate(items, 1):  # noqa: B007
        tally.add((item["labels"] or {}).get(field.name))
    return tally.found(count)


def _names(field: Field, label: Sequence[Any]) -> Iterable[str]:
    """What a label of several parts counts for: its options, or its paths from the root down."""
    if field.kind is FieldKind.TAXONOMY:
        return [" > ".join(map(str, path)) for path in label]
    return map(str, label)


def _options(field: Field) -> Iterable[str]:
    if field.kind is FieldKind.PAIRWISE:
        return ("left", "right")
    if field.kind is FieldKind.RATING and field.maximum and field.maximum <= LARGEST_SCALE:
        return [str(step) for step in range(1, int(field.maximum) + 1)]
    return field.options if field.kind is not FieldKind.TAXONOMY else ()
