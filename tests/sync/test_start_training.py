"""Label Studio's "Start training" calibrates: by the backend, the inbox and the worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from goldloop.webhooks import START_TRAINING
from store.inbox import add_hint, hints_set_aside
from tests.sync.calibrated import answer_all, fill, record
from tests.sync.dying import start
from tests.sync.loop import Loop
from tests.sync.receiver import receiving, use_secrets, wait_for, with_address

pytestmark = pytest.mark.labelstudio

COUNT, LABELLED, OPEN = 80, 65, 8


@pytest.fixture
def labelled(loop: Loop) -> Loop:
    """A project whose backend is registered, with labels enough and open tasks."""
    loop.configure("label_studio", annotators_per_task=1)
    loop.configure("consensus", min_annotators=1)
    loop.configure("worker", interval=3600.0)
    use_secrets(loop)
    with_address(loop)
    fill(loop, [record(number, COUNT) for number in range(COUNT)])
    with receiving(loop):
        loop.run("push", "--batch-size", str(LABELLED))
        answer_all(loop, COUNT)
        loop.run("push", "--batch-size", str(OPEN))
    return loop


@pytest.fixture
def worker(labelled: Loop) -> Iterator[None]:
    process = start(labelled.folder, ("worker",))
    yield
    process.terminate()
    process.join(20)
    assert process.exitcode == 0


def project(loop: Loop) -> dict[str, object]:
    return dict(loop.api().get(f"/api/projects/{loop.project_id}/").json())


def test_the_button_makes_a_calibrator_and_the_queue_follows_it(
    labelled: Loop, worker: None
) -> None:
    new = "agent-1+calibrated.1"
    with receiving(labelled):
        [backend] = labelled.api().get("/api/ml/", params={"project": labelled.project_id}).json()
        labelled.api().post(f"/api/ml/{backend['id']}/train").raise_for_status()
        wait_for(lambda: project(labelled)["model_version"] == new, 30)
        [again] = labelled.api().get("/api/ml/", params={"project": labelled.project_id}).json()
    assert project(labelled)["model_version"] == again["model_version"] == new
    predicted = [p for p in labelled.predictions_there() if p["model_version"] == new]
    assert len(predicted) == OPEN
    served = labelled.person(1).next_task(labelled.project_id)
    assert served is not None
    assert served["id"] == min(predicted, key=lambda one: one["score"])["task"]


def test_settings_that_do_not_fit_hold_no_other_hint_up(loop: Loop) -> None:
    loop.pushed(1)
    loop.configure("calibration", field="no_such_question")
    process = start(loop.folder, ("worker",))
    with loop.store() as db:
        add_hint(db, START_TRAINING, loop.project_id, (), ())
        wait_for(lambda: loop.json("status")["waiting_hints"] == 0, 20)
        assert loop.json("status")["waiting_hints"] == 0
        assert hints_set_aside(db) == []
    process.terminate()
    process.join(20)
    said = (loop.folder / "dying.log").read_text()
    assert "not calibrated: goldloop.toml: [calibration]" in said
