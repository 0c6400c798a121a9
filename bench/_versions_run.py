"""One measurement of `bench versions`, in a process of its own: seconds and peak memory."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import rfc8785

from goldloop.canonical import canonical_json
from sync.commit import commit_standing, gold_items
from sync.project import open_project
from views.diff import compare
from views.project import interface_in_use
from views.report import facts_of_store, version_report
from views.verify_version import verify_version
from views.version_folder import DATA, find_version, version_names

DATASET = "golden"


def versions_of(folder: Path) -> Path:
    """Where the project's versions are."""
    project = open_project(folder)
    return project.path(project.settings.store.versions)


def floor(folder: Path) -> None:
    """The same rows in canonical JSON by the public library, and SHA-256 over them."""
    _hashed(folder, rfc8785.dumps)


def own_floor(folder: Path) -> None:
    """The same by our own canonical JSON, which also normalises text."""
    _hashed(folder, canonical_json)


def _hashed(folder: Path, dumps: Callable[..., bytes]) -> None:
    root = versions_of(folder)
    digest = sha256()
    with (root / DATASET / version_names(root, DATASET)[-1] / DATA).open("rb") as file:
        for line in file:
            digest.update(dumps(json.loads(line)))


def commit(folder: Path) -> None:
    """What stands, as the next version; consensus is up to date."""
    project = open_project(folder)
    with closing(project.open_store()) as db:
        commit_standing(project, db, DATASET, "measured")


def verify(folder: Path) -> None:
    """The newest version, worked out again."""
    root = versions_of(folder)
    verdict = verify_version(root / DATASET / version_names(root, DATASET)[-1])
    if not verdict.fits:
        raise RuntimeError(f"the version that was written does not fit: {verdict.misfits[:3]}")


def diff(folder: Path) -> None:
    """The newest version beside its parent."""
    root = versions_of(folder)
    parent, child = version_names(root, DATASET)[-2:]
    found = compare(find_version(root, DATASET, parent), find_version(root, DATASET, child))
    if not found.diff.counts()["relabelled"]:
        raise RuntimeError("nothing was found to be relabelled")


def report(folder: Path) -> None:
    """The quality report of what stands, as a commit writes it where it reads all answers."""
    project = open_project(folder)
    with closing(project.open_store()) as db:
        interface, facts = interface_in_use(project, db), facts_of_store(project, db)
        made = version_report({}, lambda: gold_items(db), interface.xml, facts)
    if not (made["agreement"] and made["near_duplicates"]):
        raise RuntimeError(f"the report leaves something out: {made['missing']}")


KINDS = {
    "floor": floor,
    "own floor": own_floor,
    "commit": commit,
    "verify": verify,
    "diff": diff,
    "report": report,
}


def main() -> None:
    """Do what the command line names, and print its figures as JSON."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    before = time.perf_counter()
    KINDS[kind](folder)
    seconds = time.perf_counter() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


if __name__ == "__main__":
    main()
