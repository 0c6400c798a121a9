"""commit: an immutable dataset version from the labels that stand."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from heapq import merge
from importlib import metadata
from operator import attrgetter
from pathlib import Path
from typing import Any

from goldloop.errors import VersionError
from goldloop.records import sample_record
from goldloop.samples import Sample
from goldloop.times import instant
from goldloop.verification import (
    ANNOTATORS,
    SPOT_CHECK,
    SPOT_CHECKED,
    UNVERIFIED,
    Quality,
    quality_of,
)
from goldloop.versions import SCHEMA, Changes, Entry, Item, changes_in_order, item_id, next_version
from label_config.interface import Interface
from store.consensus import stored_consensus
from store.database import Store, utc_now
from store.designs import final_probabilities
from store.rounds import Pick, picks_by_sample
from store.samples import get_samples
from store.snapshots import snapshot
from store.standing import Counted, StandingSample, standing_samples
from store.synthesis import accepted_samples, verified_samples
from sync.companions import round_records, write_companions
from sync.consensus import update_consensus
from sync.project import Project
from sync.version_writing import Draft, new_version
from views.project import interface_in_use
from views.report import facts_of_store, version_report
from views.version_folder import (
    INTERFACE,
    VersionFolder,
    check_version,
    entries_of,
    find_version,
    version_mark,
    version_names,
)

# With more items, what takes all answers at once is left out of the report of the folder.
WITH_FACTS = 20_000
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Commit:
    """A version that was written: its manifest and where it is."""

    manifest: Mapping[str, Any]
    folder: Path


def commit_version(
    project: Project,
    db: Store,
    dataset: str,
    message: str,
    *,
    unverified: bool = False,
    on_item: Callable[[], None] = lambda: None,
) -> Commit:
    """Write what stands as the next version; raises NothingChangedError when nothing is new.

    With `unverified` it also holds the accepted synthetic samples that no annotator has labelled,
    marked as such and without labels.
    """
    update_consensus(project, db)
    return commit_standing(project, db, dataset, message, unverified=unverified, on_item=on_item)


def commit_standing(
    project: Project,
    db: Store,
    dataset: str,
    message: str,
    *,
    unverified: bool = False,
    on_item: Callable[[], None] = lambda: None,
) -> Commit:
    """The same by the consensus as it is stored.

    Items are read, compared with the parent's and written one at a time.
    """
    root = project.path(project.settings.store.versions)
    interface = interface_in_use(project, db)
    parent = _newest(root, dataset)
    with new_version(root, dataset) as draft:
        with snapshot(db):
            items = gold_items(db)
            if unverified:
                items = merge(items, unverified_items(db), key=item_id)
            changes = _changes(parent, draft.write_items(_told(items, on_item)), interface)
            rounds = round_records(db)
            waiting = len(accepted_samples(db))
        if not draft.count:
            raise VersionError(_why_nothing(waiting))
        quality = quality_of(draft.items())
        manifest = _manifest(draft, dataset, parent, changes, quality) | {"message": message}
        if project.settings.dataset.license:
            manifest["license"] = project.settings.dataset.license
        facts = facts_of_store(project, db) if draft.count <= WITH_FACTS else None
        report = version_report(manifest, draft.items, interface.xml, facts)
        write_companions(draft, root, manifest, interface, rounds, report)
        folder, written = draft.finish(manifest["parent"], manifest)
    return Commit(written, folder)


def _told(items: Iterable[Item], on_item: Callable[[], None]) -> Iterator[Item]:
    for item in items:
        yield item
        on_item()


def _why_nothing(waiting: int) -> str:
    hint = f" ({waiting} accepted synthetic samples: --unverified)" if waiting else ""
    return (
        f"no sample has labels that stand, so there is nothing to commit{hint}; see: "
        "goldloop status"
    )


def _newest(root: Path, dataset: str) -> VersionFolder | None:
    """The version that is to be the parent, checked; None before the first one."""
    known = version_names(root, dataset)
    if not known:
        return None
    parent = find_version(root, dataset, known[-1])
    check_version(parent)
    return parent


def _changes(
    parent: VersionFolder | None, entries: Iterable[Entry], interface: Interface
) -> Changes:
    """What is new; takes, and so writes, all entries."""
    if parent is None:
        return changes_in_order((), entries)
    shown = parent.file(INTERFACE).read_bytes()
    return changes_in_order(entries_of(parent), entries, shown != interface.xml.encode())


def _manifest(
    draft: Draft,
    dataset: str,
    parent: VersionFolder | None,
    changes: Changes,
    quality: Quality,
) -> dict[str, Any]:
    before: Mapping[str, Any] = parent.manifest if parent else {"version": None, "items": 0}
    version, reason = next_version(before["version"], changes, before["items"])
    return {
        "schema": SCHEMA,
        "dataset": dataset,
        "version": version,
        "parent": before["version"],
        "parent_sha256": version_mark(parent) if parent else None,
        "reason": reason,
        "author": _author(),
        "created_at": utc_now(),
        "tool_version": metadata.version("goldloop"),
        "items": draft.count,
        "fingerprints": draft.fingerprints,
        "changes": asdict(changes),
        "quality": {**asdict(quality), "warnings": list(quality.warnings)},
    }


def _author() -> str:
    """Who commits; by number where the machine has no name for them, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def gold_items(db: Store) -> Iterator[Item]:
    """Every sample with labels that stand, as it will be in the version, in the order of ids."""
    picks, chances = picks_by_sample(db), final_probabilities(db)
    checked = verified_samples(db)
    for one in standing_samples(db):
        chosen = _selection(picks.get(one.sample_id), chances.get(one.sample_id))
        yield _marked(_item(one, chosen), one.sample_id in checked)


def _marked(item: dict[str, Any], checked: bool) -> Item:
    """The item; a synthetic one says who verified it. Others are by annotators, as ever."""
    if item["source"] != "synthetic":
        return item
    people = [ANNOTATORS, SPOT_CHECK] if checked else [ANNOTATORS]
    return {**item, "evidence": {**item["evidence"], "verified_by": people}}


def unverified_items(db: Store) -> Iterator[Item]:
    """The accepted synthetic samples that no annotator has answered, without labels, in the order
    of ids: their evidence says whether a person saw them in the spot check.
    """
    answered = {one.sample_id for one in stored_consensus(db) if one.annotators}
    checked = verified_samples(db)
    ids = [one for one in accepted_samples(db) if one not in answered]
    for start in range(0, len(ids), CHUNK):
        found = get_samples(db, ids[start : start + CHUNK])
        for sample_id in sorted(found):
            yield _unlabelled(found[sample_id], sample_id in checked)


def _unlabelled(sample: Sample, checked: bool) -> Item:
    return {
        **sample_record(sample),
        "labels": {},
        "evidence": {
            "state": SPOT_CHECKED if checked else UNVERIFIED,
            "verified_by": [SPOT_CHECK] if checked else [],
            "annotators": 0,
        },
        "selection": None,
    }


def _item(standing: StandingSample, selection: Mapping[str, Any] | None) -> dict[str, Any]:
    """The sample, with the response that people agreed on as the expected one."""
    corrected = standing.labels.get("expected_response")
    record = standing.record
    if isinstance(corrected, str) and corrected.strip():
        record["expected_response"] = corrected
    return {
        **record,
        "labels": standing.labels,
        "evidence": {
            "state": standing.state,
            "agreement_rate": standing.agreement_rate,
            "annotators": standing.annotators,
            "mean_confidence": standing.mean_confidence,
            "disputed_fields": standing.disputed,
            "methods": standing.methods,
            "annotations": _latest(standing.annotations),
        },
        "selection": selection,
    }


def _latest(answers: Sequence[Counted]) -> list[dict[str, Any]]:
    """What the labels rest on: the latest annotation of each person, by id."""
    latest: dict[int, Counted] = {}
    for one in answers:
        held = latest.get(one.annotator_id)
        if held is None or _age(one) > _age(held):
            latest[one.annotator_id] = one
    return [
        {"id": one.annotation_id, "annotator": one.annotator_id, "updated_at": one.updated_at}
        for one in sorted(latest.values(), key=attrgetter("annotation_id"))
    ]


def _age(one: Counted) -> tuple[datetime, int]:
    what = f"updated_at of annotation {one.annotation_id}"
    return instant(one.updated_at, what), one.annotation_id


def _selection(pick: Pick | None, chance: float | None) -> Mapping[str, Any] | None:
    """Why a sample was labelled, with its chance by all rounds so far; None where no round picked
    it: then nobody knows how many others it speaks for.
    """
    if pick is None:
        return None
    return {
        "round": pick.round_id,
        "reason": pick.reason,
        "inclusion_probability": chance,
        "weight": 1.0 / chance if chance else None,
    }
