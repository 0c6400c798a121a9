"""A round's frame and columns: the scores of a whole pool as arrays.

A pool may hold a million samples, and a row for each in every round would take longer than the
selection. The ids of a frame are kept once for all rounds that scored the same samples.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from goldloop.errors import StoreError

FLOATS, FLAGS = np.dtype("<f8"), np.dtype("u1")
Column: TypeAlias = NDArray[np.float64] | NDArray[np.uint8]
_TYPES: dict[str, np.dtype[Any]] = {"float64": FLOATS, "uint8": FLAGS}


def frame_fingerprint(sample_ids: Sequence[str]) -> str:
    """SHA-256 over ids, in order, with newlines between."""
    return sha256("\n".join(sample_ids).encode()).hexdigest()


def insert_frame(db: Database, sample_ids: Sequence[str]) -> str:
    """Keep a frame, unless it is kept already; its fingerprint."""
    mark = frame_fingerprint(sample_ids)
    if not db.execute("SELECT 1 FROM sampling_frames WHERE fingerprint = ?", [mark]).fetchone():
        # The lowest level: ids resemble each other, and a million are to take no second.
        packed = zlib.compress(json.dumps(list(sample_ids), ensure_ascii=False).encode(), level=1)
        db.conn.execute(
            "INSERT INTO sampling_frames VALUES (?, ?, ?)", [mark, len(sample_ids), packed]
        )
    return mark


def read_frame(db: Database, fingerprint: str) -> list[str]:
    """The sample ids of a frame, in its order; raises StoreError when they cannot be read."""
    row = db.execute(
        "SELECT sample_ids FROM sampling_frames WHERE fingerprint = ?", [fingerprint]
    ).fetchone()
    try:
        found: list[str] = json.loads(zlib.decompress(row[0]))
    except (TypeError, ValueError, zlib.error) as error:
        raise StoreError(f"the sampling frame {fingerprint[:12]} cannot be read: {error}") from None
    return found


def insert_columns(db: Database, round_id: int, columns: Mapping[str, Column]) -> None:
    """Keep the columns of a round, each with one number for every sample of its frame."""
    db.conn.executemany(
        "INSERT INTO round_columns VALUES (?, ?, ?, ?)",
        [(round_id, name, _type(column), _bytes(column)) for name, column in columns.items()],
    )


def read_columns(db: Database, round_id: int, names: Sequence[str] = ()) -> dict[str, Column]:
    """The columns of a round, or those named, by name; read-only arrays.

    Raises StoreError for a column whose bytes are no whole numbers.
    """
    rows = db.execute(
        "SELECT name, type, content FROM round_columns WHERE round_id = ?"
        " AND (? = '[]' OR name IN (SELECT value FROM json_each(?))) ORDER BY name",
        [round_id, *[json.dumps(list(names))] * 2],
    )
    try:
        return {name: np.frombuffer(content, dtype=_TYPES[kind]) for name, kind, content in rows}
    except ValueError as error:
        raise StoreError(f"the columns of round {round_id} cannot be read: {error}") from None


def columns_digest(columns: Mapping[str, Column]) -> str:
    """SHA-256 over columns, by name."""
    digest = sha256()
    for name, column in sorted(columns.items()):
        digest.update(f"{name} {_type(column)} {len(column)}\n".encode())
        digest.update(_bytes(column))
    return digest.hexdigest()


def _type(column: Column) -> str:
    return "uint8" if column.dtype.itemsize == 1 else "float64"


def _bytes(column: Column) -> bytes:
    whole: Column = np.ascontiguousarray(column, dtype=_TYPES[_type(column)])
    return whole.tobytes()
