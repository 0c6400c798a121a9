"""croissant: the table as Parquet, with Croissant 1.1 metadata that says what is in it."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path
from typing import Any

from goldloop.croissant import ASKED, PARQUET, RecordField, croissant
from goldloop.fields import Field
from sync.exports import parquet
from sync.exports.form import Edition, Format, write_json
from sync.exports.table import AFTER_LABELS, Column, columns, questions

DATA, METADATA = "data.parquet", "croissant.json"
_TYPES = {Column.NUMBER: "sc:Float", Column.INTEGER: "sc:Integer"}
_CALL = tuple(
    RecordField(name, meaning, column="expected_tool_calls", path=name)
    for name, meaning in (("name", "the tool"), ("arguments", "its arguments as JSON text"))
)
_MORE = (
    RecordField("expected_tool_calls", "the right calls of tools", array=True, parts=_CALL),
    RecordField("slices", "the tags and the difficulty", array=True),
    RecordField("metadata", "the item's own metadata as JSON text"),
    RecordField("labels", "every answer that stands, as JSON text"),
)


def write(edition: Edition, folder: Path) -> None:
    """The data and its metadata, which names the data's SHA-256."""
    fields = questions(edition)
    parquet.write(edition, folder / DATA)
    with (folder / DATA).open("rb") as data:
        digest = file_digest(data, "sha256").hexdigest()
    described = (*ASKED, *_MORE, *_labels(fields), *_facts())
    write_json(
        folder / METADATA,
        croissant(edition.manifest, digest, file=DATA, encoding=PARQUET, fields=described),
    )


def _labels(fields: tuple[Field, ...]) -> list[RecordField]:
    """The questions whose answers are single values or lists of them; paths are in `labels`."""
    types = columns(fields)
    named = [(field.name, types[f"label_{field.name}"]) for field in fields]
    return [
        RecordField(f"label_{name}", f"the answer to {name}", **_typed(kind))
        for name, kind in named
        if kind is not Column.PATHS
    ]


def _facts() -> list[RecordField]:
    return [
        RecordField(name, name.replace("_", " "), **_typed(kind))
        for name, kind in AFTER_LABELS.items()
    ]


def _typed(kind: Column) -> dict[str, Any]:
    return {"data_type": _TYPES.get(kind, "sc:Text"), "array": kind is Column.TEXTS}


FORMAT = Format(
    "a folder: Parquet and Croissant 1.1 metadata",
    "-croissant",
    write,
    folder=True,
)
