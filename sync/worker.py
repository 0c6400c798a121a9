"""worker: pulls answers and updates consensus, on hints and at intervals."""

from __future__ import annotations

import time
from collections.abc import Callable

from goldloop.errors import GoldloopError
from store.database import Store, transaction
from store.inbox import finish_hints, waiting_hints
from store.tasks import review_project
from sync.consensus import update_consensus
from sync.project import Project
from sync.pull import Pulled, pull
from sync.route import Routed, route_disputes

POLL_SECONDS = 0.5
FULL_EVERY = 60
Report = Callable[[str], None]


def work(project: Project, report: Report, stopped: Callable[[], bool]) -> None:
    """Reconcile at the start, whenever a hint arrives, and every `[worker] interval` seconds.

    The first pull, and one every 60 intervals, is full and so also finds deleted tasks. An error
    (Label Studio is away, say) is reported and the next turn tries again; hints stay until they
    were followed up. The first turn, and the one after an error, computes all consensus: a turn
    that was cut off may have stored answers without.
    """
    db = project.open_store()
    try:
        interval = project.settings.worker.interval
        due, full_due, behind = 0.0, 0.0, True
        while not stopped():
            now = time.monotonic()
            hinted = bool(waiting_hints(db, 1))
            if review_project(db) is not None and (hinted or now >= due):
                due, full = now + interval, now >= full_due
                behind = not _reconcile(project, db, report, full=full, behind=behind)
                if behind:
                    time.sleep(min(5.0, interval))
                elif full:
                    full_due = now + FULL_EVERY * interval
            time.sleep(POLL_SECONDS)
    finally:
        db.close()


def _reconcile(project: Project, db: Store, report: Report, *, full: bool, behind: bool) -> bool:
    """One turn; False when it failed."""
    hints, routed = waiting_hints(db), Routed()
    try:
        pulled = reconcile(project, db, full=full)
        if behind:
            update_consensus(project, db)
        if pulled.changed or behind or full:
            routed = route_disputes(project, db)
        with transaction(db):
            finish_hints(db, hints)
    except GoldloopError as error:
        report(f"trying again soon: {error}")
        return False
    if pulled.changed:
        report(f"{len(pulled.changed)} samples changed; consensus is up to date")
    if routed.asked or routed.mended:
        report(f"{len(routed.asked) + len(routed.mended)} tasks given to one more annotator")
    return True


def reconcile(project: Project, db: Store, *, full: bool = False) -> Pulled:
    """Pull, and update the consensus of exactly the samples that changed."""
    pulled = pull(project, db, full=full)
    if pulled.changed:
        update_consensus(project, db, sorted(pulled.changed))
    return pulled
