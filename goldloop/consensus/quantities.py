"""Numbers and dates: a robust middle, with the spread around it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np

from goldloop.consensus.annotator_bias import (
    BiasModel,
    all_numbers,
    corrected,
    fit_biases,
    location,
    numbers_of,
    spread,
)
from goldloop.consensus.annotator_model import Annotator
from goldloop.consensus.inference import TIE
from goldloop.consensus.outcome import (
    FieldAnswers,
    Outcome,
    TaskAnswers,
    equal_pairs,
    plurality,
    unanswered,
)
from goldloop.consensus.votes import Floats
from goldloop.errors import RecordError
from goldloop.fields import Value

METHOD = "robust_mean"
DATE_METHOD = "robust_middle_date"
VERSION = 1
FAR = 3.0
USUAL = 0.05  # of the numbers' size, while too few answers tell the usual noise
_YEAR_OR_MONTH = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?")


def fit_number(answers: FieldAnswers) -> BiasModel:
    """The annotators' biases and the usual noise of a number field."""
    return fit_biases(all_numbers(answers), robust=True)


def decide_number(model: BiasModel, answers: TaskAnswers) -> Outcome:
    """Huber's robust mean of the answers less their annotators' biases.

    Answers that are all equal stand as they are. `far_apart` when one lies more than three usual
    deviations from the value: then it marks no accident of reading but another answer.
    """
    reason = _reason(model, "numbers")
    if not answers:
        return unanswered(METHOD, VERSION, reason)
    numbers = numbers_of(answers)
    fair = corrected(model, numbers)
    if len(set(numbers.values())) == 1:
        fair = np.array(list(numbers.values()))
    value = location(fair, model.noise, robust=True)
    return replace(
        _outcome(METHOD, reason, answers),
        value=value,
        spread=spread(fair, value),
        far_apart=far_apart(fair, value, model.noise),
    )


def fit_date(answers: FieldAnswers) -> BiasModel:
    """The annotators' biases in days and the usual noise of a date field."""
    return fit_biases({task: _days_of(by) for task, by in answers.items()}, robust=True)


def decide_date(model: BiasModel, answers: TaskAnswers) -> Outcome:
    """The date nearest to the robust mean of the dates less their annotators' biases.

    It is always a date that somebody gave, in the wording that most used: a date between two is
    one that nobody meant. Two different dates are therefore tied, and so are equally near ones.
    """
    reason = _reason(model, "dates")
    if not answers:
        return unanswered(DATE_METHOD, VERSION, reason)
    days = _days_of(answers)
    fair = corrected(model, days)
    if len(set(days.values())) == 1:
        fair = np.array(list(days.values()))
    middle = location(fair, model.noise, robust=True)
    value = _nearest(answers, days, middle, model)
    return replace(
        _outcome(DATE_METHOD, reason, answers),
        value=value,
        spread=spread(fair, middle),
        tied=value is None,
        far_apart=far_apart(fair, middle, model.noise),
    )


def far_apart(numbers: Floats, value: float, noise: float | None) -> bool:
    """Whether an answer is more than three usual deviations from the value.

    Deviations are corrected for the value being made of the answers, by n / (n - 1). While the
    usual noise is unknown it is taken for 5 % of the value's size.
    """
    count = len(numbers)
    if count < 2:
        return False
    usual = USUAL * abs(value) if noise is None else noise
    away = float(np.abs(numbers - value).max()) * (count / (count - 1)) ** 0.5
    return bool(away > FAR * usual + TIE * max(abs(value), 1.0))


def days(text: str) -> float:
    """An ISO 8601 date, time, month or year as days since 1970; UTC where it names no zone.

    A month or a year counts as its first day, and a time of day as a fraction of day 0.

    >>> days("1970-01-03"), days("1970-02"), days("12:00")
    (2.0, 31.0, 0.5)
    """
    moment = _moment(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(days=1)


def _moment(text: str) -> datetime:
    short = _YEAR_OR_MONTH.fullmatch(text)
    try:
        if short:
            return datetime(int(short[1]), int(short[2] or 1), 1, tzinfo=UTC)
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.combine(datetime(1970, 1, 1, tzinfo=UTC), time.fromisoformat(text))
    except ValueError:
        raise RecordError(
            f"the answer {text[:80]!r} is not a date; expected ISO 8601 such as 2026-01-31"
        ) from None


def _days_of(answers: Mapping[Annotator, Value]) -> dict[Annotator, float]:
    return {who: days(str(value)) for who, value in answers.items()}


def _nearest(
    answers: TaskAnswers, days: Mapping[Annotator, float], middle: float, model: BiasModel
) -> Value | None:
    """The wording of the moment nearest to the middle; None when several are as near."""
    biased = len(set(days.values())) > 1
    away: dict[float, float] = {}
    for who, day in days.items():
        fair = day - model.biases.get(who, 0.0) if biased else day
        away[day] = min(away.get(day, np.inf), abs(fair - middle))
    best = min(away.values())
    near = [day for day, distance in away.items() if distance <= best + TIE * max(abs(middle), 1)]
    if len(near) > 1:
        return None
    wordings = Counter(str(value) for who, value in answers.items() if days[who] == near[0])
    return min(wordings, key=lambda wording: (-wordings[wording], wording))


def _reason(model: BiasModel, what: str) -> str:
    if model.noise is None:
        return f"the {what} as given: annotators are corrected from 20 answers on shared tasks on"
    return f"the {what} are corrected for {len(model.biases)} annotators' biases"


def _outcome(method: str, reason: str, answers: TaskAnswers) -> Outcome:
    given = list(answers.values())
    vote, share = plurality(given)
    return Outcome(
        value=None,
        votes=len(given),
        method=method,
        method_version=VERSION,
        reason=reason,
        vote=vote,
        share=share,
        agreement=equal_pairs(given),
    )
