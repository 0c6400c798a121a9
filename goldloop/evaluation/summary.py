"""What an evaluation comes to: the whole, its slices, its graders, and the pool it stands for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from math import fsum
from typing import Any

import numpy as np

from goldloop.errors import RecordError
from goldloop.evaluation.clusters import cluster_codes
from goldloop.evaluation.means import Mean, kish, mean_of
from goldloop.evaluation.values import (
    PASSED,
    UNGRADED,
    Attempt,
    Case,
    CaseOutcome,
    Evaluation,
    GraderFacts,
    attempt_outcome,
    case_outcomes,
)
from goldloop.graders.grader import Grade
from goldloop.json_values import shown

WHOLE = "all"
LEAST_CHANCE = 1e-12
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Usage:
    """What the agent's `runs` took; each sum is over the runs that say, None where none does.

    `usd` is an exact decimal as text. Graders are not in it.
    """

    runs: int
    input_tokens: int | None
    output_tokens: int | None
    usd: str | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """The whole or a slice: `graded` of its `cases` came to something, `errors` to nothing, and
    `ungraded` have no grader that applies.

    `mean` is over the graded, each case counting the same, with a 95% interval (`method` wilson or
    clustered, over so many `clusters`); None without a graded case. Over the cases of which every
    run came to something, `always` is the share that passed each time (pass^k) and `ever` the share
    that passed once at least.
    """

    name: str
    cases: int
    graded: int
    errors: int
    ungraded: int
    mean: float | None
    low: float | None
    high: float | None
    method: str | None
    clusters: int
    always: float | None
    ever: float | None
    usage: Usage


@dataclass(frozen=True, slots=True)
class GraderPart:
    """One grader over all `runs` that it graded; `errors` are runs on which the grader failed.

    `mean` is its mean score; `pass_rate` has a 95% interval that counts the runs of a case
    together.
    """

    facts: GraderFacts
    runs: int
    errors: int
    mean: float | None
    pass_rate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class PoolEstimate:
    """The mean of the whole pool, from the `graded` cases whose chance of being picked is known.

    They are that many of `cases`; the others are not in it. `effective` is how many cases of equal
    weight would tell as much.
    """

    value: float
    low: float
    high: float
    cases: int
    graded: int
    effective: float


@dataclass(frozen=True, slots=True)
class Summary:
    """An evaluation in figures; `errors` are the most frequent texts and how often each came."""

    metric: str
    runs_per_case: int
    whole: Part
    slices: tuple[Part, ...]
    graders: tuple[GraderPart, ...]
    pool: PoolEstimate | None
    errors: tuple[tuple[str, int], ...]

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        record = asdict(self)
        for key in ("slices", "graders"):
            record[key] = list(record[key])
        return record | {"errors": [{"error": text, "runs": runs} for text, runs in self.errors]}


MOST_ERRORS = 10


def summarise(
    evaluation: Evaluation, metric: str = PASSED, without: Collection[str] = ()
) -> Summary:
    """The figures of an evaluation, by one of `METRICS`.

    Graders in `without` count for nothing, but have their own figures. Raises RecordError for a
    case of which no sampling design can be the reason.
    """
    outcomes = case_outcomes(evaluation, metric, without)
    return Summary(
        metric=metric,
        runs_per_case=evaluation.runs_per_case,
        whole=_part(WHOLE, outcomes, metric),
        slices=tuple(_part(name, some, metric) for name, some in by_slice(outcomes).items()),
        graders=tuple(_grader_part(facts, evaluation.cases) for facts in evaluation.graders),
        pool=_pool_estimate(outcomes),
        errors=_errors(evaluation, without),
    )


def is_ungraded(outcome: CaseOutcome) -> bool:
    """Whether no grader applies to the case, which is no error."""
    return outcome.value is None and outcome.error in (None, UNGRADED.error)


def is_error(outcome: CaseOutcome) -> bool:
    """Whether the case came to nothing because the agent or a grader failed."""
    return outcome.value is None and not is_ungraded(outcome)


def by_slice(outcomes: Sequence[CaseOutcome]) -> dict[str, list[CaseOutcome]]:
    """The cases of each slice, by name."""
    found: dict[str, list[CaseOutcome]] = {}
    for outcome in outcomes:
        for name in dict.fromkeys(outcome.case.slices):
            found.setdefault(name, []).append(outcome)
    return dict(sorted(found.items()))


def _part(name: str, outcomes: Sequence[CaseOutcome], metric: str) -> Part:
    graded = [one for one in outcomes if one.value is not None]
    mean = _mean(graded, metric)
    complete = [one for one in graded if one.always is not None]
    return Part(
        name=name,
        cases=len(outcomes),
        graded=len(graded),
        errors=sum(map(is_error, outcomes)),
        ungraded=sum(map(is_ungraded, outcomes)),
        mean=mean.value if mean else None,
        low=mean.low if mean else None,
        high=mean.high if mean else None,
        method=mean.method if mean else None,
        clusters=mean.clusters if mean else 0,
        always=_share([one.always is True for one in complete]),
        ever=_share([one.passes > 0 for one in complete]),
        usage=_usage(attempt for one in outcomes for attempt in one.case.attempts),
    )


def _mean(graded: Sequence[CaseOutcome], metric: str) -> Mean | None:
    if not graded:
        return None
    once = metric == PASSED and all(one.graded == 1 for one in graded)
    values = np.array([one.value for one in graded], dtype=np.float64)
    return mean_of(values, cluster_codes([one.case.cluster_id for one in graded]), once)


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _usage(attempts: Iterable[Attempt]) -> Usage:
    every = list(attempts)
    usd = [Decimal(one.usd) for one in every if one.usd is not None]
    seconds = [one.seconds for one in every if one.seconds is not None]
    return Usage(
        runs=len(every),
        input_tokens=_total([one.input_tokens for one in every]),
        output_tokens=_total([one.output_tokens for one in every]),
        usd=f"{sum(usd, Decimal(0)):f}" if usd else None,
        seconds=fsum(seconds) if seconds else None,
    )


def _total(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _grader_part(facts: GraderFacts, cases: Sequence[Case]) -> GraderPart:
    by_case = [
        (case, [g for a in case.attempts for g in a.grades if g.grader == facts.name])
        for case in cases
    ]
    scored = [(case, found) for case, grades in by_case if (found := _scored(grades))]
    mean = _pass_rate(scored)
    scores = [grade.score or 0.0 for _, grades in scored for grade in grades]
    return GraderPart(
        facts=facts,
        runs=len(scores),
        errors=sum(len(grades) for _, grades in by_case) - len(scores),
        mean=fsum(scores) / len(scores) if scores else None,
        pass_rate=mean.value if mean else None,
        low=mean.low if mean else None,
        high=mean.high if mean else None,
    )


def _scored(grades: Sequence[Grade]) -> list[Grade]:
    return [grade for grade in grades if grade.score is not None]


def _pass_rate(scored: Sequence[tuple[Case, list[Grade]]]) -> Mean | None:
    if not scored:
        return None
    rates = [sum(grade.passed is True for grade in grades) / len(grades) for _, grades in scored]
    clusters = cluster_codes([case.cluster_id for case, _ in scored])
    return mean_of(np.array(rates), clusters, all(len(grades) == 1 for _, grades in scored))


def _pool_estimate(outcomes: Sequence[CaseOutcome]) -> PoolEstimate | None:
    """Hájek's estimate: each case stands for 1 / its chance of being picked; None without any.

    The variance is that of a ratio of totals, by clusters, as if the pool were without end; so the
    interval holds for further cases like those of the pool. Source: Särndal, Swensson and Wretman,
    Model Assisted Survey Sampling (1992), sections 5.7 and 8.6. Raises RecordError for a chance
    below 1e-12.
    """
    picked = [one for one in outcomes if one.case.inclusion_probability]
    graded = [one for one in picked if one.value is not None]
    if not graded:
        return None
    values = np.array([one.value for one in graded], dtype=np.float64)
    chances = np.array([one.case.inclusion_probability for one in graded], dtype=np.float64)
    if chances.min() < LEAST_CHANCE:
        name = shown(graded[int(chances.argmin())].case.sample_id)
        raise RecordError(
            f"case {name} has an inclusion_probability of {chances.min():.3g}; nothing is picked"
            f" with one below {LEAST_CHANCE:g}, and it would stand for all of the pool"
        )
    weights = 1.0 / chances
    clusters = cluster_codes([one.case.cluster_id for one in graded])
    mean = mean_of(values, clusters, independent=False, weights=weights)
    return PoolEstimate(
        value=mean.value,
        low=mean.low,
        high=mean.high,
        cases=len(outcomes),
        graded=len(graded),
        effective=round(kish(weights), _DIGITS),
    )


def _errors(evaluation: Evaluation, without: Collection[str]) -> tuple[tuple[str, int], ...]:
    graders = {facts.name: facts for facts in evaluation.graders}
    found = Counter(
        error
        for case in evaluation.cases
        for one in case.attempts
        if (error := attempt_outcome(one, graders, evaluation.pass_score, without).error)
        and error != UNGRADED.error
    )
    return tuple(found.most_common(MOST_ERRORS))
