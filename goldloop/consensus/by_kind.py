"""A field's consensus, whatever its kind: fit it on all answers, or decide one task again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from goldloop.consensus.annotator_bias import BiasModel
from goldloop.consensus.annotator_model import AnnotatorModel
from goldloop.consensus.choice_of_method import MethodSettings
from goldloop.consensus.choices import decide_choice, fit_choice
from goldloop.consensus.outcome import FieldAnswers, Outcome, TaskAnswers
from goldloop.consensus.quantities import decide_date, decide_number, fit_date, fit_number
from goldloop.consensus.ratings import RatingModel, decide_rating, fit_rating
from goldloop.consensus.several_choices import SeveralModel, decide_several, fit_several
from goldloop.consensus.taxonomies import decide_taxonomy
from goldloop.consensus.texts import TextModel, decide_text, fit_text
from goldloop.errors import RecordError
from goldloop.fields import Field, FieldKind, Value

Fitted: TypeAlias = AnnotatorModel | SeveralModel | RatingModel | BiasModel | TextModel
GOLD = "gold: the label was given"
DEFAULT = MethodSettings()

_MODELS: Mapping[FieldKind, type[Fitted]] = {
    FieldKind.SINGLE_CHOICE: AnnotatorModel,
    FieldKind.PAIRWISE: AnnotatorModel,
    FieldKind.MULTIPLE_CHOICE: SeveralModel,
    FieldKind.RATING: RatingModel,
    FieldKind.NUMBER: BiasModel,
    FieldKind.DATE: BiasModel,
    FieldKind.TEXT: TextModel,
}
PAIR = ("left", "right")


@dataclass(frozen=True, slots=True)
class FieldModel:
    """What is kept of a field's fit: its kind and the model of its annotators.

    `fitted` is None for a taxonomy, which has no model. Small, whatever the number of annotations.
    """

    kind: FieldKind
    fitted: Fitted | None

    def to_record(self) -> dict[str, Any]:
        """The model as plain values that JSON keeps exactly."""
        fitted = None if self.fitted is None else self.fitted.to_record()
        return {"kind": self.kind.value, "fitted": fitted}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> FieldModel:
        """The model that `to_record` wrote. Raises RecordError when that is not what it is."""
        try:
            kind, fitted = FieldKind(record["kind"]), record["fitted"]
        except (KeyError, TypeError, ValueError) as error:
            raise RecordError(f"a stored field model cannot be read: {error!r}") from None
        model = _MODELS.get(kind)
        if (model is None) != (fitted is None):
            raise RecordError(f"a stored model of a {kind} field is incomplete")
        return cls(kind, None if model is None else model.from_record(fitted))


@dataclass(frozen=True, slots=True)
class FieldFit:
    """A field's fit: the model to keep, every task's outcome, and sentences for people."""

    model: FieldModel
    outcomes: Mapping[str, Outcome]
    warnings: tuple[str, ...] = ()


def fit_field(
    field: Field,
    answers: FieldAnswers,
    settings: MethodSettings = DEFAULT,
    gold: Mapping[str, Value] | None = None,
) -> FieldFit:
    """The model and outcomes of one field from all its answers, `{task: {annotator: value}}`.

    Give each person once and no skipped answers. `gold` holds known labels by task; they stand, and
    teach the models of choices. Each outcome is what `decide` says with the model, so that a full
    fit and the update of one task cannot differ. Raises RecordError for an answer that does not
    fit the field's kind.
    """
    known = {task: label for task, label in (gold or {}).items() if task in answers}
    model, warnings = learn_field(field, answers, settings, known)
    outcomes = {task: decide(model, answers[task], known.get(task)) for task in sorted(answers)}
    return FieldFit(model, outcomes, warnings)


def learn_field(
    field: Field,
    answers: FieldAnswers,
    settings: MethodSettings = DEFAULT,
    gold: Mapping[str, Value] | None = None,
) -> tuple[FieldModel, tuple[str, ...]]:
    """As `fit_field` without deciding any task: the model to keep, and sentences for people."""
    known = {task: label for task, label in (gold or {}).items() if task in answers}
    fitted, warnings = _fit(field, answers, settings, known)
    return FieldModel(field.kind, fitted), warnings


def decide(model: FieldModel, answers: TaskAnswers, gold: Value | None = None) -> Outcome:
    """The outcome of one task from its own answers and the stored model of its field.

    Takes microseconds to milliseconds, whatever the number of annotations that the model learned
    from. Does not depend on the order of the answers.
    """
    match model.fitted:
        case AnnotatorModel() as fitted:
            return decide_choice(fitted, answers, gold)
        case SeveralModel() as fitted:
            return decide_several(fitted, answers, gold)
        case RatingModel() as fitted:
            return decide_rating(fitted, answers, gold)
        case TextModel() as fitted:
            return _with_gold(decide_text(fitted, answers), gold)
        case BiasModel() as fitted if model.kind is FieldKind.DATE:
            return _with_gold(decide_date(fitted, answers), gold)
        case BiasModel() as fitted:
            return _with_gold(decide_number(fitted, answers), gold)
        case None:
            return _with_gold(decide_taxonomy(answers), gold)


def _fit(
    field: Field, answers: FieldAnswers, settings: MethodSettings, gold: Mapping[str, Value]
) -> tuple[Fitted | None, tuple[str, ...]]:
    match field.kind:
        case FieldKind.SINGLE_CHOICE | FieldKind.PAIRWISE:
            options = field.options or (PAIR if field.kind is FieldKind.PAIRWISE else ())
            fit = fit_choice(options, answers, settings, gold)
            return fit.model, fit.warnings
        case FieldKind.MULTIPLE_CHOICE:
            return fit_several(answers, settings, gold), ()
        case FieldKind.RATING:
            return fit_rating(field, answers, settings, gold), ()
        case FieldKind.NUMBER:
            return fit_number(answers), ()
        case FieldKind.DATE:
            return fit_date(answers), ()
        case FieldKind.TEXT:
            return fit_text(answers), ()
        case FieldKind.TAXONOMY:
            return None, ()


def _with_gold(outcome: Outcome, gold: Value | None) -> Outcome:
    if gold is None:
        return outcome
    return replace(outcome, value=gold, confidence=1.0, tied=False, far_apart=False, reason=GOLD)
