"""Agreement broken down: by pair of annotators, by slice, over time and by option."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import numpy as np

from goldloop.agreement.alpha import krippendorff_alpha
from goldloop.agreement.answers import Answer, by_task, read_answers
from goldloop.agreement.bootstrap import DRAWS, mean_interval
from goldloop.agreement.counts import IntArray, count_matrix, ordered
from goldloop.agreement.field import NOTHING, Estimate, FieldAgreement, summary
from goldloop.agreement.kappa import (
    KappaWeights,
    cohen_kappa,
    cohen_kappa_interval,
    confusion_matrix,
)
from goldloop.errors import RecordError, SettingsError
from goldloop.fields import Field, FieldKind

_KAPPA_WEIGHTS: dict[FieldKind, KappaWeights] = {
    FieldKind.SINGLE_CHOICE: "unweighted",
    FieldKind.PAIRWISE: "unweighted",
    FieldKind.MULTIPLE_CHOICE: "unweighted",
    FieldKind.TAXONOMY: "unweighted",
    FieldKind.RATING: "quadratic",
}


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """How far two annotators agree on the `tasks` that both answered.

    `percent` is the share of these on which their answers are equal, in [0, 1]. `kappa` is Cohen's,
    with quadratic weights for a rating; None for texts, numbers and dates, and when both always
    gave the same one answer.
    """

    first: Hashable
    second: Hashable
    tasks: int
    percent: Estimate
    kappa: Estimate


@dataclass(frozen=True, slots=True)
class PeriodAgreement:
    """The agreement on the tasks that were completed from `start` to `end`, both ISO 8601."""

    start: str
    end: str
    agreement: FieldAgreement


def annotator_pairs(
    field: Field, answers: Iterable[Sequence[Any]], *, draws: int = 0, seed: int = 0
) -> tuple[PairAgreement, ...]:
    """The agreement of each two annotators who have a task in common, ordered by annotator.

    `answers` as in `field_agreement`. With `draws` above 0 there are intervals too, which takes a
    few milliseconds a pair. A mean of these kappas is not Fleiss' kappa.

    >>> verdict = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad"))
    >>> rows = [(1, "ann", "good"), (1, "bob", "good"), (2, "ann", "bad"), (2, "bob", "good")]
    >>> [(pair.first, pair.second, pair.tasks) for pair in annotator_pairs(verdict, rows)]
    [('ann', 'bob', 2)]
    """
    met: dict[tuple[Hashable, Hashable], list[tuple[Any, Any]]] = defaultdict(list)
    for same in by_task(read_answers(field, answers)).values():
        for one, other in combinations(same, 2):
            met[one.annotator, other.annotator].append((one.value, other.value))
    place = {who: index for index, who in enumerate(ordered({who for pair in met for who in pair}))}
    return tuple(
        PairAgreement(first, second, len(values), *_two(field.kind, values, draws, seed))
        for (first, second), values in sorted(
            met.items(), key=lambda item: (place[item[0][0]], place[item[0][1]])
        )
    )


def agreement_by_slice(
    field: Field,
    answers: Iterable[Sequence[Any]],
    slices: Mapping[Hashable, Collection[str]],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, FieldAgreement]:
    """`field_agreement` for each slice, by name; `slices` maps a task to the slices that it is in.

    A task may be in several slices, and one in none is left out. A slice without an answer is not
    in the result.
    """
    inside: dict[str, list[Answer]] = defaultdict(list)
    for answer in read_answers(field, answers):
        names = slices.get(answer.task, ())
        for name in {names} if isinstance(names, str) else set(names):
            inside[name].append(answer)
    return {name: summary(field, inside[name], draws=draws, seed=seed) for name in ordered(inside)}


def agreement_over_time(
    field: Field,
    answers: Iterable[Sequence[Any]],
    *,
    periods: int = 5,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[PeriodAgreement, ...]:
    """The agreement in periods that hold equally many tasks, oldest first.

    The tasks with two answers or more stand in the order of their last answers and are cut into
    `periods` parts as equal as can be, fewer when there are fewer tasks. Raises SettingsError for
    no period, RecordError when an answer to such a task has no time.
    """
    if periods < 1:
        raise SettingsError(f"periods must be at least 1, not {periods}")
    read = by_task(read_answers(field, answers))
    ended = {task: _last(same) for task, same in read.items() if len(same) > 1}
    tasks = sorted(ended, key=lambda task: ended[task])
    parts = np.array_split(np.arange(len(tasks)), min(periods, len(tasks)) or 1)
    result = []
    for part in parts:
        names = [tasks[index] for index in part]
        inside = [answer for task in names for answer in read[task]]
        if names:
            start, end = (ended[names[index]].astimezone(UTC).isoformat() for index in (0, -1))
            agreement = summary(field, inside, draws=draws, seed=seed)
            result.append(PeriodAgreement(start, end, agreement))
    return tuple(result)


def option_alphas(field: Field, answers: Iterable[Sequence[Any]]) -> dict[str, float | None]:
    """Nominal alpha of each option of several, as chosen or not chosen, by option.

    An option is taken as seen by everybody who answered. None where everybody did the same on all
    tasks with two answers. Raises SettingsError for a field that is no choice of several.
    """
    if field.kind is not FieldKind.MULTIPLE_CHOICE:
        raise SettingsError(f"field {field.name} is no choice of several, but a {field.kind}")
    tasks = [same for same in by_task(read_answers(field, answers)).values() if len(same) > 1]
    sizes = np.array([len(same) for same in tasks], dtype=np.int64)
    chosen: dict[str, Counter[int]] = {option: Counter() for option in field.options}
    for row, same in enumerate(tasks):
        for answer in same:
            for option in answer.value:
                chosen.setdefault(option, Counter())[row] += 1
    return {option: _option_alpha(rows, sizes) for option, rows in chosen.items()}


def _two(
    kind: FieldKind, values: Sequence[tuple[Any, Any]], draws: int, seed: int
) -> tuple[Estimate, Estimate]:
    """Percent agreement and Cohen's kappa of two people, from their answers to common tasks."""
    equal = np.array([float(one == other) for one, other in values])
    percent = Estimate(float(equal.mean()), mean_interval(equal, draws=draws, seed=seed))
    if kind not in _KAPPA_WEIGHTS:
        return percent, NOTHING
    options = ordered({value for pair in values for value in pair})
    firsts, seconds = (dict(enumerate(side)) for side in zip(*values, strict=True))
    confusion = confusion_matrix(firsts, seconds, options)
    weights = _KAPPA_WEIGHTS[kind]
    positions = options if weights == "quadratic" else None
    kappa = cohen_kappa(confusion, weights, positions)
    if kappa is None or draws == 0:
        return percent, Estimate(kappa)
    interval = cohen_kappa_interval(confusion, weights, positions, draws=draws, seed=seed)
    return percent, Estimate(kappa, interval)


def _last(answers: Sequence[Answer]) -> datetime:
    times = [answer.time for answer in answers if answer.time is not None]
    if len(times) < len(answers):
        raise RecordError(
            f"task {answers[0].task!r:.80} has an answer without a time; give (task, annotator, "
            "value, time) in every row"
        )
    return max(times)


def _option_alpha(chosen: Mapping[int, int], sizes: IntArray) -> float | None:
    counts = np.zeros_like(sizes)
    counts[list(chosen)] = list(chosen.values())
    return krippendorff_alpha(count_matrix(np.stack([sizes - counts, counts], axis=1)))
