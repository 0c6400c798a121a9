"""A version's folder as it is read: what it is, whether it is as it was committed, and its items.

versions/<dataset>/<version>/
    manifest.json            what it is: fingerprints, parent, changes, and every file's hash
    data.jsonl               one item a line, by sample_id
    item_hashes.jsonl        the SHA-256 of every line, to name the item that was tampered with
    interface.xml            the labelling interface that people answered
    README.md, CHANGELOG.md, schema.json, croissant.json, quality_report.json,
    selection/rounds.jsonl   for its readers; nothing here reads them back

Layout 1, of before there was a number, has the manifest, the data and the interface alone.
`sync.version_writing` writes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from goldloop.canonical import canonical_json
from goldloop.errors import RecordError, VersionError
from goldloop.versions import Entry, Item, fingerprints, item_id, parse_version

DATA, INTERFACE, MANIFEST = "data.jsonl", "interface.xml", "manifest.json"
ITEM_HASHES = "item_hashes.jsonl"
LAYOUT = 2
_DATASET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# A manifest may come from anywhere: no name in it leads out of its folder.
_FILE = re.compile(r"(selection/)?[A-Za-z0-9_]{1,60}\.[a-z]{1,10}")
_HASH = re.compile(r"[0-9a-f]{64}")
_NAMED = 5  # items that are named when a file is not as it was


@dataclass(frozen=True, slots=True)
class VersionFolder:
    """A version on disk, and its manifest, which is whole."""

    path: Path
    manifest: Mapping[str, Any]

    @property
    def layout(self) -> int:
        """How the folder is laid out; 1 has no item hashes."""
        return int(self.manifest["layout"])

    @property
    def name(self) -> str:
        """Dataset and version, as commands take them."""
        return f"{self.manifest['dataset']}@{self.manifest['version']}"

    def file(self, name: str) -> Path:
        """One of its files."""
        return self.path / name


class Line(NamedTuple):
    """A line of the data: its number from 1, its bytes, and their SHA-256."""

    number: int
    content: bytes
    sha256: str


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
    return _numbered(entry.name) and entry.is_dir()


def _numbered(text: str) -> bool:
    try:
        parse_version(text)
    except VersionError:
        return False
    return True


def with_dataset(reference: str, dataset: str) -> str:
    """A version's number alone as NAME@VERSION; any other reference as it is.

    >>> with_dataset("1.0.0", "golden"), with_dataset("silver@1.0.0", "golden")
    ('golden@1.0.0', 'silver@1.0.0')
    """
    return f"{dataset}@{reference}" if _numbered(reference) else reference


def parse_reference(root: Path, reference: str) -> tuple[str, str]:
    """NAME@VERSION, or NAME for its newest version."""
    dataset, _, version = reference.partition("@")
    if not version:
        known = version_names(root, dataset)
        if not known:
            raise VersionError(f"there is no version of {dataset} yet; make one: goldloop commit")
        version = known[-1]
    return dataset, version


def dataset_names(root: Path) -> list[str]:
    """Every dataset that has a folder."""
    if not root.is_dir():
        return []
    return sorted(entry.name for entry in root.iterdir() if _DATASET.fullmatch(entry.name))


def find_version(root: Path, dataset: str, version: str) -> VersionFolder:
    """A version by its name; raises VersionError when it is missing, or its manifest damaged."""
    parse_version(version)
    path = dataset_folder(root, dataset) / version
    if not (path / MANIFEST).exists():
        known = ", ".join(version_names(root, dataset)) or "none"
        if path.is_dir():
            raise VersionError(f"{path / MANIFEST} is missing; restore it")
        raise VersionError(f"there is no {dataset}@{version}; there are: {known}")
    return open_version(path, dataset, version)


def open_version(
    path: Path, dataset: str | None = None, version: str | None = None
) -> VersionFolder:
    """A version by its folder, wherever that is; raises VersionError as `find_version` does.

    With `dataset` and `version` it has to be the manifest of just that one.
    """
    manifest = _parsed(path / MANIFEST)
    expected = (dataset or manifest.get("dataset"), version or manifest.get("version"))
    if (manifest.get("dataset"), manifest.get("version")) != expected or not _complete(manifest):
        said = f" for {dataset}@{version}" if dataset else ""
        raise VersionError(
            f"{path / MANIFEST} is not the manifest that was committed{said}; restore it"
        )
    if manifest.get("layout", 1) == 1:
        files = {name: {"sha256": digest, "bytes": None} for name, digest in _files(manifest)}
        return VersionFolder(path, {**manifest, "layout": 1, "files": files})
    if manifest["manifest_sha256"] != manifest_hash(manifest):
        raise VersionError(
            f"{path / MANIFEST} is not as it was committed (its own hash differs); restore it"
        )
    return VersionFolder(path, manifest)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise VersionError(f"{path} cannot be read: {error.strerror}; restore it") from None
    except (ValueError, RecursionError) as error:
        raise VersionError(f"{path} is no manifest: {error}; restore it") from None
    if not isinstance(found, dict):
        raise VersionError(f"{path} is not the manifest that was committed; restore it")
    if isinstance(layout := found.get("layout"), int) and layout > LAYOUT:
        raise VersionError(f"{path} was written by a newer Goldloop; upgrade, then read it")
    return found


def _complete(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest has all that we read in one, each of its kind."""
    files, prints = manifest.get("files"), manifest.get("fingerprints")
    return (
        {"schema", "parent", "reason", "created_at"} <= manifest.keys()
        and _DATASET.fullmatch(_text(manifest, "dataset")) is not None
        and _numbered(_text(manifest, "version"))
        and isinstance(manifest.get("items"), int)
        and isinstance(prints, dict)
        and prints.keys() == {"content", "labels"}
        and isinstance(files, dict)
        and (_layout_1(files) if manifest.get("layout", 1) == 1 else _layout_2(manifest, files))
    )


def _text(manifest: Mapping[str, Any], key: str) -> str:
    return value if isinstance(value := manifest.get(key), str) else ""


def _layout_1(files: Mapping[str, Any]) -> bool:
    return files.keys() == {DATA, INTERFACE} and all(isinstance(x, str) for x in files.values())


def _layout_2(manifest: Mapping[str, Any], files: Mapping[str, Any]) -> bool:
    return (
        manifest.get("layout") == LAYOUT
        and isinstance(manifest.get("manifest_sha256"), str)
        and {DATA, INTERFACE, ITEM_HASHES} <= files.keys()
        and all(_FILE.fullmatch(name) and name != MANIFEST for name in files)
        and all(
            isinstance(one, dict) and one.keys() == {"sha256", "bytes"} for one in files.values()
        )
        and all(_HASH.fullmatch(str(one["sha256"])) for one in files.values())
    )


def _files(manifest: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    return [(name, str(digest)) for name, digest in manifest["files"].items()]


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a manifest, without that hash itself."""
    rest = {key: value for key, value in manifest.items() if key != "manifest_sha256"}
    try:
        return sha256(canonical_json(rest)).hexdigest()
    except RecordError:
        return ""


def version_mark(folder: VersionFolder) -> str:
    """What a child remembers of its parent: the manifest's own hash; of layout 1, the file's."""
    if folder.layout == 1:
        return file_hash(folder.file(MANIFEST))[0]
    return str(folder.manifest["manifest_sha256"])


def file_hash(path: Path) -> tuple[str, int]:
    """A file's SHA-256 and its size in bytes; raises VersionError when it cannot be read."""
    digest, size = sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise VersionError(f"{path} cannot be read: {error.strerror}; restore it") from None
    return digest.hexdigest(), size


def check_file(folder: VersionFolder, name: str) -> None:
    """Raise VersionError when a file is not as it was committed, with the item where it is one."""
    path, said = folder.file(name), folder.manifest["files"].get(name)
    if said is None:
        raise VersionError(f"{folder.name} has no {name}; an older Goldloop wrote it")
    digest, size = file_hash(path)
    if digest == said["sha256"]:
        return
    was = "" if said["bytes"] in (None, size) else f", {size} bytes instead of {said['bytes']}"
    found = [problem for _, _, problem in changed_lines(folder)] if name == DATA else []
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    named = f": {'; '.join(found[:_NAMED])}{more}" if found else ""
    raise VersionError(
        f"{path} is not as it was committed (its SHA-256 differs{was}){named}; restore it"
    )


def changed_lines(folder: VersionFolder) -> Iterator[tuple[int, str, str]]:
    """The lines of the data that are not as they were: number, sample, and what is wrong.

    Nothing where nobody can tell: in layout 1, and when the hashes of the items changed as well.
    """
    if folder.layout == 1 or not _as_committed(folder, ITEM_HASHES):
        return
    was = dict(item_hashes(folder))
    whole, told, seen = set(was.values()), set(), set()
    for line in lines_of(folder):
        if line.sha256 in whole and line.sha256 not in seen:
            seen.add(line.sha256)
            continue
        sample_id = _id_in(line)
        told.add(sample_id)
        known = "was changed" if sample_id in was and was[sample_id] not in seen else "is new"
        yield line.number, sample_id, f"{_sample(sample_id)}line {line.number} {known}"
    for number, (sample_id, digest) in enumerate(was.items(), 1):
        if digest not in seen and sample_id not in told:
            yield number, sample_id, f"{_sample(sample_id)}line {number} is missing"


def _id_in(line: Line) -> str:
    """The sample that a line is of, as far as it can be read."""
    try:
        return item_id(parse_item(Path(), line.number, line.content))
    except VersionError:
        return ""


def _sample(sample_id: str) -> str:
    return f"sample {sample_id!r}, " if sample_id else ""


def _as_committed(folder: VersionFolder, name: str) -> bool:
    try:
        return bool(file_hash(folder.file(name))[0] == folder.manifest["files"][name]["sha256"])
    except VersionError:
        return False


def lines_of(folder: VersionFolder) -> Iterator[Line]:
    """The lines of the data, each with its hash; raises VersionError when it cannot be read."""
    path = folder.file(DATA)
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield Line(number, line, sha256(line).hexdigest())
    except OSError as error:
        raise VersionError(f"{path} cannot be read: {error.strerror}; restore it") from None


def item_hashes(folder: VersionFolder) -> Iterator[tuple[str, str]]:
    """By line of the data: the sample, and the SHA-256 that the line had."""
    with folder.file(ITEM_HASHES).open(encoding="utf-8") as file:
        for text in file:
            one = json.loads(text)
            yield one["sample_id"], one["sha256"]


def parse_item(path: Path, number: int, line: bytes) -> dict[str, Any]:
    """The item of a line; raises VersionError, with file and line, when it is none."""
    try:
        item = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise VersionError(f"{path}:{number} is not JSON: {error}") from None
    if not isinstance(item, dict) or not {"sample_id", "labels"} <= item.keys():
        raise VersionError(f"{path}:{number} is no item of a dataset version")
    if not isinstance(item["labels"], dict):
        raise VersionError(f"{path}:{number} is no item of a dataset version: labels is no object")
    return item


def check_version(folder: VersionFolder) -> None:
    """Raise VersionError when what is read of a version is not as it was committed.

    The hash of the manifest covers the fingerprints and the hashes of the files; layout 1 has no
    such hash, so there the fingerprints are worked out again.
    """
    check_file(folder, DATA)
    check_file(folder, INTERFACE)
    if folder.layout > 1:
        return
    items = list(items_of(folder))
    found = asdict(fingerprints(items))
    if found != folder.manifest["fingerprints"] or len(items) != folder.manifest["items"]:
        raise VersionError(
            f"{folder.file(MANIFEST)} does not describe {DATA} (its fingerprints or its count "
            "differ); restore both"
        )


def items_of(folder: VersionFolder) -> Iterator[dict[str, Any]]:
    """The items, one at a time, unchecked; raises VersionError for a line that is none."""
    path = folder.file(DATA)
    return (parse_item(path, line.number, line.content) for line in lines_of(folder))


def entries_of(folder: VersionFolder) -> Iterator[Entry]:
    """The items in the order of their ids, each read only when it is asked for."""
    path = folder.file(DATA)
    if folder.layout == 1:  # sorted by the id as it is spelled
        yield from _sorted_entries(path, lines_of(folder))
        return
    check_file(folder, ITEM_HASHES)
    for line, (sample_id, digest) in zip(lines_of(folder), item_hashes(folder), strict=True):
        yield Entry(sample_id, digest, partial(parse_item, path, line.number, line.content))


def _sorted_entries(path: Path, lines: Iterable[Line]) -> list[Entry]:
    read = [(partial(parse_item, path, one.number, one.content), one.sha256) for one in lines]
    entries = [Entry(item_id(item()), digest, item) for item, digest in read]
    return sorted(entries, key=lambda entry: entry.sample_id)


def read_manifest(root: Path, dataset: str, version: str) -> dict[str, Any]:
    """What a version says of itself; raises VersionError when it is missing or damaged."""
    return dict(find_version(root, dataset, version).manifest)


def checked_items(root: Path, dataset: str, version: str) -> Iterator[Item]:
    """The items of a version, one at a time, after its files were checked; by sample id.

    Raises VersionError that names the file, and the item where it can.
    """
    folder = find_version(root, dataset, version)
    check_version(folder)
    return items_of(folder)


def interface_of(root: Path, dataset: str, version: str) -> str:
    """The labelling interface that the labels of a version answer."""
    return read_text(root, dataset, version, INTERFACE)


def read_text(root: Path, dataset: str, version: str, name: str) -> str:
    """A file of a version, checked; raises VersionError when it is not there or not as it was."""
    folder = find_version(root, dataset, version)
    check_file(folder, name)
    return folder.file(name).read_bytes().decode()
