"""A version's folder as it is written: whole or not at all, and never changed afterwards.

All is written to a folder that no reader looks into, and renamed when it is complete and on disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from goldloop.errors import VersionError
from goldloop.versions import Entry, Fingerprinter, Item, item_id
from sync.drafts import draft_folder, locked, sync_to_disk
from views.version_folder import (
    DATA,
    ITEM_HASHES,
    LAYOUT,
    MANIFEST,
    dataset_folder,
    manifest_hash,
    parse_item,
    version_names,
)

_DRAFT = ".commit-"


class _Hashed:
    """A file that is written, with its hash and its size."""

    def __init__(self, path: Path) -> None:
        self._file, self._digest, self._size = path.open("wb"), sha256(), 0

    def write(self, part: bytes) -> None:
        """More of it."""
        self._file.write(part)
        self._digest.update(part)
        self._size += len(part)

    def close(self) -> None:
        """Close it, whole or not."""
        self._file.close()

    def finish(self) -> dict[str, Any]:
        """The hash and the size of what is now on disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return {"sha256": self._digest.hexdigest(), "bytes": self._size}


class Draft:
    """A version that is being written; nobody sees it before `finish`."""

    def __init__(self, dataset: Path, path: Path) -> None:
        self.path = path
        self.count = 0
        self.files: dict[str, dict[str, Any]] = {}
        self.fingerprints: dict[str, str] = {}
        self._dataset = dataset

    def write(self, name: str, parts: Iterable[bytes]) -> None:
        """A file of the version, on disk when this returns."""
        target = self.path / name
        target.parent.mkdir(exist_ok=True)
        with closing(_Hashed(target)) as file:
            for part in parts:
                file.write(part)
            self.files[name] = file.finish()

    def write_json(self, name: str, value: object) -> None:
        """The same of a value, as JSON that a person can read."""
        text = json.dumps(value, ensure_ascii=False, indent=2, default=list) + "\n"
        self.write(name, [text.encode()])

    def write_items(self, items: Iterable[Item]) -> Iterator[Entry]:
        """The items, each as it is written; they come, and the caller takes them, by `item_id`.

        Raises OutOfOrderError when they do not, VersionError when one comes twice, and RecordError,
        with the id, for a value that JSON does not have.
        """
        prints = Fingerprinter()
        with (
            closing(_Hashed(self.path / DATA)) as data,
            closing(_Hashed(self.path / ITEM_HASHES)) as marks,
        ):
            for item in items:
                prints.add(item)
                line, sample_id = _line(item), item_id(item)
                mark = sha256(line).hexdigest()
                data.write(line)
                marks.write(_json_line({"sample_id": sample_id, "sha256": mark}))
                yield Entry(sample_id, mark, partial(_given, item))
            self.files |= {DATA: data.finish(), ITEM_HASHES: marks.finish()}
        self.count, self.fingerprints = prints.count, asdict(prints.result())

    def items(self) -> Iterator[Item]:
        """The items as they were written, read back one at a time."""
        path = self.path / DATA
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield parse_item(path, number, line)

    def finish(
        self, parent: str | None, manifest: Mapping[str, Any]
    ) -> tuple[Path, dict[str, Any]]:
        """Put the version in its place: its folder, and the manifest as it was written.

        Raises VersionError when `parent` is no longer the newest: another commit was faster.
        """
        whole = {**manifest, "layout": LAYOUT, "files": dict(sorted(self.files.items()))}
        whole["manifest_sha256"] = manifest_hash(json.loads(json.dumps(whole)))
        text = json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
        self.write(MANIFEST, [text.encode()])
        for folder in {(self.path / name).parent for name in self.files}:
            sync_to_disk(folder)
        target = self._dataset / str(manifest["version"])
        with locked(self._dataset):
            known = version_names(self._dataset.parent, self._dataset.name)
            if (known[-1] if known else None) != parent:
                raise VersionError(
                    f"{self._dataset / known[-1] if known else self._dataset} has changed "
                    "meanwhile: another commit was faster; run commit again"
                )
            _rename(self.path, target)
        sync_to_disk(self._dataset)
        return target, json.loads(text)


@contextmanager
def new_version(root: Path, dataset: str) -> Iterator[Draft]:
    """A version to be written and finished within the block; what was not is removed.

    Raises VersionError, in one line, when the disk is full or the folder cannot be written.
    """
    folder = dataset_folder(root, dataset)
    try:
        with draft_folder(folder, _DRAFT) as path:
            path.chmod(0o755)
            yield Draft(folder, path)
    except OSError as error:
        raise VersionError(
            f"{folder} cannot be written: {error.strerror or error}; nothing was committed"
        ) from error
    finally:
        with suppress(OSError):  # it stays where a version is in it
            folder.rmdir()


def _given(item: Item) -> Item:
    return item


def _line(item: Item) -> bytes:
    """The item as it is: the canonical form of the fingerprint rewrites large numbers."""
    return _json_line(item, sort_keys=True)


def _json_line(value: object, *, sort_keys: bool = False) -> bytes:
    return (json.dumps(value, ensure_ascii=False, sort_keys=sort_keys) + "\n").encode()


def _rename(temporary: Path, target: Path) -> None:
    try:
        temporary.rename(target)
    except OSError as error:
        if target.exists():
            raise VersionError(
                f"{target} is there already: another commit was faster; run commit again"
            ) from None
        raise VersionError(f"{target} cannot be written: {error.strerror}") from error
