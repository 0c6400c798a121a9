"""The agreement on one field, by the measure that fits its kind, with intervals and warnings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from goldloop.agreement.alpha import alpha_draws
from goldloop.agreement.answers import Answer, read_answers, table_of
from goldloop.agreement.bootstrap import (
    DRAWS,
    FEWEST_TASKS,
    Interval,
    Statistic,
    bootstrap_interval,
    estimate,
    mean_interval,
)
from goldloop.agreement.counts import CountTable
from goldloop.agreement.gwet import ac1_draws, ac2_draws
from goldloop.agreement.pair_scores import PairScore, pair_score_means
from goldloop.agreement.percent import percent_draws
from goldloop.agreement.sets import set_alpha_draws
from goldloop.agreement.taxonomy import taxonomy_credit
from goldloop.agreement.text import token_f1
from goldloop.fields import Field, FieldKind

SKEWED = 0.8
FEW_TASKS = 50

_CHANCE_CORRECTED: dict[FieldKind, tuple[str, Statistic]] = {
    FieldKind.SINGLE_CHOICE: ("alpha (nominal)", partial(alpha_draws, level="nominal")),
    FieldKind.PAIRWISE: ("alpha (nominal)", partial(alpha_draws, level="nominal")),
    FieldKind.RATING: ("alpha (ordinal)", partial(alpha_draws, level="ordinal")),
    FieldKind.NUMBER: ("alpha (interval)", partial(alpha_draws, level="interval")),
    FieldKind.DATE: ("alpha (interval)", partial(alpha_draws, level="interval")),
    FieldKind.MULTIPLE_CHOICE: ("alpha (MASI)", partial(set_alpha_draws, distance="masi")),
}
_PART_CREDIT: dict[FieldKind, tuple[str, PairScore]] = {
    FieldKind.TEXT: ("token F1", token_f1),
    FieldKind.TAXONOMY: ("path credit", taxonomy_credit),
}
_GWET: dict[FieldKind, dict[str, Statistic]] = {
    FieldKind.SINGLE_CHOICE: {"AC1": ac1_draws},
    FieldKind.PAIRWISE: {"AC1": ac1_draws},
    FieldKind.RATING: {"AC1": ac1_draws, "AC2": partial(ac2_draws, weighting="ordinal")},
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, None where it is undefined, and its 95% bootstrap interval over tasks.

    `interval` is None where `value` is, below 10 tasks and when intervals were not asked for.
    """

    value: float | None
    interval: Interval | None = None


NOTHING = Estimate(None)


@dataclass(frozen=True, slots=True)
class FieldAgreement:
    """How far people agree on one field.

    `tasks` counts the tasks with two answers or more, on which all numbers rest; `answers` and
    `annotators` count everybody who answered, also alone. `percent` is the share of equal pairs of
    answers, in [0, 1]. `measure` names what `score` is: alpha at the field's level of measurement,
    token F1 (text) or path credit (taxonomy); the last two are not corrected for chance. `ac1` is
    for fields with a fixed set of options, `ac2` (ordinal weights) for ratings. `top` is the most
    frequent answer in its comparable form (a date in days since 1970), the first in the field's
    order among equals, and `prevalence` its share of the answers. `warnings` are sentences for a
    person; they quote answers as they came.
    """

    field: str
    tasks: int
    answers: int
    annotators: int
    percent: Estimate
    measure: str
    score: Estimate
    ac1: Estimate
    ac2: Estimate
    top: Any
    prevalence: float | None
    warnings: tuple[str, ...]


def field_agreement(
    field: Field, answers: Iterable[Sequence[Any]], *, draws: int = DRAWS, seed: int = 0
) -> FieldAgreement:
    """The agreement on a field, from rows (task, annotator, value) or (..., value, time).

    The rows may come in any order; a value has the form that its field's kind says, and one of None
    or NaN is no answer. Of several answers of one person to one task the latest counts. With
    `draws=0` there are no intervals. Raises RecordError as `read_answers`.

    >>> verdict = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad"))
    >>> rows = [(1, "ann", "good"), (1, "bob", "good"), (2, "ann", "bad"), (2, "bob", "good")]
    >>> agreement = field_agreement(verdict, rows)
    >>> agreement.percent.value, agreement.score.value, agreement.prevalence
    (0.5, 0.0, 0.75)
    """
    return summary(field, read_answers(field, answers), draws=draws, seed=seed)


def summary(field: Field, answers: Sequence[Answer], *, draws: int, seed: int) -> FieldAgreement:
    """`field_agreement` of answers that have been read."""
    table = table_of(field, answers).paired()
    annotators = len({answer.annotator for answer in answers})
    top, prevalence = _top(table)
    measured = partial(_measured, table, draws=draws, seed=seed)
    gwet = {name: measured(statistic) for name, statistic in _GWET.get(field.kind, {}).items()}
    if field.kind in _CHANCE_CORRECTED:
        measure, statistic = _CHANCE_CORRECTED[field.kind]
        score = measured(statistic)
    else:
        measure, pair_score = _PART_CREDIT[field.kind]
        score = _part_credit(table, pair_score, draws, seed)
    return FieldAgreement(
        field=field.name,
        tasks=len(table.tasks),
        answers=len(answers),
        annotators=annotators,
        percent=measured(percent_draws, min_options=1),
        measure=measure,
        score=score,
        ac1=gwet.get("AC1", NOTHING),
        ac2=gwet.get("AC2", NOTHING),
        top=top,
        prevalence=prevalence,
        warnings=_warnings(field, table, annotators, top, prevalence),
    )


def _measured(
    table: CountTable, statistic: Statistic, min_options: int = 2, *, draws: int, seed: int
) -> Estimate:
    value = estimate(table, statistic, min_options)
    if value is None:
        return NOTHING
    interval = bootstrap_interval(table, statistic, min_options=min_options, draws=draws, seed=seed)
    return Estimate(value, interval)


def _part_credit(table: CountTable, score: PairScore, draws: int, seed: int) -> Estimate:
    means = pair_score_means(table, score)
    if not len(means):
        return NOTHING
    return Estimate(float(means.mean()), mean_interval(means, draws=draws, seed=seed))


def _top(table: CountTable) -> tuple[Any, float | None]:
    if not table.tasks:
        return None, None
    totals = np.bincount(table.option, weights=table.count)
    top = int(totals.argmax())
    return table.options[top], float(totals[top] / totals.sum())


def _warnings(
    field: Field, table: CountTable, annotators: int, top: Any, prevalence: float | None
) -> tuple[str, ...]:
    tasks = len(table.tasks)
    if annotators < 2:
        return (f"{annotators or 'no'} annotator answered: agreement takes two or more",)
    if prevalence is None:
        return ("no task has two answers: let the annotators overlap on some tasks",)
    warnings = []
    if tasks < FEW_TASKS:
        rest = "too few for intervals" if tasks < FEWEST_TASKS else "look at the intervals"
        warnings.append(f"few tasks with two answers ({tasks}, better {FEW_TASKS}): {rest}")
    if prevalence == 1.0:
        warnings.append(f"all answers are {top!r:.60}: {_nothing_to_tell_apart(field.kind)}")
    elif prevalence > SKEWED and field.kind in _CHANCE_CORRECTED:
        instead = "AC1 and the percent agreement" if field.kind in _GWET else "percent agreement"
        warnings.append(
            f"{min(prevalence, 0.99):.0%} of the answers are {top!r:.60}: kappa and alpha mislead "
            f"here (low although people agree); look at {instead}"
        )
    return tuple(warnings)


def _nothing_to_tell_apart(kind: FieldKind) -> str:
    if kind in _CHANCE_CORRECTED:
        return "agreement beyond chance is undefined, because nobody had anything to tell apart"
    return "nobody had anything to tell apart"
