"""The random part of a batch: the smallest permanent random numbers of whom it is drawn from.

Drawing from a tag or a stratum raises the level of all its items, and an item's level is the
largest of those. So a tag that is short of labels gets more random picks, and every item's chance
is still known.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from goldloop.selection.design import Admit, Design, Flags, Positions, TagMinimum
from goldloop.selection.scores import Floats

SMALLEST = float(np.nextafter(0.0, 1.0))


def shortfalls(
    minimums: Sequence[TagMinimum], labelled: Flags, free: Flags | None = None
) -> dict[str, int]:
    """By tag, how many labels are missing to its minimum, and can be had; tags with none are left
    out. `labelled` is (n,), in the order of the tags' members; `free` are those that can still be
    picked (all unlabelled ones when not given).

    >>> both = np.array([True, True, False])
    >>> shortfalls([TagMinimum("refund", both, 2)], np.array([True, False, False]))
    {'refund': 1}
    """
    missing = {}
    can_be = ~labelled if free is None else free
    for one in minimums:
        left = int((one.members & can_be).sum())
        short = min(one.minimum - int((one.members & labelled).sum()), left)
        if short > 0:
            missing[one.tag] = short
    return missing


@dataclass(slots=True)
class Draw:
    """A random part while it is drawn: who is taken, who can still be, the levels so far.

    `held` was drawn and not admitted, because it resembles what is in the batch. It stays drawn,
    for it stands for others that nobody sees, and a later round asks about it first.
    """

    prn: Floats
    free: Flags
    level: Floats
    admit: Admit | None = None
    taken: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    raised_to: float | None = None

    @classmethod
    def begin(cls, before: Design, free: Flags, admit: Admit | None = None) -> Draw:
        """A draw from the free items, at the levels that earlier rounds left."""
        return cls(before.prn, free.copy(), before.level.copy(), admit)

    def from_group(self, members: Flags | None, count: int) -> int:
        """Take `count` free members (None: of all) by the smallest random numbers, those first that
        are below their level already; returns how many there were. Raises all members' level to the
        last number that is newly drawn.
        """
        candidates = np.flatnonzero(self.free if members is None else self.free & members)
        before = self.drawn_before(candidates)
        key = np.where(before, self.prn[candidates] - 1.0, self.prn[candidates])
        taken, drawn = self.take(smallest_first(candidates, key, count), count)
        new = drawn[~self.drawn_before(drawn)]
        if len(new):
            self._raise(members, float(self.prn[new[-1]]))
        return taken

    def take(self, ordered: Iterable[int], count: int) -> tuple[int, Positions]:
        """Put the first `count` that are admitted into the batch, and hold back those before the
        last of them that are not; says how many were taken, and who was drawn, in order.
        """
        taken: list[int] = []
        drawn: list[int] = []
        for position in ordered if count > 0 else ():
            drawn.append(position)
            if self.admit is None or self.admit(position):
                taken.append(position)
            else:
                self.held.append(position)
            if len(taken) == count:
                break
        self.taken += taken
        self.free[drawn] = False
        return len(taken), np.array(drawn, dtype=np.intp)

    def drawn_before(self, at: Positions | int) -> Flags:
        """Whether these positions are below their levels."""
        return np.asarray((self.prn[at] <= self.level[at]) & (self.level[at] > 0.0))

    def _raise(self, members: Flags | None, level: float) -> None:
        # A level of 0 draws nothing, and a random number may be 0.
        level = max(level, SMALLEST)
        whole = slice(None) if members is None else members
        self.level[whole] = np.maximum(self.level[whole], level)
        self.raised_to = max(self.raised_to or 0.0, level)


def smallest_first(candidates: Positions, key: Floats, count: int) -> Iterator[int]:
    """The candidates by `key`, (n,) each; only as many as are looked at are sorted."""
    start, block = 0, 2 * count + 100
    while start < len(candidates):
        if block < len(candidates) - start:
            near = np.argpartition(key[start:], block)
            candidates[start:], key[start:] = candidates[start:][near], key[start:][near]
        order = np.argsort(key[start : start + block], kind="stable")
        yield from candidates[start : start + block][order].tolist()
        start, block = start + block, 4 * block


def fill_minimums(draw: Draw, minimums: Sequence[TagMinimum], labelled: Flags, budget: int) -> int:
    """Draw for the tags that are short, the shortest first, within `budget`; returns what is left.

    `labelled` holds what the batch has already. An item counts for all its tags.
    """
    if not minimums:
        return budget
    have, members = labelled.copy(), {one.tag: one.members for one in minimums}
    while budget > 0:
        missing = shortfalls(minimums, have, draw.free)
        if not missing:
            break
        tag = max(missing, key=lambda name: (missing[name], name))
        # In small steps, so that a budget that is too small is shared.
        step = min(budget, max(1, missing[tag] // 4))
        before = len(draw.taken)
        drawn = draw.from_group(members[tag], step)
        have[draw.taken[before:]] = True
        budget -= drawn
    return budget


def draw_by_strata(draw: Draw, strata: Positions, budget: int) -> int:
    """Draw so that every stratum has the same share of its items in the sample, as near as whole
    items allow; returns what is left of the budget.

    `strata` has a number for each item, (n,). What earlier rounds drew counts.
    """
    drawn = (draw.prn <= draw.level) & (draw.level > 0.0)
    numbers, size = np.unique(strata, return_counts=True)
    queue = []
    for number, total in zip(numbers.tolist(), size.tolist(), strict=True):
        members = strata == number
        have, free = int((drawn & members).sum()), int((draw.free & members).sum())
        if free:
            queue.append(((have + 1) / total, number, have, free, total))
    quota = _shared_out(queue, budget)
    return budget - sum(draw.from_group(strata == number, n) for number, n in quota.items())


def _shared_out(queue: list[tuple[float, int, int, int, int]], budget: int) -> dict[int, int]:
    """By stratum, its part of the budget: the next item goes where the share is the smallest."""
    heapq.heapify(queue)
    quota: dict[int, int] = {}
    for _ in range(budget):
        if not queue:
            break
        _, number, have, free, total = queue[0]
        quota[number] = quota.get(number, 0) + 1
        if free > 1:
            heapq.heapreplace(queue, ((have + 2) / total, number, have + 1, free - 1, total))
        else:
            heapq.heappop(queue)
    return quota
