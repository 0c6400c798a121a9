"""export: a dataset version in a format that other tools read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from goldloop.errors import VersionError
from goldloop.quality import verified_by
from sync.version_folder import read_items, read_manifest, version_names

Writer = Callable[[Mapping[str, Any], Iterable[Mapping[str, Any]], TextIO], None]


def _jsonl(manifest: Mapping[str, Any], items: Iterable[Mapping[str, Any]], out: TextIO) -> None:
    """One item a line, each naming the version that it comes from, how it was selected, and which
    people stand behind it (`verified_by`, empty for nobody).
    """
    source = {
        "dataset": manifest["dataset"],
        "version": manifest["version"],
        "content_fingerprint": manifest["fingerprints"]["content"],
        "labels_fingerprint": manifest["fingerprints"]["labels"],
    }
    for item in items:
        marks = {**_selected(item), "verified_by": verified_by(item)}
        out.write(json.dumps({**item, **marks, "goldloop": source}, ensure_ascii=False) + "\n")


def _selected(item: Mapping[str, Any]) -> dict[str, Any]:
    """The design's three columns: a mean over the items that counts each by its weight speaks for
    the whole pool. Without a weight an item was labelled by no design; leave it out of such a mean.
    """
    selection = item.get("selection") or {}
    chance = selection.get("inclusion_probability")
    return {
        "inclusion_probability": chance,
        "weight": 1.0 / chance if chance else None,
        "selection_reason": selection.get("reason", "manual" if verified_by(item) else None),
    }


FORMATS: dict[str, Writer] = {"jsonl": _jsonl}


def parse_reference(root: Path, reference: str) -> tuple[str, str]:
    """NAME@VERSION, or NAME for its newest version."""
    dataset, _, version = reference.partition("@")
    if not version:
        known = version_names(root, dataset)
        if not known:
            raise VersionError(f"there is no version of {dataset} yet; make one: goldloop commit")
        version = known[-1]
    return dataset, version


def export_version(
    root: Path, dataset: str, version: str, form: str, target: Path, *, force: bool = False
) -> int:
    """Write a checked version to `target`, whole or not at all; how many items it holds."""
    if target.exists() and not force:
        raise VersionError(f"{target} exists; choose another name, or replace it with --force")
    items = read_items(root, dataset, version)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", newline="\n") as out:
            FORMATS[form](read_manifest(root, dataset, version), items, out)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise VersionError(f"{target} cannot be written: {error.strerror}") from error
    return len(items)
