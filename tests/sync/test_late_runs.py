"""An empty prediction is filled in when the run that it lacked is there."""

from __future__ import annotations

import pytest

from goldloop.samples import Run
from store.database import Store
from store.wanted_runs import claim_run, keep_run, late_runs, show_empty, want_runs
from sync.late_runs import fill_late_predictions, late_samples
from sync.predictions_api import create_predictions
from tests.sync.dying import start
from tests.sync.loop import Loop
from tests.sync.receiver import wait_for

pytestmark = pytest.mark.labelstudio

NEW = "agent-2"


@pytest.fixture
def late(loop: Loop) -> Loop:
    """Two tasks whose predictions by a new agent version are empty."""
    tasks = loop.pushed(2)
    loop.configure("agent", version=NEW)
    empty = {"result": [], "score": 0.5, "model_version": NEW}
    with loop.project.client() as client:
        given = [{"task": task_id, **empty} for task_id in tasks.values()]
        create_predictions(client, loop.project_id, given)
    with loop.store() as db:
        want_runs(db, NEW, list(tasks), 10)
        show_empty(db, NEW, list(tasks))
    return loop


def make_run(db: Store, sample_id: str, **said: object) -> None:
    """The run that was waited for, as the backend keeps it."""
    assert claim_run(db, sample_id, NEW, "somebody").ours
    keep_run(db, Run(sample_id, NEW, confidence_method="reported", **said))  # type: ignore[arg-type]


def predictions(loop: Loop) -> dict[str, tuple[float, bool]]:
    """Of every sample the score of the new version's prediction, and whether it holds anything."""
    samples = {task_id: sample_id for sample_id, task_id in loop.task_ids().items()}
    found = [one for one in loop.predictions_there() if one["model_version"] == NEW]
    assert len(found) == 2
    return {samples[one["task"]]: (one["score"], bool(one["result"])) for one in found}


def test_it_is_filled_in_where_it_stands_and_only_once(late: Loop) -> None:
    with late.store() as db, late.project.client() as client:
        make_run(db, "s-000", response="It leaves tomorrow.", confidence=0.9)
        due = late_samples(late.project, db, 10)
        assert due == ["s-000"]
        assert fill_late_predictions(late.project, db, client, due) == 1
        assert late_samples(late.project, db, 10) == []
    assert predictions(late) == {"s-000": (0.9, True), "s-001": (0.5, False)}


def test_where_the_agent_failed_or_the_task_is_gone_nothing_is_filled_in(late: Loop) -> None:
    gone = late.task_ids()["s-001"]
    with late.store() as db, late.project.client() as client:
        make_run(db, "s-000", error="it broke")
        make_run(db, "s-001", response="It leaves tomorrow.", confidence=0.9)
        client.delete_task(gone)
        due = late_samples(late.project, db, 10)
        assert fill_late_predictions(late.project, db, client, due) == 0
        assert late_runs(db, NEW) == []
    [left] = [one for one in late.predictions_there() if one["model_version"] == NEW]
    assert (left["score"], left["result"]) == (0.5, [])


def test_the_worker_does_it(late: Loop) -> None:
    worker = start(late.folder, ("worker",))
    with late.store() as db:
        for number, sample_id in enumerate(("s-000", "s-001")):
            make_run(db, sample_id, response="It leaves.", confidence=0.6 + number / 10)
    filled = {"s-000": (0.6, True), "s-001": (0.7, True)}
    wait_for(lambda: predictions(late) == filled, 20)
    worker.terminate()
    worker.join(20)
    assert predictions(late) == filled
