"""The grid that makes a batch diverse: which cell each slot is to fill.

The share of every value of an axis is its weight's, exact up to rounding (largest remainder), and
the values of any two axes meet as evenly as they can: a pair is wanted n p q times, where p and q
are the shares of its values among n slots. Values are handed out axis by axis, each slot taking the
one whose pairs are most behind; then slots exchange values for as long as that brings the pairs'
squared distance from what is wanted down, which leaves the shares as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from goldloop.errors import SettingsError
from goldloop.synthesis.task import Axes, Task
from goldloop.synthesis.values import AXES, Cell, Slot

PASSES = 4
# A slot is compared with no more others than this, so that a large grid takes linear time.
PARTNERS = 400

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def fill(task: Task, count: int, seed: int) -> tuple[Slot, ...]:
    """`count` slots with their cells, the same for ever for one task, count and seed.

    Values of weight 0 are not used. Where there are fewer slots than values, or a weight is small,
    the largest remainders get a slot and the others none; equal ones are drawn. Cells that the task
    excludes are avoided by exchange, which keeps the shares; where that does not do, a cell takes
    other values and the shares give way. Raises SettingsError for a count below 1, and where every
    cell is excluded.
    """
    if count < 1:
        raise SettingsError(f"the number of samples must be 1 or more, not {count}")
    order = np.random.default_rng(seed)
    names = [[name for name, weight in task.axes[axis].items() if weight > 0] for axis in AXES]
    margins = [_margin(_positive(task.axes[axis]), count, order) for axis in AXES]
    design = _Design(margins, count, order)
    design.exchange()
    excluded = _excluded_by(task, names)
    if task.exclude:
        _avoid(design, excluded)
    cells = (Cell(*(names[k][v] for k, v in enumerate(row))) for row in design.values)
    return tuple(Slot(index, cell) for index, cell in enumerate(cells))


def _positive(weights: Mapping[str, float]) -> Floats:
    return np.array([weight for weight in weights.values() if weight > 0])


def _margin(weights: Floats, count: int, order: np.random.Generator) -> Ints:
    """How many slots each value has: the largest remainders are rounded up, ties as drawn."""
    wanted = weights / weights.sum() * count
    slots: Ints = np.floor(wanted + 1e-9).astype(np.int64)
    remainder = np.round(wanted - slots, 9)
    first = np.lexsort((order.permutation(len(weights)), -remainder))
    slots[first[: count - slots.sum()]] += 1
    return slots


class _Design:
    """The values of all slots, shape (count, axes), and how far each pair is over what is wanted:
    an array for every two axes, kept for both orders of them.
    """

    def __init__(self, margins: Sequence[Ints], count: int, order: np.random.Generator) -> None:
        self.count, self.order = count, order
        self.values = np.zeros((count, len(margins)), dtype=np.int64)
        self.over: dict[tuple[int, int], Floats] = {}
        for axis, margin in enumerate(margins):
            for other in range(axis):
                wanted = np.outer(margin, margins[other]) / count
                self.over[axis, other], self.over[other, axis] = -wanted, -wanted.T.copy()
            self._hand_out(axis, margin.copy())

    def _hand_out(self, axis: int, left: Ints) -> None:
        for slot in self.order.permutation(self.count):
            behind = np.zeros(len(left))
            for other in range(axis):
                behind += self.over[axis, other][:, self.values[slot, other]]
            # Of those that are equally behind, the one that has most left to hand out.
            best = np.lexsort((-left, np.round(behind, 9), left == 0))[0]
            left[best] -= 1
            self.values[slot, axis] = best
            self._count(slot, axis, range(axis), 1)

    def _count(self, slot: int, axis: int, others: Iterable[int], by: int) -> None:
        own = self.values[slot, axis]
        for other in others:
            value = self.values[slot, other]
            self.over[axis, other][own, value] += by
            self.over[other, axis][value, own] += by

    def change(self, slot: int, axis: int, value: int) -> None:
        """Give a slot another value on an axis."""
        others = [other for other in range(len(AXES)) if other != axis]
        self._count(slot, axis, others, -1)
        self.values[slot, axis] = value
        self._count(slot, axis, others, 1)

    def swap(self, slot: int, partner: int, axis: int) -> None:
        """Exchange the values that two slots have on an axis."""
        own, theirs = self.values[slot, axis], self.values[partner, axis]
        self.change(slot, axis, theirs)
        self.change(partner, axis, own)

    def partners(self) -> Ints:
        """Slots to exchange with."""
        everyone: Ints = self.order.permutation(self.count)
        return everyone[:PARTNERS]

    def exchange(self) -> None:
        """Exchange values for as long as pairs become more even, in at most `PASSES` passes."""
        for _ in range(PASSES):
            gained = [
                self._exchange_one(slot, axis)
                for slot in self.order.permutation(self.count)
                for axis in range(1, len(AXES))
            ]
            if not any(gained):
                return

    def _exchange_one(self, slot: int, axis: int) -> bool:
        partners = self.partners() if self.count > PARTNERS else np.arange(self.count)
        cost = self.cost(slot, partners, axis)
        best = int(np.argmin(cost))
        if cost[best] > -1e-6:
            return False
        self.swap(slot, int(partners[best]), axis)
        return True

    def cost(self, slot: int, partners: Ints, axis: int) -> Floats:
        """By how much the squared distances would change if the slot exchanged with each."""
        own, theirs = self.values[slot, axis], self.values[partners, axis]
        change = np.zeros(len(partners))
        for other in range(len(AXES)):
            if other == axis:
                continue
            over = self.over[axis, other]
            here, there = self.values[slot, other], self.values[partners, other]
            step = over[theirs, here] - over[own, here] + over[own, there] - over[theirs, there]
            change += np.where((here == there) | (own == theirs), 0.0, 2 * step + 4)
        return change


Excluded = Callable[[Sequence[int] | Ints], bool]


def _excluded_by(task: Task, names: Sequence[Sequence[str]]) -> Excluded:
    def excluded(row: Sequence[int] | Ints) -> bool:
        cell = {axis: names[k][row[k]] for k, axis in enumerate(AXES)}
        return any(all(cell[axis] in rule[axis] for axis in rule) for rule in task.exclude)

    return excluded


def _avoid(design: _Design, excluded: Excluded) -> None:
    for slot in range(design.count):
        if excluded(design.values[slot]) and not _swapped(design, slot, excluded):
            _changed(design, slot, excluded)


def _swapped(design: _Design, slot: int, excluded: Excluded) -> bool:
    """Whether an exchange leaves neither of two slots excluded; the cheapest one is made."""
    partners = design.partners()
    options = [(design.cost(slot, partners, axis), axis) for axis in range(len(AXES))]
    ranked = sorted(
        (float(cost[at]), axis, int(partner))
        for cost, axis in options
        for at, partner in enumerate(partners)
    )
    for _, axis, partner in ranked:
        if design.values[slot, axis] == design.values[partner, axis]:
            continue
        design.swap(slot, partner, axis)
        if not excluded(design.values[slot]) and not excluded(design.values[partner]):
            return True
        design.swap(slot, partner, axis)
    return False


def _changed(design: _Design, slot: int, excluded: Excluded) -> None:
    """Give the slot a cell that is allowed, with as few other values as will do."""
    before = design.values[slot].copy()
    sizes = [design.over[axis, (axis + 1) % len(AXES)].shape[0] for axis in range(len(AXES))]
    for many in range(1, len(AXES) + 1):
        for axes in combinations(reversed(range(len(AXES))), many):
            grid = np.ndindex(*(sizes[axis] for axis in axes))
            for values in grid:
                row = before.copy()
                row[list(axes)] = values
                if not excluded(row):
                    for axis, value in zip(axes, values, strict=True):
                        design.change(slot, axis, value)
                    return
    raise SettingsError("the task file: exclude leaves no cell of the grid")


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often the values of every two axes meet.

    `counts[axis, other][value, value of the other]` is the number of cells, with the axes in the
    order of `AXES`; `covered` of the `possible` pairs of values are met at least once.
    """

    counts: Mapping[tuple[str, str], Mapping[tuple[str, str], int]]
    covered: int
    possible: int

    @property
    def share(self) -> float:
        """The share of all pairs that is covered; 1 where there are none."""
        return self.covered / self.possible if self.possible else 1.0

    def table(self, rows: str, columns: str) -> list[tuple[str, dict[str, int]]]:
        """The counts of two axes as rows with their name, the columns by theirs."""
        turned = AXES.index(rows) > AXES.index(columns)
        counts = self.counts[(columns, rows) if turned else (rows, columns)]
        found: dict[str, dict[str, int]] = {}
        for (first, second), number in counts.items():
            row, column = (second, first) if turned else (first, second)
            found.setdefault(row, {})[column] = number
        return list(found.items())


def coverage(cells: Iterable[Cell], axes: Axes) -> Coverage:
    """What cells cover of the pairs of the axes' values; values of weight 0 are not wanted and do
    not count, and neither do values that the axes do not have.
    """
    counts: dict[tuple[str, str], dict[tuple[str, str], int]] = {}
    cells = list(cells)
    for first, second in combinations(AXES, 2):
        wanted = {(a, b): 0 for a in _used(axes[first]) for b in _used(axes[second])}
        for cell in cells:
            pair = (getattr(cell, first), getattr(cell, second))
            if pair in wanted:
                wanted[pair] += 1
        counts[first, second] = wanted
    numbers = [number for pairs in counts.values() for number in pairs.values()]
    return Coverage(counts, sum(number > 0 for number in numbers), len(numbers))


def _used(weights: Mapping[str, float]) -> list[str]:
    return [name for name, weight in weights.items() if weight > 0]
