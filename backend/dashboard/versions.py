"""What is in the golden set? Its versions, the items of each, and how good each is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backend.dashboard.choices import choice, options
from backend.dashboard.kept import kept
from backend.dashboard.paging import page_of
from backend.dashboard.version_folders import (
    check_once,
    checked_version,
    items_and_facets,
    of_version,
    root_of,
    verdict_of,
    words_of,
)
from backend.dashboard.version_items import SORTS, items_wanted, read_wanted
from goldloop.errors import VersionError
from store.annotations import count_annotations
from store.database import Store
from views.page_values import Bar, Cell, Section, Span, Table, is_numeric, place_of, said
from views.project import Project
from views.report import report_of_commit, report_on
from views.report_sections import glance, sections, warnings_of
from views.version_folder import (
    DATA,
    VersionFolder,
    dataset_names,
    find_version,
    version_names,
)

# A list of versions is not to read gigabytes: larger ones are checked when they are opened.
CHECKED_BYTES = 20 * 2**20
# Above these, a report on the answers as they stand now takes too long for a page.
LIVE_ITEMS, LIVE_ANNOTATIONS = 5_000, 50_000
# How the versions of a dataset may stand, and by what; `place` counts from the newest.
ORDERS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Any]]] = {
    "newest": ("newest first", lambda one: one["place"]),
    "oldest": ("oldest first", lambda one: -one["place"]),
    "items": ("most items first", lambda one: -(one["manifest"] or {"items": 0})["items"]),
    "size": ("largest first", lambda one: -one["bytes"]),
    "damaged": ("not as committed first", lambda one: one["whole"] is not False),
}


def values(project: Project, db: Store, arguments: Mapping[str, str]) -> Mapping[str, Any]:  # noqa: ARG001
    """Every dataset with the names of its versions, the newest first, and the versions in the order
    asked for.
    """
    sort = choice(arguments, "sort", ORDERS, "newest")
    datasets = []
    for dataset in dataset_names(root_of(project)):
        names = version_names(root_of(project), dataset)[::-1]
        rows = [{"place": at, **_listed(project, dataset, one)} for at, one in enumerate(names)]
        if names:
            datasets.append((dataset, names, sorted(rows, key=ORDERS[sort][1])))
    return {
        "datasets": datasets,
        "sort": sort,
        "sorts": options({name: says for name, (says, _) in ORDERS.items()}),
    }


def _listed(project: Project, dataset: str, version: str) -> dict[str, Any]:
    """A version with its manifest, or with what is wrong; `whole` is None where it was too large to
    look.
    """
    found: dict[str, Any] = {"version": version, "manifest": None, "damaged": None}
    found |= {"whole": None, "bytes": 0}
    try:
        folder = find_version(root_of(project), dataset, version)
        found |= {"manifest": folder.manifest, "bytes": _bytes(folder)}
        if found["bytes"] <= CHECKED_BYTES:
            check_once(folder)
            found["whole"] = True
    except VersionError as error:
        found |= {"damaged": words_of(project, error), "whole": False}
    return found


def _bytes(folder: VersionFolder) -> int:
    path = folder.file(DATA)
    return path.stat().st_size if path.is_file() else 0


def one(
    project: Project,
    db: Store,  # noqa: ARG001
    arguments: Mapping[str, str],
    dataset: str,
    version: str,
) -> Mapping[str, Any]:
    """A version: what it is, whether it is as it was committed, and the items asked for."""
    folder = checked_version(project, dataset, version)
    items, facets = items_and_facets(folder)
    wanted = read_wanted(arguments, facets)
    found = items_wanted(items, wanted)
    turned = page_of(arguments, len(found))
    return {
        **_about(project, folder),
        "verdict": verdict_of(folder),
        "wanted": wanted,
        "facets": facets,
        "sorts": SORTS,
        "items": found[turned.rows],
        "total": len(items),
        "turned": turned,
    }


def _about(project: Project, folder: VersionFolder) -> dict[str, Any]:
    """The manifest, and the other versions of the dataset to compare with."""
    dataset, version = folder.manifest["dataset"], folder.manifest["version"]
    names = version_names(root_of(project), dataset)
    return {
        "manifest": folder.manifest,
        "bytes": _bytes(folder),
        "others": [one for one in reversed(names) if one != version],
    }


def report(
    project: Project,
    db: Store,
    arguments: Mapping[str, str],  # noqa: ARG001
    dataset: str,
    version: str,
) -> Mapping[str, Any]:
    """The quality report of a version, with the answers as they stand now where that is quick."""
    folder = checked_version(project, dataset, version)
    live = folder.manifest["items"] <= LIVE_ITEMS and count_annotations(db) <= LIVE_ANNOTATIONS
    if live:
        name = ("report", dataset, version)
        found = kept(project, name, lambda: report_on(project, dataset, version))
    else:
        found = of_version(folder, "report", lambda: report_of_commit(project, dataset, version))
    return {
        **_about(project, folder),
        "live": live,
        "glance": glance(found),
        "warnings": list(warnings_of(found)),
        "sections": [_section(section) for section in sections(found)],
    }


def _section(section: Section) -> dict[str, Any]:
    tables = [_table(table) for table in section.tables if table.rows]
    return {"name": section.name, "title": section.title, "says": section.says, "tables": tables}


def _table(table: Table) -> dict[str, Any]:
    numeric = [is_numeric(table, place) for place in range(len(table.headings))]
    return {
        "caption": table.caption,
        "headings": list(zip(table.headings, numeric, strict=True)),
        "rows": [_row(row, numeric) for row in table.rows],
        "more": table.more,
    }


def _row(row: Sequence[Cell], numeric: Sequence[bool]) -> list[dict[str, Any]]:
    return [
        {"text": said(cell), "numeric": number, "plot": _plot(cell)}
        for cell, number in zip(row, numeric, strict=True)
    ]


def _plot(cell: Cell) -> dict[str, Any] | None:
    """Where the parts of a cell's plot are, from 0 to 100; None for a cell without one."""
    if not isinstance(cell, (Bar, Span)):
        return None
    value = place_of(cell.value)
    plot: dict[str, Any] = {"value": value, "mark": None, "bar": isinstance(cell, Bar)}
    plot["says"] = f"{cell.value:.0%}" if isinstance(cell, Bar) else f"{cell.value:.2f}"
    if cell.mark is not None:
        plot["mark"] = place_of(cell.mark)
    if isinstance(cell, Span) and cell.low is not None and cell.high is not None:
        low, high = place_of(cell.low), place_of(cell.high)
        plot |= {"low": low, "width": max(high - low, 0.5)}
        plot["says"] += f", from {cell.low:.2f} to {cell.high:.2f}"
    return plot
