"""Dataset versions: what an item is, what a version's identity is, and what changed since another.

Two fingerprints identify a version, one of content and one of labels: SHA-256 over one line of
RFC 8785 JSON for each item, in the order of `sample_id`. They do not depend on the order of the
items or keys, on Unicode or number forms, on time, or on Label Studio's ids.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from goldloop.canonical import canonical_json
from goldloop.errors import VersionError

Item = Mapping[str, Any]

SCHEMA = "goldloop-dataset-1"
EXPECTED_KEYS = ("user_input", "conversation", "expected_response", "expected_tool_calls")
DESCRIPTIVE_KEYS = ("difficulty", "tags", "source", "cluster_id", "metadata")
CONTENT_KEYS = ("sample_id", *EXPECTED_KEYS, *DESCRIPTIVE_KEYS)
EVIDENCE_KEYS = ("evidence", "selection")


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """The identity of a version: hexadecimal SHA-256 of its content and of its labels."""

    content: str
    labels: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different from the parent, as sorted sample ids.

    `modified` maps an id to the content keys that changed; `relabelled` to the fields whose label
    changed; `redescribed` to what else changed (tags, difficulty, evidence).
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    modified: Mapping[str, tuple[str, ...]] | None = None
    relabelled: Mapping[str, tuple[str, ...]] | None = None
    redescribed: Mapping[str, tuple[str, ...]] | None = None
    guidelines: bool = False

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def counts(self) -> dict[str, int]:
        """How many items each kind of change touched."""
        return {key: len(value or ()) for key, value in asdict(self).items() if key != "guidelines"}


def fingerprints(items: Iterable[Item]) -> Fingerprints:
    """Both fingerprints of a set of items; raises VersionError when an id comes twice."""
    content, labels = sha256(f"{SCHEMA} content\n".encode()), sha256(f"{SCHEMA} labels\n".encode())
    last = None
    for item in sorted(items, key=lambda item: str(item["sample_id"])):
        if item["sample_id"] == last:
            raise VersionError(f"sample {last} is there twice; a version holds each sample once")
        last = item["sample_id"]
        content.update(canonical_json(content_of(item)) + b"\n")
        labels.update(canonical_json([last, item["labels"]]) + b"\n")
    return Fingerprints(content.hexdigest(), labels.hexdigest())


def content_of(item: Item) -> dict[str, Any]:
    """The part of an item that the content fingerprint covers."""
    return {key: item.get(key) for key in CONTENT_KEYS}


def changes_between(
    parent: Iterable[Item], child: Iterable[Item], guidelines: bool = False
) -> Changes:
    """What a child holds that is different from its parent, item by item."""
    before = {str(item["sample_id"]): item for item in parent}
    after = {str(item["sample_id"]): item for item in child}
    both = sorted(before.keys() & after.keys())
    return Changes(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        modified=_differing(both, before, after, lambda item: _part(item, EXPECTED_KEYS)),
        relabelled=_differing(both, before, after, lambda item: item["labels"]),
        redescribed=_differing(
            both, before, after, lambda item: _part(item, DESCRIPTIVE_KEYS + EVIDENCE_KEYS)
        ),
        guidelines=guidelines,
    )


def _part(item: Item, keys: Sequence[str]) -> dict[str, Any]:
    return {key: item.get(key) for key in keys}


def _differing(
    ids: Sequence[str],
    before: Mapping[str, Item],
    after: Mapping[str, Item],
    part: Callable[[Item], Mapping[str, Any]],
) -> dict[str, tuple[str, ...]]:
    found = {}
    for sample_id in ids:
        old, new = part(before[sample_id]), part(after[sample_id])
        keys = tuple(
            sorted(
                key
                for key in old.keys() | new.keys()
                if canonical_json(old.get(key)) != canonical_json(new.get(key))
            )
        )
        if keys:
            found[sample_id] = keys
    return found


def next_version(parent: str | None, changes: Changes, parent_size: int) -> tuple[str, str]:
    """The number that follows, and why.

    Major: samples removed, expected values or labels changed, guidelines changed, or more than 10%
    added. Minor: fewer added. Patch: nothing but descriptions or evidence. The first is 1.0.0.
    Raises VersionError when nothing changed.
    """
    if parent is None:
        return "1.0.0", "the first version"
    major, minor, patch = parse_version(parent)
    if not changes:
        raise VersionError(f"nothing changed since {parent}, so there is nothing to commit")
    reason = _major_reason(changes, parent_size)
    if reason:
        return f"{major + 1}.0.0", reason
    if changes.added:
        share = len(changes.added) / parent_size
        return f"{major}.{minor + 1}.0", f"{len(changes.added)} samples added ({share:.1%})"
    return f"{major}.{minor}.{patch + 1}", "only descriptions or evidence changed"


def _major_reason(changes: Changes, parent_size: int) -> str | None:
    reasons = []
    if changes.removed:
        reasons.append(f"{len(changes.removed)} samples removed")
    if changes.modified:
        reasons.append(f"{len(changes.modified)} samples changed")
    if changes.relabelled:
        reasons.append(f"{len(changes.relabelled)} samples relabelled")
    if changes.guidelines:
        reasons.append("the labelling interface changed")
    if len(changes.added) * 10 > parent_size:
        reasons.append(f"{len(changes.added)} samples added to {parent_size}, more than 10%")
    return "; ".join(reasons) or None


def parse_version(text: str) -> tuple[int, int, int]:
    """The three numbers of a version like 1.0.0; raises VersionError for anything else."""
    match = re.fullmatch(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})", text)
    if not match:
        raise VersionError(f"{text!r} is no version; expected three numbers like 1.0.0")
    major, minor, patch = map(int, match.groups())
    return major, minor, patch
