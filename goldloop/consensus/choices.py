"""One choice of several: single choice and pairwise comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from goldloop.consensus.annotator_model import (
    AnnotatorModel,
    Option,
    distrust,
    model_of,
    update_task,
)
from goldloop.consensus.choice_of_method import MethodSettings, choose_method, infer
from goldloop.consensus.inference import ANSWERS_TO_JUDGE, LARGE_MAJORITY, TIE, Warnings
from goldloop.consensus.majority_posterior import METHOD, VERSION
from goldloop.consensus.outcome import (
    FieldAnswers,
    Outcome,
    TaskAnswers,
    equal_pairs,
    listed,
    most_probable,
    plurality,
    unanswered,
)
from goldloop.consensus.votes import LARGEST_TABLE, CodedVotes, code_votes, gold_codes
from goldloop.fields import Value

LISTED_TASKS = 10
MANY_OPTIONS = 200


@dataclass(frozen=True, slots=True)
class ChoiceFit:
    """A fitted model and what to tell people about it, in sentences."""

    model: AnnotatorModel
    warnings: tuple[str, ...]


def fit_choice(
    options: Sequence[Value],
    answers: FieldAnswers,
    settings: MethodSettings,
    gold: Mapping[str, Value],
) -> ChoiceFit:
    """The annotators' models of a choice field from all its answers; `gold` by task."""
    coded = _coded(options, answers, gold)
    if coded.votes.n_tasks * coded.votes.n_options > LARGEST_TABLE:
        _, reason = choose_method(coded.votes, settings)
        return ChoiceFit(_counting(coded, f"too many tasks and options for a model; {reason}"), ())
    inference, reason = infer(coded.votes, settings, gold_codes(coded, gold))
    notes = inference.warnings.notes
    reason = "; ".join((reason, *notes)) if notes else reason
    return ChoiceFit(model_of(inference, coded, reason), _told(coded, inference.warnings))


def decide_choice(
    model: AnnotatorModel, answers: TaskAnswers, gold: Value | None = None
) -> Outcome:
    """The outcome of one task by the stored model, whatever is known of its annotators.

    An option that the model has never seen (it was added later) sends the task to the smoothed
    vote over all options, until the model is fitted again.
    """
    given = list(answers.values())
    if not given and gold is None:
        return unanswered(model.method, model.method_version, model.reason)
    new = [option for option in {*given, gold} if option is not None and option not in model.codes]
    if new:
        model = _with_options(model, new)
    posterior = update_task(model, answers, gold).tolist()  # type: ignore[arg-type]
    place, confidence = most_probable(posterior)
    value = None if place is None else model.options[place]
    vote, share = plurality(given)
    return Outcome(
        value=value,
        votes=len(given),
        method=model.method,
        method_version=model.method_version,
        reason=model.reason if gold is None else "gold: the label was given",
        confidence=confidence,
        posterior=listed(model.options, posterior),
        vote=vote,
        share=share,
        agreement=equal_pairs(given),
        tied=place is None,
        warnings=()
        if gold is not None
        else (*overruled(value, vote, share, len(given)), *distrust(model, answers)),
    )


def overruled(
    value: Value | None, vote: Value | None, share: float | None, votes: int
) -> tuple[str, ...]:
    """A sentence where the model says otherwise than a unanimous or large majority; else nothing.

    Unanimous from two answers on; a large majority is two thirds or more of three or more answers.
    """
    if value is None or vote is None or share is None or value == vote:
        return ()
    if share == 1 and votes >= 2:
        return (f"the model says {value!r} where all {votes} say {vote!r}",)
    if share >= LARGE_MAJORITY - TIE and votes >= 3:
        return (f"the model says {value!r} where {share:.0%} of {votes} say {vote!r}",)
    return ()


def _coded(
    options: Sequence[Value], answers: FieldAnswers, gold: Mapping[str, Value]
) -> CodedVotes:
    """The votes over the options that the field has; beyond 200, over those that were chosen."""
    rows = [(task, who, label) for task, by in answers.items() for who, label in by.items()]
    chosen = {label for _, _, label in rows} | set(gold.values())
    offered = [*options, *sorted(chosen - set(options), key=str)]
    if len(offered) > MANY_OPTIONS:
        offered = [option for option in offered if option in chosen]
    tasks, annotators, labels = ([row[column] for row in rows] for column in range(3))
    return code_votes(tasks, annotators, labels, offered, all_tasks=answers)


def _counting(coded: CodedVotes, reason: str) -> AnnotatorModel:
    options = len(coded.options)
    return AnnotatorModel(
        METHOD,
        VERSION,
        reason,
        coded.options,  # type: ignore[arg-type]
        (),
        np.full(options, 1 / max(options, 1)),
    )


def _with_options(model: AnnotatorModel, new: Sequence[Value]) -> AnnotatorModel:
    options: tuple[Option, ...] = (*model.options, *sorted(new, key=str))  # type: ignore[arg-type]
    reason = f"the model does not know the option {str(min(map(str, new)))[:80]!r} yet"
    return AnnotatorModel(
        METHOD, VERSION, reason, options, (), np.full(len(options), 1 / len(options))
    )


def _told(coded: CodedVotes, warnings: Warnings) -> tuple[str, ...]:
    said = [
        f"annotator {coded.annotators[place]} is right less often than by chance"
        f" (from {ANSWERS_TO_JUDGE} answers on)"
        for place in warnings.worse_than_chance
    ]
    for places, what in (
        (warnings.overruled_unanimous, "all who answered"),
        (warnings.overruled_majority, "a large majority"),
    ):
        if places:
            named = ", ".join(str(coded.tasks[place]) for place in places[:LISTED_TASKS])
            said.append(f"the model overrules {what} on {len(places)} tasks: {named}")
    return tuple(said)
