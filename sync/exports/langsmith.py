"""langsmith: examples as JSON Lines, for Client.create_examples(dataset_id=..., examples=...)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from goldloop.versions import Item
from sync.exports.braintrust import expected
from sync.exports.case import chat, facts
from sync.exports.form import Edition, Format, write_lines

SPLIT = "test"
_NAMES = uuid.uuid5(uuid.NAMESPACE_OID, "goldloop langsmith")


def write(edition: Edition, target: Path) -> None:
    """One example a line."""
    source = edition.origin
    write_lines(target, (_example(item, source, edition.name) for item in edition.items))


def _example(item: Item, source: Mapping[str, Any], version: str) -> dict[str, Any]:
    """An example whose id is made of the version and the sample.

    LangSmith refuses an id that it has, so a version that is uploaded twice is not there twice.
    """
    return {
        "id": str(uuid.uuid5(_NAMES, f"{version}/{item['sample_id']}")),
        "inputs": {"messages": chat(item)},
        "outputs": expected(item),
        "metadata": facts(item, source),
        "split": SPLIT,
    }


FORMAT = Format("examples of LangSmith: inputs, outputs, split, ...", ".langsmith.jsonl", write)
