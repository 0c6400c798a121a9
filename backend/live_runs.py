"""Runs that are made on demand: so many at a time, each once, and none of them waited for too long.

Threads of a process ask the agent, at most `[agent] concurrency` at a time. They are started when
something is wanted and end when nothing is. Who waits for few runs goes first; what nobody waits
for any more is taken from the store, where it also outlives the process.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from logging import WARNING
from threading import BoundedSemaphore, Event, Lock, Thread

from backend.agent_calls import AgentCalls, Ended
from backend.breaker import Breaker, State
from backend.logs import Seldom
from backend.served import Served
from goldloop.errors import SettingsError, StoreError
from store.database import Store
from store.runs import get_runs
from store.wanted_runs import (
    claimant,
    free_dead_claims,
    release_claims,
    renew_claims,
    want_runs,
    wanted_samples,
)

# A third of a claim's lease at most, so that one missed renewal costs nothing.
RENEW_SECONDS = 10.0
# How often it is looked whether another process has made a run, and whether there is a backlog.
LOOK_SECONDS, IDLE_SECONDS = 0.1, 1.0
# Threads that what nobody waits for leaves to those who wait.
RESERVED = 2


@dataclass(slots=True)
class _Asked:
    """A sample whose run is wanted here. `begun` is when a thread took it, on the monotonic clock;
    `waiting` counts the requests that wait for it.
    """

    sample_id: str
    done: Future[None] = field(default_factory=Future)
    waiting: int = 0
    begun: float | None = None
    elsewhere: bool = False
    overdue: bool = False

    def end(self) -> None:
        """Let those who wait go on."""
        if not self.done.done():
            self.done.set_result(None)


class LiveRuns:
    """What one process has its agent do. Make it before a fork if you like, but use it only after;
    any thread may.
    """

    def __init__(self, served: Served) -> None:
        self._served, backend = served, served.settings.backend
        self._most = served.settings.agent.concurrency
        self._deadline, self._room = backend.deadline, backend.queue
        self.breaker = Breaker(backend.failures, self._tell_breaker)
        self._calls = AgentCalls(served, self.breaker, self._name)
        # A request that waits holds a thread of the server, and the others are for what is quick.
        self._slots = BoundedSemaphore(backend.threads // 2)
        self._lock = Lock()
        self._by = ""
        self._asked: dict[str, _Asked] = {}
        self._queue: list[tuple[int, int, str]] = []
        self._numbers = itertools.count()
        self._threads = self._in_background = 0
        self._serving = self._stopping = self._kept_up = False
        self._wake = Event()
        self._seldom = Seldom(60.0)

    def begin(self) -> None:
        """From now on see to what was left over, whether somebody asks or not."""
        if self._served.settings.agent.kind != "recorded":
            self._serving = True
            self._look_after()

    def await_runs(self, db: Store, version: str, sample_ids: Sequence[str], until: float) -> None:
        """Have runs made on these samples, and wait until each has one that can have one now, or
        the monotonic clock reaches `until`. What was made by then is in the store.

        It does not wait at all while the agent is down or stuck, or too many requests wait already.
        """
        if not sample_ids or self._served.settings.agent.kind == "recorded":
            return
        wanted = self._wanted(db, version, sample_ids)
        if not (self._may_wait() and self._slots.acquire(blocking=False)):
            self._hire(version, len(wanted))
            return
        try:
            # Made here, so that one that cannot be made is told once and not by every thread.
            self._served.live_agent(version)
            self._wait_for(version, wanted, until)
        except SettingsError as error:
            self._served.warn("the agent is not asked", error)
        finally:
            self._slots.release()

    def _wait_for(self, version: str, wanted: Sequence[str], until: float) -> None:
        asked = self._enlist(wanted)
        try:
            self._hire(version, len(asked))
            wait([one.done for one in asked], max(0.0, until - time.monotonic()))
        finally:
            self._leave(asked)

    def stop(self, seconds: float) -> None:
        """Begin nothing more, let who waits go, and give calls under way so many seconds; then
        others may make the runs that are not there.
        """
        self.let_go()
        end = time.monotonic() + seconds
        while self._under_way() and time.monotonic() < end:
            time.sleep(0.02)
        if self._by:
            try:
                with self._served.store() as db:
                    release_claims(db, self._by, counts=False)
            except StoreError as error:
                self._served.warn("claims are left to run out", error)

    def let_go(self) -> None:
        """Begin nothing more, and answer those who wait."""
        self._stopping = True
        self._wake.set()
        for one in list(self._asked.values()):
            one.end()

    def _wanted(self, db: Store, version: str, ids: Sequence[str]) -> list[str]:
        """Write down what is wanted; the ids for which there was room."""
        try:
            unfit = set(want_runs(db, version, ids, self._room))
        except StoreError as error:
            # They are wanted all the same, as long as this process lives.
            self._served.warn("wanted runs are not written down", error)
            return list(ids)
        if unfit:
            self._served.metrics.refused_runs.inc(len(unfit))
            if self._seldom.passes("full") is not None:
                what = f"{len(unfit)} runs are not made: [backend] queue = {self._room} is full"
                self._served.tell(what, {}, WARNING)
        return [sample_id for sample_id in ids if sample_id not in unfit]

    def _may_wait(self) -> bool:
        with self._lock:
            overdue = sum(one.overdue for one in self._asked.values())
        return not self._stopping and overdue < self._most and self.breaker.would_admit()

    def _enlist(self, ids: Sequence[str]) -> list[_Asked]:
        """Queue them, those of a small request before those of a large one."""
        with self._lock:
            found = [self._asked.setdefault(one, _Asked(one)) for one in ids]
            for one in found:
                one.waiting += 1
                if one.begun is None and not one.elsewhere:
                    entry = (len(ids), next(self._numbers), one.sample_id)
                    heapq.heappush(self._queue, entry)
        return found

    def _leave(self, asked: Sequence[_Asked]) -> None:
        """Wait no longer; what nobody else waits for is left to the backlog in the store."""
        with self._lock:
            for one in asked:
                one.waiting -= 1
                if one.waiting == 0 and one.begun is None:
                    self._forget(one)
            if len(self._queue) > 2 * len(self._asked):
                self._queue = [entry for entry in self._queue if entry[2] in self._asked]
                heapq.heapify(self._queue)

    def _forget(self, one: _Asked) -> None:
        if self._asked.get(one.sample_id) is one:
            del self._asked[one.sample_id]
        one.end()

    def _hire(self, version: str, wanted: int) -> None:
        """Start threads for so much work, within what may be asked at once."""
        with self._lock:
            count = 0 if self._stopping else min(wanted, self._most - self._threads)
            self._threads += max(0, count)
        for _ in range(count):
            Thread(target=self._work, args=(version,), name="agent", daemon=True).start()
        if count > 0:
            self._look_after()

    def _work(self, version: str) -> None:
        while (taken := self._next(version)) is not None:
            one, background = taken
            probing = self.breaker.state is State.HALF_OPEN
            ended = Ended(halt=True)
            try:
                ended = self._calls.make(version, one.sample_id)
            except Exception as error:  # noqa: BLE001 - a thread must not end with a count too many
                self.breaker.passed()
                self._served.warn(f"sample {one.sample_id}", error)
            finally:
                self._ended(one, ended, background)
            if probing and self.breaker.state is State.CLOSED:
                self._hire(version, len(self._queue))

    def _next(self, version: str) -> tuple[_Asked, bool] | None:
        """What to do next, and whether nobody waits for it; None where the thread is to end."""
        backlog: list[str] = []
        looked = False
        while True:
            with self._lock:
                one = None if self._stopping else self._first(backlog)
                if one is not None and self.breaker.admit():
                    return self._begin(one)
                if one is not None or looked or self._stopping:
                    self._threads -= 1
                    return None
            looked, backlog = True, self._backlog(version)

    def _first(self, backlog: Sequence[str]) -> _Asked | None:
        """What somebody waits for, or else of the backlog; it stays where it is."""
        while self._queue:
            one = self._asked.get(self._queue[0][2])
            if one is not None and one.begun is None and not one.elsewhere:
                return one
            heapq.heappop(self._queue)
        if self._in_background >= max(1, self._most - RESERVED):
            return None
        return next((_Asked(one) for one in backlog if one not in self._asked), None)

    def _begin(self, one: _Asked) -> tuple[_Asked, bool]:
        background = one.sample_id not in self._asked
        self._asked[one.sample_id] = one
        self._in_background += background
        one.begun = time.monotonic()
        return one, background

    def _backlog(self, version: str) -> list[str]:
        """What is wanted and not asked for here, as much as could be begun."""
        try:
            with self._served.store() as db:
                return wanted_samples(db, version, self._most, list(self._asked))
        except Exception:  # noqa: BLE001 - whoever looks after things says so
            return []

    def _ended(self, one: _Asked, ended: Ended, background: bool) -> None:
        with self._lock:
            self._in_background -= background
            one.begun = None
            one.elsewhere = ended.elsewhere and one.waiting > 0
            if not one.elsewhere:
                self._forget(one)
            if ended.halt:
                self._forget_waiting()
        if one.elsewhere:
            self._look_after()

    def _under_way(self) -> bool:
        with self._lock:
            return any(one.begun is not None for one in self._asked.values())

    def _name(self) -> str:
        with self._lock:
            self._by = self._by or claimant()
            return self._by

    def _look_after(self) -> None:
        """See that the thread runs that renews claims and looks for what others made."""
        with self._lock:
            start, self._kept_up = not self._kept_up, True
        self._wake.set()
        if start:
            Thread(target=self._keep_up, name="upkeep", daemon=True).start()

    def _keep_up(self) -> None:
        due = 0.0
        while self._has_upkeep():
            elsewhere = [one for one in list(self._asked.values()) if one.elsewhere]
            self._wake.wait(LOOK_SECONDS if elsewhere else IDLE_SECONDS)
            self._wake.clear()
            self._count_overdue()
            try:
                with self._served.store() as db:
                    if time.monotonic() >= due:
                        due = time.monotonic() + RENEW_SECONDS
                        self._renew(db)
                    self._look(db, elsewhere)
            except Exception as error:  # noqa: BLE001 - a store that is away may come back
                if self._seldom.passes("upkeep") is not None:
                    self._served.warn("wanted runs are not looked after", error)

    def _has_upkeep(self) -> bool:
        with self._lock:
            self._kept_up = bool(self._asked) or (self._serving and not self._stopping)
            return self._kept_up

    def _renew(self, db: Store) -> None:
        if self._by and self._under_way():
            renew_claims(db, self._by)
        free_dead_claims(db)

    def _look(self, db: Store, elsewhere: Sequence[_Asked]) -> None:
        """Go on with what others have made or let go of, and with the backlog."""
        version = self._served.version(db)
        made = get_runs(db, [one.sample_id for one in elsewhere], version) if elsewhere else {}
        with self._lock:
            for one in elsewhere:
                if one.sample_id in made:
                    self._forget(one)
        looks = self._serving or elsewhere
        if looks and self.breaker.would_admit() and self._threads < self._most:
            free = wanted_samples(db, version, self._most, self._busy())
            self._requeue([one for one in elsewhere if one.sample_id in free])
            self._hire(version, len(free))

    def _busy(self) -> list[str]:
        with self._lock:
            return [one.sample_id for one in self._asked.values() if not one.elsewhere]

    def _requeue(self, let_go: Sequence[_Asked]) -> None:
        """Another process gave these up: they are for us again."""
        with self._lock:
            for one in let_go:
                one.elsewhere = False
                heapq.heappush(self._queue, (1, next(self._numbers), one.sample_id))

    def _count_overdue(self) -> None:
        """A call that takes longer than anybody waits is a failure, and is not waited for."""
        late = time.monotonic() - self._deadline
        with self._lock:
            found = [
                one
                for one in self._asked.values()
                if one.begun is not None and one.begun < late and not one.overdue
            ]
            for one in found:
                one.overdue = True
                one.end()
        for _ in found:
            self._served.metrics.calls.labels("overdue").inc()
            if self.breaker.failed(outage=True):
                with self._lock:
                    self._forget_waiting()

    def _forget_waiting(self) -> None:
        """Nothing that was not begun is going to be."""
        for one in list(self._asked.values()):
            if one.begun is None and not one.elsewhere:
                self._forget(one)

    def _tell_breaker(self, state: State, pause: float) -> None:
        self._served.metrics.breaker.set(state)
        said = {
            State.CLOSED: "the agent answers again",
            State.HALF_OPEN: "the agent is tried again",
            State.OPEN: f"the agent is left alone for {pause:.0f} s",
        }
        self._served.tell(said[state], {"breaker": state.name.lower()}, WARNING)
