"""What is different in two versions: which rows, which values in them, and why a label moved.

A reader of a diff wants the value, so this goes deeper than `goldloop.versions.Changes`, which a
manifest keeps: into objects and lists, down to what differs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from goldloop.canonical import canonical_json
from goldloop.versions import CONTENT_KEYS, EVIDENCE_KEYS, Entry, Item, paired

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LONG = 500  # entries of a list up to which they are matched; longer ones are compared in order


class Absent:
    """What stands for a value that is not there; null is a value."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value that differs, by its path (`expected_tool_calls[0].arguments.id`).

    `old` or `new` is ABSENT where one of the items has no such value.
    """

    path: str
    old: Any
    new: Any

    def record(self) -> dict[str, Any]:
        """As plain values; what is absent is left out."""
        both = {"old": self.old, "new": self.new}
        return {"path": self.path, **{k: v for k, v in both.items() if v is not ABSENT}}


class Cause(StrEnum):
    """What moved a label.

    `annotation_added`, `annotation_changed` and `annotation_withdrawn`: somebody answered, answered
    otherwise, or deleted an answer (or was overtaken by a later one of the same person). `method`
    and `state`: another method decided, or the sample came to another state (an expert's answer,
    say). `evidence`: something else in the evidence. `unknown`: nothing recorded tells.
    """

    ANNOTATION_ADDED = "annotation_added"
    ANNOTATION_CHANGED = "annotation_changed"
    ANNOTATION_WITHDRAWN = "annotation_withdrawn"
    METHOD = "method"
    STATE = "state"
    EVIDENCE = "evidence"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a label moved: an annotation by its id, person and time, or a value that changed.

    `says` is what the annotation answers to the field, where somebody looked it up.
    """

    cause: Cause
    annotation: int | None = None
    annotator: int | None = None
    at: str | None = None
    old: Any = None
    new: Any = None
    who: str | None = None
    says: Any = None

    def record(self) -> dict[str, Any]:
        """As plain values, without those that say nothing."""
        names = ("annotation", "annotator", "at", "old", "new", "who", "says")
        given = {name: getattr(self, name) for name in names}
        return {"cause": self.cause.value} | {k: v for k, v in given.items() if v is not None}


@dataclass(frozen=True, slots=True)
class Relabelled:
    """A field whose label moved, and why; a label is ABSENT where nothing stood."""

    field: str
    old: Any
    new: Any
    reasons: tuple[Reason, ...]

    def record(self) -> dict[str, Any]:
        """As plain values."""
        change = FieldChange(self.field, self.old, self.new).record()
        del change["path"]
        return {"field": self.field, **change, "reasons": [one.record() for one in self.reasons]}


@dataclass(frozen=True, slots=True)
class ChangedItem:
    """An item that both versions hold and that differs.

    `changes` are in its content, `relabelled` in its labels, `evidence` in how they came about and
    how it was selected.
    """

    sample_id: str
    changes: tuple[FieldChange, ...] = ()
    relabelled: tuple[Relabelled, ...] = ()
    evidence: tuple[FieldChange, ...] = ()

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "sample_id": self.sample_id,
            "changes": [one.record() for one in self.changes],
            "relabelled": [one.record() for one in self.relabelled],
            "evidence": [one.record() for one in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """All that differs, by sample id; `added` and `removed` hold whole items."""

    added: tuple[Item, ...]
    removed: tuple[Item, ...]
    changed: tuple[ChangedItem, ...]
    guidelines: bool = False

    def counts(self) -> dict[str, int]:
        """How many items each kind of change touched; one may count for several."""
        return {
            "added": len(self.added),
            "removed": len(self.removed),
            "changed": sum(bool(one.changes) for one in self.changed),
            "relabelled": sum(bool(one.relabelled) for one in self.changed),
            "evidence": sum(bool(one.evidence) for one in self.changed),
        }


def diff_in_order(
    parent: Iterable[Entry], child: Iterable[Entry], guidelines: bool = False
) -> VersionDiff:
    """What differs in items that come in the order of their ids.

    `guidelines` says whether the labelling interface changed.
    """
    added, removed, changed = [], [], []
    for sample_id, old, new in paired(parent, child):
        if old is None and new is not None:
            added.append(new.read())
        elif new is None and old is not None:
            removed.append(old.read())
        elif old and new and (not old.mark or old.mark != new.mark):
            found = diff_items(sample_id, old.read(), new.read())
            if found.changes or found.relabelled or found.evidence:
                changed.append(found)
    return VersionDiff(tuple(added), tuple(removed), tuple(changed), guidelines)


def diff_items(sample_id: str, old: Item, new: Item) -> ChangedItem:
    """What differs in two forms of an item; a key that is missing in one counts as null."""
    return ChangedItem(
        sample_id,
        changes=tuple(_of_keys(old, new, CONTENT_KEYS)),
        relabelled=tuple(
            Relabelled(one.path, one.old, one.new, why_relabelled(old, new, one.path))
            for one in _of_labels(old["labels"], new["labels"])
        ),
        evidence=tuple(_of_keys(old, new, EVIDENCE_KEYS)),
    )


def _of_keys(old: Item, new: Item, keys: Sequence[str]) -> Iterator[FieldChange]:
    for key in keys:
        yield from value_changes(old.get(key), new.get(key), key)


def _of_labels(old: Item, new: Item) -> Iterator[FieldChange]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, ABSENT), new.get(name, ABSENT)
        if ABSENT in (before, after) or canonical_json(before) != canonical_json(after):
            yield FieldChange(name, before, after)


def value_changes(old: Any, new: Any, path: str) -> Iterator[FieldChange]:
    """The values that differ, as deep as objects and lists go on both sides.

    Entries of a list are matched, so one that was put in changes none of those after it.

    >>> [str(one.path) for one in value_changes({"a": [1, 2, {"b": 3}]}, {"a": [2, {"b": 4}]}, "m")]
    ['m.a[0]', 'm.a[1].b']
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from value_changes(old.get(key, ABSENT), new.get(key, ABSENT), _under(path, key))
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
        yield from _list_changes(old, new, path)
    elif old is ABSENT or new is ABSENT or canonical_json(old) != canonical_json(new):
        yield FieldChange(path, old, new)


def _under(path: str, key: str) -> str:
    return f"{path}.{key}" if _NAME.fullmatch(key) else f"{path}[{key!r}]"


def _list_changes(old: Sequence[Any], new: Sequence[Any], path: str) -> Iterator[FieldChange]:
    """An entry is named by its place in the new list; one that is gone, by that in the old one."""
    for first, last, start, end in _differing(old, new):
        same = min(last - first, end - start)
        for step in range(same):
            yield from value_changes(
                old[first + step], new[start + step], f"{path}[{start + step}]"
            )
        for place in range(first + same, last):
            yield FieldChange(f"{path}[{place}]", old[place], ABSENT)
        for place in range(start + same, end):
            yield FieldChange(f"{path}[{place}]", ABSENT, new[place])


def _differing(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[int, int, int, int]]:
    if max(len(old), len(new)) > _LONG:
        return [(0, len(old), 0, len(new))]
    before, after = [canonical_json(one) for one in old], [canonical_json(one) for one in new]
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return [places for kind, *places in matcher.get_opcodes() if kind != "equal"]  # type: ignore[misc]


def why_relabelled(old: Item, new: Item, field: str) -> tuple[Reason, ...]:
    """What moved the label of a field, by the evidence in both versions.

    Annotations come first, then method and state; without them whatever else of the evidence
    changed, and UNKNOWN when nothing did.
    """
    before, after = (item.get("evidence") or {} for item in (old, new))
    reasons = [*_by_annotations(before, after), *_by_decision(before, after, field)]
    return tuple(reasons or _by_rest(before, after)) or (Reason(Cause.UNKNOWN),)


def _by_annotations(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Reason]:
    """None where one of the versions does not name its annotations."""
    if not (isinstance(before.get("annotations"), list) and "annotations" in after):
        return
    old, new = _by_number(before["annotations"]), _by_number(after["annotations"])
    for number in sorted(old.keys() | new.keys()):
        one = new.get(number) or old[number]
        if number not in old:
            cause = Cause.ANNOTATION_ADDED
        elif number not in new:
            cause = Cause.ANNOTATION_WITHDRAWN
        elif old[number] != new[number]:
            cause = Cause.ANNOTATION_CHANGED
        else:
            continue
        yield Reason(cause, number, one.get("annotator"), one.get("updated_at"))


def _by_number(annotations: Iterable[Any]) -> dict[int, Mapping[str, Any]]:
    return {one["id"]: one for one in annotations if isinstance(one, dict) and "id" in one}


def _by_decision(
    before: Mapping[str, Any], after: Mapping[str, Any], field: str
) -> Iterator[Reason]:
    methods = [(one.get("methods") or {}).get(field) for one in (before, after)]
    if None not in methods and methods[0] != methods[1]:
        yield Reason(Cause.METHOD, old=methods[0], new=methods[1])
    if before.get("state") != after.get("state"):
        yield Reason(Cause.STATE, old=before.get("state"), new=after.get("state"))


def _by_rest(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Reason]:
    for key in ("annotators", "agreement_rate"):
        if key in before and key in after and before[key] != after[key]:
            yield Reason(Cause.EVIDENCE, old=f"{key} {before[key]}", new=f"{key} {after[key]}")


def shortened(old: str, new: str, around: int = 30, limit: int = 120) -> tuple[str, str]:
    """Two texts cut to the part in which they differ, with so many characters around it.

    Texts within `limit` stay whole; so long a part that it does not fit is cut, too.

    >>> shortened("x" * 300 + " red " + "y" * 300, "x" * 300 + " blue " + "y" * 300, around=3)
    ('…xx red yy…', '…xx blue yy…')
    """
    if max(len(old), len(new)) <= limit:
        return old, new
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    return tuple(_cut(text, start - around, len(text) - end + around, limit) for text in (old, new))  # type: ignore[return-value]


def _common(old: str, new: str) -> int:
    pairs = enumerate(zip(old, new, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(old), len(new)))


def _cut(text: str, start: int, end: int, limit: int) -> str:
    start, end = max(0, start), min(end, len(text))
    end = min(end, start + limit)
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
