"""generate: fill a batch with synthetic samples, and throw the bad ones out before a person looks.

A batch goes through its phases in order: every slot is written, the rules judge what came, rejected
slots are written again, and the model solves what is left twice. Everything is stored as it comes,
and every paid reply is in the journal, so the same command goes on wherever it was stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal

from agents.synthesis import (
    Asker,
    Assignment,
    Purse,
    asker_from_settings,
    check_consistency,
    write_samples,
)
from goldloop.errors import GoldloopError
from goldloop.novelty import sample_text
from goldloop.novelty.texts import Embed
from goldloop.prices import price_of
from goldloop.samples import Sample
from goldloop.settings import SynthesisSettings
from goldloop.synthesis.prompts import INSTRUCTIONS
from goldloop.synthesis.rules import Rules, Sieve
from goldloop.synthesis.task import Task
from goldloop.synthesis.values import Candidate, Slot
from store.connections import Connections
from store.database import Store
from store.synthesis import (
    CHECKING,
    FILTERING,
    KEPT,
    NEEDS_HUMAN,
    PASSED,
    REJECTED,
    WRITTEN,
    StoredCandidate,
    SyntheticBatch,
    candidates_of,
    judge_candidates,
    keep_candidates,
    set_batch_state,
)
from store.synthesis_calls import StoredJournal
from store.synthesis_pool import known_texts
from sync.claims import claimed
from sync.project import Project
from sync.synthesis_batch import judging_embedding
from sync.synthesis_inputs import task_of
from sync.terminal import Meter

Progress = Callable[[str, int | None], AbstractContextManager[Meter]]


@dataclass(frozen=True, slots=True)
class Generated:
    """What a generation came to: where it is not `finished`, the money did not reach for the next
    call, which may cost `short`. `spent` is of this command alone, None where the price is not
    known.
    """

    batch: int
    spent: Decimal | None
    short: Decimal | None
    finished: bool


@dataclass(slots=True)
class _Work:
    """A batch that is being filled: what it is made of, and who is asked."""

    db: Store
    batch: SyntheticBatch
    task: Task
    settings: SynthesisSettings
    asker: Asker
    judge: Asker
    embed: Embed | None
    progress: Progress


def generate(
    project: Project,
    db: Store,
    batch: SyntheticBatch,
    *,
    limit: Decimal | None = None,
    progress: Progress,
) -> Generated:
    """Fill the batch, going on where it was. Raises AgentError when the endpoint is down, and
    GoldloopError when another command is at it.
    """
    price = price_of(project.settings.prices, batch.model)
    with claimed(project, "generate") as ours:
        if not ours:
            raise GoldloopError("another goldloop generate is at work here; wait until it ends")
        return asyncio.run(_generate(project, db, batch, Purse(limit, price), progress))


async def _generate(
    project: Project, db: Store, batch: SyntheticBatch, purse: Purse, progress: Progress
) -> Generated:
    stores = Connections(project.path(project.settings.store.path))
    journal = StoredJournal(stores.store, batch.batch)
    settings = project.settings.synthesis
    asker = asker_from_settings(project.settings, journal, purse)
    judge, embed = asker, judging_embedding(project)
    if settings.judge and embed is None:
        judge = asker_from_settings(project.settings, journal, purse, judge=True)
    async with asker, judge:
        work = _Work(db, batch, task_of(batch.inputs), settings, asker, judge, embed, progress)
        finished = await _write(work) and await _confirm(work)
    spent = None if purse.price is None else purse.spent
    return Generated(batch.batch, spent, None if finished else work.asker.purse.refused, finished)


async def _write(work: _Work) -> bool:
    """Write every slot, and again what the rules reject; False where the money did not reach."""
    db, settings = work.db, work.settings
    rules = Rules.of(
        work.task.tools,
        min_characters=settings.min_characters,
        max_characters=settings.max_characters,
        near_duplicate=settings.near_duplicate,
    )
    sieve = Sieve(rules, pool=known_texts(db), instructions=INSTRUCTIONS)
    for attempt in range(1, settings.attempts + 1):
        if not await _attempt(work, sieve, attempt):
            return False
    set_batch_state(db, work.batch.batch, FILTERING)
    return True


async def _attempt(work: _Work, sieve: Sieve, attempt: int) -> bool:
    todo = _assignments(work, attempt)
    if todo:
        what = f"writing, try {attempt}" if attempt > 1 else "writing"
        written = write_samples(
            work.asker,
            work.task,
            todo,
            batch=work.batch.batch,
            seed=work.batch.seed,
            temperature=work.settings.temperature,
            evolve=work.settings.evolve,
        )
        with work.progress(what, len(todo)) as meter:
            async for assignment, came in written:
                keep_candidates(work.db, work.batch.batch, [(assignment.slot, attempt, came)])
                meter()
    if work.asker.purse.refused is not None:
        return False
    _sift(work, sieve, attempt)
    return True


def _assignments(work: _Work, attempt: int) -> list[Assignment]:
    """The slots that this attempt is still to fill, with what was wrong with the last one's."""
    last: dict[int, StoredCandidate] = {}
    for one in candidates_of(work.db, work.batch.batch):
        last[one.slot.index] = one
    found = []
    for slot in work.batch.slots:
        before = last.get(slot.index)
        if (before.attempt if before else 0) != attempt - 1:
            continue
        if before is None:
            found.append(Assignment(slot, attempt, _shown(work, slot)))
        elif before.outcome == REJECTED and before.rejection is not None:
            wrong = f"{before.rejection.reason.replace('_', ' ')}: {before.rejection.said}"
            found.append(Assignment(slot, attempt, _shown(work, slot), wrong))
    return found


def _shown(work: _Work, slot: Slot) -> tuple[Sample, ...]:
    """The examples for a slot's prompt: other ones for each of the next few slots."""
    known = work.batch.examples.get(slot.cell.capability, ())
    count = min(work.settings.examples, len(known))
    return tuple(known[(slot.index * count + n) % len(known)] for n in range(count))


def _sift(work: _Work, sieve: Sieve, attempt: int) -> None:
    """Filter 1, in one transaction: what is compared with what must not depend on when it died."""
    found = candidates_of(work.db, work.batch.batch, (WRITTEN,))
    candidates = [one.candidate for one in found if one.candidate and one.attempt == attempt]
    shown = {one.slot.index: _texts(_shown(work, one.slot)) for one in candidates}
    judge_candidates(
        work.db,
        work.batch.batch,
        [
            (one.slot.index, attempt, REJECTED if why else PASSED, why)
            for one, why in sieve.sift(candidates, shown=shown)
        ],
    )


def _texts(samples: tuple[Sample, ...]) -> list[tuple[str, str]]:
    return [(one.sample_id, sample_text(one.user_input, one.conversation)) for one in samples]


async def _confirm(work: _Work) -> bool:
    """Filter 2: what a second look does not confirm waits for a person; False where the money did
    not reach.
    """
    db, batch = work.db, work.batch.batch
    passed = [one.candidate for one in candidates_of(db, batch, (PASSED,)) if one.candidate]
    if not work.settings.consistency:
        judge_candidates(db, batch, [(c.slot.index, c.attempt, KEPT, None) for c in passed])
    elif passed:
        await _solve(work, passed)
    if work.asker.purse.refused is not None:
        return False
    set_batch_state(db, batch, CHECKING)
    return True


async def _solve(work: _Work, passed: list[Candidate]) -> None:
    judged = check_consistency(
        work.asker,
        work.judge,
        work.task,
        passed,
        seed=work.batch.seed,
        embed=work.embed,
    )
    with work.progress("solving twice", len(passed)) as meter:
        async for one, why in judged:
            outcome = NEEDS_HUMAN if why else KEPT
            verdict = (one.slot.index, one.attempt, outcome, why)
            judge_candidates(work.db, work.batch.batch, [verdict])
            meter()
