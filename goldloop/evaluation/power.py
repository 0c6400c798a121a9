"""What a gate can see: the drop that it would have blocked, and how many cases would settle it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from goldloop.distributions import bdtr, ndtr, ndtri, stdtrit
from goldloop.evaluation.clusters import Floats, Integers, cluster_sums, mean_variance
from goldloop.evaluation.paired import adjusted_change
from goldloop.evaluation.rules import NONINFERIOR, POINT, Rules

WANTED = 0.8
_CLOSE = 1e-9
_STEPS = 40


@dataclass(frozen=True, slots=True)
class Power:
    """`smallest_drop` is what the gate would have blocked four times in five (None: no drop at
    all); `cases_for_drop` and `cases_for_margin` are how many cases would tell the drop that was
    seen (None where there was none), or one as large as the margin, from none as often.
    `false_blocks` is how often the policy, and `literal_false_blocks` how often the point policy,
    blocks an agent that did not change, on data like this.
    """

    smallest_drop: float | None
    cases_for_drop: int | None
    cases_for_margin: int | None
    false_blocks: float
    literal_false_blocks: float

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def power(
    baseline: ArrayLike,
    candidate: ArrayLike,
    clusters: Integers | None,
    rules: Rules,
    runs: int = 1,
) -> Power:
    """What the gate could see on these pairs; arguments as of `paired`.

    The variance is that of `adjusted_change`, so that no flip at all promises no endless power. A
    drop D that breaks runs by chance adds D (1 - D) / runs to that of a case, less what the drop
    that was seen adds already. Cases needed: (z(1 - alpha) + z(0.8))² Var(d) / drop², which is
    6.18 Var(d) / drop² at 0.05, with a variance of drop / runs at least.
    """
    change = np.asarray(candidate, dtype=np.float64) - np.asarray(baseline, dtype=np.float64)
    sums = cluster_sums(change, clusters)
    error_of = _standard_errors(change, clusters, runs)
    quantile = float(-stdtrit(max(len(sums) - 1, 1), rules.alpha))
    spread = adjusted_change(change, clusters, runs)[1] * len(change)
    drop = -float(change.mean())
    literal = _literal_false_blocks(sums, len(change), rules.margin)
    return Power(
        smallest_drop=_smallest_drop(rules, quantile, error_of) if len(sums) > 1 else None,
        cases_for_drop=_cases(max(spread, drop / runs), drop, rules.alpha),
        cases_for_margin=_cases(max(spread, rules.margin / runs), rules.margin, rules.alpha),
        false_blocks=_false_blocks(rules, quantile, error_of(0.0), literal),
        literal_false_blocks=literal,
    )


def _standard_errors(
    change: Floats, clusters: Integers | None, runs: int
) -> Callable[[float], float]:
    """The standard error of the mean change, were there a drop of so much."""
    variance = adjusted_change(change, clusters, runs)[1]
    apart, together = mean_variance(change, None), mean_variance(change, clusters)
    design = max(1.0, together / apart) if apart and together else 1.0
    seen = max(0.0, -float(change.mean()))

    def error(drop: float) -> float:
        more = max(0.0, _spread(drop) - _spread(seen)) / runs * design
        return float((variance + more / len(change)) ** 0.5)

    return error


def _spread(drop: float) -> float:
    """The variance of a run that breaks this often; no more is added beyond a half."""
    share = min(drop, 0.5)
    return share * (1.0 - share)


def blocks_from(rules: Rules, quantile: float, error: float) -> float:
    """The drop from which on the policy blocks, at this standard error."""
    if rules.policy == POINT:
        return rules.margin
    if rules.policy == NONINFERIOR:
        return rules.margin - quantile * error
    return max(rules.margin, quantile * error)


def _smallest_drop(
    rules: Rules, quantile: float, error_of: Callable[[float], float]
) -> float | None:
    """By bisection: the chance to be blocked grows with the drop."""

    def seen(drop: float) -> bool:
        error = error_of(drop)
        return drop - blocks_from(rules, quantile, error) >= float(ndtri(WANTED)) * error

    low, high = 0.0, 1.0
    if not seen(high):
        return None
    if seen(low):
        return 0.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high


def _cases(spread: float, drop: float, alpha: float) -> int | None:
    if drop <= _CLOSE:
        return None
    return ceil(float(ndtri(1.0 - alpha) + ndtri(WANTED)) ** 2 * spread / drop**2)


def _false_blocks(rules: Rules, quantile: float, error: float, literal: float) -> float:
    if rules.policy == POINT:
        return literal
    if rules.policy == NONINFERIOR:
        return float(ndtr(quantile - rules.margin / error))
    return min(rules.alpha, literal)


def _literal_false_blocks(sums: Floats, pairs: int, margin: float) -> float:
    """How often signs that fell by chance give a drop over the margin: exact where all differ by as
    much, else as many sums as to be about normal.
    """
    sizes = np.abs(sums[np.abs(sums) > _CLOSE])
    if not len(sizes):
        return 0.0
    if np.ptp(sizes) <= _CLOSE:
        # worse - better > margin * pairs / size, and worse + better = len(sizes)
        most = (len(sizes) - margin * pairs / float(sizes[0])) / 2.0
        better = floor(most - _CLOSE)
        return float(bdtr(better, len(sizes), 0.5)) if better >= 0 else 0.0
    return float(ndtr(-margin * pairs / float((sizes @ sizes) ** 0.5)))
