"""run: the agent over the samples that it has not run on yet."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from agents.answers import failed_run
from agents.base import Agent
from goldloop.errors import AgentError
from goldloop.samples import Run, Sample
from store.database import Store
from store.samples import samples_without_run
from store.wanted_runs import (
    LEASE_SECONDS,
    claim_run,
    claimant,
    keep_run,
    release_claims,
    renew_claims,
)
from sync.budget import Budget

RENEW_SECONDS = LEASE_SECONDS / 3


def run_samples(
    db: Store,
    agent: Agent,
    concurrency: int,
    *,
    retry: bool = False,
    limit: int | None = None,
    budget: Budget | None = None,
    on_done: Callable[[], None] = lambda: None,
) -> Counter[str]:
    """Run the agent on every sample without a run by its version, as far as the budget goes; counts
    of runs, errors, and samples that others are at (`elsewhere`).

    Every run is stored as soon as it ends, so that a run that was stopped goes on where it was. A
    sample on which the agent fails keeps a run that carries the error. Each sample is claimed
    first, so that no other command and no ML backend asks about it at the same time.
    """
    counts: Counter[str] = Counter()
    claims = _Claims(db, agent.version, retry)
    todo = islice(samples_without_run(db, agent.version, retry), limit)
    with ThreadPoolExecutor(concurrency, thread_name_prefix="agent") as pool:
        try:
            for run in _answers(pool, agent, claims.of(todo, counts), concurrency, budget, claims):
                kept = keep_run(db, run)
                counts["errors" if kept.error else "runs"] += 1
                on_done()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            release_claims(db, claims.by)
    return counts


class _Claims:
    """What this command has claimed, and keeps up while it runs."""

    def __init__(self, db: Store, version: str, retry: bool) -> None:
        self.by = claimant()
        self._db, self._version, self._retry = db, version, retry
        self._renewed = time.monotonic()

    def of(self, samples: Iterator[Sample], counts: Counter[str]) -> Iterator[Sample]:
        """The samples that are ours to run, each claimed when it is taken; counts those that
        others are at.
        """
        for sample in samples:
            turn = claim_run(self._db, sample.sample_id, self._version, self.by, retry=self._retry)
            if turn.ours:
                yield sample
            elif turn.run is None:
                counts["elsewhere"] += 1

    def keep_up(self) -> None:
        """Renew them all when it is time."""
        if time.monotonic() >= self._renewed + RENEW_SECONDS:
            renew_claims(self._db, self.by)
            self._renewed = time.monotonic()


def _answers(
    pool: ThreadPoolExecutor,
    agent: Agent,
    samples: Iterator[Sample],
    ahead: int,
    budget: Budget | None,
    claims: _Claims,
) -> Iterator[Run]:
    """Runs as they end; never more than `ahead` samples are in the air, and no more than the budget
    has room for.
    """
    flying: dict[Future[Run], Sample] = {}
    for sample in samples:
        while flying and not _may_begin(sample, len(flying), ahead, budget):
            yield from _ended(flying, budget, claims)
        if not _may_begin(sample, len(flying), ahead, budget):
            break
        flying[pool.submit(_one, agent, sample)] = sample
    while flying:
        yield from _ended(flying, budget, claims)


def _may_begin(sample: Sample, under_way: int, ahead: int, budget: Budget | None) -> bool:
    return under_way < ahead and (budget is None or budget.admits(sample, under_way))


def _ended(
    flying: dict[Future[Run], Sample], budget: Budget | None, claims: _Claims
) -> Iterator[Run]:
    done, _ = wait(flying, timeout=RENEW_SECONDS, return_when=FIRST_COMPLETED)
    claims.keep_up()
    for future in done:
        sample, run = flying.pop(future), future.result()
        if budget is not None:
            budget.add(sample, run)
        yield run


def _one(agent: Agent, sample: Sample) -> Run:
    try:
        return agent.answer(sample)
    except AgentError as error:
        return failed_run(sample, agent.version, error)
