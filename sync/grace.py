"""grace: how long to wait for what a process that died has asked of Label Studio.

A killed process leaves its last request running there. For a while after it was sent, what is not
there may still come.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

GRACE_SECONDS = 15.0
POLL_SECONDS = 0.5

T = TypeVar("T")


def look_until(sent_at: str | None, look: Callable[[], T], enough: Callable[[T], bool]) -> T:
    """What `look` finds: at once when it is enough, else what is there when the grace is over.

    `sent_at` is ISO 8601; None means that nothing was sent, so that one look will do.
    """
    end = time.monotonic() + _seconds_left(sent_at)
    while True:
        found = look()
        if enough(found) or time.monotonic() >= end:
            return found
        time.sleep(POLL_SECONDS)


def _seconds_left(sent_at: str | None) -> float:
    if sent_at is None:
        return 0.0
    passed = (datetime.now(UTC) - datetime.fromisoformat(sent_at)).total_seconds()
    # The clock may have been set back since, and must not keep us here.
    return GRACE_SECONDS - max(passed, 0.0)
