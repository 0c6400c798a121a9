"""consensus: what people said, field by field and task by task, computed from the annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from goldloop.consensus import Annotation, Rules, TaskConsensus, task_consensus
from goldloop.errors import SettingsError
from goldloop.fields import Field, FieldKind
from goldloop.settings import ConsensusSettings
from label_config.interface import Interface
from label_config.results import read_result
from store.annotations import RawAnnotation, annotated_samples, annotations_of
from store.consensus import save_consensus
from store.database import Store, transaction
from sync.project import Project, interface_in_use

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
    """Recompute the consensus of these samples, or of all; how many are in each state now."""
    interface = interface_in_use(project, db)
    settings = project.settings.consensus
    rules = consensus_rules(interface, settings, project.settings.label_studio.annotators_per_task)
    ids = annotated_samples(db) if sample_ids is None else list(sample_ids)
    counts: Counter[str] = Counter()
    for start in range(0, len(ids), BATCH):
        chunk = ids[start : start + BATCH]
        with transaction(db):
            raw = annotations_of(db, chunk)
            results = {
                sample_id: _decide(interface, settings, rules, raw.get(sample_id, ()))
                for sample_id in chunk
            }
            save_consensus(db, results)
        counts.update(result.state.value for result in results.values())
    return counts


def _decide(
    interface: Interface,
    settings: ConsensusSettings,
    rules: Rules,
    raw: Iterable[RawAnnotation],
) -> TaskConsensus:
    return task_consensus(rules, [read_annotation(interface, settings, one) for one in raw])


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
