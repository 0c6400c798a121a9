"""push: rounds become tasks in Label Studio; no duplicate and no loss, whenever it dies.

Selecting wrote the round. Here every chunk is marked before it is posted and its task ids are
recorded after. What was marked and not recorded when a push starts is uncertain: Label Studio is
asked which of those samples arrived, and after a grace only the missing ones are sent. A request
that comes through later still makes doubles, which `sync.doubles` removes. While Label Studio takes
one chunk, the tasks of the next are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from goldloop.errors import StoreError
from goldloop.samples import Run, Sample
from label_config.agent_prediction import agent_prediction
from label_config.interface import Interface
from label_config.tasks import check_task_data, task_data
from store.calibrators import comparable, model_version
from store.database import Store
from store.rounds import (
    Pick,
    finish_round,
    keep_model_version,
    round_picks,
    undelivered_rounds,
)
from store.runs import get_runs
from store.samples import get_samples
from store.tasks import Chunk, ReviewProject, open_chunks, plan_tasks
from sync.checks import send_checks
from sync.claims import claimed
from sync.client import LabelStudioClient
from sync.delivery import Ahead, Parcel, parcels, record_arrived, send
from sync.doubles import remove_doubles
from sync.project import Project
from sync.refresh_scores import show_version
from sync.review_project import ensure_review_project, register_backend
from sync.webhook import install_webhook, is_webhook_set

# A request takes Label Studio some time however few tasks it holds; with this many it takes one to
# two seconds, which is what annotators may have to wait then.
CHUNK = 1000
# The worker holds the same claim for moments, while it sends new scores.
PATIENCE_SECONDS = 10.0


@dataclass
class Delivery:
    """What a push did."""

    project_id: int = 0
    rounds: list[int] = field(default_factory=list)
    sent: int = 0
    found: int = 0
    doubles_removed: int = 0
    checks: int = 0
    backend_registered: bool = False
    webhook_installed: bool = False


def push_rounds(
    project: Project, db: Store, on_sent: Callable[[int], None] = lambda _: None
) -> Delivery:
    """Deliver every round that is not delivered yet, oldest first.

    Raises StoreError when another push is at it: both would send what neither has recorded yet.
    """
    with claimed(project, "push", PATIENCE_SECONDS) as ours, project.client() as client:
        if not ours:
            raise StoreError(
                "another push, or a pull that mends one, is at work on this store; let it end, "
                "then run the same command"
            )
        review = ensure_review_project(project, db, client)
        delivery = Delivery(review.project_id)
        for round_id, version in undelivered_rounds(db):
            _deliver(project, db, client, review, round_id, version, delivery, on_sent)
            delivery.rounds.append(round_id)
        delivery.backend_registered = register_backend(project, db, client, review.project_id)
        if is_webhook_set(project.settings):
            installed = install_webhook(project.settings, client, review.project_id)
            delivery.webhook_installed = installed.is_new or bool(installed.mended)
    return delivery


def _deliver(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    review: ReviewProject,
    round_id: int,
    version: str,
    delivery: Delivery,
    on_sent: Callable[[int], None],
) -> None:
    picks = {pick.sample_id: pick for pick in round_picks(db, round_id)}
    plan_tasks(db, review.project_id, round_id, list(picks), CHUNK)
    chunks = open_chunks(db, round_id)
    missing = [_missing(db, client, review, chunk) for chunk in chunks]
    shown_as = keep_model_version(db, round_id, model_version(db, version))
    make = partial(_parcels, project, project.interface(), version, shown_as, picks)
    with Ahead(make, missing) as coming:
        for chunk, left in zip(chunks, missing, strict=True):
            delivery.found += len(chunk.sample_ids) - len(left)
            for parcel in coming.take():
                delivery.sent += send(db, client, review.project_id, parcel, coming.start)
            on_sent(len(chunk.sample_ids))
    if doubtful := [one for chunk in chunks if chunk.sent_at for one in chunk.sample_ids]:
        delivery.doubles_removed += remove_doubles(db, client, review.project_id, doubtful)
    # Before the round is finished: no later push would come back to it.
    delivery.checks += send_checks(project, db, client, review, round_id, len(picks))
    _show_version(project, db, client, review.project_id, version)
    finish_round(db, round_id)


def _missing(
    db: Store, client: LabelStudioClient, review: ReviewProject, chunk: Chunk
) -> tuple[str, ...]:
    """What is to be sent of a chunk: all of it, or what an earlier try did not bring there."""
    if chunk.sent_at is None:
        return chunk.sample_ids
    return record_arrived(db, client, review.project_id, chunk.sample_ids, chunk.sent_at)


def _parcels(
    project: Project,
    interface: Interface,
    version: str,
    shown_as: str,
    picks: Mapping[str, Pick],
    sample_ids: Sequence[str],
) -> list[Parcel]:
    """The tasks of these samples, ready to be sent; with a store of its own, for another thread."""
    db = project.open_store()
    try:
        own = [picks[one] for one in sample_ids]
        tasks = make_tasks(project, db, interface, version, own, shown_as)
    finally:
        db.close()
    return parcels(tasks)


def make_tasks(
    project: Project,
    db: Store,
    interface: Interface,
    version: str,
    picks: Sequence[Pick],
    shown_as: str | None = None,
) -> list[dict[str, Any]]:
    """The tasks of these picks as Label Studio imports them, each with its prediction, whose model
    version is `shown_as`, or the agent version.

    Raises InterfaceError where the interface shows what a task does not have, and PredictionError
    for a prediction that does not fit it.
    """
    ids = [pick.sample_id for pick in picks]
    samples, known = get_samples(db, ids), get_runs(db, ids, version)
    runs = {run.sample_id: run for run in comparable(db, list(known.values()))}
    names = project.settings.label_studio.prefill
    return [
        _task(interface, names, samples[pick.sample_id], runs[pick.sample_id], pick, shown_as)
        for pick in picks
    ]


def _task(
    interface: Interface,
    names: Sequence[str],
    sample: Sample,
    run: Run,
    pick: Pick,
    shown_as: str | None,
) -> dict[str, Any]:
    data = task_data(sample, run)
    check_task_data(interface, data)
    return {
        "data": data,
        "meta": {
            "goldloop": {
                "round": pick.round_id,
                "reason": pick.reason,
                "rank": pick.rank,
                "uncertainty": pick.uncertainty,
                "novel": pick.novel,
                "inclusion_probability": pick.inclusion_probability,
                "confidence": pick.confidence,
                "confidence_method": run.confidence_method,
                "agent_version": run.agent_version,
            }
        },
        "predictions": [agent_prediction(interface, names, sample, run, shown_as)],
    }


def _show_version(
    project: Project, db: Store, client: LabelStudioClient, project_id: int, version: str
) -> None:
    """Label Studio shows, and ranks its queue by, the predictions of one model version.

    Without a calibrator, open tasks of another agent version come after those of this one; with
    one, they are given calibrated scores and a place among them.
    """
    shown_as = model_version(db, version)
    if shown_as == version:
        client.update_project(project_id, {"model_version": version})
    else:
        show_version(project, db, client, project_id, shown_as)
