"""run: the agent over the samples that it has not run on yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from agents.base import Agent
from goldloop.confidence import agreement
from goldloop.errors import AgentError
from goldloop.samples import Run, Sample
from store.database import Store, transaction
from store.runs import cluster_runs, get_runs, insert_runs, runs_without_confidence, set_confidence
from store.samples import samples_without_run


def run_samples(
    db: Store,
    agent: Agent,
    concurrency: int,
    *,
    retry: bool = False,
    limit: int | None = None,
    on_done: Callable[[], None] = lambda: None,
) -> Counter[str]:
    """Run the agent on every sample without a run by its version; counts of runs and errors.

    Every run is stored as soon as it ends, so that a run that was stopped goes on where it was. A
    sample on which the agent fails keeps a run that carries the error.
    """
    counts: Counter[str] = Counter()
    todo = islice(samples_without_run(db, agent.version, retry), limit)
    with ThreadPoolExecutor(concurrency, thread_name_prefix="agent") as pool:
        try:
            for run in _answers(pool, agent, todo, concurrency):
                with transaction(db):
                    insert_runs(db, [run])
                counts["errors" if run.error else "runs"] += 1
                on_done()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return counts


def _answers(
    pool: ThreadPoolExecutor, agent: Agent, samples: Iterator[Sample], ahead: int
) -> Iterator[Run]:
    """Runs as they end; never more than `ahead` samples are in the air."""
    flying: set[Future[Run]] = set()
    for sample in samples:
        flying.add(pool.submit(_one, agent, sample))
        if len(flying) >= ahead:
            done, flying = wait(flying, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    while flying:
        done, flying = wait(flying, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


def _one(agent: Agent, sample: Sample) -> Run:
    try:
        return agent.answer(sample)
    except AgentError as error:
        return Run(sample.sample_id, agent.version, error=str(error))


def score_recorded(db: Store, version: str) -> Counter[str]:
    """Give recorded runs that lack a confidence one, where the store has grounds for it.

    The ground is how far the run agrees with the other runs of its cluster (`cluster_id`): what
    the same agent did when it was asked the same thing again.
    """
    counts: Counter[str] = Counter()
    ids = runs_without_confidence(db, version)
    found: dict[str, tuple[float, str]] = {}
    for sample_id in ids:
        main = get_runs(db, [sample_id], version)[sample_id]
        value = agreement(main, cluster_runs(db, sample_id, version))
        if value is not None:
            found[sample_id] = (value, "agreement")
    with transaction(db):
        set_confidence(db, version, found)
    counts["scored"] = len(found)
    counts["without_confidence"] = len(ids) - len(found)
    return counts
