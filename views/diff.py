"""diff: two dataset versions side by side, and which annotations moved a label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from goldloop.times import instant
from goldloop.version_diff import Cause, ChangedItem, Reason, VersionDiff, diff_in_order
from label_config.interface import Interface
from label_config.results import read_result
from store.annotations import RawAnnotation, annotations_of, people, raw_annotations
from store.database import Store
from views.project import Project, interface_in_use
from views.version_folder import (
    INTERFACE,
    VersionFolder,
    check_version,
    entries_of,
)

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions by name, and what differs."""

    parent: VersionFolder
    child: VersionFolder
    diff: VersionDiff

    def record(self) -> dict[str, Any]:
        """As plain values; of an item that was added or removed, what it asks and its labels."""
        return {
            "parent": _named(self.parent),
            "child": _named(self.child),
            "counts": self.diff.counts(),
            "guidelines": self.diff.guidelines,
            "added": [_row(item) for item in self.diff.added],
            "removed": [_row(item) for item in self.diff.removed],
            "changed": [item.record() for item in self.diff.changed],
        }


def _named(folder: VersionFolder) -> dict[str, Any]:
    names = ("dataset", "version", "items", "fingerprints")
    return {name: folder.manifest[name] for name in names}


def _row(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item.get(key) for key in ("sample_id", "user_input", "labels")}


def compare(parent: VersionFolder, child: VersionFolder) -> Compared:
    """What differs, after both were checked; raises VersionError when one is damaged."""
    check_version(parent)
    check_version(child)
    shown = [folder.file(INTERFACE).read_bytes() for folder in (parent, child)]
    diff = diff_in_order(entries_of(parent), entries_of(child), shown[0] != shown[1])
    return Compared(parent, child, diff)


def explained(compared: Compared, project: Project, db: Store) -> Compared:
    """The same, with what the store knows: who gave an annotation, and what it says; and where the
    parent does not name its annotations, those that are newer than it.
    """
    names, interface = people(db), interface_in_use(project, db)
    since = instant(compared.parent.manifest["created_at"], "created_at of the parent")
    changed: list[ChangedItem] = []
    items = compared.diff.changed
    for start in range(0, len(items), _CHUNK):
        changed += _explained(items[start : start + _CHUNK], db, interface, names, since)
    return replace(compared, diff=replace(compared.diff, changed=tuple(changed)))


def _explained(
    items: Sequence[ChangedItem],
    db: Store,
    interface: Interface,
    names: Mapping[int, str],
    since: datetime,
) -> Iterator[ChangedItem]:
    moved = [one for item in items for label in item.relabelled for one in label.reasons]
    known = raw_annotations(db, [one.annotation for one in moved if one.annotation is not None])
    given = annotations_of(db, [item.sample_id for item in items if item.relabelled])
    for item in items:
        answers = given.get(item.sample_id, [])
        yield replace(
            item,
            relabelled=tuple(
                replace(
                    label,
                    reasons=tuple(
                        _with_answer(reason, label.field, known, interface, names)
                        for reason in _with_newer(label.reasons, answers, since, known)
                    ),
                )
                for label in item.relabelled
            ),
        )


def _with_newer(
    reasons: Sequence[Reason],
    answers: Sequence[RawAnnotation],
    since: datetime,
    known: dict[int, RawAnnotation],
) -> Sequence[Reason]:
    """The reasons, after the annotations since the parent where none is named."""
    if any(one.annotation is not None for one in reasons):
        return reasons
    newer = [one for one in answers if not one.was_cancelled and _when(one) > since]
    known |= {one.annotation_id: one for one in newer}
    added = [
        Reason(
            Cause.ANNOTATION_ADDED
            if instant(one.created_at, "created_at") > since
            else Cause.ANNOTATION_CHANGED,
            one.annotation_id,
            one.annotator_id,
            one.updated_at,
        )
        for one in newer
    ]
    rest = [one for one in reasons if not (added and one.cause is Cause.UNKNOWN)]
    return [*added, *rest]


def _when(one: RawAnnotation) -> datetime:
    return instant(one.updated_at, f"updated_at of annotation {one.annotation_id}")


def _with_answer(
    reason: Reason,
    field: str,
    known: Mapping[int, RawAnnotation],
    interface: Interface,
    names: Mapping[int, str],
) -> Reason:
    if reason.annotation is None or (raw := known.get(reason.annotation)) is None:
        return reason
    # Another Label Studio may have given the same number to another annotation.
    if reason.annotator != raw.annotator_id or reason.at != raw.updated_at:
        return replace(reason, who=names.get(reason.annotator or 0))
    answers, _ = read_result(interface, raw.result)
    return replace(reason, who=names.get(raw.annotator_id), says=answers.get(field))
