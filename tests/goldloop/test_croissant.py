"""Croissant metadata names what it describes."""

from __future__ import annotations

from typing import Any

import pytest

from goldloop.croissant import CONFORMS_TO, PARQUET, VERSION_FIELDS, RecordField, croissant

MANIFEST = {
    "dataset": "golden",
    "version": "1.2.3",
    "created_at": "2026-01-02T03:04:05Z",
    "fingerprints": {"content": "c" * 64, "labels": "d" * 64},
}


def fields(made: dict[str, Any]) -> dict[str, Any]:
    [records] = made["recordSet"]
    return {one["name"]: one for one in records["field"]}


def test_it_says_which_version_it_is_and_what_it_holds() -> None:
    made = croissant(MANIFEST, "a" * 64)
    assert (made["conformsTo"], made["name"], made["version"]) == (CONFORMS_TO, "golden", "1.2.3")
    assert made["datePublished"] == "2026-01-02"
    assert made["identifier"] == [f"content:sha256:{'c' * 64}", f"labels:sha256:{'d' * 64}"]
    [file] = made["distribution"]
    assert (file["contentUrl"], file["sha256"]) == ("data.jsonl", "a" * 64)
    assert list(fields(made)) == [field.name for field in VERSION_FIELDS]


def test_nested_values_are_named_by_their_place_in_the_line() -> None:
    weight = fields(croissant(MANIFEST, "a" * 64))["weight"]
    assert weight["dataType"] == "sc:Float"
    assert weight["source"]["extract"] == {"column": "selection"}
    assert weight["source"]["transform"] == {"jsonPath": "weight"}


def test_lists_of_objects_have_parts() -> None:
    turns = fields(croissant(MANIFEST, "a" * 64))["conversation"]
    assert turns["isArray"]
    assert [part["@id"] for part in turns["subField"]] == [
        "items/conversation/role",
        "items/conversation/content",
    ]


def test_another_file_has_its_own_fields_and_encoding() -> None:
    own = (RecordField("a", "the first", "sc:Integer"),)
    made = croissant(MANIFEST, "a" * 64, file="x.parquet", encoding=PARQUET, fields=own)
    assert made["distribution"][0]["encodingFormat"] == PARQUET
    assert fields(made)["a"]["source"]["fileObject"] == {"@id": "x.parquet"}


@pytest.mark.parametrize(
    "name", ["plain", "with space", "it's", "a.b", 'q"', "back\\slash", "ключ"]
)
def test_any_question_can_be_found_by_its_path(name: str) -> None:
    jsonpath_rw = pytest.importorskip("jsonpath_rw")  # what mlcroissant reads paths with
    made = croissant(MANIFEST, "a" * 64, questions=[name])
    path = fields(made)[f"label_{name}"]["source"]["transform"]["jsonPath"]
    found = jsonpath_rw.parse(path).find({name: "yes", "other": "no"})
    assert [match.value for match in found] == ["yes"]


@pytest.mark.parametrize(
    ("licence", "named"),
    [
        ("apache-2.0", "https://spdx.org/licenses/Apache-2.0"),
        ("MIT OR CC0-1.0", "MIT OR CC0-1.0"),
        ("Ours alone", "Ours alone"),
    ],
)
def test_a_licence_is_named_by_its_page_where_spdx_has_one(licence: str, named: str) -> None:
    assert croissant(MANIFEST | {"license": licence}, "a" * 64)["license"] == named


def test_without_a_licence_none_is_named() -> None:
    assert "license" not in croissant(MANIFEST, "a" * 64)
