"""A small agent that needs no model: it reads what a customer wants, and calls one tool for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

ORDER = re.compile(r"\b[A-Z]{2}-\d{4}\b")
INTENTS = (
    ("refund_order", ("refund", "money back", "reimburse")),
    ("cancel_order", ("cancel", "call off")),
    ("find_order", ("where is", "track", "status", "arrive")),
)
ANSWERS = {
    "refund_order": "The refund for order {order} is on its way.",
    "cancel_order": "Order {order} is cancelled.",
    "find_order": "I have looked up order {order} for you.",
}


def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the agent says and which tools it calls, in the form that goldloop takes."""
    text = asked["user_input"]
    order, tool = ORDER.search(text), intent(text)
    if order is None or tool is None:
        return {"response": "Which order is this about, and what may I do?", "tool_calls": []}
    call = {"name": tool, "arguments": {"order": order.group()}}
    return {"response": ANSWERS[tool].format(order=order.group()), "tool_calls": [call]}


def intent(text: str) -> str | None:
    """The tool that the first matching phrase asks for."""
    said = text.lower()
    return next((tool for tool, words in INTENTS if any(word in said for word in words)), None)
