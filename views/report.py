"""report: the quality report of a version, from its folder and from what the store knows besides.

Without the store, a figure that rests on people's answers is taken from the report that was written
with the version, or said to be unknown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from goldloop.consensus import State
from goldloop.errors import InterfaceError
from goldloop.fields import Field
from goldloop.quality_report import SCHEMA, Facts, QualityReport, quality_report
from goldloop.versions import Item
from label_config.interface import read_interface
from store.annotations import people
from store.database import Store
from store.lineage import samples_in_states, tools_called
from views.people import everything_answered, words_shown
from views.project import Project
from views.version_folder import (
    checked_items,
    interface_of,
    read_manifest,
    read_text,
)

REPORT = "quality_report.json"
# Near-duplicates among so many texts take some 3 s; a commit should not wait longer for a report.
COMPARED_AT_COMMIT = 20_000
NO_STORE = "it takes the annotations, and the store is not beside this version"
NOT_READ = "it takes every annotation, and this was written without; run goldloop report"
NO_ANSWERS = "the store holds no annotation of this version's items"
_OPEN = (State.WAITING, State.DISPUTED, State.AMBIGUOUS)


def version_report(
    manifest: Mapping[str, Any],
    items: Callable[[], Iterable[Item]],
    interface_xml: str,
    facts: Facts | None = None,
) -> dict[str, Any]:
    """The report as it is written with a version: cheap, and with people by id only.

    Reads `items()` once, and neither store nor clock. `facts` as `facts_of_store` gives them; with
    None, what rests on annotations is said to be unknown.
    """
    known = facts or _nothing(NOT_READ)
    return quality_report(
        items,
        replace(
            known, manifest=manifest, compared=COMPARED_AT_COMMIT, names={}, **_asked(interface_xml)
        ),
    ).record()


def _asked(interface_xml: str) -> dict[str, Any]:
    """The fields of a version's interface; None for one that this Goldloop cannot read."""
    try:
        fields: tuple[Field, ...] | None = tuple(read_interface(interface_xml).fields)
    except InterfaceError:
        fields = None
    return {"fields": fields}


def _nothing(why: str) -> Facts:
    return Facts(missing=dict.fromkeys(("agreement", "annotators", "held_back", "called"), why))


def facts_of_store(project: Project, db: Store) -> Facts:
    """What the store knows of every sample, as it stands now; reads every annotation once."""
    answered = everything_answered(project, db)
    return Facts(
        voted=answered.rules.fields,
        gold_fields=answered.rules.gold_fields,
        answers=answered.tasks,
        names=people(db),
        words=words_shown(db, answered.tasks),
        tools_called=tools_called(db),
        held_back=samples_in_states(db, [state.value for state in _OPEN]),
    )


def report_on(
    project: Project, dataset: str, version: str, *, anonymous: bool = False
) -> dict[str, Any]:
    """The report on a version that is there, with the answers as they stand now.

    Where the store has no answer to the version's items, the report that was written with it. With
    `anonymous` people are named by their ids. Raises VersionError for a version that is missing or
    damaged.
    """
    root = project.path(project.settings.store.versions)
    manifest = read_manifest(root, dataset, version)
    asked = _asked(interface_of(root, dataset, version))
    facts = _stored_facts(project) or _nothing(NO_STORE)

    def made(known: Facts) -> QualityReport:
        full = replace(known, manifest=manifest, **asked)
        return quality_report(lambda: checked_items(root, dataset, version), full)

    found = made(replace(facts, names={}) if anonymous else facts)
    if found.annotators:
        return found.record()
    written = _written(root, manifest)
    if written is None and facts.answers is not None:
        return made(_nothing(NO_ANSWERS)).record()
    return written or found.record()


def report_of_commit(project: Project, dataset: str, version: str) -> dict[str, Any]:
    """The report as it was when the version was made: quick, whatever the store holds now.

    What was not written then is worked out from the items alone. Raises VersionError as
    `report_on` does.
    """
    root = project.path(project.settings.store.versions)
    manifest = read_manifest(root, dataset, version)
    if REPORT in manifest["files"]:
        found: dict[str, Any] = json.loads(read_text(root, dataset, version, REPORT))
        if found.get("schema") == SCHEMA:
            return found
    xml = interface_of(root, dataset, version)
    return version_report(manifest, lambda: checked_items(root, dataset, version), xml)


def _stored_facts(project: Project) -> Facts | None:
    if not project.path(project.settings.store.path).is_file():
        return None
    db = project.open_store()
    with closing(db.conn):
        return facts_of_store(project, db)


def _written(root: Path, manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """The report that was written with the version, where it has one that knows the answers."""
    if REPORT not in manifest["files"]:
        return None
    text = read_text(root, manifest["dataset"], manifest["version"], REPORT)
    found: dict[str, Any] = json.loads(text)
    return found if found.get("schema") == SCHEMA and found.get("agreement") else None
