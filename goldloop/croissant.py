"""Croissant 1.1 metadata (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html).

JSON-LD that says of one file of items which version it is, its SHA-256, and what each field of a
record means, so that any reader of Croissant can load the records and search engines can find them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldloop.licences import licence_link

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
JSONL, PARQUET = "application/jsonlines", "application/x-parquet"
ITEMS = "items"
_BY_LANGUAGE = {"@container": "@language"}
_OWN_TERMS = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field"),
    *("fileProperty", "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset"),
    *("jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
    *("repeated", "replace", "samplingRate", "separator", "source", "subField", "transform"),
)
_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": _BY_LANGUAGE,
    "description": _BY_LANGUAGE,
    **{term: f"cr:{term}" for term in _OWN_TERMS},
}


@dataclass(frozen=True, slots=True)
class RecordField:
    """A field of a record: its name, what it means and its type (a `sc:` term).

    `column` is the file's column, by default the name; `path` a JSONPath inside its value; `array`
    says that the value is a list; `parts` are the fields of each of its elements, if they have any.
    """

    name: str
    meaning: str
    data_type: str = "sc:Text"
    column: str | None = None
    path: str | None = None
    array: bool = False
    parts: tuple[RecordField, ...] = ()


_TURN = (
    RecordField("role", "who speaks", column="conversation", path="role"),
    RecordField("content", "what is said", column="conversation", path="content"),
)
ASKED = (
    RecordField("sample_id", "the item's name, which never changes"),
    RecordField("user_input", "what the agent is asked"),
    RecordField("conversation", "the turns before it", array=True, parts=_TURN),
    RecordField("expected_response", "the right response; null where nobody said"),
    RecordField("difficulty", "easy, medium or hard"),
    RecordField("tags", "the topics of the item", array=True),
    RecordField("source", "synthetic, trace or manual"),
    RecordField("cluster_id", "items with the same value are not independent of each other"),
)
# What stands nested in the lines of a version's own data.jsonl.
VERSION_FIELDS = (
    *ASKED,
    RecordField("state", "how far the labels stand", column="evidence", path="state"),
    RecordField(
        "inclusion_probability",
        "the chance that the item had to be selected",
        "sc:Float",
        column="selection",
        path="inclusion_probability",
    ),
    RecordField("weight", "1 over that chance", "sc:Float", column="selection", path="weight"),
    RecordField("selection_reason", "why it was selected", column="selection", path="reason"),
)


def croissant(
    manifest: Mapping[str, Any],
    data_sha256: str,
    *,
    file: str = "data.jsonl",
    encoding: str = JSONL,
    fields: Sequence[RecordField] = VERSION_FIELDS,
    questions: Iterable[str] = (),
) -> dict[str, Any]:
    """The metadata of a version whose items are in `file`, which stands beside it.

    Of the manifest it takes dataset, version, created_at, the licence and the fingerprints.
    `questions` are the names of labels to describe; in the lines of a version they stand in the
    object `labels`.
    """
    labels = (
        RecordField(f"label_{name}", f"the answer to {name}", column="labels", path=_key(name))
        for name in questions
    )
    licence = manifest.get("license")
    records = [_field(ITEMS, field, file) for field in (*fields, *labels)]
    return {
        "@context": dict(_CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": str(manifest["dataset"]),
        "description": "A golden evaluation set for an AI agent, labelled by people.",
        "version": str(manifest["version"]),
        **({"license": licence_link(str(licence))} if licence else {}),
        "datePublished": str(manifest["created_at"])[:10],
        "identifier": [
            f"{which}:sha256:{value}" for which, value in manifest["fingerprints"].items()
        ],
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": file,
                "name": file,
                "contentUrl": file,
                "encodingFormat": encoding,
                "sha256": data_sha256,
            }
        ],
        "recordSet": [{"@type": "cr:RecordSet", "@id": ITEMS, "name": ITEMS, "field": records}],
    }


def _key(name: str) -> str:
    """A JSONPath to a key, whatever is in its name."""
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _field(parent: str, field: RecordField, file: str) -> dict[str, Any]:
    place = f"{parent}/{field.name}"
    found: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": place,
        "name": field.name,
        "description": field.meaning,
        "dataType": field.data_type,
    }
    if field.array:
        found |= {"isArray": True, "arrayShape": "-1"}
    if field.parts:
        return {**found, "subField": [_field(place, part, file) for part in field.parts]}
    source: dict[str, Any] = {
        "fileObject": {"@id": file},
        "extract": {"column": field.column or field.name},
    }
    if field.path:
        source["transform"] = {"jsonPath": field.path}
    return {**found, "source": source}
