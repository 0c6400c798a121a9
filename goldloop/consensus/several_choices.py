"""Several choices at once: each option is a question of its own, ticked or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldloop.consensus.annotator_model import (
    Annotator,
    AnnotatorModel,
    distrust,
    model_of,
    update_task,
)
from goldloop.consensus.choice_of_method import MethodSettings, infer
from goldloop.consensus.inference import TIE
from goldloop.consensus.outcome import (
    FieldAnswers,
    Outcome,
    TaskAnswers,
    listed,
    mean_jaccard,
    plurality,
    unanswered,
)
from goldloop.consensus.votes import NO_GOLD, CodedVotes, Ints, Votes
from goldloop.errors import RecordError
from goldloop.fields import Value

METHOD = "per_option"
VERSION = 1
LEAST_TICKS = 15
LARGEST_STACK = 5_000_000
YES_NO = (0, 1)


@dataclass(frozen=True, slots=True, eq=False)
class SeveralModel:
    """One model of ticked (1) or not (0) for each common option, and `rare` for all the others."""

    models: Mapping[str, AnnotatorModel]
    rare: AnnotatorModel

    def to_record(self) -> dict[str, Any]:
        """The models as plain values for JSON."""
        models = {option: model.to_record() for option, model in self.models.items()}
        return {"models": models, "rare": self.rare.to_record()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> SeveralModel:
        """The models that `to_record` wrote. Raises RecordError when that is not what it is."""
        try:
            models = {str(o): AnnotatorModel.from_record(m) for o, m in record["models"].items()}
            return cls(models, AnnotatorModel.from_record(record["rare"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise RecordError(f"a stored model of options cannot be read: {error!r}") from None


def fit_several(
    answers: FieldAnswers, settings: MethodSettings, gold: Mapping[str, Value]
) -> SeveralModel:
    """A yes-or-no model for each option that was ticked 15 times or more.

    The others share one model, made of their answers stacked: an annotator's care is the same for
    them, and one of them alone has too few ticks to learn from. An answer without an option counts
    as a no, because the annotator saw the option.
    """
    sheet = _sheet(answers, gold)
    ticks = Counter(option for _, _, ticked in sheet.rows for option in ticked)
    common = [option for option in sorted(ticks) if ticks[option] >= LEAST_TICKS]
    rare = [option for option in sorted(ticks) if ticks[option] < LEAST_TICKS]
    models = {option: _model(sheet, [option], settings) for option in common}
    return SeveralModel(models, _model(sheet, rare, settings))


def decide_several(model: SeveralModel, answers: TaskAnswers, gold: Value | None = None) -> Outcome:
    """The options that apply with a probability over one half.

    Only options that somebody ticked are asked about. `confidence` is that of the least certain
    one; where nobody ticked any, (n + 0.5) / (n + 1) for n answers. An option at exactly one half
    ties the task.
    """
    if gold is not None:
        return _known(answers, gold)
    if not answers:
        return unanswered(METHOD, VERSION, model.rare.reason)
    sets = {who: _ticked(value) for who, value in answers.items()}
    asked = sorted(frozenset().union(*sets.values()))
    chance = [_chance(model, option, sets) for option in asked]
    tied = any(abs(p - 0.5) <= TIE for p in chance)
    vote, share = plurality(list(answers.values()))
    unticked = (len(sets) + 0.5) / (len(sets) + 1)
    return Outcome(
        value=None if tied else tuple(o for o, p in zip(asked, chance, strict=True) if p > 0.5),
        votes=len(sets),
        method=METHOD,
        method_version=VERSION,
        reason=_reason(model, asked),
        confidence=min((max(p, 1 - p) for p in chance), default=unticked),
        posterior=listed(asked, chance),
        vote=vote,
        share=share,
        agreement=mean_jaccard([frozenset(ticked) for ticked in sets.values()]),
        tied=tied,
        warnings=(*_overruled(asked, chance, sets), *_distrust(model, asked, sets)),
    )


@dataclass(frozen=True, slots=True)
class _Sheet:
    """All answers by code, with who gave them, and the gold sets by task code."""

    rows: tuple[tuple[int, int, frozenset[str]], ...]
    tasks: tuple[str, ...]
    annotators: tuple[Annotator, ...]
    gold: Mapping[int, frozenset[str]]


def _sheet(answers: FieldAnswers, gold: Mapping[str, Value]) -> _Sheet:
    tasks = tuple(sorted(answers))
    everyone = {who for by in answers.values() for who in by}
    annotators = tuple(sorted(everyone, key=lambda who: (isinstance(who, str), who)))
    place = {who: code for code, who in enumerate(annotators)}
    rows = tuple(
        (code, place[who], _ticked(value))
        for code, task in enumerate(tasks)
        for who, value in answers[task].items()
    )
    known = {code: _ticked(gold[task]) for code, task in enumerate(tasks) if task in gold}
    return _Sheet(rows, tasks, annotators, known)


def _model(sheet: _Sheet, options: list[str], settings: MethodSettings) -> AnnotatorModel:
    votes, gold = _stacked(sheet, options)
    inference, reason = infer(votes, settings, gold)
    return model_of(inference, CodedVotes(votes, sheet.tasks, sheet.annotators, YES_NO), reason)


def _stacked(sheet: _Sheet, options: list[str]) -> tuple[Votes, Ints]:
    """The yes-or-no votes on these options, each option with tasks of its own, and their gold."""
    kept = options[: max(LARGEST_STACK // max(len(sheet.rows), 1), 1)]
    task, who = (np.array([row[i] for row in sheet.rows], dtype=np.int64) for i in (0, 1))
    count = len(sheet.tasks)
    ticks = [np.array([option in row[2] for row in sheet.rows], dtype=np.int64) for option in kept]
    gold = np.full((len(kept), count), NO_GOLD, dtype=np.int32)
    for code, ticked in sheet.gold.items():
        gold[:, code] = [option in ticked for option in kept]
    votes = Votes(
        np.concatenate([task + count * i for i in range(len(kept))] or [task[:0]]),
        np.tile(who, len(kept)),
        np.concatenate(ticks or [task[:0]]),
        count * len(kept),
        len(sheet.annotators),
        2,
    )
    return votes, gold.ravel()


def _ticked(value: Value) -> frozenset[str]:
    if not isinstance(value, tuple):
        raise RecordError(f"several choices must be a tuple of options, not {str(value)[:80]!r}")
    return frozenset(str(option) for option in value)


def _chance(model: SeveralModel, option: str, sets: Mapping[Annotator, frozenset[str]]) -> float:
    ticks = {who: int(option in ticked) for who, ticked in sets.items()}
    return float(update_task(model.models.get(option, model.rare), ticks)[1])


def _reason(model: SeveralModel, asked: list[str]) -> str:
    used = {model.models.get(option, model.rare) for option in asked} or {model.rare}
    return "; ".join(sorted({f"{one.method}: {one.reason}" for one in used}))


def _overruled(
    asked: list[str], chance: list[float], sets: Mapping[Annotator, frozenset[str]]
) -> tuple[str, ...]:
    said = []
    for option, p in zip(asked, chance, strict=True):
        ticked = sum(option in one for one in sets.values())
        for against, word in ((p < 0.5 - TIE, "tick"), (p > 0.5 + TIE, "leave out")):
            number = ticked if word == "tick" else len(sets) - ticked
            if against and number == len(sets) >= 2:
                said.append(f"the model says otherwise where all {number} {word} {option!r}")
    return tuple(said)


def _distrust(
    model: SeveralModel, asked: list[str], sets: Mapping[Annotator, frozenset[str]]
) -> tuple[str, ...]:
    said = {option: distrust(model.models.get(option, model.rare), sets) for option in asked}
    return tuple(f"{text} on {option!r}" for option, texts in said.items() for text in texts)


def _known(answers: TaskAnswers, gold: Value) -> Outcome:
    vote, share = plurality(list(answers.values()))
    return Outcome(
        value=tuple(sorted(_ticked(gold))),
        votes=len(answers),
        method=METHOD,
        method_version=VERSION,
        reason="gold: the label was given",
        confidence=1.0,
        posterior=tuple((option, 1.0) for option in sorted(_ticked(gold))),
        vote=vote,
        share=share,
        agreement=mean_jaccard([_ticked(value) for value in answers.values()]),
    )
