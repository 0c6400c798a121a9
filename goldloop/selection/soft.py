"""A soft round: the shares of a batch as inclusion probabilities (Poisson sampling).

In round t an item has pi_t = min(1, a_t r), with r = share * q + (1 - share) / N and q = g / sum g
over the pool, g being the item's `interest`. Its level is the largest pi_t of all rounds so far,
those after it was labelled too, and it is labelled when u <= level. a_t is such that the batch is
full: an unlabelled item is taken when a_t > u / r, so the batch is those with the smallest u / r
(Ohlsson's sequential Poisson sampling, 1998), and a_t is the first that is not taken: any number
from the last one taken on would give the same batch, and with this one the weights 1 / pi are right
on average (Duffield, Lund and Thorup, "Priority sampling", Journal of the ACM 54, 2007). Nothing is
searched for, so nothing drifts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from goldloop.errors import RecordError
from goldloop.prn import tie_break
from goldloop.selection.design import (
    RANDOM,
    UNCERTAIN,
    Admit,
    Design,
    Flags,
    Positions,
    Round,
    TagMinimum,
)
from goldloop.selection.minimums import SMALLEST, Draw, fill_minimums, smallest_first
from goldloop.selection.scores import Floats, refuse_outside
from goldloop.selection.shares import refuse_batch, split_batch


def soft_round(
    before: Design,
    interest: ArrayLike,
    batch_size: int,
    uncertain_share: float,
    *,
    minimums: Sequence[TagMinimum] = (),
    strata: ArrayLike | None = None,
    admit: Admit | None = None,
) -> Round:
    """Pick a batch from the unlabelled items, by `interest` (n,), 0 or more, of all items.

    Tags short of their minimum get random picks first, at most the batch's random part. With
    `strata` (n,) the batch is divided among these by the sum of their rates, each with an a_t of
    its own (`scale` is then None). A pick is `random` where the random share alone would have
    taken it. Where all that is unlabelled is taken, everything has the level 1.

    Whom `admit` turns away stays drawn, for it stands for others; it is `held` back, and a later
    round takes it first. `certain` is never set by a soft round: an item that cannot be missed has
    the level 1. The inclusion probability of each item is its level, or 1 for what a hard round
    made certain.

    Raises SettingsError for a batch below 1 or a share outside [0, 1], RecordError for an interest
    that is missing or negative.

    >>> from goldloop.selection.design import design
    >>> first = soft_round(design([0.2, 0.1, 0.8, 0.9]), [0.1, 0.1, 0.4, 0.4], 2, 0.5)
    >>> first.picks, first.reasons, first.inclusion_probability.round(2)
    (array([1, 0]), ('random', 'random'), array([0.43, 0.43, 0.8 , 0.8 ]))
    """
    refuse_batch(batch_size, uncertain_share)
    rate, floor = _rates(before, interest, uncertain_share)
    draw = Draw.begin(before, ~before.labelled & (rate > 0.0), admit)
    size = min(batch_size, int(draw.free.sum()))
    fill_minimums(draw, minimums, before.labelled, split_batch(size, uncertain_share)[1])
    left = size - len(draw.taken)
    reasons = [RANDOM] * len(draw.taken)
    scale = None
    for members, count in _parts(draw, rate, strata, left):
        scale, own = _poisson(draw, rate, floor, members, count)
        reasons += own
    after = _after(before, draw)
    return Round(
        picks=np.array(draw.taken, dtype=np.intp),
        reasons=tuple(reasons),
        skipped=np.empty(0, dtype=np.intp),
        held=np.array(draw.held, dtype=np.intp),
        certain=np.zeros(len(before), dtype=np.bool_),
        design=after,
        inclusion_probability=after.probability,
        scale=scale if strata is None else None,
        prn_level=draw.raised_to,
    )


def _rates(before: Design, interest: ArrayLike, share: float) -> tuple[Floats, float]:
    """r of every item, (n,), and the part of it that is the same for all."""
    g = np.asarray(interest, dtype=np.float64)
    if g.shape != before.prn.shape:
        raise RecordError(
            f"the interest must be one for each of {len(before)} items, not of shape {g.shape}"
        )
    refuse_outside(g, "interest", 0.0, np.inf)
    items, total = max(len(g), 1), float(g.sum())
    q = g / total if total > 0.0 else np.full(len(g), 1.0 / items)
    floor = (1.0 - share) / items
    return share * q + floor, floor


def _parts(
    draw: Draw, rate: Floats, strata: ArrayLike | None, batch: int
) -> Iterator[tuple[Flags, int]]:
    """Who is drawn from together, and how many: all, or each stratum by the sum of its rates."""
    if strata is None:
        yield np.ones(len(rate), dtype=np.bool_), batch
        return
    codes = np.asarray(strata, dtype=np.intp)
    numbers, group = np.unique(codes, return_inverse=True)
    free = np.bincount(group, weights=draw.free, minlength=len(numbers)).astype(np.intp)
    sums = np.bincount(group, weights=rate * draw.free, minlength=len(numbers)).astype(np.float64)
    for number, count in zip(numbers, _divided(batch, sums, free).tolist(), strict=True):
        yield codes == number, count


def _divided(batch: int, sums: Floats, free: Positions) -> Positions:
    """The batch divided in proportion to `sums`, no part above its `free`, by largest remainders;
    what one part cannot hold goes to the others.
    """
    parts = np.zeros(len(sums), dtype=np.intp)
    while (left := batch - int(parts.sum())) > 0 and (open_ := parts < free).any():
        share = np.where(open_, sums, 0.0)
        exact = left * share / share.sum()
        more = np.minimum(np.floor(exact).astype(np.intp), free - parts)
        if not more.any():
            # Below one each: one for each of the largest.
            more[np.argsort(-exact, kind="stable")[:left]] = 1
        parts += np.minimum(more, free - parts)
    return parts


def _poisson(
    draw: Draw, rate: Floats, floor: float, members: Flags, count: int
) -> tuple[float | None, list[str]]:
    """Take the `count` free members with the smallest u / r, in that order, and raise the levels of
    all members; gives a_t and the reasons.
    """
    ordered = _in_order(draw, rate, np.flatnonzero(draw.free & members), count)
    before = len(draw.taken)
    _, drawn = draw.take(ordered, count)
    if not len(drawn):
        return None, []
    scale = _scale(draw, rate, drawn, next(ordered, None))
    reached = np.minimum(1.0, np.maximum(scale * rate[members], SMALLEST))
    draw.level[members] = np.maximum(draw.level[members], reached)
    own = draw.prn[draw.taken[before:]].tolist()
    return scale, [RANDOM if u <= scale * floor else UNCERTAIN for u in own]


def _scale(draw: Draw, rate: Floats, drawn: Positions, following: int | None) -> float:
    """a_t, given who is drawn and who comes next; large enough for all where nobody does."""
    if draw.drawn_before(drawn).all():
        return 0.0
    if following is None:
        return float(1.0 / rate[rate > 0.0].min())
    return float(draw.prn[following] / rate[following])


def _in_order(draw: Draw, rate: Floats, candidates: Positions, count: int) -> Iterator[int]:
    """By u / r; those first that are below their level already, in the order of a tie."""
    prn = draw.prn[candidates]
    ratio = np.where(draw.drawn_before(candidates), tie_break(prn) - 1.0, prn / rate[candidates])
    return smallest_first(candidates, ratio, count)


def _after(before: Design, draw: Draw) -> Design:
    labelled = before.labelled.copy()
    labelled[draw.taken] = True
    level = _settled(before, draw)
    if draw.taken and labelled.all():
        level = np.ones(len(before))
    return Design(before.prn, labelled, level, before.certain)


def _settled(before: Design, draw: Draw) -> Floats:
    """The levels, such that u <= level says exactly who was taken: a product of floats may miss by
    its last digit.
    """
    level, drawn = draw.level.copy(), [*draw.taken, *draw.held]
    level[drawn] = np.maximum(level[drawn], np.maximum(before.prn[drawn], SMALLEST))
    left = draw.free & ~before.drawn
    level[left] = np.minimum(level[left], np.nextafter(before.prn[left], 0.0))
    return level
