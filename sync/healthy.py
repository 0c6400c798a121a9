"""`python -m sync.healthy`: does the worker reconcile? For the health check of its container.

It reads the store and calls nobody, and imports little: it is started again and again.
"""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from goldloop.errors import GoldloopError, StoreError
from goldloop.times import instant
from store.annotations import get_cursor
from store.database import Store, open_store
from store.settings import find_project, load_settings
from store.tasks import review_project

# The cursor in which the worker writes when it last had everything.
RECONCILED = "reconciled"
GRACE_SECONDS = 60.0
MISSED = 3


def main() -> None:
    """Say how it is in one line; exit with 0 when it is well, else with 1."""
    try:
        folder = find_project(Path().resolve())
        settings = load_settings(folder)
        with closing(open_store(folder / settings.store.path)) as db:
            says = check_worker(db, settings.worker.interval, datetime.now(UTC))
    except GoldloopError as error:
        sys.exit(f"goldloop: {error}")
    print(says)  # noqa: T201 - the container engine keeps it


def check_worker(db: Store, interval: float, now: datetime) -> str:
    """How long ago the worker last reconciled, in words; also good before the first push.

    Raises StoreError when that is more than three intervals and a minute ago, or never was, and
    RecordError when what the worker wrote is no time.
    """
    if review_project(db) is None:
        return "nothing was pushed yet, so there is nothing to reconcile"
    moment = get_cursor(db, RECONCILED)
    if moment is None:
        raise StoreError("the worker has not reconciled yet; its log says why")
    # A clock that was set back is no fault of the worker's.
    age = max(0.0, (now - instant(moment, "the worker's last time")).total_seconds())
    if age > MISSED * interval + GRACE_SECONDS:
        raise StoreError(
            f"the worker last reconciled {age:.0f} s ago, though it should every {interval:g} s; "
            "its log says why"
        )
    return f"reconciled {age:.0f} s ago"


if __name__ == "__main__":
    main()
