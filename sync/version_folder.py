"""A version's folder: written whole or not at all, never changed, and checked when it is read.

versions/<dataset>/<version>/manifest.json   what it is: fingerprints, parent, changes, hashes
versions/<dataset>/<version>/data.jsonl      one item a line, by sample_id
versions/<dataset>/<version>/interface.xml   the labelling interface that people answered
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from goldloop.errors import VersionError
from goldloop.versions import Fingerprints, Item, fingerprints, parse_version

DATA, INTERFACE, MANIFEST = "data.jsonl", "interface.xml", "manifest.json"
_DATASET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def dataset_folder(root: Path, dataset: str) -> Path:
    """Where a dataset's versions are; raises VersionError for a name that is no folder name."""
    if not _DATASET.fullmatch(dataset):
        raise VersionError(
            f"{dataset!r} cannot name a dataset; use letters, digits, dot, dash and underscore"
        )
    return root / dataset


def version_names(root: Path, dataset: str) -> list[str]:
    """The versions of a dataset, in their order; empty when there is none."""
    folder = dataset_folder(root, dataset)
    if not folder.is_dir():
        return []
    names = [entry.name for entry in folder.iterdir() if _is_version(entry)]
    return sorted(names, key=parse_version)


def _is_version(entry: Path) -> bool:
    try:
        parse_version(entry.name)
    except VersionError:
        return False
    return entry.is_dir()


def dataset_names(root: Path) -> list[str]:
    """Every dataset that has a folder."""
    if not root.is_dir():
        return []
    return sorted(entry.name for entry in root.iterdir() if _DATASET.fullmatch(entry.name))


def write_version(
    root: Path,
    dataset: str,
    version: str,
    items: Iterable[Item],
    interface_xml: str,
    manifest: Mapping[str, Any],
) -> Path:
    """Write the folder to a temporary place and rename it; raises VersionError when it is there."""
    folder = dataset_folder(root, dataset)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / version
    temporary = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=folder))
    try:
        hashes = {
            DATA: _write(temporary / DATA, (_line(item) for item in _ordered(items))),
            INTERFACE: _write(temporary / INTERFACE, [interface_xml.encode()]),
        }
        text = json.dumps({**manifest, "files": hashes}, ensure_ascii=False, indent=2) + "\n"
        _write(temporary / MANIFEST, [text.encode()])
        temporary.chmod(0o755)
        _sync(temporary)
        _rename(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync(folder)
    return target


def _ordered(items: Iterable[Item]) -> list[Item]:
    return sorted(items, key=lambda item: str(item["sample_id"]))


def _line(item: Item) -> bytes:
    """The item as it is: the canonical form of the fingerprint rewrites large numbers."""
    return (json.dumps(item, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _write(path: Path, parts: Iterable[bytes]) -> str:
    digest = sha256()
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
            digest.update(part)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rename(temporary: Path, target: Path) -> None:
    try:
        temporary.rename(target)
    except OSError as error:
        if target.exists():
            raise VersionError(
                f"{target} is there already: another commit was faster; run commit again"
            ) from None
        raise VersionError(f"{target} cannot be written: {error.strerror}") from error


def read_manifest(root: Path, dataset: str, version: str) -> dict[str, Any]:
    """What a version says of itself; raises VersionError when it is missing or damaged."""
    parse_version(version)
    path = dataset_folder(root, dataset) / version / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(version_names(root, dataset)) or "none"
        raise VersionError(f"there is no {dataset}@{version}; there are: {known}") from None
    except (OSError, ValueError) as error:
        raise VersionError(f"{path} cannot be read: {error}") from error
    if not isinstance(manifest, dict) or not _describes(manifest, dataset, version):
        raise VersionError(
            f"{path} is not the manifest that was committed for {dataset}@{version}; restore it"
        )
    return manifest


def _describes(manifest: Mapping[str, Any], dataset: str, version: str) -> bool:
    """Whether a manifest has all that we read in one, and is of this version."""
    files, prints = manifest.get("files"), manifest.get("fingerprints")
    return (
        (manifest.get("dataset"), manifest.get("version")) == (dataset, version)
        and {"schema", "parent", "reason", "created_at", "items"} <= manifest.keys()
        and isinstance(files, dict)
        and files.keys() == {DATA, INTERFACE}
        and isinstance(prints, dict)
        and prints.keys() == {"content", "labels"}
    )


def read_items(root: Path, dataset: str, version: str) -> list[dict[str, Any]]:
    """The items of a version, after its files' hashes and its fingerprints were checked.

    Raises VersionError that names the file, or says that the content is not what was committed.
    """
    manifest = read_manifest(root, dataset, version)
    folder = dataset_folder(root, dataset) / version
    for name in (DATA, INTERFACE):
        if _hash(folder / name) != manifest["files"][name]:
            raise VersionError(
                f"{folder / name} is not as it was committed (its SHA-256 differs); restore it"
            )
    items = list(_lines(folder / DATA))
    found = fingerprints(items)
    if found != Fingerprints(**manifest["fingerprints"]) or len(items) != manifest["items"]:
        raise VersionError(
            f"{folder / MANIFEST} does not describe {DATA} (its fingerprints or its count differ); "
            "restore both"
        )
    return items


def interface_of(root: Path, dataset: str, version: str) -> str:
    """The labelling interface that the labels of a version answer."""
    path = dataset_folder(root, dataset) / version / INTERFACE
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise VersionError(f"{path} cannot be read: {error.strerror}") from error


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            digest = sha256()
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        raise VersionError(f"{path} cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                item = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise VersionError(f"{path}:{number} is not JSON: {error}") from error
            if not isinstance(item, dict) or not {"sample_id", "labels"} <= item.keys():
                raise VersionError(f"{path}:{number} is no item of a dataset version")
            yield item
