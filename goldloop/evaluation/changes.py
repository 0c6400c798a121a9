"""What changed between two lists of outcomes: the whole and its slices, by the gate's policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from goldloop.evaluation.clusters import Floats, Integers, cluster_codes
from goldloop.evaluation.holm import holm
from goldloop.evaluation.paired import Paired, paired
from goldloop.evaluation.power import Power, power
from goldloop.evaluation.rules import NONINFERIOR, POINT, Rules
from goldloop.evaluation.summary import WHOLE
from goldloop.evaluation.values import SCORE, Case, CaseOutcome, Evaluation
from goldloop.evaluation.verdict import SliceChange

_CLOSE = 1e-9


class Pair(NamedTuple):
    """A case and what it came to in both, each in [0, 1]."""

    case: Case
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Changes:
    """The comparison of the whole and of its slices; `blocks` and `doubts` name the parts ("all" or
    a slice) that block, and those over the margin that may be so by chance.
    """

    paired: Paired
    power: Power
    slices: tuple[SliceChange, ...]
    blocks: tuple[str, ...]
    doubts: tuple[str, ...]


def changes(
    before: Sequence[CaseOutcome], after: Sequence[CaseOutcome], rules: Rules, runs: int
) -> Changes | None:
    """Compare the cases that came to something in both; None where there are none."""
    pairs = _pairs(before, after)
    if not pairs:
        return None
    found = _compared(pairs, rules, runs)
    slices = _slices(pairs, rules, runs)
    gating = [one for one in slices if one.gates]
    blocks = [WHOLE] if blocked(found, found.p, rules) else []
    over = [WHOLE] if is_over(found, rules) else []
    blocks += [one.name for one in gating if one.blocks]
    over += [one.name for one in gating if is_over(one.paired, rules)]
    doubts = () if rules.policy == NONINFERIOR else tuple(n for n in over if n not in blocks)
    return Changes(found, power(*_arrays(pairs), rules, runs), tuple(slices), tuple(blocks), doubts)


def is_over(found: Paired, rules: Rules) -> bool:
    """Whether the drop is over the margin; a drop of just the margin is not."""
    return found.drop > rules.margin + _CLOSE


def blocked(found: Paired, p: float, rules: Rules) -> bool:
    """Whether the policy blocks a change whose p, corrected or not, is `p`."""
    if rules.policy == NONINFERIOR:
        return found.lower <= -rules.margin
    return is_over(found, rules) and (rules.policy == POINT or p < rules.alpha)


def grader_change(
    name: str, baseline: Evaluation, candidate: Evaluation, rules: Rules, runs: int
) -> Paired | None:
    """The comparison by one grader alone, on the cases that it graded in both; None: on none."""
    after = {case.sample_id: _mean(case, name, rules.metric) for case in candidate.cases}
    pairs = [
        Pair(case, old, new)
        for case in baseline.cases
        if (old := _mean(case, name, rules.metric)) is not None
        and (new := after.get(case.sample_id)) is not None
    ]
    return _compared(pairs, rules, runs) if pairs else None


def _mean(case: Case, grader: str, metric: str) -> float | None:
    """The mean over the case's runs of a grader's score, or of its passes."""
    grades = [g for a in case.attempts for g in a.grades if g.grader == grader]
    values = [
        g.score if metric == SCORE else float(bool(g.passed)) for g in grades if g.score is not None
    ]
    return float(np.mean(values)) if values else None


def _pairs(before: Iterable[CaseOutcome], after: Iterable[CaseOutcome]) -> list[Pair]:
    values = {one.case.sample_id: one.value for one in before if one.value is not None}
    return [
        Pair(one.case, values[one.case.sample_id], one.value)
        for one in after
        if one.value is not None and one.case.sample_id in values
    ]


def _arrays(pairs: Sequence[Pair]) -> tuple[Floats, Floats, Integers | None]:
    before = np.array([pair.before for pair in pairs], dtype=np.float64)
    after = np.array([pair.after for pair in pairs], dtype=np.float64)
    return before, after, cluster_codes([pair.case.cluster_id for pair in pairs])


def _compared(pairs: Sequence[Pair], rules: Rules, runs: int) -> Paired:
    return paired(*_arrays(pairs), alpha=rules.alpha, runs=runs)


def _slices(pairs: Sequence[Pair], rules: Rules, runs: int) -> list[SliceChange]:
    """Each slice by itself; those that gate are corrected among themselves."""
    members: dict[str, list[Pair]] = {}
    for pair in pairs:
        for name in dict.fromkeys(pair.case.slices):
            members.setdefault(name, []).append(pair)
    found = {name: _compared(some, rules, runs) for name, some in sorted(members.items())}
    gating = [n for n in found if n in rules.slices and found[n].pairs >= rules.min_slice]
    corrected = dict(zip(gating, holm([found[name].p for name in gating]), strict=True))
    return [
        SliceChange(
            name,
            one,
            gates=name in corrected,
            p=corrected.get(name),
            blocks=name in corrected and blocked(one, corrected[name], rules),
        )
        for name, one in found.items()
    ]
