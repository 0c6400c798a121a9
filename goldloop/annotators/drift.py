"""Drift: whether somebody agrees with the others less, or more, than they used to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from goldloop.agreement import Interval
from goldloop.annotators.proportions import newcombe_interval, wilson_interval

MOST_PERIODS = 4
FEWEST_A_PERIOD = 10


@dataclass(frozen=True, slots=True)
class Period:
    """The answers from `start` to `end`, both ISO 8601: how many there are, the share of them that
    is as the others', and its 95% Wilson interval.
    """

    start: str
    end: str
    answers: int
    share: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Drift:
    """One person's agreement with the others over time, oldest first.

    `change` is the share in the later half of the answers less that in the earlier half, in
    [-1, 1], `interval` its 95% interval (Newcombe 1998, method 10), and `drifted` says whether that
    leaves out 0. All three are None below 10 answers a half. One of twenty people who do not drift
    is found to all the same. It is measured against the others: a person also falls when the tasks
    grow harder, or when the others drift.
    """

    periods: tuple[Period, ...] = ()
    change: float | None = None
    interval: Interval | None = None
    drifted: bool | None = None


def drift_over_time(verdicts: Sequence[tuple[datetime, bool]]) -> Drift:
    """The drift of one person from when each answer was given and whether it was as the others'.

    They may come in any order; of equal times the first given counts as the earlier. They are cut
    into up to 4 parts as equal as can be, of 10 answers or more each.
    """
    ordered = sorted(verdicts, key=lambda verdict: verdict[0])
    parts = min(MOST_PERIODS, len(ordered) // FEWEST_A_PERIOD)
    cuts = np.array_split(np.arange(len(ordered)), parts) if parts else []
    periods = tuple(_period([ordered[place] for place in cut]) for cut in cuts)
    half = len(ordered) // 2
    if half < FEWEST_A_PERIOD:
        return Drift(periods)
    earlier, later = _tally(ordered[:half]), _tally(ordered[half:])
    interval = newcombe_interval(later, earlier)
    change = later[0] / later[1] - earlier[0] / earlier[1]
    return Drift(periods, change, interval, not interval.low <= 0.0 <= interval.high)


def _period(verdicts: Sequence[tuple[datetime, bool]]) -> Period:
    same, answers = _tally(verdicts)
    start, end = (verdicts[place][0].astimezone(UTC).isoformat() for place in (0, -1))
    return Period(start, end, answers, same / answers, wilson_interval(same, answers))


def _tally(verdicts: Sequence[tuple[datetime, bool]]) -> tuple[int, int]:
    return sum(same for _, same in verdicts), len(verdicts)
