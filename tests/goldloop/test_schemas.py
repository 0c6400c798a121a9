from __future__ import annotations

from typing import Any

import pytest

from goldloop.errors import SettingsError
from goldloop.schemas import Schema

TREE = {
    "type": "object",
    "properties": {"next": {"$ref": "#"}, "n": {"type": "integer"}},
    "additionalProperties": False,
}


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"n": 1}
    for _ in range(levels):
        value = {"next": value}
    return value


def test_a_value_that_fits_has_no_misfit() -> None:
    assert Schema(TREE, "x").misfit(deep(20)) is None


def test_a_misfit_says_where_and_what() -> None:
    said = Schema(TREE, "x").misfit({"next": {"n": "one"}})
    assert said == "at $.next.n: 'one' is not of type 'integer'"


def test_a_value_that_is_nested_too_deep_does_not_fit() -> None:
    assert Schema(TREE, "x").misfit(deep(5_000)) == "it is nested too deep"


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "yes", "[" * 100_000])
def test_a_text_that_is_no_json_does_not_fit(text: str) -> None:
    assert Schema({}, "x").misfit_of_text(text) == "it is not JSON"


def test_the_draft_that_a_schema_names_is_followed() -> None:
    tuple_of_4 = {"items": [{"type": "string"}], "additionalItems": False}
    draft = "http://json-schema.org/draft-07/schema#"
    assert Schema({"$schema": draft, **tuple_of_4}, "x").misfit(["a", 1])


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ("text", "x: expected a JSON schema, an object"),
        ({"type": "thing"}, r"x is no JSON schema, at \$\.type"),
        ({"properties": {"a": {"$ref": "https://example.org/s"}}}, "leaves the schema"),
        ({"allOf": [{"$ref": "file:///etc/passwd"}]}, "leaves the schema"),
    ],
)
def test_what_is_no_schema_of_its_own_is_a_settings_error(schema: Any, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Schema(schema, "x")


def test_a_reference_to_nothing_is_said() -> None:
    said = Schema({"$ref": "#/$defs/absent"}, "x").misfit(1)
    assert said is not None
    assert said.startswith("the schema refers to what is not in it")
