"""Versions as pages may read them: found, checked, and refused in words where they are damaged."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TypeVar

from werkzeug.exceptions import Conflict, NotFound

from backend.dashboard.kept import kept_as
from backend.dashboard.version_items import Facets, facets_of
from goldloop.errors import GoldloopError, VersionError
from views.project import Project
from views.verify_version import VersionVerdict, verify_version
from views.version_folder import (
    MANIFEST,
    VersionFolder,
    check_file,
    check_version,
    find_version,
    items_of,
    parse_reference,
    version_names,
    with_dataset,
)
from views.version_index import IndexedItem, index_items

# Versions of more items are checked by their hashes alone: to work both fingerprints out of
# 100,000 items takes many seconds.
WORKED_OUT = 5_000
T = TypeVar("T")


class DamagedVersion(Conflict):
    """A version that is not as it was committed; nothing of it is shown."""

    name = "This version is not as it was committed"


def root_of(project: Project) -> Path:
    """The folder of all datasets."""
    return project.path(project.settings.store.versions)


def words_of(project: Project, error: GoldloopError) -> str:
    """What an error says, with paths as they are seen from the project's folder."""
    return str(error).replace(f"{project.folder}/", "")


def checked_version(project: Project, dataset: str, version: str) -> VersionFolder:
    """A version that is as it was committed; NotFound, or DamagedVersion with what is wrong."""
    root = root_of(project)
    try:
        there = version in version_names(root, dataset)
    except VersionError as error:
        raise NotFound(words_of(project, error)) from None
    if not there:
        known = ", ".join(version_names(root, dataset)) or "none"
        raise NotFound(f"there is no {dataset}@{version}; there are: {known}")
    try:
        folder = find_version(root, dataset, version)
        check_once(folder)
    except VersionError as error:
        raise DamagedVersion(words_of(project, error)) from None
    return folder


def version_named(project: Project, reference: str) -> VersionFolder:
    """The same of a version as people name it: NAME@VERSION, a number, or NAME for the newest."""
    named = with_dataset(reference, project.settings.dataset.name)
    try:
        dataset, version = parse_reference(root_of(project), named)
    except VersionError as error:
        raise NotFound(words_of(project, error)) from None
    return checked_version(project, dataset, version)


def verdict_of(folder: VersionFolder) -> VersionVerdict | None:
    """Everything that `goldloop verify` checks; None where that takes too long for a page."""
    if folder.manifest["items"] > WORKED_OUT:
        return None
    dataset, version = folder.manifest["dataset"], folder.manifest["version"]
    return of_version(folder, "verdict", lambda: verify_version(folder.path, dataset, version))


def items_and_facets(folder: VersionFolder) -> tuple[Sequence[IndexedItem], Facets]:
    """The items of a checked version as a table, and what there is to choose from."""

    def made() -> tuple[Sequence[IndexedItem], Facets]:
        items = index_items(items_of(folder))
        return items, facets_of(items)

    return of_version(folder, "items", made)


# By the folder of a version: its files as they were when they were found to be as committed.
_checked: dict[Path, Hashable] = {}


def check_once(folder: VersionFolder) -> None:
    """Raise VersionError as `check_version` does, and for any other file that is not as it was
    committed; reads them again only when one was touched.
    """
    marks = _marks(folder)
    if _checked.get(folder.path) != marks:
        check_version(folder)
        for name in folder.manifest["files"]:
            check_file(folder, name)
        _checked[folder.path] = marks


def of_version(folder: VersionFolder, what: str, make: Callable[[], T]) -> T:
    """What `make` gives, kept as long as no file of the version is touched."""
    return kept_as(_marks(folder), (folder.path, what), make)


def _marks(folder: VersionFolder) -> tuple[tuple[int, int, int], ...]:
    return tuple(_mark(folder.file(name)) for name in (MANIFEST, *folder.manifest["files"]))


def _mark(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    # The time of change too: a file that was tampered with can be given back its old date.
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size
