"""One call of the agent: claimed in the store, asked, and its run kept, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from agents.answers import failed_run
from agents.base import Agent
from backend.breaker import Breaker, State
from backend.logs import Seldom
from backend.served import Served
from goldloop.errors import AgentError, GoldloopError, SettingsError, StoreError
from goldloop.samples import Run, Sample
from store.samples import get_sample
from store.wanted_runs import claim_run, keep_run, release_claims, withdraw_failures

# Begun so often without an end, or by an agent that is up for others: it is the sample.
MAX_ATTEMPTS = 5
# When a sample is tried again on which the agent failed as one that is down does.
AGAIN_SECONDS = 10.0
# The agent was paid for its run, so that a store that cannot be written is asked more than once.
KEEP_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended: with a `run`, or without; `elsewhere` when another process is at it, and
    `halt` when no other sample would fare better now.
    """

    run: Run | None = None
    elsewhere: bool = False
    halt: bool = False


class AgentCalls:
    """The calls of one process, under one name; any thread may make them."""

    def __init__(self, served: Served, breaker: Breaker, by: Callable[[], str]) -> None:
        self._served, self._breaker, self._by = served, breaker, by
        self._seldom = Seldom()
        self._lock = Lock()
        # The failures in a row that were kept as such: they are withdrawn when it turns out that
        # the agent was down.
        self._row: list[str] = []

    def make(self, version: str, sample_id: str) -> Ended:
        """Make the run on the sample, once the breaker has admitted it."""
        try:
            with self._served.store() as db:
                turn = claim_run(db, sample_id, version, self._by())
                sample = get_sample(db, sample_id) if turn.ours else None
        except StoreError as error:
            self._breaker.passed()
            self._warn("the agent is not asked", error)
            return Ended(halt=True)
        if not turn.ours:
            self._breaker.passed()
            return Ended(turn.run, elsewhere=turn.run is None)
        if sample is None:
            self._breaker.passed()
            self._release(sample_id)
            return Ended()
        if turn.attempts > MAX_ATTEMPTS:
            self._breaker.passed()
            return Ended(self._keep(_never_ended(sample, version, turn.attempts - 1)))
        return self._asked(sample, version, turn.attempts)

    def _asked(self, sample: Sample, version: str, attempts: int) -> Ended:
        try:
            agent = self._served.live_agent(version)
        except SettingsError as error:
            self._breaker.passed()
            self._warn("the agent is not asked", error)
            self._release(sample.sample_id, AGAIN_SECONDS, counts=False)
            return Ended(halt=True)
        if agent is None:
            self._breaker.passed()
            self._release(sample.sample_id)
            return Ended(halt=True)
        with self._served.metrics.calls_under_way.track_inprogress():
            return self._answered(agent, sample, attempts)

    def _answered(self, agent: Agent, sample: Sample, attempts: int) -> Ended:
        try:
            run = agent.answer(sample)
        except AgentError as error:
            return self._failed(sample, agent.version, error, attempts)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the thread
            self._count("failed")
            self._warn(f"sample {sample.sample_id}", error)
            opened = self._breaker.failed(outage=False)
            self._release(sample.sample_id, AGAIN_SECONDS)
            return Ended(halt=opened)
        self._count("answered")
        self._breaker.succeeded()
        with self._lock:
            self._row.clear()
        return Ended(self._keep(run))

    def _failed(self, sample: Sample, version: str, error: AgentError, attempts: int) -> Ended:
        """Keep the failure, unless the agent is down: then the sample is tried again later."""
        self._count("down" if error.outage else "failed")
        self._warn("the agent failed", error)
        if self._breaker.failed(outage=error.outage):
            self._withdraw(version)
        down = self._breaker.state is not State.CLOSED
        if down or (error.outage and attempts < MAX_ATTEMPTS):
            self._release(sample.sample_id, AGAIN_SECONDS, counts=not down)
            return Ended(halt=down)
        run = self._keep(failed_run(sample, version, error))
        with self._lock:
            self._row.append(sample.sample_id)
        if self._breaker.state is not State.CLOSED:
            self._withdraw(version)
        return Ended(run)

    def _withdraw(self, version: str) -> None:
        with self._lock:
            failed, self._row = self._row, []
        if not failed:
            return
        try:
            with self._served.store() as db:
                withdraw_failures(db, version, failed)
        except StoreError as error:
            self._warn("failures of an agent that was down stay", error)

    def _keep(self, run: Run) -> Run | None:
        """The run that stands; None where it could not be stored."""
        for attempt in range(1, KEEP_ATTEMPTS + 1):
            try:
                with self._served.store() as db:
                    return keep_run(db, run)
            except StoreError as error:
                if attempt == KEEP_ATTEMPTS:
                    self._warn(f"the run on sample {run.sample_id} is lost", error)
        return None

    def _release(self, sample_id: str, seconds: float = 0.0, *, counts: bool = True) -> None:
        # Where the store cannot be written, the claim runs out by itself.
        with suppress(GoldloopError), self._served.store() as db:
            release_claims(db, self._by(), [sample_id], seconds=seconds, counts=counts)

    def _count(self, outcome: str) -> None:
        self._served.metrics.calls.labels(outcome).inc()

    def _warn(self, what: str, error: Exception) -> None:
        """Log it, one a second of a kind: what is wrong for one sample may be so for all."""
        held = self._seldom.passes((what.partition(" sample ")[0], type(error)))
        if held is None:
            self._served.metrics.count_error(error)
        else:
            self._served.warn(f"{what} ({held} more)" if held else what, error)


def _never_ended(sample: Sample, version: str, attempts: int) -> Run:
    said = f"begun {attempts} times, and the agent never came to an end"
    error = f"sample {sample.sample_id!r}: {said}"
    return Run(sample.sample_id, version, error=error)
