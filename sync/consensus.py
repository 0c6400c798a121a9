"""consensus: what people said, field by field and task by task, computed from the annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from goldloop.consensus import Rules, TaskConsensus, counted, task_consensus
from goldloop.errors import RecordError
from goldloop.fields import Value
from store.annotations import (
    annotated_samples,
    count_annotations,
)
from store.consensus import (
    StoredConsensus,
    few_annotations,
    learned,
    note_applied,
    note_changes,
    save_consensus,
    save_models,
    stored_consensus,
    stored_models,
)
from store.database import Store, transaction
from store.samples import get_sample
from store.snapshots import snapshot, writes_of_others
from sync.claims import claimed_in_turn
from sync.project import Project
from sync.terminal import Meter
from views.answers import BATCH, held, read_annotations, rules_in_use

if TYPE_CHECKING:
    from goldloop.consensus.by_kind import FieldModel

T = TypeVar("T")
Progress: TypeAlias = Callable[[str, int | None], AbstractContextManager[Meter]]

# Samples that are decided in one transaction: a webhook waits half a second for the store.
CHUNK = 100
# Below this many annotations learning takes no time, so it is done whenever something changed;
# above, when this share of samples has changed since.
SMALL = 1000
GROWTH = 0.1


@contextmanager
def unwatched(what: str, total: int | None) -> Iterator[Meter]:  # noqa: ARG001
    """Progress that nobody sees."""

    def meter(done: int = 1) -> None: ...

    yield meter


def update_consensus(
    project: Project, db: Store, sample_ids: Sequence[str] | None = None
) -> Counter[str]:
    """Bring the consensus of these samples, or of all, up to date; how many are in each state now.

    While there are few annotations, or for all samples, this is a `refit`. Else the samples are
    decided by what was learned before, in milliseconds however many annotations there are, and a
    refit may be due afterwards.
    """
    if sample_ids is not None and not sample_ids:
        return Counter()
    if sample_ids is None or learns_at_once(db):
        return refit(project, db)
    return _decide_in_turns(project, db, sample_ids, unwatched, changed=True)


def refit(project: Project, db: Store, progress: Progress = unwatched) -> Counter[str]:
    """Learn the annotators' models from all annotations, and decide every sample by them.

    Learning writes nothing and holds no lock of the store; deciding takes it for moments, so that
    others write in between. Of several processes one refits at a time, and the others wait.
    """
    waits = partial(progress, "waiting for another process that learns", None)
    with claimed_in_turn(project, "refit", waits):
        _learn(project, db, progress)
        version = learned(db).version
        sample_ids = annotated_samples(db)
        counts = _decide_in_turns(project, db, sample_ids, progress)
        note_applied(db, version)
    return counts


def look_at(project: Project, db: Store, sample_ids: Sequence[str]) -> list[StoredConsensus]:
    """The consensus of these samples, decided once more by what was learned before; by id.

    Raises RecordError for a sample that is not there, and for one that nobody has answered.
    """
    for sample_id in sample_ids:
        if get_sample(db, sample_id) is None:
            raise RecordError(f"there is no sample {sample_id[:80]!r}; see: goldloop consensus")
    _decide_in_turns(project, db, sorted(read_annotations(project, db, sample_ids)), unwatched)
    found = stored_consensus(db, sample_ids=sample_ids)
    silent = sorted({*sample_ids} - {one.sample_id for one in found})
    if silent:
        raise RecordError(f"nobody has answered sample {silent[0][:80]!r} yet")
    return found


def refit_due(project: Project, db: Store) -> bool:
    """Whether the models rest on much less than there is now.

    So it is when samples changed more often since the last fit than a tenth of their number, when a
    field has no model yet, and when a refit was cut off before it had decided every sample.

    Tolerance: until a refit is due, at least 95 of 100 samples are in the state that a refit would
    give them, the others being those whose label is about as probable as `min_confidence`; and of
    the labels that stand by both at most 1 in 1,000 is another one. (On five public sets with known
    annotators 0.3 to 4.2 % of the states differed after a tenth of the tasks, and no label did.)
    With equal models both give exactly the same.
    """
    state = learned(db)
    if not state.version:
        return state.changed > 0
    if not state.applied or state.changed > GROWTH * state.samples:
        return True
    kinds = {name: model.kind for name, model in _models(db).items()}
    fields = rules_in_use(project, db).fields
    return any(kinds.get(field.name) is not field.kind for field in fields)


def learns_at_once(db: Store) -> bool:
    """Whether there are so few annotations that every change to them is followed by a refit."""
    return learned(db).annotations < SMALL and few_annotations(db, SMALL)


def _decide_in_turns(
    project: Project,
    db: Store,
    sample_ids: Sequence[str],
    progress: Progress,
    *,
    changed: bool = False,
) -> Counter[str]:
    """Decide chunk after chunk, so that others can write in between."""
    counts: Counter[str] = Counter()
    with progress("deciding samples", len(sample_ids)) as meter:
        for start in range(0, len(sample_ids), CHUNK):
            chunk = sample_ids[start : start + CHUNK]
            counts.update(_decide(project, db, chunk, changed=changed))
            meter(len(chunk))
    return counts


def _decide(
    project: Project, db: Store, sample_ids: Sequence[str], *, changed: bool
) -> Iterator[str]:
    """Decide these samples by the models as they are; their states.

    What is saved rests on the annotations and models of the moment that it is saved in, so that no
    older result can replace a newer one; and the store is not locked for the thinking.
    """
    others = writes_of_others(db)
    results = _decisions(project, db, sample_ids)
    with transaction(db):
        if writes_of_others(db) != others:
            results = _decisions(project, db, sample_ids)
        if changed:
            note_changes(db, len(sample_ids))
        save_consensus(db, results)
    return (result.state.value for result in results.values())


def _decisions(project: Project, db: Store, sample_ids: Sequence[str]) -> dict[str, TaskConsensus]:
    rules, models = rules_in_use(project, db), _models(db)
    answered = read_annotations(project, db, sample_ids)
    return {
        sample_id: task_consensus(rules, answered.get(sample_id, ()), models)
        for sample_id in sample_ids
    }


def _learn(project: Project, db: Store, progress: Progress) -> None:
    # Imported here because scipy loads slowly and most commands learn nothing.
    from goldloop.consensus.by_kind import learn_field
    from goldloop.consensus.choice_of_method import MethodSettings

    settings = MethodSettings(project.settings.consensus.method)
    with snapshot(db):
        seen, annotations = learned(db), count_annotations(db)
        rules, sample_ids = rules_in_use(project, db), annotated_samples(db)
        answers, truths = _everything_said(project, db, rules, sample_ids, progress)
    records = {}
    with progress("learning fields", len(rules.fields)) as meter:
        for field in rules.fields:
            given = answers.pop(field.name)
            model, _ = learn_field(field, given, settings, truths[field.name])
            records[field.name] = model.to_record()
            meter()
    save_models(db, records, annotations, len(sample_ids), seen)


def _everything_said(
    project: Project, db: Store, rules: Rules, sample_ids: Sequence[str], progress: Progress
) -> tuple[dict[str, dict[str, dict[int | str, Value]]], dict[str, dict[str, Value]]]:
    """Every answer that counts, by field, sample and annotator; and the ground truths."""
    answers: dict[str, dict[str, dict[int | str, Value]]] = {f.name: {} for f in rules.fields}
    truths: dict[str, dict[str, Value]] = {f.name: {} for f in rules.fields}
    with progress("reading samples", len(sample_ids)) as meter:
        for start in range(0, len(sample_ids), BATCH):
            chunk = sample_ids[start : start + BATCH]
            for sample_id, given in read_annotations(project, db, chunk).items():
                for annotation in counted(given):
                    for name in answers.keys() & annotation.answers.keys():
                        value = annotation.answers[name]
                        answers[name].setdefault(sample_id, {})[annotation.annotator_id] = value
                        if annotation.ground_truth:
                            truths[name][sample_id] = value
            meter(len(chunk))
    return answers, truths


def _models(db: Store) -> Mapping[str, FieldModel]:
    """What was learned of each field's annotators, read once for every fit."""
    from goldloop.consensus.by_kind import FieldModel

    def read() -> dict[str, FieldModel]:
        return {name: FieldModel.from_record(one) for name, one in stored_models(db).items()}

    return held(db, "models", learned(db).version, read)
