"""parquet: a typed table; the version and its fingerprints also stand in its schema's metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldloop.errors import VersionError
from sync.exports.case import as_json
from sync.exports.form import Edition, Format
from sync.exports.table import Column, columns, questions, row

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 1_000


def write(edition: Edition, target: Path) -> int:
    """Write the table in groups of 1,000 rows, so that memory does not grow with the version; how
    many rows there are.

    The schema's metadata has `goldloop` (the origin as JSON). Raises VersionError for a number
    that no column can hold.
    """
    # pyarrow takes longer to import than most commands take to run, and only this one needs it.
    import pyarrow.parquet as pq

    fields, source, rows = questions(edition), edition.origin, 0
    schema = _schema(columns(fields), source)
    with pq.ParquetWriter(target, schema, compression="zstd") as table:
        while chunk := [row(item, source, fields) for item in islice(edition.items, ROWS)]:
            table.write_batch(_batch(chunk, schema, edition.name))
            rows += len(chunk)
    return rows


def _schema(kinds: Mapping[str, Column], source: Mapping[str, Any]) -> pa.Schema:
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    calls = pa.list_(pa.struct([("name", text), ("arguments", text), ("id", text)]))
    turn = [("role", text), ("content", text), ("tool_calls", calls)]
    types = {
        Column.TEXT: text,
        Column.TEXTS: texts,
        Column.PATHS: pa.list_(texts),
        Column.INTEGER: pa.int64(),
        Column.NUMBER: pa.float64(),
        Column.CALLS: calls,
        Column.TURNS: pa.list_(pa.struct([*turn, ("tool_call_id", text), ("name", text)])),
    }
    named = [(name, types[kind]) for name, kind in kinds.items()]
    return pa.schema(named, {"goldloop": as_json(source)})


def _batch(rows: Sequence[Mapping[str, Any]], schema: pa.Schema, name: str) -> pa.RecordBatch:
    import pyarrow as pa

    try:
        return pa.RecordBatch.from_pylist(
            [{key: one[key] for key in schema.names} for one in rows], schema=schema
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        first, last = rows[0]["sample_id"], rows[-1]["sample_id"]
        raise VersionError(
            f"{name}: a value of the samples {first} to {last} fits no column: {error}; "
            "export it as jsonl"
        ) from error


FORMAT = Format("a typed table, its origin in the metadata", ".parquet", write)
