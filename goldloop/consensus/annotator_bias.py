"""Numbers from several people: each reads the scale a little high or low."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldloop.consensus.annotator_model import Annotator
from goldloop.consensus.outcome import FieldAnswers, TaskAnswers
from goldloop.consensus.votes import Floats, Votes, code_votes
from goldloop.errors import RecordError
from goldloop.fields import Value

SHRINK = 10.0
CUT = 1.5
ROUNDS = 30
SETTLED = 1e-6  # of the noise
ENOUGH = 20
MAD = 1.4826  # the standard deviation of a normal distribution over its median deviation


@dataclass(frozen=True, slots=True)
class BiasModel:
    """How much each annotator's numbers lie above the others', and the noise that is usual.

    Both in the unit of the answers. `noise` is the standard deviation of one answer around the
    task's value, None where fewer than 20 answers are on shared tasks. `robust` tells whether
    outlying answers count less.
    """

    biases: Mapping[Annotator, float]
    noise: float | None
    robust: bool

    def to_record(self) -> dict[str, Any]:
        """The model as plain values for JSON."""
        biases = [[who, bias] for who, bias in self.biases.items()]
        return {"biases": biases, "noise": self.noise, "robust": self.robust}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> BiasModel:
        """The model that `to_record` wrote. Raises RecordError when that is not what it is."""
        try:
            noise = None if record["noise"] is None else float(record["noise"])
            biases = {who: float(bias) for who, bias in record["biases"]}
            return cls(biases, noise, bool(record["robust"]))
        except (KeyError, TypeError, ValueError) as error:
            raise RecordError(f"a stored bias model cannot be read: {error!r}") from None


def fit_biases(numbers: Mapping[str, Mapping[Annotator, float]], *, robust: bool) -> BiasModel:
    """The biases b_w of x[t, w] = value[t] + b_w + noise, from the tasks with two answers or more.

    In turns: the values are the means of the corrected answers; b_w is the sum of w's residuals
    over (their number + 10), so that few answers correct little; the biases are centred on the
    answers, because only differences between people can be seen. Below 20 answers on shared tasks
    nobody is corrected and the noise is unknown. With `robust` values start at
    medians and residuals beyond 1.5 standard deviations are cut back (Huber 1964).

    >>> twice = {str(t): {"low": 1.0 * t, "high": t + 2.0} for t in range(90)}
    >>> {who: round(bias, 2) for who, bias in fit_biases(twice, robust=False).biases.items()}
    {'high': 0.9, 'low': -0.9}
    """
    shared = {task: by for task, by in numbers.items() if len(by) >= 2}
    rows = [(task, who) for task in sorted(shared) for who in shared[task]]
    coded = code_votes([t for t, _ in rows], [w for _, w in rows], [0] * len(rows))
    votes = coded.votes
    values = np.array(
        [
            shared[str(coded.tasks[task])][coded.annotators[who]]
            for task, who in zip(votes.tasks, votes.annotators, strict=True)
        ],
        dtype=np.float64,
    )
    if len(rows) < ENOUGH:
        return BiasModel({}, None, robust)
    biases, noise = _alternate(votes, values, robust)
    named = {who: float(bias) for who, bias in zip(coded.annotators, biases, strict=True)}
    return BiasModel(named, noise, robust)  # type: ignore[arg-type]


def corrected(model: BiasModel, numbers: Mapping[Annotator, float]) -> Floats:
    """One task's answers less their annotators' biases, sorted; strangers have none."""
    return np.sort([x - model.biases.get(who, 0.0) for who, x in numbers.items()])


def location(numbers: Floats, noise: float | None, *, robust: bool) -> float:
    """The value that the answers to one task speak for: their mean, or Huber's robust mean.

    The robust mean starts at the median and weighs answers further than 1.5 `noise` away by
    1.5 noise / distance. Without a known noise, or with none, it is the median.

    >>> location(np.array([3.0, 3.2, 90.0]), noise=0.2, robust=True) < 3.5
    True
    """
    if not robust:
        return float(numbers.mean())
    value = float(np.median(numbers))
    if not noise:
        return value
    for _ in range(ROUNDS):
        away = np.maximum(np.abs(numbers - value), np.finfo(float).tiny)
        weights = np.minimum(1.0, CUT * noise / away)
        moved, value = value, float(weights @ numbers / weights.sum())
        if abs(value - moved) <= SETTLED * noise:
            break
    return value


def spread(numbers: Floats, value: float) -> float | None:
    """The standard deviation of answers around the value, over n - 1; None below two answers."""
    if len(numbers) < 2:
        return None
    return float(np.sqrt(((numbers - value) ** 2).sum() / (len(numbers) - 1)))


def numbers_of(answers: TaskAnswers) -> dict[Annotator, float]:
    """The answers as floats. Raises RecordError for one that is no finite number."""
    return {who: number(value) for who, value in answers.items()}


def number(value: Value) -> float:
    """The answer as a float. Raises RecordError where it is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise RecordError(f"the answer {str(value)[:80]!r} is not a finite number")
    return float(value)


def all_numbers(answers: FieldAnswers) -> dict[str, dict[Annotator, float]]:
    """All answers to a field as floats, by task."""
    return {task: numbers_of(by) for task, by in answers.items()}


def _alternate(votes: Votes, values: Floats, robust: bool) -> tuple[Floats, float]:
    """The biases (W,) and the noise after 30 turns."""
    biases = np.zeros(votes.n_annotators)
    given = np.bincount(votes.annotators, minlength=votes.n_annotators)
    sizes = np.bincount(votes.tasks, minlength=votes.n_tasks)
    freedom = np.sqrt(sizes / np.maximum(sizes - 1, 1))[votes.tasks]
    centres = _medians(votes, values) if robust else _means(votes, values)
    noise = 0.0
    for _ in range(ROUNDS):
        apart = values - biases[votes.annotators] - centres[votes.tasks]
        noise = _noise(apart * freedom, robust)
        centres += _means(votes, _cut(apart, noise, robust))
        apart = values - biases[votes.annotators] - centres[votes.tasks]
        above = biases[votes.annotators] + _cut(apart, noise, robust)
        biases = np.bincount(votes.annotators, above, votes.n_annotators) / (given + SHRINK)
        biases -= biases[votes.annotators].mean()
    return biases, noise


def _cut(apart: Floats, noise: float, robust: bool) -> Floats:
    return np.clip(apart, -CUT * noise, CUT * noise) if robust else apart


def _noise(apart: Floats, robust: bool) -> float:
    """The usual deviation; robust, it is 0 where most are equal, and then any other is far."""
    if robust:
        return MAD * float(np.median(np.abs(apart)))
    return float(np.sqrt((apart**2).mean()))


def _means(votes: Votes, values: Floats) -> Floats:
    total = np.bincount(votes.tasks, weights=values, minlength=votes.n_tasks)
    means: Floats = total / np.maximum(np.bincount(votes.tasks, minlength=votes.n_tasks), 1)
    return means


def _medians(votes: Votes, values: Floats) -> Floats:
    order = np.lexsort((values, votes.tasks))
    sizes = np.bincount(votes.tasks, minlength=votes.n_tasks)
    starts = np.cumsum(sizes) - sizes
    ordered = values[order]
    low, high = starts + (sizes - 1) // 2, starts + sizes // 2
    medians: Floats = (ordered[low] + ordered[high]) / 2
    return medians
