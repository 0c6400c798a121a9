"""What differs in two versions? A row for every value, and what moved each label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backend.dashboard.choices import choice, options, words
from backend.dashboard.kept import kept
from backend.dashboard.paging import page_of
from backend.dashboard.version_folders import root_of, version_named
from store.database import Store
from views.diff import Compared, compare, explained
from views.diff_rows import EVIDENCE, KINDS, DiffRow, diff_rows, evidence_rows
from views.project import Project
from views.version_folder import VersionFolder, dataset_names, version_names

CELL = 400
# How rows may stand, and by what; equal ones stay by kind and then by sample.
SORTS: Mapping[str, tuple[str, Callable[[DiffRow], Any]]] = {
    "kind": ("by kind", lambda _: 0),
    "sample": ("by sample", lambda row: row.sample_id),
    "what": ("by what differs", lambda row: row.what),
}
WHAT = {
    "Relabelled": "labels that moved, and what moved them",
    "Changed": "values of what is asked and expected, and descriptions",
    "Removed": "items that only the older version has",
    "Added": "items that only the newer version has",
    EVIDENCE: "how labels came about, and how items were selected",
}


def values(project: Project, db: Store, arguments: Mapping[str, str]) -> Mapping[str, Any]:
    """The versions to choose from; and of two that were chosen, what differs."""
    known = [
        f"{dataset}@{version}"
        for dataset in dataset_names(root_of(project))
        for version in reversed(version_names(root_of(project), dataset))
    ]
    a, b = words(arguments, "a"), words(arguments, "b")
    kind = choice(arguments, "kind", WHAT)
    q, sort = words(arguments, "q"), choice(arguments, "sort", SORTS, "kind")
    chosen = {"a": a, "b": b, "known": options(known), "compared": None}
    if not (a and b):
        newest = [*known[:2], "", ""]
        return {**chosen, "a": a or newest[1], "b": b or newest[0]}
    older, newer = version_named(project, a), version_named(project, b)
    name = ("diff", older.name, newer.name)
    rows, guidelines = kept(project, name, lambda: _compared(project, db, older, newer))
    of_kind = [row for row in rows if row.kind == kind or (not kind and row.kind != EVIDENCE)]
    shown = sorted((row for row in of_kind if _has(row, q)), key=SORTS[sort][1])
    turned = page_of(arguments, len(shown))
    return {
        **chosen,
        "a": older.name,
        "b": newer.name,
        "compared": (older.manifest, newer.manifest),
        "guidelines": guidelines,
        "counts": [(name, _items(rows, name), says) for name, says in WHAT.items()],
        "kind": kind,
        "q": q,
        "sort": sort,
        "sorts": options({name: says for name, (says, _) in SORTS.items()}),
        "query": {
            "a": older.name,
            "b": newer.name,
            **({"q": q} if q else {}),
            **({"sort": sort} if sort != "kind" else {}),
        },
        "rows": shown[turned.rows],
        "turned": turned,
    }


def _has(row: DiffRow, text: str) -> bool:
    texts = (row.sample_id, row.what, row.old, row.new, *row.why)
    return not text or any(text.casefold() in one.casefold() for one in texts)


def _compared(
    project: Project, db: Store, older: VersionFolder, newer: VersionFolder
) -> tuple[Sequence[DiffRow], bool]:
    """Every row, by kind and then by sample, and whether the labelling interface changed."""
    found: Compared = explained(compare(older, newer), project, db)
    rows = [*diff_rows(found, CELL), *evidence_rows(found, CELL)]
    order = {kind: place for place, kind in enumerate((*KINDS, EVIDENCE))}
    rows.sort(key=lambda row: (order[row.kind], row.sample_id))
    return rows, found.diff.guidelines


def _items(rows: Sequence[DiffRow], kind: str) -> int:
    """How many items a kind of change touched."""
    return len(Counter(row.sample_id for row in rows if row.kind == kind))
