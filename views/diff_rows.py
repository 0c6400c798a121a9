"""Two versions side by side as rows in words: a row for every value that differs, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from goldloop.version_diff import ABSENT, Cause, FieldChange, Reason, shortened
from views.diff import Compared

CELL = 120
KINDS = ("Relabelled", "Changed", "Removed", "Added")
EVIDENCE = "Evidence"

_CAUSES = {
    Cause.ANNOTATION_ADDED: "is new",
    Cause.ANNOTATION_CHANGED: "was changed",
    Cause.ANNOTATION_WITHDRAWN: "no longer counts",
}


class DiffRow(NamedTuple):
    """One difference in words; long texts are cut to the part that differs."""

    kind: str
    sample_id: str
    what: str
    old: str
    new: str
    why: tuple[str, ...] = ()


def diff_rows(compared: Compared, limit: int = CELL) -> Iterator[DiffRow]:
    """Everything but evidence; texts are cut at `limit` characters."""
    for item in compared.diff.added:
        yield DiffRow("Added", str(item["sample_id"]), "added", "", _asked(item, limit))
    for item in compared.diff.removed:
        yield DiffRow("Removed", str(item["sample_id"]), "removed", _asked(item, limit), "")
    for changed in compared.diff.changed:
        for one in changed.changes:
            yield _change("Changed", changed.sample_id, one, limit)
        for label in changed.relabelled:
            both = shortened(value_text(label.old), value_text(label.new), limit=limit)
            why = tuple(reason_text(reason) for reason in label.reasons)
            yield DiffRow("Relabelled", changed.sample_id, f"label {label.field}", *both, why)


def evidence_rows(compared: Compared, limit: int = CELL) -> Iterator[DiffRow]:
    """What differs in how labels came about and how items were selected."""
    for changed in compared.diff.changed:
        for one in changed.evidence:
            yield _change(EVIDENCE, changed.sample_id, one, limit)


def _change(kind: str, sample_id: str, one: FieldChange, limit: int) -> DiffRow:
    both = shortened(value_text(one.old), value_text(one.new), limit=limit)
    return DiffRow(kind, sample_id, one.path, *both)


def _asked(item: Mapping[str, Any], limit: int) -> str:
    return value_text(item.get("user_input"))[:limit]


def value_text(value: object) -> str:
    """A value of a diff: a text as it is, anything else as JSON."""
    if value is ABSENT:
        return "(none)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def reason_text(reason: Reason) -> str:
    """Why a label moved, in words.

    >>> reason_text(Reason(Cause.STATE, old="agreed", new="adjudicated"))
    'state agreed -> adjudicated'
    """
    if reason.cause in _CAUSES:
        who = reason.who or f"annotator {reason.annotator}"
        says = f", says {value_text(reason.says)}" if reason.says is not None else ""
        when = f" ({reason.at[:16]})" if reason.at else ""
        return f"annotation {reason.annotation} by {who} {_CAUSES[reason.cause]}{when}{says}"
    if reason.cause is Cause.UNKNOWN:
        return "nothing recorded tells"
    named = "" if reason.cause is Cause.EVIDENCE else f"{reason.cause.value} "
    return f"{named}{reason.old} -> {reason.new}"
