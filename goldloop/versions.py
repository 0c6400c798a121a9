"""Dataset versions: what an item is, what a version's identity is, and what changed since another.

Two fingerprints identify a version, one of content and one of labels: SHA-256 over one line of
RFC 8785 JSON for each item, in the order of `sample_id` (in NFC, by code points). They do not
depend on the order of the items or keys, on Unicode or number forms, on time, or on Label Studio's
ids.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from goldloop.canonical import canonical_json
from goldloop.errors import NothingChangedError, RecordError, VersionError

Item = Mapping[str, Any]

SCHEMA = "goldloop-dataset-1"
EXPECTED_KEYS = ("user_input", "conversation", "expected_response", "expected_tool_calls")
DESCRIPTIVE_KEYS = ("difficulty", "tags", "source", "cluster_id", "metadata")
CONTENT_KEYS = ("sample_id", *EXPECTED_KEYS, *DESCRIPTIVE_KEYS)
EVIDENCE_KEYS = ("evidence", "selection")


class OutOfOrderError(VersionError):
    """Items did not come in the order of their ids."""

    def __init__(self, sample_id: str) -> None:
        super().__init__(f"sample {sample_id} does not stand in the order of ids")


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
    """Both fingerprints of a set of items, in any order.

    A key that an item does not have counts as null. Raises VersionError when an id comes twice, and
    RecordError, with the id, for a value that JSON does not have.
    """
    running = Fingerprinter()
    for _, item in sorted(_by_id(items).items()):
        running.add(item)
    return running.result()


class Fingerprinter:
    """Both fingerprints of items that come one at a time, in the order of their ids."""

    def __init__(self) -> None:
        self.count = 0
        self._last = ""
        self._content = sha256(f"{SCHEMA} content\n".encode())
        self._labels = sha256(f"{SCHEMA} labels\n".encode())

    def add(self, item: Item) -> None:
        """Count one item in; raises OutOfOrderError, or VersionError when its id came before."""
        sample_id = item_id(item)
        if self.count and sample_id <= self._last:
            raise _twice(sample_id) if sample_id == self._last else OutOfOrderError(sample_id)
        self._content.update(_canonical(sample_id, content_of(item)) + b"\n")
        self._labels.update(_canonical(sample_id, [sample_id, item["labels"]]) + b"\n")
        self._last, self.count = sample_id, self.count + 1

    def result(self) -> Fingerprints:
        """The fingerprints of what was counted so far."""
        return Fingerprints(self._content.hexdigest(), self._labels.hexdigest())


def item_id(item: Item) -> str:
    """The item's id in NFC: two spellings of one id are one id, as they are in the hash."""
    return unicodedata.normalize("NFC", str(item["sample_id"]))


def _by_id(items: Iterable[Item]) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for item in items:
        sample_id = item_id(item)
        if sample_id in found:
            raise _twice(sample_id)
        found[sample_id] = item
    return found


def _twice(sample_id: str) -> VersionError:
    return VersionError(f"sample {sample_id} is there twice; a version holds each sample once")


def _canonical(sample_id: str, value: object) -> bytes:
    try:
        return canonical_json(value)
    except RecordError as error:
        raise RecordError(f"sample {sample_id}: {error}") from None


def content_of(item: Item) -> dict[str, Any]:
    """The part of an item that the content fingerprint covers."""
    return {key: item.get(key) for key in CONTENT_KEYS}


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of a version: its id in NFC, a mark, and how to read it.

    Items with equal marks are equal, so neither has to be read; an empty mark says nothing.
    """

    sample_id: str
    mark: str
    read: Callable[[], Item]


def changes_between(
    parent: Iterable[Item], child: Iterable[Item], guidelines: bool = False
) -> Changes:
    """What a child holds that is different from its parent, item by item; both in any order.

    Values are different when their canonical JSON is, so a changed spelling of Unicode or of a
    number is no change. `guidelines` says whether the labelling interface changed. Raises
    VersionError when an id comes twice in one of them.
    """
    before, after = (
        [Entry(key, "", partial(found.get, key)) for key in sorted(found)]  # type: ignore[arg-type]
        for found in (_by_id(parent), _by_id(child))
    )
    return changes_in_order(before, after, guidelines)


def changes_in_order(
    parent: Iterable[Entry], child: Iterable[Entry], guidelines: bool = False
) -> Changes:
    """The same of entries that both come in the order of their ids, read one at a time."""
    added, removed = [], []
    modified: dict[str, tuple[str, ...]] = {}
    relabelled: dict[str, tuple[str, ...]] = {}
    redescribed: dict[str, tuple[str, ...]] = {}
    kinds = (modified, relabelled, redescribed)
    for sample_id, old, new in paired(parent, child):
        if new is None:
            removed.append(sample_id)
        elif old is None:
            added.append(sample_id)
        elif not old.mark or old.mark != new.mark:
            for found, keys in zip(kinds, changed_keys(old.read(), new.read()), strict=True):
                if keys:
                    found[sample_id] = keys
    return Changes(tuple(added), tuple(removed), *kinds, guidelines)


def paired(
    parent: Iterable[Entry], child: Iterable[Entry]
) -> Iterator[tuple[str, Entry | None, Entry | None]]:
    """Every id of either, in order, with what each has of it; both come in the order of ids."""
    old_ones, new_ones = iter(parent), iter(child)
    old, new = next(old_ones, None), next(new_ones, None)
    while old or new:
        if old and (new is None or old.sample_id < new.sample_id):
            yield old.sample_id, old, None
            old = next(old_ones, None)
        elif new and (old is None or new.sample_id < old.sample_id):
            yield new.sample_id, None, new
            new = next(new_ones, None)
        elif old and new:
            yield new.sample_id, old, new
            old, new = next(old_ones, None), next(new_ones, None)


def changed_keys(old: Item, new: Item) -> tuple[tuple[str, ...], ...]:
    """What is different in two forms of an item: the expected keys, the labels, and the rest."""
    sample_id = item_id(new)
    parts = (
        (_part(old, EXPECTED_KEYS), _part(new, EXPECTED_KEYS)),
        (old["labels"], new["labels"]),
        (
            _part(old, DESCRIPTIVE_KEYS + EVIDENCE_KEYS),
            _part(new, DESCRIPTIVE_KEYS + EVIDENCE_KEYS),
        ),
    )
    return tuple(
        tuple(
            key
            for key in sorted(before.keys() | after.keys())
            if not same_value(sample_id, before.get(key), after.get(key))
        )
        for before, after in parts
    )


def same_value(sample_id: str, old: object, new: object) -> bool:
    """Whether two values have the same canonical JSON."""
    kind = type(old)
    if kind is type(new) and kind in (str, bool, type(None)) and old == new:
        return True
    return _canonical(sample_id, old) == _canonical(sample_id, new)


def _part(item: Item, keys: Sequence[str]) -> dict[str, Any]:
    return {key: item.get(key) for key in keys}


def next_version(parent: str | None, changes: Changes, parent_size: int) -> tuple[str, str]:
    """The number that follows, and why.

    Major: samples removed, expected values or labels changed, guidelines changed, or more than 10%
    added. Minor: fewer added. Patch: nothing but descriptions or evidence. The first is 1.0.0.
    Raises NothingChangedError when nothing changed.
    """
    if parent is None:
        return "1.0.0", "the first version"
    major, minor, patch = parse_version(parent)
    if not changes:
        raise NothingChangedError(f"nothing changed since {parent}, so there is nothing to commit")
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
