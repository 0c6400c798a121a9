"""Dataset versions: what an item is, what a version's identity is, and what changed since another.

Two fingerprints identify a version, one of content and one of labels: SHA-256 over one line of
RFC 8785 JSON for each item, in the order of `sample_id` (in NFC, by code points). They do not
depend on the order of the items or keys, on Unicode or number forms, on time, or on Label Studio's
ids.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from goldloop.canonical import canonical_json
from goldloop.errors import RecordError, VersionError

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
    """Both fingerprints of a set of items.

    A key that an item does not have counts as null. Raises VersionError when an id comes twice, and
    RecordError, with the id, for a value that JSON does not have.
    """
    content, labels = sha256(f"{SCHEMA} content\n".encode()), sha256(f"{SCHEMA} labels\n".encode())
    for sample_id, item in sorted(_by_id(items).items()):
        content.update(_canonical(sample_id, content_of(item)) + b"\n")
        labels.update(_canonical(sample_id, [sample_id, item["labels"]]) + b"\n")
    return Fingerprints(content.hexdigest(), labels.hexdigest())


def _by_id(items: Iterable[Item]) -> dict[str, Item]:
    """The items by id, in NFC: two spellings of one id are one id, as they are in the hash."""
    found: dict[str, Item] = {}
    for item in items:
        sample_id = unicodedata.normalize("NFC", str(item["sample_id"]))
        if sample_id in found:
            raise VersionError(
                f"sample {sample_id} is there twice; a version holds each sample once"
            )
        found[sample_id] = item
    return found


def _canonical(sample_id: str, value: object) -> bytes:
    try:
        return canonical_json(value)
    except RecordError as error:
        raise RecordError(f"sample {sample_id}: {error}") from None


def content_of(item: Item) -> dict[str, Any]:
    """The part of an item that the content fingerprint covers."""
    return {key: item.get(key) for key in CONTENT_KEYS}


def changes_between(
    parent: Iterable[Item], child: Iterable[Item], guidelines: bool = False
) -> Changes:
    """What a child holds that is different from its parent, item by item.

    Values are different when their canonical JSON is, so a changed spelling of Unicode or of a
    number is no change. `guidelines` says whether the labelling interface changed. Raises
    VersionError when an id comes twice in one of them.
    """
    before, after = _by_id(parent), _by_id(child)
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
        changed = [
            key
            for key in sorted(old.keys() | new.keys())
            if _canonical(sample_id, old.get(key)) != _canonical(sample_id, new.get(key))
        ]
        if changed:
            found[sample_id] = tuple(changed)
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
        return f"{major}.{minor + 1}.0", f"{_samples(changes.added)} added ({share:.1%})"
    return f"{major}.{minor}.{patch + 1}", "only descriptions or evidence changed"


def _major_reason(changes: Changes, parent_size: int) -> str | None:
    reasons = []
    if changes.removed:
        reasons.append(f"{_samples(changes.removed)} removed")
    if changes.modified:
        reasons.append(f"{_samples(changes.modified)} changed")
    if changes.relabelled:
        reasons.append(f"{_samples(changes.relabelled)} relabelled")
    if changes.guidelines:
        reasons.append("the labelling interface changed")
    if len(changes.added) * 10 > parent_size:
        reasons.append(f"{_samples(changes.added)} added to {parent_size}, more than 10%")
    return "; ".join(reasons) or None


def _samples(which: Sized) -> str:
    return "1 sample" if len(which) == 1 else f"{len(which)} samples"


def parse_version(text: str) -> tuple[int, int, int]:
    """The three numbers of a version like 1.0.0; raises VersionError for anything else."""
    match = re.fullmatch(r"([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})", text)
    if not match:
        raise VersionError(f"{text!r} is no version; expected three numbers like 1.0.0")
    major, minor, patch = map(int, match.groups())
    return major, minor, patch
