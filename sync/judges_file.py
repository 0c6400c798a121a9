"""versions/<dataset>/judges.json: how far each judge agrees with people, one entry for each version
of a grader. It is committed to git with the versions, so that a gate knows wherever it runs which
judges may block.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from goldloop.errors import RecordError, VersionError
from goldloop.evaluation import JudgeCheck, read_judge_check
from sync.drafts import draft_folder, locked, sync_to_disk
from views.version_folder import dataset_folder

NAME = "judges.json"
MAX_BYTES = 10_000_000
_DRAFT = ".judges-"


def judge_checks(root: Path, dataset: str) -> dict[str, JudgeCheck]:
    """What is known of the judges of a dataset, by the grader's version; empty without a file.

    Raises RecordError, with the file and the place, for one that is no such list.
    """
    path = dataset_folder(root, dataset) / NAME
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}; restore it") from None
    records = _parsed(path, content)
    checks = [read_judge_check(one, f"{path}[{at}]") for at, one in enumerate(records)]
    return {check.version: check for check in checks}


def write_checks(root: Path, dataset: str, checks: Sequence[JudgeCheck]) -> Path:
    """Keep the checks, in place of older ones of the same versions; all of them or none.

    Raises VersionError when the disk is full or the folder cannot be written.
    """
    folder = dataset_folder(root, dataset)
    path = folder / NAME
    try:
        with draft_folder(folder, _DRAFT) as draft, locked(folder):
            known = judge_checks(root, dataset) | {check.version: check for check in checks}
            ordered = sorted(known.values(), key=lambda one: (one.grader, one.version))
            records = [check.record() for check in ordered]
            text = json.dumps(records, ensure_ascii=False, indent=2) + "\n"
            (draft / NAME).write_text(text, encoding="utf-8")
            sync_to_disk(draft / NAME)
            (draft / NAME).replace(path)
            sync_to_disk(folder)
    except OSError as error:
        raise VersionError(
            f"{path} cannot be written: {error.strerror or error}; it is as it was"
        ) from error
    return path


def _parsed(path: Path, content: bytes) -> list[object]:
    if len(content) > MAX_BYTES:
        raise RecordError(f"{path} has more than {MAX_BYTES} bytes, so it is no list of judges")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RecordError(
            f"{path} is not JSON: {error}; restore it, or remove it and run: goldloop judge"
        ) from None
    if not isinstance(found, list):
        raise RecordError(f"{path}: expected a list, as goldloop judge writes it; restore it")
    return found
