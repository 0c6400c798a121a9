"""The spot check: who of a batch people look at, what their verdicts say, and what follows.

A batch's rejection rate is estimated from a few of its samples. They are drawn with the permanent
random numbers, stratified by difficulty, so that nobody picks them and everybody can check the
draw. Its interval is the exact one of Clopper and Pearson (Biometrika 26, 1934): it never promises
more than 95%, where the usual ones fail most, near 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from goldloop.samples import DIFFICULTIES

CONFIDENCE = 0.95
FAULTS = ("unrealistic", "wrong_answer", "wrong_calls")

Decision = Literal["accepted", "stopped", "open"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one person said of one sample; None for a question that they did not answer.

    `difficulty` is what they found it to be, None where they let the stated one stand.
    """

    realistic: bool | None = None
    answer_right: bool | None = None
    calls_right: bool | None = None
    difficulty: str | None = None
    reason: str = ""

    @property
    def faults(self) -> tuple[str, ...]:
        """What they found wrong, of `FAULTS`."""
        given = (self.realistic, self.answer_right, self.calls_right)
        return tuple(fault for fault, good in zip(FAULTS, given, strict=True) if good is False)


@dataclass(frozen=True, slots=True)
class Settled:
    """What stands of the verdicts on one sample: `good`, the faults that people found, most named
    first, the corrected `difficulty` or None, and how many people count.
    """

    good: bool
    faults: tuple[str, ...]
    difficulty: str | None
    reasons: tuple[str, ...]
    people: int


@dataclass(frozen=True, slots=True)
class RejectionRate:
    """`rejected` of `checked`, drawn out of `population`; `low` and `high` bound the rate at which
    whoever wrote the batch makes bad samples, with 95% confidence (0 and 1 where none is checked).
    """

    rejected: int
    checked: int
    population: int
    low: float
    high: float

    @property
    def rate(self) -> float | None:
        """The estimate; None where nothing is checked."""
        return self.rejected / self.checked if self.checked else None

    @property
    def exact(self) -> bool:
        """Whether all were checked: then `rate` is the batch's own, with nothing left to chance."""
        return self.checked == self.population


def checks_needed(n: int, share: float = 0.1, minimum: int = 50) -> int:
    """How many of `n` samples people look at: the share, at least the minimum, at most all.

    >>> checks_needed(30), checks_needed(200), checks_needed(2001)
    (30, 50, 201)
    """
    # 0.1 * 30 is a little more than 3 in floating point, and 4 would be asked for.
    return min(n, max(minimum, math.ceil(round(n * share, 9))))


def draw(
    ids: Sequence[str], difficulties: Sequence[str], prns: Sequence[float], count: int
) -> list[str]:
    """The `count` samples to look at: of each difficulty those with the smallest permanent random
    numbers, so many as its share of all; in the order of those numbers.

    The seats are dealt by largest remainder, and every difficulty that occurs has at least one
    where there are as many. It depends on nothing else, not on the order given either. Raises
    ValueError for lists that differ in length and for more than there are.
    """
    if not len(ids) == len(difficulties) == len(prns):
        raise ValueError("ids, difficulties and prns must be of one length")
    if not 0 <= count <= len(ids):
        raise ValueError(f"cannot draw {count} of {len(ids)} samples")
    seats = allocation(Counter(difficulties), count)
    places = sorted(zip(prns, ids, difficulties, strict=True))
    drawn = []
    for _, sample_id, difficulty in places:
        if seats[difficulty]:
            seats[difficulty] -= 1
            drawn.append(sample_id)
    return drawn


def allocation(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """How many to draw of each stratum: proportional to its size, by largest remainder; ties go to
    the larger, then by name. None goes without where there are as many seats as strata.

    >>> allocation({"easy": 60, "medium": 30, "hard": 1}, 9)
    {'easy': 5, 'medium': 3, 'hard': 1}
    """
    total = sum(sizes.values())
    if not total:
        return dict.fromkeys(sizes, 0)
    seats = {name: count * size // total for name, size in sizes.items()}
    by_remainder = sorted(
        sizes, key=lambda name: (-(count * sizes[name] % total), -sizes[name], name)
    )
    for name in by_remainder[: count - sum(seats.values())]:
        seats[name] += 1
    if count >= len(sizes):
        for name in sizes:
            if not seats[name]:
                # One that has several: there is one, for there are as many seats as strata.
                seats[max(sizes, key=lambda other: (seats[other], other))] -= 1
                seats[name] = 1
    return seats


def rejects(verdict: Verdict) -> bool | None:
    """Whether a person rejects the sample: it is unrealistic, or its answer or its calls are wrong.

    A wrong difficulty rejects nothing, for it can be put right. None is no verdict: something was
    left unanswered, and nothing was found wrong.
    """
    if verdict.faults:
        return True
    answered = (verdict.realistic, verdict.answer_right, verdict.calls_right)
    return None if None in answered else False


def settled(verdicts: Sequence[Verdict]) -> Settled | None:
    """What stands of several people's verdicts on one sample; None where there is none.

    The majority decides, and a tie rejects: a doubtful sample costs more in a golden set than one
    fewer. The difficulty is corrected to what more than half of them said.
    """
    votes = [verdict for verdict in verdicts if rejects(verdict) is not None]
    if not votes:
        return None
    against = sum(bool(rejects(verdict)) for verdict in votes)
    faults = Counter(fault for verdict in votes for fault in verdict.faults)
    found = Counter(verdict.difficulty for verdict in votes).most_common(1)[0]
    return Settled(
        2 * against < len(votes),
        tuple(sorted(faults, key=lambda fault: (-faults[fault], FAULTS.index(fault)))),
        found[0] if 2 * found[1] > len(votes) else None,
        tuple(verdict.reason for verdict in votes if verdict.reason),
        len(votes),
    )


def rejection_rate(rejected: int, checked: int, population: int) -> RejectionRate:
    """The estimate and its exact two-sided 95% interval (Clopper-Pearson).

    It takes the samples for independent draws. They are drawn without replacement, of strata in
    proportion: both make the estimate better than it says, so that the interval is on the safe
    side. Raises ValueError for counts that do not fit each other.

    >>> [f"{rejection_rate(0, n, 10_000).high:.1%}" for n in (20, 50, 300)]
    ['16.8%', '7.1%', '1.2%']
    """
    if not 0 <= rejected <= checked <= population:
        raise ValueError(f"cannot have {rejected} rejected of {checked} checked of {population}")
    low, high = interval(rejected, checked)
    return RejectionRate(rejected, checked, population, low, high)


def interval(rejected: int, checked: int) -> tuple[float, float]:
    """The exact 95% interval of a share; (0, 1) where nothing was checked.

    Its ends are quantiles of beta distributions: 2.5% of Beta(k, n - k + 1) and 97.5% of
    Beta(k + 1, n - k), for k of n; 0 where k is 0, and 1 where k is n.
    """
    # Here: scipy takes longer to import than most commands take to run.
    from scipy.special import betaincinv

    good, tail = checked - rejected, (1 - CONFIDENCE) / 2
    low = float(betaincinv(rejected, good + 1, tail)) if rejected else 0.0
    high = float(betaincinv(rejected + 1, good, 1 - tail)) if good else 1.0
    return low, high


def decision(
    rejected: int, answered: int, skipped: int, drawn: int, limit: float = 0.05
) -> Decision:
    """What follows for the batch: stopped when, with all `drawn` answered, the interval's lower
    bound is above `limit`, else accepted.

    There is one look, at the end: to look after every answer and stop at the first low bound above
    the limit would stop good batches far more often than the interval says. It is stopped early
    only where the end is certain: whatever the others say, the bound will be above the limit
    (curtailed sampling, which changes no decision). `skipped` samples are neither: the batch is
    accepted in spite of them only where it would be if all of them were rejected, and stays open
    otherwise. Raises ValueError for counts that do not fit each other.

    >>> decision(6, 6, 0, 50), decision(0, 49, 0, 50), decision(5, 50, 0, 50)
    ('open', 'open', 'accepted')
    """
    if not (0 <= rejected <= answered and skipped >= 0 and answered + skipped <= drawn):
        raise ValueError(f"{rejected} rejected, {answered} answered, {skipped} skipped of {drawn}")
    if interval(rejected, drawn)[0] > limit:
        return "stopped"
    if answered + skipped < drawn or interval(rejected + skipped, drawn)[0] > limit:
        return "open"
    return "accepted"


def by_difficulty(
    population: Mapping[str, int], checked: Mapping[str, int], rejected: Mapping[str, int]
) -> dict[str, RejectionRate]:
    """The rate of every difficulty that occurs, from the easiest; counts by difficulty."""
    return {
        name: rejection_rate(rejected.get(name, 0), checked.get(name, 0), population[name])
        for name in DIFFICULTIES
        if population.get(name)
    }
