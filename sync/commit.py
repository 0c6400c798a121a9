"""commit: an immutable dataset version from the labels that stand."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from goldloop.consensus import STANDING
from goldloop.errors import VersionError
from goldloop.records import sample_record
from goldloop.samples import Sample
from goldloop.versions import SCHEMA, Item, changes_between, fingerprints, next_version
from store.consensus import StoredConsensus, stored_consensus
from store.database import Store, utc_now
from store.designs import final_probabilities
from store.rounds import Pick, picks_by_sample
from store.samples import get_samples
from sync.consensus import update_consensus
from sync.project import Project, interface_in_use
from sync.version_folder import interface_of, read_items, version_names, write_version


@dataclass(frozen=True, slots=True)
class Commit:
    """A version that was written: its manifest and where it is."""

    manifest: Mapping[str, Any]
    folder: Path


def commit_version(project: Project, db: Store, dataset: str, message: str) -> Commit:
    """Write what stands as the next version; raises VersionError when there is nothing new."""
    update_consensus(project, db)
    root = project.path(project.settings.store.versions)
    interface = interface_in_use(project, db)
    items = gold_items(db)
    if not items:
        raise VersionError(
            "no sample has labels that stand, so there is nothing to commit; see: goldloop status"
        )
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
    }
    folder = write_version(root, dataset, version, items, interface.xml, manifest)
    return Commit(manifest, folder)


def gold_items(db: Store) -> list[Item]:
    """Every sample with labels that stand, as it will be in the version."""
    standing = [one for one in stored_consensus(db) if one.state in STANDING]
    picks, chances = picks_by_sample(db), final_probabilities(db)
    items: list[Item] = []
    for start in range(0, len(standing), 500):
        chunk = standing[start : start + 500]
        samples = get_samples(db, [one.sample_id for one in chunk])
        for one in chunk:
            selection = _selection(picks.get(one.sample_id), chances.get(one.sample_id))
            items.append(_item(samples[one.sample_id], one, selection))
    return items


def _item(sample: Sample, consensus: StoredConsensus, selection: Mapping[str, Any] | None) -> Item:
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
