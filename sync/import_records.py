"""import: samples and recorded runs from JSONL or JSON files into the pool."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from goldloop.errors import RecordError
from goldloop.records import read_record
from goldloop.samples import Run, Sample
from store.database import Store, transaction
from store.samples import add_samples
from sync.json_array import array_elements

BATCH = 500
MAX_LINE = 64 * 2**20
Report = Callable[[str], None]
Entry = tuple[str, Sample, Run | None]


class InvalidRecordsError(RecordError):
    """Some records were bad, so none was imported."""


@dataclass
class ImportCounts:
    """What an import did: samples added, unchanged, updated; runs; records skipped as bad."""

    counts: Counter[str] = field(default_factory=Counter)
    bad: int = 0


def import_files(
    db: Store,
    files: Sequence[Path],
    report: Report,
    *,
    update: bool = False,
    skip_invalid: bool = False,
    on_read: Callable[[int], None] = lambda _: None,
) -> ImportCounts:
    """Import all records of all files in one transaction.

    Every bad record is reported with its file, its line and the reason. Any bad record, or any
    conflict with what is stored, undoes the whole import, unless `skip_invalid` leaves those out.
    Memory does not grow with the size of a file.
    """
    done = ImportCounts()

    def bad(where: str, reason: str) -> None:
        done.bad += 1
        report(f"{where}: {reason}")

    with transaction(db):
        for path in files:
            entries = read_entries(path, bad, on_read)
            while batch := list(islice(entries, BATCH)):
                _add(db, batch, update, bad, done.counts)
        if done.bad and not skip_invalid:
            raise InvalidRecordsError(
                f"{done.bad} bad records, so nothing was imported; "
                "mend them, or leave them out with --skip-invalid"
            )
    return done


def _add(
    db: Store,
    batch: list[Entry],
    update: bool,
    bad: Callable[[str, str], None],
    counts: Counter[str],
) -> None:
    added, conflicts = add_samples(db, [(sample, run) for _, sample, run in batch], update)
    counts.update(added)
    places = {sample.sample_id: where for where, sample, _ in batch}
    for conflict in conflicts:
        bad(places[conflict.sample_id], f"sample {conflict.sample_id} {conflict.reason}")


def read_entries(
    path: Path,
    bad: Callable[[str, str], None],
    on_read: Callable[[int], None] = lambda _: None,
) -> Iterator[Entry]:
    """The samples and runs of a file, each with its place; `bad` gets those that are none."""
    for where, found in _records(path, on_read):
        try:
            if isinstance(found, RecordError):
                raise found
            sample, run = read_record(_parsed(found) if isinstance(found, bytes) else found)
        except RecordError as error:
            bad(where, str(error))
        else:
            yield where, sample, run


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text)
    except RecursionError:
        raise RecordError("the JSON is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise RecordError(f"the line is not UTF-8: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise RecordError(f"the line is not JSON: {error.msg} at column {error.colno}") from None
    except ValueError:  # Python refuses numbers of more than 4300 digits
        raise RecordError("the line holds a number with too many digits") from None


def _records(path: Path, on_read: Callable[[int], None]) -> Iterator[tuple[str, object]]:
    """Each record with its place: lines of JSONL as bytes, elements of a JSON array parsed, and a
    RecordError for what is no record.
    """
    try:
        with path.open("rb") as file:
            if _is_array(file):
                yield from _elements(path, file, on_read)
            else:
                yield from _lines(path, file, on_read)
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from error


def _is_array(file: BinaryIO) -> bool:
    start = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    file.seek(0)
    return start.startswith(b"[")


def _lines(
    path: Path, file: BinaryIO, on_read: Callable[[int], None]
) -> Iterator[tuple[str, object]]:
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        on_read(len(line))
        where = f"{path}:{number}"
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            _skip_line(file, on_read)
            yield where, RecordError(f"the line is longer than {MAX_LINE >> 20} MB")
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield where, line


def _skip_line(file: BinaryIO, on_read: Callable[[int], None]) -> None:
    while block := file.readline(MAX_LINE):
        on_read(len(block))
        if block.endswith(b"\n"):
            return


def _elements(
    path: Path, file: BinaryIO, on_read: Callable[[int], None]
) -> Iterator[tuple[str, object]]:
    """The elements of a JSON array, one at a time."""
    number = 0
    try:
        for element in array_elements(file, MAX_LINE, on_read):
            number += 1
            yield f"{path}[{number}]", element
    except RecordError as error:
        raise RecordError(f"{path}[{number + 1}]: {error}") from None


def bytes_in(files: Sequence[Path]) -> int:
    """The size of all files, for a progress bar; files that are not there count as nothing."""
    return sum(path.stat().st_size for path in files if path.is_file())
