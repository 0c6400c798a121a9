"""A circuit breaker: an agent that is down is left alone for a while, and then tried again.

It is closed while the agent answers. Failures in a row open it; after a pause one call is let
through (half-open), which closes it when it succeeds, and else opens it again for twice as long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import IntEnum
from threading import Lock

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
# What a failure counts that may be the sample's own fault and not the agent's.
PLAIN = 0.25


class State(IntEnum):
    """The number is what /metrics shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Safe to use from any thread. `changed` is told each new state with the seconds until the next
    try, outside of the lock.
    """

    def __init__(
        self,
        failures: int,
        changed: Callable[[State, float], None] = lambda _state, _pause: None,
        *,
        first_pause: float = FIRST_PAUSE,
        longest_pause: float = LONGEST_PAUSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures, self._changed, self._clock = failures, changed, clock
        self._first, self._longest = first_pause, longest_pause
        self._lock = Lock()
        self._state = State.CLOSED
        self._row = 0.0
        self._pause, self._until = first_pause, 0.0

    @property
    def state(self) -> State:
        """Where it stands; an open one stays open until somebody asks after the pause."""
        return self._state

    def would_admit(self) -> bool:
        """Whether `admit` would say yes now."""
        with self._lock:
            return self._admits()

    def admit(self) -> bool:
        """Whether the agent may be asked now. Who is told yes says `succeeded`, `failed` or, when
        it did not ask after all, `passed`.
        """
        with self._lock:
            if not self._admits():
                return False
            probing = self._state is State.OPEN
            if probing:
                self._state = State.HALF_OPEN
        if probing:
            self._changed(State.HALF_OPEN, 0.0)
        return True

    def succeeded(self) -> None:
        """The agent answered: whatever was before, it is up."""
        with self._lock:
            self._row = 0.0
            mended = self._state is not State.CLOSED
            self._state, self._pause = State.CLOSED, self._first
        if mended:
            self._changed(State.CLOSED, 0.0)

    def failed(self, *, outage: bool) -> bool:
        """The agent failed: as one that is down does (`outage`), or perhaps on this sample alone.
        Whether this opened the breaker.
        """
        with self._lock:
            self._row += 1.0 if outage else PLAIN
            opens = self._opens()
            if opens:
                self._state, pause = State.OPEN, self._pause
                self._until = self._clock() + pause
                self._pause = min(2 * pause, self._longest)
        if opens:
            self._changed(State.OPEN, pause)
        return opens

    def passed(self) -> None:
        """The agent was not asked after all: the next who asks may try."""
        with self._lock:
            if self._state is State.HALF_OPEN:
                self._state, self._until = State.OPEN, self._clock()

    def _admits(self) -> bool:
        if self._state is State.OPEN:
            return self._clock() >= self._until
        return self._state is State.CLOSED

    def _opens(self) -> bool:
        # Calls that were under way when it opened say nothing new.
        enough = self._state is State.CLOSED and self._row >= self._failures
        return enough or self._state is State.HALF_OPEN
