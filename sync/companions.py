"""The files of a version that are there for its readers: card, changelog, schema, rounds, ..."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from goldloop.croissant import croissant
from goldloop.errors import VersionError
from goldloop.item_schema import item_schema
from label_config.interface import Interface
from store.database import Store
from store.rounds import get_rounds, round_picks
from sync.version_card import card, changelog
from sync.version_writing import Draft
from views.version_folder import DATA, INTERFACE, find_version

_ANCESTORS = 50


def write_companions(
    draft: Draft,
    root: Path,
    manifest: Mapping[str, Any],
    interface: Interface,
    rounds: Sequence[Mapping[str, Any]],
    report: Mapping[str, Any],
) -> None:
    """Write all files of a version beside its items and its manifest."""
    draft.write(INTERFACE, [interface.xml.encode()])
    draft.write("README.md", [card(manifest, rounds).encode()])
    draft.write("CHANGELOG.md", [changelog([manifest, *_ancestors(root, manifest)]).encode()])
    lines = (json.dumps(one, ensure_ascii=False, sort_keys=True) + "\n" for one in rounds)
    draft.write("selection/rounds.jsonl", (line.encode() for line in lines))
    draft.write_json("schema.json", item_schema(interface.fields))
    draft.write_json("quality_report.json", report)
    questions = [field.name for field in interface.fields]
    described = croissant(manifest, draft.files[DATA]["sha256"], questions=questions)
    draft.write_json("croissant.json", described)


def _ancestors(root: Path, manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The manifests of those before, the newest first, as far as they are there and whole."""
    found: list[Mapping[str, Any]] = []
    while manifest["parent"] and len(found) < _ANCESTORS:
        try:
            manifest = find_version(root, manifest["dataset"], manifest["parent"]).manifest
        except VersionError:
            break
        found.append(manifest)
    return found


def round_records(db: Store) -> list[dict[str, Any]]:
    """Every round so far: its design, its pool, and how many it picked for what reason."""
    return [
        {**asdict(one), **_picked(Counter(pick.reason for pick in round_picks(db, one.round_id)))}
        for one in get_rounds(db)
    ]


def _picked(reasons: Counter[str]) -> dict[str, Any]:
    return {"picks": reasons.total(), "reasons": dict(sorted(reasons.items()))}
