"""Disagreement goes to the next person by itself, and to nobody else."""

import pytest

from sync.reconcile import reconcile
from sync.route import route_disputes
from tests.sync.loop import VERDICT

pytestmark = pytest.mark.labelstudio

WRONG = {**VERDICT, "correctness": "incorrect"}
PARTLY = {**VERDICT, "correctness": "partially_correct"}


@pytest.fixture
def disputed(loop):
    """A task that two people answered differently, and its id; a second one that they agree on."""
    tasks = loop.pushed(2)
    for person, answers in enumerate((VERDICT, WRONG)):
        loop.answer(person, tasks["s-000"], answers)
        loop.answer(person, tasks["s-001"])
    loop.run("pull")
    assert loop.states() == {"s-000": "disputed", "s-001": "agreed"}
    return loop, tasks["s-000"]


def _next(loop, person):
    task = loop.person(person).next_task(loop.project_id)
    return task and task["id"]


def test_a_disputed_task_is_served_to_a_third_annotator_and_to_nobody_else(disputed):
    loop, task = disputed
    assert [_next(loop, person) for person in range(3)] == [None, None, None]
    assert loop.json("route")["asked"] == ["s-000"]
    assert [_next(loop, person) for person in range(3)] == [None, None, task]
    loop.answer(2, task, WRONG)
    loop.run("pull")
    assert loop.states() == {"s-000": "agreed", "s-001": "agreed"}
    assert loop.json("disputes") == []


def test_asking_again_asks_nobody_else_while_the_answer_is_out(disputed):
    loop, _ = disputed
    loop.run("route")
    again = loop.json("route")
    assert again["asked"] == again["mended"] == []
    assert again["waiting"] == ["s-000"]
    assert loop.rows("SELECT overlap FROM further_annotators") == [(3,)]


def test_an_answer_that_we_have_not_fetched_yet_is_no_lost_request(disputed):
    loop, task = disputed
    loop.run("route")
    loop.answer(2, task, WRONG)
    assert loop.json("route")["mended"] == []
    assert loop.api().get(f"/api/tasks/{task}/").json()["is_labeled"]


def test_what_a_third_annotator_does_not_settle_is_ambiguous(disputed):
    loop, task = disputed
    loop.run("route")
    loop.answer(2, task, PARTLY)
    loop.run("pull")
    assert loop.states()["s-000"] == "ambiguous"
    [dispute] = loop.json("disputes")
    assert dispute["field"] == "correctness"
    assert dispute["next"] == "expert"
    assert sorted(dispute["answers"]) == ["correct", "incorrect", "partially_correct"]
    assert dispute["link"].endswith(f"/projects/{loop.project_id}/data?task={task}")
    assert loop.json("route")["asked"] == []


def test_disputes_say_who_is_next(disputed):
    loop, _ = disputed
    assert [one["next"] for one in loop.json("disputes")] == ["another"]
    assert "one more annotator: goldloop route" in loop.run("disputes").stdout
    assert "goldloop route" in [one["command"] for one in loop.json("status")["next"]]
    loop.run("route")
    waiting = [(one["who"], one["what"]) for one in loop.json("status")["next"]]
    assert ("annotators", "1 disputed sample to answer once more") in waiting
    assert [one["next"] for one in loop.json("disputes")] == ["wait"]
    assert "one more annotator was asked" in loop.run("disputes").stdout


def test_an_annotation_marked_as_ground_truth_settles_the_task(disputed):
    loop, task = disputed
    loop.answer(2, task, PARTLY, ground_truth=True)
    loop.run("pull")
    assert loop.states()["s-000"] == "adjudicated"
    manifest = loop.json("commit")
    assert manifest["items"] == 2
    [found] = [one for one in loop.json("consensus") if one["sample_id"] == "s-000"]
    assert found["labels"]["correctness"] == "partially_correct"


def test_a_request_that_a_project_setting_resets_is_made_again(disputed):
    loop, task = disputed
    loop.run("route")
    api = loop.api()
    api.patch(f"/api/projects/{loop.project_id}/", json={"maximum_annotations": 1})
    api.patch(f"/api/projects/{loop.project_id}/", json={"maximum_annotations": 2})
    assert api.get(f"/api/tasks/{task}/").json()["overlap"] == 2
    assert loop.json("route")["mended"] == ["s-000"]
    assert _next(loop, 2) == task


def test_a_request_that_was_cut_off_before_it_was_made_is_made_the_next_time(disputed, monkeypatch):
    loop, task = disputed

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sync.client.LabelStudioClient.update_task", die)
        with pytest.raises(KeyboardInterrupt):
            reconcile_and_route(loop)
    assert loop.rows("SELECT confirmed_at FROM further_annotators") == [(None,)]
    loop.run("route")
    assert _next(loop, 2) == task


def reconcile_and_route(loop):

    with loop.store() as db, loop.project.client() as client:
        reconcile(loop.project, db, client)
        route_disputes(loop.project, db, client)


def test_it_says_so_when_everybody_has_answered_or_skipped(make_loop, label_studio_factory):
    loop = make_loop(label_studio_factory(annotators=3))  # where there is nobody else
    task = loop.pushed(1)["s-000"]
    loop.answer(0, task, VERDICT)
    loop.answer(1, task, WRONG)
    loop.person(2).create_annotation(task, {"result": [], "was_cancelled": True})
    loop.run("pull")
    routed = loop.json("route")
    assert routed["asked"] == []
    assert routed["nobody_left"] == ["s-000"]
    assert "invite somebody" in loop.run("route").stderr
    assert routed["to_experts"] == ["s-000"]
    assert [one["next"] for one in loop.json("disputes")] == ["nobody_left"]


def test_a_disputed_task_that_somebody_deleted_holds_nothing_up(disputed):
    loop, task = disputed
    loop.api().delete(f"/api/tasks/{task}/")
    assert loop.json("route")["asked"] == []
    again = loop.json("route")
    assert again["asked"] == again["mended"] == again["waiting"] == []
    assert loop.states()["s-000"] == "disputed"
