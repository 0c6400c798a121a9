"""What the agent must always do, case by case; how good it is on the whole, the gate says."""

from __future__ import annotations

from shop_agent import answer, intent


def test_a_refund_is_called_with_the_order() -> None:
    said = answer({"user_input": "I want my money back for AB-1234"})
    assert said["tool_calls"] == [{"name": "refund_order", "arguments": {"order": "AB-1234"}}]


def test_without_an_order_it_asks_and_calls_nothing() -> None:
    assert answer({"user_input": "Please refund me"})["tool_calls"] == []


def test_small_talk_is_no_intent() -> None:
    assert intent("Good morning") is None
