from __future__ import annotations

import json
import sys
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from agents.tools import MAX_RESULT, Tools, executed_tools, recorded_tools
from goldloop.errors import SettingsError
from goldloop.samples import ToolCall


def refund(
    order_id: str,
    amount: Annotated[float, Field(description="in euros", gt=0)] = 1.0,
    how: Literal["card", "cash"] = "card",
) -> dict[str, Any]:
    """Refund an order.

    Only once."""
    return {"refunded": order_id, "amount": amount, "how": how}


def weekday(day: date) -> int:
    return day.weekday()


def fails() -> str:
    raise LookupError("no card \x00" + "x" * 9999)


def leaves() -> str:
    sys.exit(3)


def wordy() -> str:
    return "x" * (MAX_RESULT + 5)


def circular() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


SHOP = executed_tools((), {f.__name__: f for f in (refund, weekday, fails, leaves, wordy)}, "shop")


def result(tools: Tools, name: str, **arguments: Any) -> str:
    return tools.result(ToolCall(name, arguments))


def test_definitions_are_derived_from_signature_and_docstring() -> None:
    definition = SHOP.definitions[0]
    assert definition["name"] == "refund"
    assert definition["description"] == "Refund an order.\n\nOnly once."
    parameters = definition["parameters"]
    assert parameters["required"] == ["order_id"]
    assert parameters["properties"]["amount"]["description"] == "in euros"
    assert parameters["properties"]["how"]["enum"] == ["card", "cash"]
    assert parameters["additionalProperties"] is False


def test_a_tool_is_called_with_its_arguments_and_answers_in_json() -> None:
    answer = json.loads(result(SHOP, "refund", order_id="LM-1", amount=2))
    assert answer == {"refunded": "LM-1", "amount": 2.0, "how": "card"}


def test_arguments_become_what_the_annotations_say() -> None:
    assert result(SHOP, "weekday", day="2026-01-01") == "3"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (ToolCall("refund", {}), "do not fit, at $: 'order_id' is a required property"),
        (ToolCall("refund", {"order_id": 7}), "at $.order_id: 7 is not of type 'string'"),
        (ToolCall("refund", {"order_id": "a", "amount": 0}), "at $.amount: 0 is less than"),
        (ToolCall("refund", {"order_id": "a", "extra": 1}), "'extra' was unexpected"),
        (ToolCall("refund", {"__unparsed__": "{"}), "the arguments are not a JSON object"),
        (ToolCall("refnd", {}), "there is no tool 'refnd'; there are: refund, weekday"),
        (ToolCall("weekday", {"day": "someday"}), "ValidationError"),
        (ToolCall("fails", {}), "LookupError: no card \ufffd"),
        (ToolCall("leaves", {}), "SystemExit: 3"),
    ],
)
def test_the_model_is_told_what_went_wrong(call: ToolCall, says: str) -> None:
    answer = SHOP.result(call)
    assert answer.startswith("error: ")
    assert says in answer
    assert len(answer) <= 2_100


def test_a_long_result_is_cut_off_and_says_so() -> None:
    answer = result(SHOP, "wordy")
    assert answer.endswith(f"[cut off after {MAX_RESULT} of {MAX_RESULT + 5} characters]")


def test_a_result_that_is_no_json_is_the_tools_failure() -> None:
    tools = executed_tools((), {"circular": circular}, "shop")
    assert result(tools, "circular") == "error: ValueError: Circular reference detected"


def test_definitions_that_are_given_are_used_and_checked_against() -> None:
    given = [{"name": "refund", "parameters": {"properties": {"order_id": {"minLength": 3}}}}]
    tools = executed_tools(given, {"refund": refund, "weekday": weekday}, "shop")
    assert tools.definitions == given
    assert "is too short" in result(tools, "refund", order_id="a")
    assert "there is no tool 'weekday'" in result(tools, "weekday")


def test_a_callable_gets_name_and_arguments() -> None:
    tools = executed_tools((), lambda name, arguments: [name, arguments], "shop")
    assert json.loads(result(tools, "any", n=1)) == ["any", {"n": 1}]


def test_a_callable_is_not_asked_for_what_is_not_defined() -> None:
    tools = executed_tools([{"name": "find"}], lambda name, _: name, "shop")
    assert result(tools, "find") == "find"
    assert result(tools, "rm").startswith("error: there is no tool 'rm'")


class Opaque:
    pass


def takes_opaque(value: Opaque) -> str:
    return "x"


def takes_position(value: int, /) -> str:
    return "x"


async def later() -> str:
    return "x"


@pytest.mark.parametrize(
    ("run", "says"),
    [
        ({}, "holds no tools"),
        (7, "expected a plain function"),
        (later, "expected a plain function"),
        ({"later": later}, "'later' is no plain function"),
        ({"a": "b"}, "'a' is no plain function"),
        ({7: refund}, "expected names of tools as keys, got '7'"),
        ({"opaque": takes_opaque}, "'opaque' cannot be called: Unable to generate"),
        ({"position": takes_position}, "'position' takes arguments that cannot be given by name"),
    ],
)
def test_functions_that_cannot_be_tools_are_a_settings_error(run: Any, says: str) -> None:
    with pytest.raises(SettingsError, match=f"^shop: .*{says}"):
        executed_tools((), run, "shop")


def test_a_tool_that_is_defined_needs_its_function() -> None:
    with pytest.raises(SettingsError, match="no function for the tool 'pay'"):
        executed_tools([{"name": "pay"}], {"refund": refund}, "shop")


@pytest.mark.parametrize(
    ("tools", "says"),
    [
        ({"name": "book"}, "expected a list"),
        (["book"], "needs a `name`"),
        ([{}], "needs a `name`"),
        ([{"type": "function"}], "needs a `name`"),
        ([{"function": "book"}], "needs a `name`"),
        ([{"name": 3}], "needs a `name`"),
        ([{"name": "a"}, {"name": "a"}], "two tools are named 'a'"),
        ([{"name": "a", "parameters": {"type": "thing"}}], "of 'a' is no JSON schema, at"),
        ([{"name": "a", "parameters": {"$ref": "http://x/y"}}], "leaves the schema"),
    ],
)
def test_definitions_that_cannot_be_used_are_a_settings_error(tools: Any, says: str) -> None:
    with pytest.raises(SettingsError, match=f"agent tools.*{says}"):
        recorded_tools(tools)
