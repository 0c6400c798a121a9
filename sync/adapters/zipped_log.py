"""The parts of an .eval file: a zip file whose parts are compressed by Zstandard or deflate."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from struct import unpack
from typing import IO, Any

from goldloop.errors import RecordError

LARGEST_PART = 256 * 2**20
MOST_PARTS = 1_000_000
_ZSTANDARD = 93
_LOCAL_HEADER = 30
# RuntimeError: encrypted, or compressed in a way that zipfile does not know.
_UNREADABLE = (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)
_SAMPLE = re.compile(r"samples/[^/]{1,400}\.json")


class ZippedLog:
    """An .eval file, read part by part. Raises RecordError for one that is damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with zipfile.ZipFile(path) as archive:
                parts = archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise RecordError(f"{path} is no log of Inspect: {error}") from None
        if len(parts) > MOST_PARTS:
            raise RecordError(f"{path} has more than {MOST_PARTS:,} parts")
        self._parts = {part.filename: part for part in parts}

    def header(self) -> dict[str, Any]:
        """What the log says of the evaluation; refused while it is being written."""
        if "header.json" not in self._parts:
            raise RecordError(
                f"{self._path} has no header.json: the evaluation has not ended, or it is no log "
                "of Inspect"
            )
        return self._read("header.json")

    def samples(self) -> Iterator[dict[str, Any]]:
        """Every sample, without the events that led to it."""
        for part in self._parts:
            if _SAMPLE.fullmatch(part):
                sample = self._read(part)
                yield {key: value for key, value in sample.items() if key not in _UNUSED}

    def _read(self, part: str) -> dict[str, Any]:
        where = f"{self._path}: {part}"
        try:
            with self._path.open("rb") as file:
                found = json.loads(_unpacked(file, self._parts[part], where))
        except _UNREADABLE as error:
            raise RecordError(f"{where} cannot be read: {error}") from None
        if not isinstance(found, dict):
            raise RecordError(f"{where} is no object")
        return found


_UNUSED = ("events", "events_data", "attachments", "store", "timelines")


def _unpacked(file: IO[bytes], part: zipfile.ZipInfo, where: str) -> bytes:
    """A part's bytes, at most 256 MiB of them whatever the file promises.

    zipfile reads Zstandard from Python 3.14 on only, so the part is found by its own header.
    """
    if part.compress_type != _ZSTANDARD:
        with zipfile.ZipFile(file) as archive, archive.open(part) as opened:
            return _bounded(opened, where)
    # Imported here: other commands, and other files, do without.
    import zstandard

    file.seek(part.header_offset)
    header = file.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or header[:4] != b"PK\x03\x04":
        raise RecordError(f"{where} is damaged")
    name_length, extra_length = unpack("<HH", header[26:30])
    file.seek(name_length + extra_length, 1)
    packed = file.read(min(part.compress_size, LARGEST_PART))
    try:
        with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as opened:
            return _bounded(opened, where)
    except zstandard.ZstdError as error:
        raise RecordError(f"{where} is damaged: {error}") from None


def _bounded(opened: IO[bytes], where: str) -> bytes:
    content = opened.read(LARGEST_PART + 1)
    if len(content) > LARGEST_PART:
        raise RecordError(f"{where} is larger than 256 MiB; make the log without its events")
    return content
