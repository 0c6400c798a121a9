"""consensus: what people said, field by field and task by task, computed from the annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from goldloop.consensus import Annotation, Rules, counted, task_consensus
from goldloop.errors import SettingsError
from goldloop.fields import Field, FieldKind, Value
from goldloop.settings import ConsensusSettings
from label_config.interface import Interface
from label_config.results import read_result
from store.annotations import (
    RawAnnotation,
    annotated_samples,
    annotations_of,
    count_annotations,
)
from store.consensus import note_changes, save_consensus, save_models, stored_models
from store.database import Store, transaction
from sync.project import Project, interface_in_use

if TYPE_CHECKING:
    from goldloop.consensus.by_kind import FieldModel

BATCH = 1000
# Below this many annotations learning takes no time, so it is done whenever something changed;
# above, when this share of samples has changed since.
SMALL = 2000
GROWTH = 0.1


def consensus_rules(
    interface: Interface, settings: ConsensusSettings, annotators_per_task: int
) -> Rules:
    """Which fields are voted on, and which must be settled before a sample is gold."""
    aside = {settings.confidence_field, *settings.unvoted}
    voted = tuple(field for field in interface.fields if field.name not in aside)
    names = {field.name for field in voted}
    unknown = [name for name in settings.gold_fields if name not in names]
    if unknown:
        raise SettingsError(
            f"goldloop.toml: [consensus] gold_fields: the labelling interface has no voted field "
            f"{unknown[0]}; it has: {', '.join(sorted(names))}"
        )
    return Rules(
        fields=voted,
        gold_fields=settings.gold_fields or _usual_gold(voted),
        min_annotators=settings.min_annotators,
        max_annotators=annotators_per_task + settings.max_additional,
        min_confidence=settings.min_confidence,
    )


def rules_in_use(project: Project, db: Store) -> Rules:
    """The rules for the interface that annotators were shown."""
    settings = project.settings
    interface = interface_in_use(project, db)
    return consensus_rules(interface, settings.consensus, settings.label_studio.annotators_per_task)


def _usual_gold(fields: Sequence[Field]) -> tuple[str, ...]:
    """The required choices; without one, all choices; without any, every field."""
    kinds = (FieldKind.SINGLE_CHOICE, FieldKind.PAIRWISE)
    choices = [field for field in fields if field.kind in kinds and not field.conditional]
    required = [field for field in choices if field.required]
    return tuple(field.name for field in required or choices or fields)


def update_consensus(
    project: Project, db: Store, sample_ids: Sequence[str] | None = None
) -> Counter[str]:
    """Recompute the consensus of these samples, or of all; how many are in each state now.

    What was learned of the annotators is learned again for all, and while there are few answers or
    when many have come since; a few new answers are judged by what was learned before.
    """
    if sample_ids is not None and not sample_ids:
        return Counter()
    if sample_ids is None or _outgrown(db):
        with transaction(db):
            _learn(project, db)
        sample_ids = annotated_samples(db)
    else:
        note_changes(db, len(sample_ids))
    models = _stored_models(db)
    rules = rules_in_use(project, db)
    counts: Counter[str] = Counter()
    for start in range(0, len(sample_ids), BATCH):
        chunk = sample_ids[start : start + BATCH]
        with transaction(db):
            answered = read_annotations(project, db, chunk)
            results = {
                sample_id: task_consensus(rules, answered.get(sample_id, ()), models)
                for sample_id in chunk
            }
            save_consensus(db, results)
        counts.update(result.state.value for result in results.values())
    return counts


def _outgrown(db: Store) -> bool:
    """Whether the models rest on little, or on much less than there is now."""
    models = stored_models(db)
    return models.annotations < SMALL or models.changed > GROWTH * models.annotations


def _learn(project: Project, db: Store) -> None:
    # Imported here because scipy loads slowly and most commands learn nothing.
    from goldloop.consensus.by_kind import fit_field
    from goldloop.consensus.choice_of_method import MethodSettings

    rules, settings = rules_in_use(project, db), MethodSettings(project.settings.consensus.method)
    answers: dict[str, dict[str, dict[int | str, Value]]] = {
        field.name: {} for field in rules.fields
    }
    truths: dict[str, dict[str, Value]] = {field.name: {} for field in rules.fields}
    for sample_id, given in read_annotations(project, db, annotated_samples(db)).items():
        for annotation in counted(given):
            for name in answers.keys() & annotation.answers.keys():
                value = annotation.answers[name]
                answers[name].setdefault(sample_id, {})[annotation.annotator_id] = value
                if annotation.ground_truth:
                    truths[name][sample_id] = value
    fits = {
        field.name: fit_field(field, answers[field.name], settings, truths[field.name])
        for field in rules.fields
    }
    records = {name: fit.model.to_record() for name, fit in fits.items()}
    save_models(db, records, count_annotations(db))


def _stored_models(db: Store) -> dict[str, FieldModel]:
    from goldloop.consensus.by_kind import FieldModel

    records = stored_models(db).records
    return {field: FieldModel.from_record(record) for field, record in records.items()}


def read_annotations(
    project: Project, db: Store, sample_ids: Sequence[str]
) -> dict[str, list[Annotation]]:
    """The annotations of these samples that stand, by sample, skips included."""
    interface, settings = interface_in_use(project, db), project.settings.consensus
    found: dict[str, list[Annotation]] = {}
    for start in range(0, len(sample_ids), BATCH):
        for sample_id, raw in annotations_of(db, sample_ids[start : start + BATCH]).items():
            found[sample_id] = [read_annotation(interface, settings, one) for one in raw]
    return found


def read_annotation(
    interface: Interface, settings: ConsensusSettings, raw: RawAnnotation
) -> Annotation:
    """An annotation with its answers read; what cannot be read of it counts as not answered."""
    answers, _ = read_result(interface, raw.result)
    return Annotation(
        annotation_id=raw.annotation_id,
        annotator_id=raw.annotator_id,
        answers=answers,
        updated_at=raw.updated_at,
        confidence=_confidence(interface, settings.confidence_field, answers),
        was_cancelled=raw.was_cancelled,
        ground_truth=raw.ground_truth,
        lead_time=raw.lead_time,
    )


def _confidence(
    interface: Interface, name: str, answers: dict[str, object] | object
) -> float | None:
    """A rating from 1 to its maximum as a number from 0 to 1; None where it was not given."""
    field = next((field for field in interface.fields if field.name == name), None)
    value = answers.get(name) if isinstance(answers, dict) else None
    if field is None or not isinstance(value, (int, float)):
        return None
    low = 1.0 if field.kind is FieldKind.RATING else field.minimum or 0.0
    high = field.maximum or 1.0
    return min(max((value - low) / (high - low), 0.0), 1.0) if high > low else None
