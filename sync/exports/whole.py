"""A file or a folder that is written whole or not at all, and never over what is not ours."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from goldloop.errors import VersionError
from sync.drafts import draft_folder, sync_to_disk
from sync.exports.form import write_json

# Says of a folder that an export made it, and which files.
MARK = "goldloop-export.json"
_DRAFT = ".goldloop-export-"


@contextmanager
def whole_file(target: Path, *, force: bool) -> Iterator[Path]:
    """A path to write to, which becomes `target` at the end; removed again when the block fails.

    Raises VersionError when something is at `target` and is not to be replaced, or is a folder.
    """
    if target.is_dir():
        raise VersionError(f"{target} is a folder, and this format is one file; name a file")
    _refuse_existing(target, force)
    with _cannot_be_written(target), draft_folder(target.parent, _DRAFT) as draft:
        file = draft / "file"
        yield file
        sync_to_disk(file)
        file.replace(target)
        sync_to_disk(target.parent)


@contextmanager
def whole_folder(target: Path, mark: Mapping[str, Any], *, force: bool) -> Iterator[Path]:
    """An empty folder to write in, which becomes `target` at the end; removed when the block fails.

    `mark` is kept in it. Only a folder that holds what an export wrote and nothing else is
    replaced. Raises VersionError when there is anything else at `target`.
    """
    _refuse_existing(target, force)
    if os.path.lexists(target) and not _is_export(target):
        raise VersionError(
            f"{target} holds more than an export of Goldloop, so --force does not replace it; "
            "choose another name"
        )
    with _cannot_be_written(target), draft_folder(target.parent, _DRAFT) as draft:
        folder = draft / "folder"
        folder.mkdir()
        yield folder
        files = _files(folder)
        write_json(folder / MARK, {**mark, "files": files})
        for file in (*files, MARK):
            sync_to_disk(folder / file)
        _put(folder, target, draft / "replaced")
        sync_to_disk(target.parent)


def _refuse_existing(target: Path, force: bool) -> None:
    if os.path.lexists(target) and not force:
        raise VersionError(f"{target} exists; choose another name, or replace it with --force")


@contextmanager
def _cannot_be_written(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise VersionError(f"{target} cannot be written: {error.strerror or error}") from error


def _is_export(folder: Path) -> bool:
    """Whether a folder holds the files that an export wrote, and nothing that came later."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    files = mark.get("files") if isinstance(mark, dict) else None
    return isinstance(files, list) and set(_files(folder)) <= {*map(str, files), MARK}


def _files(folder: Path) -> list[str]:
    """Every file and link in a folder, and every folder in it that is empty."""
    found = [path for path in folder.rglob("*") if not _holds_something(path)]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _holds_something(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and any(path.iterdir())


def _put(folder: Path, target: Path, aside: Path) -> None:
    """Rename into place. What was there is moved aside first, and back when that fails."""
    if not target.exists():
        folder.rename(target)
        return
    target.rename(aside)
    try:
        folder.rename(target)
    except BaseException:
        aside.rename(target)
        raise
