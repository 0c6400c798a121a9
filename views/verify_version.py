"""verify: a dataset version worked out again from its files, and everything that does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from goldloop.errors import GoldloopError, VersionError
from goldloop.versions import Fingerprinter, OutOfOrderError, fingerprints
from views.version_folder import (
    DATA,
    MANIFEST,
    VersionFolder,
    changed_lines,
    file_hash,
    items_of,
    open_version,
    version_mark,
)

MOST = 100  # findings that are kept; the rest is counted


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something that is not as it was committed; with the line and the sample where it is one."""

    file: str
    problem: str
    line: int | None = None
    sample_id: str | None = None


@dataclass(frozen=True, slots=True)
class VersionVerdict:
    """Whether everything of a version is as it was committed; else what is not.

    `checked` says what was looked at and fits, `unchecked` what could not be. `misfits` holds at
    most a hundred, and `more` counts the rest. `unknown_files` lie in the folder and are no part
    of the version; they do not count against it.
    """

    name: str
    folder: str
    fits: bool
    items: int = 0
    content: str | None = None
    labels: str | None = None
    checked: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    misfits: tuple[Misfit, ...] = ()
    more: int = 0
    unknown_files: tuple[str, ...] = ()


def verdict_record(verdict: VersionVerdict) -> dict[str, Any]:
    """The verdict as plain values."""
    return asdict(verdict)


@dataclass(slots=True)
class _Findings:
    """What was found so far."""

    misfits: list[Misfit] = field(default_factory=list)
    more: int = 0
    checked: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    content: str | None = None
    labels: str | None = None

    def add(
        self, file: str, problem: str, line: int | None = None, sample_id: str | None = None
    ) -> None:
        """One more thing that does not fit."""
        if len(self.misfits) < MOST:
            self.misfits.append(Misfit(file, problem, line, sample_id))
        else:
            self.more += 1


def verify_version(
    path: Path,
    dataset: str | None = None,
    version: str | None = None,
    *,
    on_item: Callable[[], None] = lambda: None,
) -> VersionVerdict:
    """Check the folder of a version: its manifest, every file's hash and size, every item, both
    fingerprints, and its parent where that lies beside it.

    With `dataset` and `version` it has to be just that one. A damaged version is a verdict, not an
    error; a folder that is none raises VersionError.
    """
    if not path.is_dir():
        raise VersionError(f"there is no folder {path}; see: goldloop versions")
    found = _Findings()
    try:
        folder = open_version(path, dataset, version)
    except VersionError as error:
        found.add(MANIFEST, str(error))
        return _verdict(path, f"{dataset}@{version}" if dataset else path.name, found)
    found.checked.append("the manifest")
    _check_files(folder, found)
    _check_items(folder, found, on_item)
    _check_parent(folder, found)
    items = int(folder.manifest["items"])
    return _verdict(path, folder.name, found, items, _unknown(folder))


def _verdict(
    path: Path, name: str, found: _Findings, items: int = 0, unknown: tuple[str, ...] = ()
) -> VersionVerdict:
    return VersionVerdict(
        name=name,
        folder=str(path),
        fits=not found.misfits,
        items=items,
        content=found.content,
        labels=found.labels,
        checked=tuple(found.checked),
        unchecked=tuple(found.unchecked),
        misfits=tuple(found.misfits),
        more=found.more,
        unknown_files=unknown,
    )


def _check_files(folder: VersionFolder, found: _Findings) -> None:
    files = folder.manifest["files"]
    for name, said in files.items():
        if not folder.file(name).is_file():
            found.add(name, "is missing")
            continue
        digest, size = file_hash(folder.file(name))
        if said["bytes"] not in (None, size):
            found.add(name, f"has {size} bytes instead of {said['bytes']}")
        elif digest != said["sha256"]:
            found.add(name, "is not as it was committed: its SHA-256 differs")
        if digest != said["sha256"] and name == DATA:
            for number, sample_id, problem in changed_lines(folder):
                found.add(name, problem, number, sample_id or None)
    if not found.misfits:
        found.checked.append(f"the hashes of {len(files)} files")


def _check_items(folder: VersionFolder, found: _Findings, on_item: Callable[[], None]) -> None:
    """Both fingerprints and the count; in one pass where the items stand in their order."""
    try:
        try:
            running = Fingerprinter()
            for item in items_of(folder):
                running.add(item)
                on_item()
            prints, count = running.result(), running.count
        except OutOfOrderError:  # layout 1 is sorted by the ids as they are spelled
            items = list(items_of(folder))
            prints, count = fingerprints(items), len(items)
    except GoldloopError as error:
        found.add(DATA, str(error))
        return
    found.content, found.labels = prints.content, prints.labels
    before = len(found.misfits)
    for what, is_now in asdict(prints).items():
        if is_now != folder.manifest["fingerprints"][what]:
            found.add(MANIFEST, f"its fingerprint of the {what} is not that of {DATA}")
    if count != folder.manifest["items"]:
        found.add(MANIFEST, f"says {folder.manifest['items']} items; {DATA} has {count}")
    if len(found.misfits) == before:
        found.checked.append("both fingerprints")


def _check_parent(folder: VersionFolder, found: _Findings) -> None:
    """Whether the parent beside it is still the one that it was made from."""
    parent, mark = folder.manifest["parent"], folder.manifest.get("parent_sha256")
    if parent is None:
        return
    if mark is None:
        found.unchecked.append(f"the parent {parent}: an older Goldloop did not record it")
        return
    try:
        there = open_version(folder.path.parent / str(parent), folder.manifest["dataset"], parent)
        same = version_mark(there) == mark
    except VersionError:
        found.unchecked.append(f"the parent {parent}: it is not beside it, or damaged")
        return
    if same:
        found.checked.append(f"the parent {parent}")
    else:
        found.add(MANIFEST, f"{parent} is no longer the version that this one was made from")


def _unknown(folder: VersionFolder) -> tuple[str, ...]:
    known = {MANIFEST, *folder.manifest["files"]}
    return tuple(sorted(set(_files_in(folder.path)) - known))


def _files_in(path: Path) -> Iterator[str]:
    for one in path.rglob("*"):
        if one.is_symlink() or not one.is_dir():
            yield one.relative_to(path).as_posix()
