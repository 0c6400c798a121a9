"""openai_evals and openai_evals_hosted: the two forms of OpenAI evals, as JSON Lines.

The repository's form, {"input": messages, "ideal": text}, is what its Match, Includes and
model-graded classes read; they compare texts, so only items with an expected response are in it.
The hosted form wraps everything known of an item as {"item": {...}}, for a template such as
{{ item.expected_response }}.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from goldloop.versions import Item
from sync.exports.case import chat, facts, no_expected_response
from sync.exports.form import Edition, Format, write_lines


def write(edition: Edition, target: Path) -> None:
    """One sample of the repository's form a line; its other keys are left alone by every class."""
    source = edition.origin
    write_lines(
        target,
        (
            {
                "input": chat(item),
                "ideal": item["expected_response"],
                "metadata": facts(item, source),
            }
            for item in edition.items
        ),
    )


def write_hosted(edition: Edition, target: Path) -> None:
    """One item of the hosted form a line."""
    source = edition.origin
    write_lines(target, ({"item": _item(item, source)} for item in edition.items))


def _item(item: Item, source: Mapping[str, Any]) -> dict[str, Any]:
    return {"user_input": item.get("user_input"), "messages": chat(item), **facts(item, source)}


FORMAT = Format(
    "input and ideal, for the repository openai/evals",
    ".openai.jsonl",
    write,
    refuses=no_expected_response,
)
HOSTED = Format("{item: ...}, for the hosted API", ".openai-hosted.jsonl", write_hosted)
