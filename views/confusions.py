"""Options that are confused: what everybody said where the reference said something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from goldloop.annotators import AnnotatorReport, Confusion
from goldloop.fields import Value


@dataclass(frozen=True, slots=True)
class MixUp:
    """`said` was answered `times` where the reference is another option, which it is in `of`."""

    reference: Value
    said: Value
    times: int
    of: int

    @property
    def share(self) -> float:
        """Of the answers whose reference this is."""
        return self.times / self.of


def confusions(reports: Sequence[AnnotatorReport], field: str) -> list[Confusion]:
    """The confusion matrices of one field, everybody's added up; as `Confusion` says.

    There are none for a field that is no choice, and where nothing was compared.
    """
    own = [
        matrix
        for report in reports
        for errors in report.fields
        if errors.field == field
        for matrix in errors.confusions
    ]
    alike: dict[Value | None, list[Confusion]] = {}
    for matrix in own:
        alike.setdefault(matrix.option, []).append(matrix)
    return [_added(option, matrices) for option, matrices in alike.items()]


def _added(option: Value | None, matrices: Iterable[Confusion]) -> Confusion:
    # Above 50 options each person's matrix has those that occurred, so they differ.
    cells: Counter[tuple[Value, Value]] = Counter()
    options: dict[Value, None] = {}
    for matrix in matrices:
        options |= dict.fromkeys(matrix.options)
        for reference, row in zip(matrix.options, matrix.counts, strict=True):
            for said, count in zip(matrix.options, row, strict=True):
                cells[reference, said] += count
    names = tuple(options)
    return Confusion(
        option, names, tuple(tuple(cells[row, said] for said in names) for row in names)
    )


def mix_ups(matrix: Confusion) -> list[MixUp]:
    """Each pair of different options that met, the most frequent first."""
    found = [
        MixUp(matrix.options[row], matrix.options[column], count, sum(counts))
        for row, counts in enumerate(matrix.counts)
        for column, count in enumerate(counts)
        if row != column and count
    ]
    return sorted(found, key=lambda one: -one.times)
