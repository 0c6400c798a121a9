"""An evaluation as a file, to be kept as a baseline or carried to where it is gated."""

from __future__ import annotations

import json
from pathlib import Path

from goldloop.errors import RecordError
from goldloop.evaluation import Evaluation, evaluation_record, read_evaluation
from sync.page import refuse_existing, write_whole

ENDING = ".json"
MAX_FILE = 2**30


def write_evaluation(path: Path, evaluation: Evaluation, *, force: bool = False) -> None:
    """Write the evaluation, whole or not at all, for `read_evaluation_file`.

    Raises VersionError for a file that exists (without `force`) and one that cannot be written.
    """
    refuse_existing(path, force=force)
    text = json.dumps(evaluation_record(evaluation), ensure_ascii=False, indent=1)
    write_whole(path, text + "\n")


def read_evaluation_file(path: Path) -> Evaluation:
    """The evaluation that a file holds; raises RecordError that names the file and the place."""
    return read_evaluation(read_json(path), str(path))


def read_json(path: Path) -> object:
    """A JSON value of at most 1 GB from a file; raises RecordError that names it."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE:
        raise RecordError(f"{path} is larger than {MAX_FILE >> 30} GB; expected an evaluation")
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path} is not JSON: {error}") from None
    return value
