from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from goldloop.calibration import Isotonic, Platt
from goldloop.errors import LabelStudioError
from store.calibrators import Fitted, save_calibrators
from sync.calibrate import calibrate
from sync.claims import claimed
from sync.predictions_api import create_predictions
from sync.refresh_scores import Refreshed, refresh_due, refresh_scores
from tests.sync.calibrated import answer_all, fill, key, record
from tests.sync.loop import Loop

pytestmark = pytest.mark.labelstudio

FIRST = "agent-1+calibrated.1"


@pytest.fixture
def single(loop: Loop) -> Loop:
    """A project in which one answer settles a task."""
    loop.configure("label_studio", annotators_per_task=1)
    loop.configure("consensus", min_annotators=1)
    return loop


def two_methods(count: int) -> list[dict[str, Any]]:
    """Runs that are equally good in pairs, of which one says over 0.9 and the other under 0.4."""
    said = [0.9 + 0.1 * number / count for number in range(count)]
    probed = [0.4 * number / count for number in range(count)]
    return [
        record(
            number,
            count,
            confidence=round((said, probed)[number % 2][number], 6),
            confidence_method=("said", "probed")[number % 2],
        )
        for number in range(count)
    ]


def calibrators(loop: Loop, *methods: str, version: str = "agent-1") -> None:
    """New calibrators that turn nothing round."""
    with loop.store() as db:
        level = Isotonic((0.0, 1.0), (0.4, 0.6))
        save_calibrators(db, version, [Fitted(one, level, {}, "mark") for one in methods])


def refresh(loop: Loop, **options: Any) -> Refreshed:
    """Refresh the scores, which must be ours to do."""
    with loop.store() as db, loop.project.client() as client:
        done = refresh_scores(loop.project, db, client, **options)
    assert done is not None
    return done


def scores(loop: Loop, version: str) -> dict[int, float]:
    """The score of every task with one prediction of that version; none has two."""
    found = [one for one in loop.predictions_there() if one["model_version"] == version]
    assert all(count == 1 for count in Counter(one["task"] for one in found).values())
    return {one["task"]: one["score"] for one in found}


def queue_version(loop: Loop) -> str:
    """The model version that the queue goes by."""
    return str(loop.api().get(f"/api/projects/{loop.project_id}/").json()["model_version"])


def test_calibrating_the_whole_loop_makes_the_queue_follow(single: Loop) -> None:
    count, labelled = 150, 124
    fill(single, two_methods(count))
    single.run("push", "--batch-size", str(labelled))
    answer_all(single, count)
    single.run("push", "--batch-size", "16")
    answered = {one["id"]: one for one in single.tasks_there() if one["annotations"]}

    done = single.json("calibrate")

    assert {(one["method"], one["state"]) for one in done["outcomes"]} == {
        ("said", "fitted"),
        ("probed", "fitted"),
    }
    assert done["refreshed"]["created"] == 16
    assert queue_version(single) == done["model_version"] == FIRST
    refreshed = scores(single, FIRST)
    # Every open task, and no other: those that were answered are as they were.
    assert refreshed.keys() == set(single.task_ids().values()) - answered.keys()
    assert all(0 <= score <= 1 for score in refreshed.values())
    now = {one["id"]: one for one in single.tasks_there()}
    assert all(now[task_id] == task for task_id, task in answered.items())
    # What the agent itself says would have served one method's runs before the other's.
    methods = dict(single.rows("SELECT sample_id, confidence_method FROM runs"))
    order = sorted(refreshed, key=refreshed.__getitem__)
    samples = {task_id: sample_id for sample_id, task_id in single.task_ids().items()}
    by_method = [methods[samples[one]] for one in order]
    assert by_method != sorted(by_method)
    assert by_method != sorted(by_method, reverse=True)

    served, right = [], key(count)
    while (task := single.person(1).next_task(single.project_id)) is not None:
        served.append(task["id"])
        single.answer(1, task["id"], right[task["data"]["sample_id"]])
    assert served == order


def test_new_tasks_come_with_calibrated_scores_and_the_new_version(single: Loop) -> None:
    fill(single, [record(number, 12) for number in range(12)])
    single.run("push", "--batch-size", "4")
    calibrators(single, "recorded")
    single.run("push", "--batch-size", "4")
    # The open tasks of the first round are refreshed by that push, so that none is starved.
    assert scores(single, FIRST).keys() == set(single.task_ids().values())
    assert all(0.4 <= score <= 0.6 for score in scores(single, FIRST).values())
    assert queue_version(single) == FIRST
    assert refresh(single).created == 0
    sample_id, task_id = next(iter(single.task_ids().items()))
    meta = next(one for one in single.tasks_there() if one["id"] == task_id)["meta"]["goldloop"]
    assert meta["agent_version"] == "agent-1", sample_id


def test_a_calibrated_agent_version_starves_no_open_task_of_another(single: Loop) -> None:
    fill(single, [record(number, 6) for number in range(6)])
    single.run("push", "--batch-size", "3")
    first = single.task_ids()
    fill(single, [record(number, 6, "agent-2", response="Never.") for number in range(6)])
    single.configure("agent", version="agent-2")
    calibrators(single, "recorded", version="agent-2")

    single.run("push", "--batch-size", "3")

    version = "agent-2+calibrated.1"
    assert queue_version(single) == version
    assert scores(single, version).keys() == set(single.task_ids().values())
    # Each prediction is of the run that its task shows.
    there = single.predictions_there()
    shown = {one["task"]: one["result"] for one in there if one["model_version"] == version}
    for sample_id, task_id in single.task_ids().items():
        old = f"It leaves on day {int(sample_id[2:])}."
        (item,) = shown[task_id]
        assert item["value"]["text"] == [old if sample_id in first else "Never."]


def test_when_everything_is_answered_there_is_nothing_to_refresh(single: Loop) -> None:
    fill(single, [record(number, 4) for number in range(4)])
    single.run("push", "--batch-size", "4")
    answer_all(single, 4)
    calibrators(single, "recorded")
    done = refresh(single)
    assert (done.created, done.left, done.shown) == (0, 0, False)
    assert queue_version(single) == "agent-1"
    with single.store() as db:
        assert not refresh_due(single.project, db)


def test_a_task_that_was_deleted_in_label_studio_holds_nothing_up(single: Loop) -> None:
    fill(single, [record(number, 4) for number in range(4)])
    single.run("push", "--batch-size", "4")
    gone = single.task_ids()["c-0000"]
    single.api().delete(f"/api/tasks/{gone}/")
    calibrators(single, "recorded")
    assert refresh(single).created == 3
    assert queue_version(single) == FIRST


def test_a_prediction_that_the_backend_made_meanwhile_is_not_doubled(single: Loop) -> None:
    fill(single, [record(number, 4) for number in range(4)])
    single.run("push", "--batch-size", "4")
    calibrators(single, "recorded")
    there = single.task_ids()["c-0002"]
    made = {"task": there, "result": [], "score": 0.45, "model_version": FIRST}
    single.api().post("/api/predictions/", json=made)
    done = refresh(single)
    assert (done.created, done.found) == (3, 1)
    assert scores(single, FIRST)[there] == 0.45


# Stopped at any moment, and done again


@pytest.fixture
def chunks_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small chunks, and no waiting for what will not come."""
    monkeypatch.setattr("sync.refresh_scores.CHUNK", 2)
    monkeypatch.setattr("sync.grace.GRACE_SECONDS", 0.0)


class Dying:
    """Creates predictions until the call number `at`, which is cut off."""

    def __init__(self, at: int, *, arrives: bool) -> None:
        self.calls, self.at, self.arrives = 0, at, arrives

    def __call__(self, *arguments: Any) -> None:
        self.calls += 1
        if self.calls != self.at or self.arrives:
            create_predictions(*arguments)
        if self.calls == self.at:
            raise LabelStudioError("cut off")


@pytest.mark.parametrize("arrives", [True, False])
def test_a_refresh_that_was_cut_off_is_finished_without_doubles(
    single: Loop, monkeypatch: pytest.MonkeyPatch, chunks_of_two: None, arrives: bool
) -> None:
    fill(single, [record(number, 5) for number in range(5)])
    single.run("push", "--batch-size", "5")
    calibrators(single, "recorded")
    monkeypatch.setattr("sync.refresh_scores.create_predictions", Dying(2, arrives=arrives))
    with pytest.raises(LabelStudioError, match="cut off"):
        refresh(single)
    # The queue still goes by the version that all tasks have.
    assert queue_version(single) == "agent-1"
    with single.store() as db:
        assert refresh_due(single.project, db)

    done = refresh(single)

    assert (done.created, done.found) == ((1, 2) if arrives else (3, 0))
    assert scores(single, FIRST).keys() == set(single.task_ids().values())
    assert queue_version(single) == FIRST
    with single.store() as db:
        assert not refresh_due(single.project, db)


def test_what_comes_through_after_it_was_sent_again_is_removed(
    single: Loop, monkeypatch: pytest.MonkeyPatch, chunks_of_two: None
) -> None:
    fill(single, [record(number, 3) for number in range(3)])
    single.run("push", "--batch-size", "3")
    calibrators(single, "recorded")
    lost: list[Callable[[], None]] = []

    def late(*arguments: Any) -> None:
        if not lost:
            lost.append(lambda: create_predictions(*arguments))
            raise LabelStudioError("cut off")
        create_predictions(*arguments)
        if len(lost) == 1:
            lost.append(lambda: None)
            with single.project.client() as client:
                create_predictions(client, *arguments[1:])

    monkeypatch.setattr("sync.refresh_scores.create_predictions", late)
    with pytest.raises(LabelStudioError, match="cut off"):
        refresh(single)
    assert refresh(single).doubles_removed == 2
    assert len(scores(single, FIRST)) == 3


def test_a_refresh_in_parts_goes_on_where_it_was(single: Loop, chunks_of_two: None) -> None:
    fill(single, [record(number, 5) for number in range(5)])
    single.run("push", "--batch-size", "5")
    calibrators(single, "recorded")
    parts = [refresh(single, most=2) for _ in range(3)]
    assert [(one.created, one.left, one.shown) for one in parts] == [
        (2, 3, False),
        (2, 1, False),
        (1, 0, True),
    ]
    assert len(scores(single, FIRST)) == 5


def test_a_push_at_work_is_not_disturbed(single: Loop) -> None:
    fill(single, [record(number, 2) for number in range(2)])
    single.run("push", "--batch-size", "2")
    calibrators(single, "recorded")
    with single.store() as db, single.project.client() as client:
        with claimed(single.project, "push"):
            assert refresh_scores(single.project, db, client) is None
        assert refresh_due(single.project, db)
        assert refresh_scores(single.project, db, client) is not None


def test_one_call_fits_and_refreshes_for_the_worker(single: Loop) -> None:
    fill(single, [record(number, 100) for number in range(100)])
    single.run("push", "--batch-size", "70")
    answer_all(single, 100)
    single.run("push", "--batch-size", "3")
    with single.store() as db, single.project.client() as client:
        done = calibrate(single.project, db, client)
    assert done.calibrated
    assert done.refreshed is not None
    assert (done.refreshed.created, done.refreshed.shown) == (3, True)


def test_a_slope_that_is_extreme_still_gives_scores_from_0_to_1(single: Loop) -> None:
    fill(single, [record(number, 3) for number in range(3)])
    single.run("push", "--batch-size", "3")
    with single.store() as db:
        save_calibrators(db, "agent-1", [Fitted("recorded", Platt(400.0, 9.0), {}, "mark")])
    refresh(single)
    assert all(0 <= score <= 1 for score in scores(single, FIRST).values())
