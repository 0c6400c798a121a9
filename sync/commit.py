"""commit: an immutable dataset version from the labels that stand."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from goldloop.consensus import STANDING
from goldloop.errors import VersionError
from goldloop.quality import ANNOTATORS, SPOT_CHECK, SPOT_CHECKED, UNVERIFIED, quality_of
from goldloop.records import sample_record
from goldloop.samples import Sample
from goldloop.versions import SCHEMA, Item, changes_between, fingerprints, next_version
from store.consensus import StoredConsensus, stored_consensus
from store.database import Store, utc_now
from store.designs import final_probabilities
from store.rounds import Pick, picks_by_sample
from store.samples import get_samples
from store.synthesis import accepted_samples, verified_samples
from sync.consensus import update_consensus
from sync.project import Project, interface_in_use
from sync.version_folder import interface_of, read_items, version_names, write_version


@dataclass(frozen=True, slots=True)
class Commit:
    """A version that was written: its manifest and where it is."""

    manifest: Mapping[str, Any]
    folder: Path


def commit_version(
    project: Project, db: Store, dataset: str, message: str, *, unverified: bool = False
) -> Commit:
    """Write what stands as the next version; raises VersionError when there is nothing new.

    With `unverified` it also holds the accepted synthetic samples that no annotator has labelled,
    marked as such and without labels.
    """
    update_consensus(project, db)
    root = project.path(project.settings.store.versions)
    interface = interface_in_use(project, db)
    items = _items(db, unverified)
    known = version_names(root, dataset)
    parent = known[-1] if known else None
    before = read_items(root, dataset, parent) if parent else []
    guidelines = parent is not None and interface_of(root, dataset, parent) != interface.xml
    changes = changes_between(before, items, guidelines)
    version, reason = next_version(parent, changes, len(before))
    manifest = {
        "schema": SCHEMA,
        "dataset": dataset,
        "version": version,
        "parent": parent,
        "reason": reason,
        "message": message,
        "author": getpass.getuser(),
        "created_at": utc_now(),
        "items": len(items),
        "fingerprints": asdict(fingerprints(items)),
        "changes": asdict(changes),
        "quality": _quality(items),
    }
    folder = write_version(root, dataset, version, items, interface.xml, manifest)
    return Commit(manifest, folder)


def _items(db: Store, unverified: bool) -> list[Item]:
    items = gold_items(db) + (unverified_items(db) if unverified else [])
    if items:
        return items
    waiting = len(accepted_samples(db))
    hint = f" ({waiting} accepted synthetic samples: --unverified)" if waiting else ""
    raise VersionError(
        f"no sample has labels that stand, so there is nothing to commit{hint}; see: goldloop "
        "status"
    )


def _quality(items: list[Item]) -> dict[str, Any]:
    found = quality_of(items)
    return {**asdict(found), "warnings": list(found.warnings)}


def gold_items(db: Store) -> list[Item]:
    """Every sample with labels that stand, as it will be in the version."""
    standing = [one for one in stored_consensus(db) if one.state in STANDING]
    picks, chances = picks_by_sample(db), final_probabilities(db)
    checked = verified_samples(db)
    items: list[Item] = []
    for start in range(0, len(standing), 500):
        chunk = standing[start : start + 500]
        samples = get_samples(db, [one.sample_id for one in chunk])
        for one in chunk:
            selection = _selection(picks.get(one.sample_id), chances.get(one.sample_id))
            item = _item(samples[one.sample_id], one, selection)
            items.append(_marked(item, one.sample_id in checked))
    return items


def _marked(item: dict[str, Any], checked: bool) -> Item:
    """The item; a synthetic one says who verified it. Others are by annotators, as ever."""
    if item["source"] != "synthetic":
        return item
    people = [ANNOTATORS, SPOT_CHECK] if checked else [ANNOTATORS]
    return {**item, "evidence": {**item["evidence"], "verified_by": people}}


def unverified_items(db: Store) -> list[Item]:
    """The accepted synthetic samples that no annotator has answered, without labels: their evidence
    says whether a person saw them in the spot check.
    """
    answered = {one.sample_id for one in stored_consensus(db) if one.annotators}
    checked = verified_samples(db)
    ids = [one for one in accepted_samples(db) if one not in answered]
    return [
        {
            **sample_record(sample),
            "labels": {},
            "evidence": {
                "state": SPOT_CHECKED if sample_id in checked else UNVERIFIED,
                "verified_by": [SPOT_CHECK] if sample_id in checked else [],
                "annotators": 0,
            },
            "selection": None,
        }
        for sample_id, sample in get_samples(db, ids).items()
    ]


def _item(
    sample: Sample, consensus: StoredConsensus, selection: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The sample, with the response that people agreed on as the expected one."""
    corrected = consensus.labels.get("expected_response")
    record = sample_record(sample)
    if isinstance(corrected, str) and corrected.strip():
        record["expected_response"] = corrected
    return {
        **record,
        "labels": consensus.labels,
        "evidence": {
            "state": consensus.state.value,
            "agreement_rate": consensus.agreement_rate,
            "annotators": consensus.annotators,
            "mean_confidence": consensus.mean_confidence,
            "disputed_fields": consensus.disputed,
        },
        "selection": selection,
    }


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
