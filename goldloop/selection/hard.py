"""A hard round: the most uncertain for certain, and a random sample of the rest.

First the most uncertain unlabelled items are taken. The cutoff is the last of them; every item at
or beyond it, labelled or not, is certain. Then the random part is drawn from what is left, by the
smallest permanent random numbers, and the level rises to the last one drawn. New arrivals below the
level of earlier rounds have the smallest numbers of all unlabelled items, so they come first by
themselves; when there are more of them than the batch can take, their level is the lower one that
was reached, and a later round catches up.

Whether an item is certain is learned by going down the ranking, and from nothing but the items
passed on the way. So among all others each set of the size of the sample is as likely as any other,
after any number of rounds. Either order of the two parts is valid; this one spends the random part
on items that are not certain.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from goldloop.selection.minimums import Draw, draw_by_strata, fill_minimums
from goldloop.selection.scores import Floats, refuse_outside
from goldloop.selection.shares import refuse_batch, split_batch


def hard_round(
    before: Design,
    uncertainty: ArrayLike,
    batch_size: int,
    uncertain_share: float,
    *,
    minimums: Sequence[TagMinimum] = (),
    strata: ArrayLike | None = None,
    admit: Admit | None = None,
) -> Round:
    """Pick a batch from the unlabelled items, by uncertainty (n,) of all items, labelled ones too.

    Ties in uncertainty are ordered by `prn.tie_break`. Of the random part, tags short of their
    minimum get theirs first; with `strata` (n,) the rest is spread evenly over these. Fewer than
    `batch_size` are picked only where no more are unlabelled and admitted. An uncertain one that
    `admit` turns away is passed over: it is not certain, and can be drawn at random. One that was
    drawn and is turned away stays drawn, for it stands for others; it is `held` back, and a later
    round takes it first.

    `inclusion_probability` is 1 for what is certain by any round so far, and for the others the
    share of the items of their level that was drawn. The level itself would do as well on average;
    the share is the chance given the size of the sample, and its weights add up to the pool.

    Raises SettingsError for a batch below 1 or a share outside [0, 1], RecordError for an
    uncertainty that is missing.

    >>> from goldloop.selection.design import design
    >>> start = design([0.6, 0.7, 0.1, 0.5])
    >>> first = hard_round(start, [0.9, 0.1, 0.2, 0.8], 2, uncertain_share=0.5)
    >>> first.picks, first.reasons, first.cutoff, first.prn_level
    (array([0, 2]), ('uncertain', 'random'), 0.9, 0.1)
    """
    refuse_batch(batch_size, uncertain_share)
    scores = _scores(before, uncertainty)
    size = min(batch_size, int((~before.labelled).sum()))
    n_uncertain, n_random = split_batch(size, uncertain_share)
    uncertain, passed = _most_uncertain(scores, before, n_uncertain, admit)
    certain = _beyond(scores, before.prn, uncertain)
    certain[passed] = False
    draw = _random_part(before, uncertain, n_random, minimums, strata, admit)
    picks = [*uncertain, *draw.taken]
    after = _after(before, picks, draw.level, certain)
    return Round(
        picks=np.array(picks, dtype=np.intp),
        reasons=(UNCERTAIN,) * len(uncertain) + (RANDOM,) * len(draw.taken),
        skipped=np.setdiff1d(np.array(passed, dtype=np.intp), [*draw.taken, *draw.held]),
        held=np.array(draw.held, dtype=np.intp),
        certain=certain,
        design=after,
        inclusion_probability=after.realised(),
        cutoff=float(scores[uncertain[-1]]) if uncertain else None,
        cutoff_tie=float(tie_break(before.prn[uncertain[-1:]])[0]) if uncertain else None,
        prn_level=draw.raised_to,
    )


def _scores(before: Design, uncertainty: ArrayLike) -> Floats:
    scores = np.asarray(uncertainty, dtype=np.float64)
    if scores.shape != before.prn.shape:
        raise RecordError(
            f"uncertainties must be one for each of {len(before)} items, not of shape "
            f"{scores.shape}"
        )
    refuse_outside(scores, "uncertainty", -np.inf, np.inf)
    return scores


def _random_part(
    before: Design,
    uncertain: list[int],
    budget: int,
    minimums: Sequence[TagMinimum],
    strata: ArrayLike | None,
    admit: Admit | None,
) -> Draw:
    """The draw from the unlabelled items that were not picked for being uncertain."""
    have = before.labelled | _flags(before, uncertain)
    draw = Draw.begin(before, ~have, admit)
    budget = fill_minimums(draw, minimums, have, budget)
    if strata is not None:
        budget = draw_by_strata(draw, np.asarray(strata, dtype=np.intp), budget)
    if budget > 0:
        draw.from_group(None, budget)
    return draw


def _after(before: Design, picks: list[int], level: Floats, certain: Flags) -> Design:
    return Design(
        before.prn, before.labelled | _flags(before, picks), level, before.certain | certain
    )


def _flags(before: Design, positions: list[int]) -> Flags:
    flags = np.zeros(len(before), dtype=np.bool_)
    flags[positions] = True
    return flags


def _most_uncertain(
    scores: Floats, before: Design, count: int, admit: Admit | None
) -> tuple[list[int], list[int]]:
    """Positions of the `count` largest scores of unlabelled items, ties by `tie_break`, in that
    order, and of those that were passed over.
    """
    if count == 0:
        return [], []
    free = np.flatnonzero(~before.labelled)
    near = free if admit is not None else _at_the_top(scores, free, count)
    return _admitted(near[_ranking(scores[near], before.prn[near])], count, admit)


def _admitted(ordered: Positions, count: int, admit: Admit | None) -> tuple[list[int], list[int]]:
    """The first `count` of `ordered` that are let in, and those passed over before the last."""
    if admit is None or count == 0:
        return ordered[:count].tolist(), []
    taken: list[int] = []
    passed: list[int] = []
    for position in ordered.tolist():
        (taken if admit(position) else passed).append(position)
        if len(taken) == count:
            break
    return taken, passed


def _at_the_top(scores: Floats, free: Positions, count: int) -> Positions:
    # Only what is at or above the cutoff is sorted: the pool may hold a million.
    own = scores[free]
    cutoff = np.partition(own, len(own) - count)[len(own) - count]
    top: Positions = free[own >= cutoff]
    return top


def _ranking(scores: Floats, prn: Floats) -> Positions:
    order: Positions = np.lexsort((prn, tie_break(prn), -scores))
    return order


def _beyond(scores: Floats, prn: Floats, uncertain: list[int]) -> Flags:
    """Which items, labelled or not, are at or before the last one taken, in the ranking's order."""
    if not uncertain:
        return np.zeros(len(scores), dtype=np.bool_)
    last = uncertain[-1]
    beyond: Flags = scores > scores[last]
    equal = np.flatnonzero(scores == scores[last])
    tie = tie_break(prn[equal])
    own = tie_break(prn[[last]])[0]
    beyond[equal] = (tie < own) | ((tie == own) & (prn[equal] <= prn[last]))
    return beyond
