"""check: people look at some of a synthetic batch, and what they say decides about all of it.

Some of the samples are drawn once and go to a project of their own, with those that the
consistency filter kept back. Their verdicts come back by pulling; nothing waits for an event. It is
safe to repeat at any time, and goes on where it was cut off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldloop.errors import StoreError
from goldloop.synthesis.spot_check import checks_needed, draw
from goldloop.synthesis.written import read_solution
from label_config.spot_check import spot_check_data
from store.database import Store, transaction
from store.samples import get_samples
from store.spot_checks import (
    SpotCheckTask,
    correct_difficulty,
    get_spot_check,
    plan_spot_check,
    save_decision,
    solving_replies,
    spot_check_tasks,
)
from store.synthesis import (
    ACCEPTED,
    CHECKING,
    FILTERING,
    KEPT,
    NEEDS_HUMAN,
    SPOT_CHECKED,
    STOPPED,
    UNCHECKED,
    WRITING,
    SyntheticBatch,
    accept_batch,
    candidates_of,
    decide_candidate,
    get_batch,
    list_batches,
    set_batch_state,
)
from sync.claims import claimed
from sync.client import LabelStudioClient
from sync.project import Project
from sync.side_tasks import Fetched, fetch_answers, send_side_tasks
from sync.spot_check_delivery import SpotCheckLedger
from sync.spot_check_project import ensure_spot_check_project
from sync.spot_check_result import (
    CheckedSample,
    checked_samples,
    decided,
    spot_check_result,
    standing,
    verdict_of,
)

PATIENCE_SECONDS = 10.0


@dataclass
class Checked:
    """What a check did: the tasks sent, what Label Studio had, how many samples it took into the
    pool, and where people label; `result` is as `spot_check_result` gives it.
    """

    batch: int
    url: str = ""
    sent: int = 0
    fetched: Fetched = field(default_factory=Fetched)
    added: int = 0
    result: Mapping[str, Any] = field(default_factory=dict)


def check(project: Project, db: Store, batch: int | None = None) -> Checked:
    """Send what people have not got, bring their answers back, and decide.

    Without a number it is the newest batch that waits for its check, else the newest. Raises
    StoreError for one whose generation is not finished, and while another check is at work.
    """
    number = _newest(db) if batch is None else batch
    found = get_batch(db, number)
    if found.state in (WRITING, FILTERING):
        raise StoreError(
            f"batch {number} is not finished; go on with the same goldloop generate command first"
        )
    with claimed(project, "spot-check", PATIENCE_SECONDS) as ours:
        if not ours:
            raise StoreError("another check is at work on this store; let it end, then repeat this")
        plan(project, db, found)
        done = Checked(number)
        if spot_check_tasks(db, number):
            with project.client() as client:
                _meet_people(project, db, client, done)
        done.added = settle(db, number)
    done.result = spot_check_result(db, number) or {}
    return done


def _newest(db: Store) -> int:
    batches = list_batches(db)
    if not batches:
        raise StoreError("there is no batch of synthetic samples yet; make one: goldloop generate")
    waiting = [one.batch for one in batches if one.state == CHECKING]
    return max(waiting or [one.batch for one in batches])


def plan(project: Project, db: Store, batch: SyntheticBatch) -> None:
    """Draw the samples that people look at, once for ever; those that need a person come after."""
    settings = project.settings.synthesis
    with transaction(db):
        if get_spot_check(db, batch.batch) is not None:
            return
        kept = candidates_of(db, batch.batch, (KEPT,))
        # One that was taken unchecked needs nobody any more, but for what was kept back.
        taken = batch.state == ACCEPTED
        count = checks_needed(len(kept), settings.spot_check, settings.min_spot_check)
        difficulties = [one.slot.cell.difficulty for one in kept]
        drawn = draw(
            [one.sample.sample_id for one in kept],
            difficulties,
            [one.prn or 0.0 for one in kept],
            0 if taken else count,
        )
        cells = {one.sample.sample_id: one.slot.cell.difficulty for one in kept}
        waiting = candidates_of(db, batch.batch, (NEEDS_HUMAN,))
        plan_spot_check(
            db,
            batch.batch,
            Counter(difficulties),
            settings.max_rejected,
            [
                *((one, "drawn", cells[one]) for one in drawn),
                *(
                    (one.sample.sample_id, "needs_human", one.slot.cell.difficulty)
                    for one in waiting
                ),
            ],
        )


def _meet_people(project: Project, db: Store, client: LabelStudioClient, done: Checked) -> None:
    """The project of the spot checks, brought up to date in both directions."""
    there = ensure_spot_check_project(project, db, client)
    done.url = f"{client.url}/projects/{there.project_id}/data"
    ledger = SpotCheckLedger(db)
    done.fetched = fetch_answers(ledger, client, there.project_id)
    missing = _missing(db, done.batch)
    make = _maker(db, done.batch, missing)
    done.sent = send_side_tasks(ledger, client, there.project_id, missing, make)


def _missing(db: Store, batch: int) -> list[SpotCheckTask]:
    """The tasks that people have not got and whose answers still decide something."""
    state = get_batch(db, batch).state
    if state == STOPPED:
        return []
    answered = {one.task.sample_id for one in checked_samples(db, batch) if one.settled}
    return [
        task
        for task in spot_check_tasks(db, batch)
        if task.state != "delivered"
        and task.sample_id not in answered
        and (state != ACCEPTED or task.purpose == "needs_human")
    ]


def _maker(
    db: Store, batch: int, tasks: Sequence[SpotCheckTask]
) -> Callable[[SpotCheckTask], dict[str, Any]]:
    wanted = {task.sample_id for task in tasks}
    known = {
        one.sample.sample_id: one
        for one in (candidates_of(db, batch, (KEPT, NEEDS_HUMAN)) if wanted else ())
        if one.sample.sample_id in wanted
    }

    solved = solving_replies(db, batch) if wanted else {}

    def make(task: SpotCheckTask) -> dict[str, Any]:
        one = known[task.sample_id]
        if one.candidate is None:
            raise StoreError(f"sample {task.sample_id} of batch {batch} is not stored")
        found = one.rejection if task.purpose == "needs_human" else None
        texts = solved.get((one.slot.index, one.attempt), ()) if found else ()
        solutions = [read_solution(text) for text in texts]
        return {
            "data": spot_check_data(task.name, one.candidate, found, solutions),
            "meta": {"goldloop": {"batch": batch, "purpose": task.purpose}},
        }

    return make


def settle(db: Store, batch: int) -> int:
    """Decide about the batch where its check is complete, write down what people said of each
    sample, and take into the pool what stands; how many samples entered it.

    What people say later still counts for the sample that they say it of: one that they find right
    enters an accepted batch, and one that they reject is marked so. The batch's decision stands.
    """
    with transaction(db):
        check, samples = get_spot_check(db, batch), checked_samples(db, batch)
        if check is None:
            return 0
        before = standing(db, check)
        verdict = decided(check, samples) if before == "open" else before
        if verdict == "open":
            return 0
        _write_verdicts(db, batch, samples)
        if before == "open":
            save_decision(db, batch, verdict, spot_check_result(db, batch) or {})
        if verdict == "stopped":
            set_batch_state(db, batch, STOPPED)
            return 0
        looked = any(one.task.purpose == "drawn" for one in samples)
        return accept_batch(
            db, batch, SPOT_CHECKED if looked or not check.population else UNCHECKED
        )


def _write_verdicts(db: Store, batch: int, samples: Sequence[CheckedSample]) -> None:
    stored = {
        one.sample.sample_id: one
        for one in candidates_of(db, batch)
        if one.candidate is not None and one.sample.sample_id
    }
    in_pool = get_samples(db, [one.task.sample_id for one in samples])
    for one in samples:
        sample_id, found = one.task.sample_id, one.settled
        if found is None:
            continue
        said, before = verdict_of(found), stored[sample_id]
        if (before.verdict, before.human_said) != (found.good, said):
            decide_candidate(db, batch, sample_id, found.good, said)
        if found.difficulty and sample_id not in in_pool:
            correct_difficulty(db, batch, sample_id, found.difficulty)
