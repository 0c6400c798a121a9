"""Ratings: a mean corrected for each annotator's bias, or a median where levels are categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goldloop.consensus.annotator_bias import (
    BiasModel,
    all_numbers,
    corrected,
    fit_biases,
    location,
    number,
    numbers_of,
    spread,
)
from goldloop.consensus.annotator_model import Annotator, AnnotatorModel, distrust, update_task
from goldloop.consensus.choice_of_method import MethodSettings, choose_method
from goldloop.consensus.choices import fit_choice, overruled
from goldloop.consensus.inference import TIE
from goldloop.consensus.outcome import (
    FieldAnswers,
    Outcome,
    TaskAnswers,
    equal_pairs,
    listed,
    plurality,
    unanswered,
)
from goldloop.consensus.votes import Votes, code_votes, vote_counts
from goldloop.errors import RecordError
from goldloop.fields import Field, Value

MEAN = "bias_corrected_mean"
MEDIAN = "posterior_median"
VERSION = 1
MOST_CATEGORIES = 7
LIKE_CATEGORIES = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class RatingModel:
    """Biases for the mean, and a model of the levels where they are used like categories.

    `maximum` is the highest level; `reason` says why the mean or the median.
    """

    biases: BiasModel
    levels: AnnotatorModel | None
    maximum: int
    reason: str

    def to_record(self) -> dict[str, Any]:
        """The model as plain values for JSON."""
        return {
            "biases": self.biases.to_record(),
            "levels": None if self.levels is None else self.levels.to_record(),
            "maximum": self.maximum,
            "reason": self.reason,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> RatingModel:
        """The model that `to_record` wrote. Raises RecordError when that is not what it is."""
        try:
            levels = record["levels"]
            return cls(
                BiasModel.from_record(record["biases"]),
                None if levels is None else AnnotatorModel.from_record(levels),
                int(record["maximum"]),
                str(record["reason"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RecordError(f"a stored rating model cannot be read: {error!r}") from None


def fit_rating(
    field: Field, answers: FieldAnswers, settings: MethodSettings, gold: Mapping[str, Value]
) -> RatingModel:
    """The biases, and the levels' model where `used_like_categories` says so."""
    numbers = all_numbers(answers)
    maximum = _maximum(field, numbers, gold)
    votes = _level_votes(numbers, maximum)
    categories, reason = used_like_categories(votes, settings)
    levels = None
    if categories:
        levels = fit_choice(tuple(range(1, maximum + 1)), answers, settings, gold).model
    return RatingModel(fit_biases(numbers, robust=False), levels, maximum, reason)


def used_like_categories(votes: Votes, settings: MethodSettings) -> tuple[bool, str]:
    """Whether people use the levels like names rather than like a scale, and why we think so.

    Where they do, the answers that differ are not close to each other: Krippendorff's alpha for
    names is then at least half of his alpha for distances. Asked only of two to seven levels, and
    only with enough data for a model of each level; else the mean is used. One half separates web
    relevance (0.54; the median errs less) from ratings of dialogues (0.29 and 0.41; the mean does).
    """
    if not 2 <= votes.n_options <= MOST_CATEGORIES:
        return False, f"mean: {votes.n_options} levels, and categories have 2 to {MOST_CATEGORIES}"
    name, why = choose_method(votes, settings)
    if name == "majority_posterior":
        return False, f"mean: {why}"
    names, distances = alpha(votes, squared=False), alpha(votes, squared=True)
    if names is None or distances is None or distances <= 0:
        return False, "mean: the answers do not tell how the levels are used"
    share = f"alpha is {names:.2f} for names and {distances:.2f} for distances"
    if names >= LIKE_CATEGORIES * distances:
        return True, f"median: the levels are used like categories ({share}); {why}"
    return False, f"mean: the levels are used like a scale ({share})"


def alpha(votes: Votes, *, squared: bool) -> float | None:
    """Krippendorff's alpha of the levels as names, or with squared distances; None when undefined.

    1 - observed / expected disagreement, over the tasks with two answers or more (Krippendorff
    2011). Undefined without such tasks and where all answers are one level.
    """
    counts = vote_counts(votes)
    counts = counts[counts.sum(axis=1) >= 2]
    weights = counts / (counts.sum(axis=1, keepdims=True) - 1) if len(counts) else counts
    together = weights.T @ counts - np.diag(weights.sum(axis=0))
    total = together.sum(axis=1)
    place = np.arange(votes.n_options)
    apart = (place[:, None] - place) ** 2 if squared else place[:, None] != place
    expected = float((np.outer(total, total) * apart).sum())
    if expected == 0:
        return None
    return float(1 - (total.sum() - 1) * (together * apart).sum() / expected)


def decide_rating(model: RatingModel, answers: TaskAnswers, gold: Value | None = None) -> Outcome:
    """The mean of the corrected levels, a number between 1 and the maximum; or the median level.

    Answers that are all equal stand as they are. The median is the level where the posterior
    reaches one half, tied where it is exactly one half. Never the most frequent level. `far_apart`
    when answers are more than half the scale from each other.
    """
    if gold is not None:
        return replace(
            _outcome(model, MEAN, answers),
            value=gold,
            confidence=1.0,
            reason="gold: the label was given",
        )
    if not answers:
        return unanswered(_method(model), VERSION, model.reason)
    numbers = numbers_of(answers)
    fair = corrected(model.biases, numbers)
    if len(set(numbers.values())) == 1:
        fair = np.array(list(numbers.values()))
    mean = float(np.clip(location(fair, None, robust=False), 1, model.maximum))
    outcome = replace(
        _outcome(model, _method(model), answers),
        value=int(mean) if mean.is_integer() else mean,
        spread=spread(fair, mean),
        far_apart=max(numbers.values()) - min(numbers.values()) > (model.maximum - 1) / 2,
    )
    if model.levels is None or any(level not in model.levels.codes for level in answers.values()):
        return outcome
    return _median(outcome, model.levels, answers)


def _median(outcome: Outcome, levels: AnnotatorModel, answers: TaskAnswers) -> Outcome:
    posterior = update_task(levels, answers)  # type: ignore[arg-type]
    reached = np.cumsum(posterior)
    place = int(np.argmax(reached >= 0.5 - TIE))
    tied = bool(abs(reached[place] - 0.5) <= TIE)
    value = None if tied else levels.options[place]
    against = overruled(value, outcome.vote, outcome.share, outcome.votes)
    return replace(
        outcome,
        value=value,
        confidence=None if tied else float(posterior[place]),
        posterior=listed(levels.options, posterior.tolist()),
        tied=tied,
        warnings=(*against, *distrust(levels, answers)),
    )


def _outcome(model: RatingModel, method: str, answers: TaskAnswers) -> Outcome:
    given = list(answers.values())
    vote, share = plurality(given)
    return Outcome(
        value=None,
        votes=len(given),
        method=method,
        method_version=VERSION,
        reason=model.reason,
        vote=vote,
        share=share,
        agreement=equal_pairs(given),
    )


def _method(model: RatingModel) -> str:
    return MEAN if model.levels is None else MEDIAN


def _maximum(
    field: Field, numbers: Mapping[str, Mapping[Annotator, float]], gold: Mapping[str, Value]
) -> int:
    """The highest level: the field's, or the highest that occurs."""
    given = [x for by in numbers.values() for x in by.values()]
    known = [*given, *map(number, gold.values()), field.maximum or 1.0, 1.0]
    if min(known) < 1 or not all(float(level).is_integer() for level in known):
        raise RecordError(f"the ratings of field {field.name} must be whole numbers from 1 on")
    return int(max(known))


def _level_votes(numbers: Mapping[str, Mapping[Annotator, float]], maximum: int) -> Votes:
    rows = [(task, who, int(x) - 1) for task, by in numbers.items() for who, x in by.items()]
    tasks, annotators, levels = ([row[column] for row in rows] for column in range(3))
    return code_votes(tasks, annotators, levels, range(maximum)).votes
