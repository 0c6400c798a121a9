"""A dataset version made of plain items, without a store and without people."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from goldloop.records import sample_record
from goldloop.samples import Sample
from goldloop.versions import SCHEMA
from label_config.interface import builtin_interface
from sync.version_writing import new_version
from views.version_folder import INTERFACE

WHEN = "2026-01-01T00:00:00.000000Z"


def item_of(
    sample: Sample, inclusion_probability: float | None = None, **more: Any
) -> dict[str, Any]:
    """A sample as an item that annotators labelled."""
    chance = inclusion_probability
    selection = None if chance is None else {"round": 1, "reason": "random"}
    return {
        **sample_record(sample),
        "labels": {"correctness": "correct"},
        "evidence": {"state": "agreed", "annotators": 2},
        "selection": selection
        and {**selection, "inclusion_probability": chance, "weight": 1.0 / (chance or 1.0)},
        **more,
    }


def write_version(
    root: Path,
    items: Iterable[Mapping[str, Any]],
    dataset: str = "golden",
    version: str = "1.0.0",
    parent: str | None = None,
) -> Path:
    """A version of these items in the folder of versions; the place where it is."""
    in_order = sorted(items, key=lambda item: str(item["sample_id"]))
    with new_version(root, dataset) as draft:
        deque(draft.write_items(in_order), maxlen=0)
        draft.write(INTERFACE, [builtin_interface().xml.encode()])
        manifest = {
            "schema": SCHEMA,
            "dataset": dataset,
            "version": version,
            "parent": parent,
            "reason": "made for a measurement",
            "created_at": WHEN,
            "items": draft.count,
            "fingerprints": draft.fingerprints,
        }
        return draft.finish(parent, manifest)[0]
