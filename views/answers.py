"""Answers: what annotators said, read from what Label Studio gave, and the rules to judge it by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from goldloop.consensus import Annotation, Rules
from goldloop.errors import SettingsError
from goldloop.fields import Field, FieldKind
from goldloop.prn import permanent_random_number
from goldloop.settings import ConsensusSettings
from label_config.interface import Interface
from label_config.results import read_result
from store.annotations import RawAnnotation, annotations_of
from store.database import Store, project_fact
from store.tasks import review_project
from views.project import Project, interface_in_use

T = TypeVar("T")
BATCH = 1000


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
    interface = _interface(project, db)
    return consensus_rules(interface, settings.consensus, settings.label_studio.annotators_per_task)


def _usual_gold(fields: Sequence[Field]) -> tuple[str, ...]:
    """The required choices; without one, all choices; without any, every field."""
    kinds = (FieldKind.SINGLE_CHOICE, FieldKind.PAIRWISE)
    choices = [field for field in fields if field.kind in kinds and not field.conditional]
    required = [field for field in choices if field.required]
    return tuple(field.name for field in required or choices or fields)


def read_annotations(
    project: Project, db: Store, sample_ids: Sequence[str]
) -> dict[str, list[Annotation]]:
    """The annotations of these samples that stand, by sample, skips included."""
    interface, settings = _interface(project, db), project.settings.consensus
    found: dict[str, list[Annotation]] = {}
    for start in range(0, len(sample_ids), BATCH):
        for sample_id, raw in annotations_of(db, sample_ids[start : start + BATCH]).items():
            found[sample_id] = [read_annotation(interface, settings, one) for one in raw]
    return found


def in_no_order(db: Store, sample_id: str, answers: Sequence[Annotation]) -> list[Annotation]:
    """Answers in an order that differs from sample to sample, so that it gives nobody away."""
    secret = bytes.fromhex(project_fact(db, "secret"))

    def place(annotation: Annotation) -> float:
        return permanent_random_number(secret, f"{sample_id}/{annotation.annotator_id}")

    return sorted(answers, key=place)


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


def _interface(project: Project, db: Store) -> Interface:
    """The interface that annotators were shown, read once for every form of it."""
    made = review_project(db)
    if made is None:
        return project.interface()
    return held(db, "interface", made, lambda: interface_in_use(project, db))


# What was read from an open store and is slow to read: by what it is, with what it was read from.
_kept: WeakKeyDictionary[Store, dict[str, tuple[object, Any]]] = WeakKeyDictionary()


def held(db: Store, what: str, source: object, read: Callable[[], T]) -> T:
    """What was read from an equal `source` before, or else is read now."""
    kept = _kept.setdefault(db, {})
    if what not in kept or kept[what][0] != source:
        kept[what] = source, read()
    found: T = kept[what][1]
    return found
