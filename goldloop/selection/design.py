"""A sampling design over rounds: what was sure to be asked about, and with what chance the rest.

Every item has a permanent random number u and a level that never falls. An item is drawn when it is
certain, or when u <= level. Both can be said of every item of the pool, whatever happened to it, so
one labelled set finds failures and still speaks for the whole pool. Rounds may follow each other,
hard and soft, while the pool grows and the agent is scored anew.

The source is Ohlsson, "Coordination of samples using permanent random numbers" (1995), and
"Sequential Poisson sampling" (Journal of Official Statistics 14, 1998).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goldloop.errors import RecordError
from goldloop.selection.scores import Floats, refuse_outside

Flags: TypeAlias = NDArray[np.bool_]
Positions: TypeAlias = NDArray[np.intp]

# Whether an item may join the batch; asked in the order of picking, and what it lets in is in.
Admit: TypeAlias = Callable[[int], bool]

UNCERTAIN, RANDOM = "uncertain", "random"
# Items of one level that hold fewer draws than this get the level itself for a probability: the
# share of so few that were drawn says little.
FEWEST_DRAWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """What the rounds so far have made of the pool; arrays of shape (n,), one entry an item.

    `labelled`: given to people by any road, a push by hand included: no round picks it again. It is
    in the sample only if it is `drawn`, so a push by hand moves no estimate. `level`: the running
    maximum over the rounds, 0 for an item that no round has seen. `certain`: at or beyond the
    cutoff of some round by its score in that round, whether it was picked then or long before.
    """

    prn: Floats
    labelled: Flags
    level: Floats
    certain: Flags

    def __len__(self) -> int:
        return len(self.prn)

    @property
    def drawn(self) -> Flags:
        """Which items are in the sample: certain, or u <= level (a level of 0 draws nothing)."""
        return self.certain | ((self.prn <= self.level) & (self.level > 0.0))

    @property
    def probability(self) -> Floats:
        """The chance of being drawn: 1 where certain, else the level (exact for soft rounds)."""
        return np.where(self.certain, 1.0, self.level)

    def realised(self) -> Floats:
        """The chance of being drawn, given how many were: 1 where certain; else, among the items of
        one level, the share that was drawn (the chance in a simple random sample of that size).

        A level with fewer than 5 drawn keeps the level itself, unless it is the only one.
        """
        rest = np.flatnonzero(~self.certain)
        levels, group = np.unique(self.level[rest], return_inverse=True)
        size = np.bincount(group, minlength=len(levels))
        drawn = np.bincount(group, weights=self.drawn[rest], minlength=len(levels))
        known = (drawn >= FEWEST_DRAWN) | (len(levels) == 1)
        chance = np.ones(len(self))
        chance[rest] = np.where(known, drawn / np.maximum(size, 1), levels)[group]
        return chance

    def joined(self, prn: ArrayLike) -> Design:
        """The same with new items at the end, which no round has seen yet."""
        new = design(prn)
        columns = ("prn", "labelled", "level", "certain")
        return Design(*(np.concatenate([getattr(self, c), getattr(new, c)]) for c in columns))

    def part(self, chosen: Flags | Positions) -> Design:
        """The chosen items alone: within a slice the design is the same."""
        return Design(
            self.prn[chosen], self.labelled[chosen], self.level[chosen], self.certain[chosen]
        )


def design(
    prn: ArrayLike,
    labelled: ArrayLike | None = None,
    level: ArrayLike | None = None,
    certain: ArrayLike | None = None,
) -> Design:
    """The same as arrays, checked; what is not given is as before the first round.

    Raises RecordError for columns of different lengths, and for a random number or a level that is
    missing or outside [0, 1].

    >>> design([0.1, 0.7]).drawn
    array([False, False])
    """
    given = np.asarray(prn, dtype=np.float64)
    no, zero = np.zeros(given.shape, dtype=np.bool_), np.zeros(given.shape)
    made = Design(
        given,
        no if labelled is None else np.asarray(labelled, dtype=np.bool_),
        zero if level is None else np.asarray(level, dtype=np.float64),
        no if certain is None else np.asarray(certain, dtype=np.bool_),
    )
    shapes = {name: getattr(made, name).shape for name in Design.__slots__}
    if given.ndim != 1 or len(set(shapes.values())) > 1:
        raise RecordError(f"a design needs columns of one length, not of the shapes {shapes}")
    refuse_outside(made.prn, "permanent random number", 0.0, 1.0)
    refuse_outside(made.level, "level", 0.0, 1.0)
    return made


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """One batch and what it makes of the design.

    `picks` are positions in the order of the batch, `reasons` has one of `uncertain` and `random`
    for each. `skipped` were next in line by uncertainty, not admitted (near-duplicates of a pick),
    and not drawn at random either. `held` were drawn and not admitted: they are in the sample, and
    a later round picks them first. `certain` is by this round alone, (n,); `design` is after the
    round, with the picks labelled, the levels raised and `certain` joined to that of earlier ones.

    `cutoff` is the uncertainty, and `cutoff_tie` the `tie_break`, of the last one that a hard round
    took for being uncertain (None when none). `scale` is a_t of a soft round (None when it took
    nothing, or by strata). `prn_level` is the largest level that the random part raised
    anything to (None when it drew none). `inclusion_probability` is (n,), over all rounds so far.
    """

    picks: Positions
    reasons: tuple[str, ...]
    skipped: Positions
    held: Positions
    certain: Flags
    design: Design
    inclusion_probability: Floats
    cutoff: float | None = None
    cutoff_tie: float | None = None
    scale: float | None = None
    prn_level: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TagMinimum:
    """A tag, the items that have it, (n,), and how many of these people should label."""

    tag: str
    members: Flags
    minimum: int
