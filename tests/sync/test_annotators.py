"""Several people label: what they say, change, skip and delete reaches the consensus."""

from __future__ import annotations

import json

import pytest

from sync import pull
from tests.sync.loop import VERDICT

pytestmark = pytest.mark.labelstudio

WRONG = {**VERDICT, "correctness": "incorrect"}


@pytest.fixture
def no_overlap(monkeypatch):
    """An incremental pull looks back 30 seconds; a test has no time for that."""
    monkeypatch.setattr(pull, "OVERLAP", pull.OVERLAP * 0)


def labels(loop, sample_id):
    [one] = [one for one in loop.json("consensus") if one["sample_id"] == sample_id]
    return one


def history(loop, annotation_id):
    rows = loop.rows(
        "SELECT result, deleted_at FROM annotation_history WHERE annotation_id = ? "
        "ORDER BY history_id",
        annotation_id,
    )
    return [(_verdict(json.loads(result)), deleted) for result, deleted in rows]


def _verdict(result):
    [verdict] = [r["value"]["choices"] for r in result if r["from_name"] == "correctness"]
    return verdict[0]


class TestHowManyAreAsked:
    @pytest.mark.parametrize("people", [2, 3])
    def test_the_queue_asks_as_many_people_as_the_settings_say(self, loop, people):
        loop.configure("label_studio", annotators_per_task=people)
        loop.configure("consensus", min_annotators=people)
        loop.pushed(3)
        done = loop.annotate({f"s-{n:03}": VERDICT for n in range(3)})
        assert sum(done.values()) == 3 * people
        loop.run("pull")
        assert loop.states() == dict.fromkeys(("s-000", "s-001", "s-002"), "agreed")
        assert {one["annotators"] for one in loop.json("consensus")} == {people}

    def test_a_sample_waits_until_enough_people_have_answered(self, loop):
        loop.configure("consensus", min_annotators=3)
        task = loop.pushed(1)["s-000"]
        states = []
        for person in (0, 1, 2):
            loop.answer(person, task)
            loop.run("pull")
            states.append(loop.states()["s-000"])
        assert states == ["waiting", "waiting", "agreed"]

    def test_two_against_one_is_decided_and_one_against_one_is_disputed(self, loop):
        task = loop.pushed(1)["s-000"]
        loop.answer(0, task)
        loop.answer(1, task, WRONG)
        loop.run("pull")
        assert labels(loop, "s-000")["state"] == "disputed"
        assert labels(loop, "s-000")["disputed"] == ["correctness"]
        loop.answer(2, task, WRONG)
        loop.run("pull")
        assert labels(loop, "s-000")["state"] == "agreed"
        assert labels(loop, "s-000")["labels"]["correctness"] == "incorrect"


def test_several_annotations_by_one_person_count_once_the_latest(loop):
    task = loop.pushed(1)["s-000"]
    loop.answer(0, task, WRONG)
    loop.answer(0, task, VERDICT)
    loop.run("pull")
    assert labels(loop, "s-000")["annotators"] == 1
    assert loop.states() == {"s-000": "waiting"}
    loop.answer(1, task, VERDICT)
    loop.run("pull")
    assert labels(loop, "s-000")["labels"]["correctness"] == "correct"


def test_a_skip_is_counted_and_never_voted(loop):
    task = loop.pushed(1)["s-000"]
    loop.answer(0, task)
    loop.answer(1, task, WRONG, was_cancelled=True)
    loop.run("pull")
    found = labels(loop, "s-000")
    assert (found["state"], found["annotators"], found["skips"]) == ("waiting", 1, 1)
    status = loop.json("status")
    assert (status["annotations"], status["skips"]) == (1, 1)
    assert sorted(skips for _, _, skips, _ in status["annotators"]) == [0, 1]
    assert "1 skips" in loop.run("status").stdout


def test_a_person_who_skipped_and_then_answered_counts_as_one_who_answered(loop):
    task = loop.pushed(1)["s-000"]
    skipped = loop.answer(0, task, was_cancelled=True)
    loop.run("pull")
    loop.api(loop.server.annotators[0]).patch(
        f"/api/annotations/{skipped}/", json={"was_cancelled": False}
    )
    loop.run("pull")
    found = labels(loop, "s-000")
    assert (found["annotators"], found["skips"]) == (1, 0)


class TestWhatAnIncrementalPullSees:
    @pytest.fixture
    def agreed(self, loop, no_overlap):
        """Three samples, the first agreed on by two people and pulled; (loop, task, ids)."""
        tasks = loop.pushed(3)
        ids = [loop.answer(person, tasks["s-000"]) for person in (0, 1)]
        loop.run("pull")
        assert loop.states() == {"s-000": "agreed"}
        return loop, tasks["s-000"], ids

    def test_a_changed_annotation_and_its_old_form_stays_in_the_history(self, agreed):
        loop, _, ids = agreed
        result = json.dumps(loop.tasks_there()[0]["annotations"][0]["result"])
        other = json.loads(result.replace('"correct"', '"incorrect"'))
        loop.api().patch(f"/api/annotations/{ids[0]}/", json={"result": other})
        assert loop.json("pull")["changed"] == ["s-000"]
        assert loop.states() == {"s-000": "disputed"}
        assert history(loop, ids[0]) == [("correct", None)]

    def test_a_deleted_annotation_and_its_old_form_stays_in_the_history(self, agreed):
        loop, _, ids = agreed
        loop.api().delete(f"/api/annotations/{ids[1]}/")
        assert loop.json("pull")["changed"] == ["s-000"]
        assert loop.states() == {"s-000": "waiting"}
        assert history(loop, ids[1]) == [("correct", None)]
        assert loop.json("status")["deleted"] == 1

    def test_annotations_deleted_in_bulk_in_the_data_manager(self, agreed):
        loop, task, _ = agreed
        loop.api().post(
            "/api/dm/actions",
            params={"id": "delete_tasks_annotations", "project": loop.project_id},
            json={"selectedItems": {"all": False, "included": [task]}},
        )
        assert loop.json("pull")["changed"] == ["s-000"]
        assert loop.states() == {"s-000": "waiting"}

    def test_no_more_than_what_changed(self, agreed):
        loop, _, _ = agreed
        assert loop.json("pull", "--full")["tasks"] == 3
        quiet = loop.json("pull")
        assert (quiet["tasks"], quiet["changed"]) == (0, [])
        loop.answer(2, loop.task_ids()["s-002"])
        again = loop.json("pull")
        assert (again["tasks"], again["changed"]) == (1, ["s-002"])


def test_pulling_again_changes_nothing(loop):
    tasks = loop.pushed(3)
    for task in tasks.values():
        loop.answer(0, task)
    assert loop.json("pull")["changed"] == sorted(tasks)
    before = loop.rows("SELECT * FROM annotations ORDER BY 1")
    for arguments in (("pull",), ("pull", "--full"), ("pull",)):
        assert loop.json(*arguments)["changed"] == []
    assert loop.rows("SELECT * FROM annotations ORDER BY 1") == before
    assert loop.rows("SELECT * FROM annotation_history") == []


class TestTasksThatGoAndCome:
    def test_a_full_pull_notices_a_deleted_task_and_its_answers_stand(self, loop):
        tasks = loop.pushed(2)
        for person in (0, 1):
            loop.answer(person, tasks["s-000"])
        loop.run("pull")
        loop.api().delete(f"/api/tasks/{tasks['s-000']}/")
        assert loop.json("pull", "--full")["deleted"] == 1
        assert loop.json("status")["tasks"] == {"deleted": 1, "delivered": 1}
        loop.run("consensus")
        assert loop.states() == {"s-000": "agreed"}
        assert loop.json("commit")["items"] == 1

    def test_a_deleted_task_is_not_sent_again(self, loop):
        tasks = loop.pushed(2)
        loop.api().delete(f"/api/tasks/{tasks['s-000']}/")
        loop.run("pull", "--full")
        assert loop.json("push")["sent"] == 0
        assert loop.samples_there() == ["s-001"]

    def test_a_task_made_by_hand_is_counted_and_left_alone(self, loop):
        loop.pushed(1)
        data = {**loop.tasks_there()[0]["data"], "sample_id": "s-000"}
        made = loop.api().post("/api/tasks/", json={"project": loop.project_id, "data": data})
        loop.answer(0, made.json()["id"])
        pulled = loop.json("pull", "--full")
        assert (pulled["tasks"], pulled["foreign"], pulled["doubles_removed"]) == (1, 1, 0)
        assert pulled["changed"] == []
        assert len(loop.tasks_there()) == 2
        assert loop.json("pull")["foreign"] == 1


JUNK = (
    [{"from_name": "nobody", "to_name": "trace", "type": "choices", "value": {"choices": ["a"]}}],
    [{"from_name": "correctness", "type": "choices", "value": {"choices": ["splendid"]}}],
    [{"from_name": "correctness", "type": "rating", "value": {"rating": 4}}],
    [{"value": "?"}, {}, {"from_name": ["correctness"], "value": None}],
    [],
)


def test_annotations_of_junk_do_no_harm(loop):
    tasks = loop.pushed(len(JUNK))
    for junk, task in zip(JUNK, tasks.values(), strict=True):
        loop.person(2).create_annotation(task, {"result": junk})
        for person in (0, 1):
            loop.answer(person, task)
    loop.run("pull")
    for sample_id in tasks:
        found = labels(loop, sample_id)
        assert (found["state"], found["labels"]["correctness"]) == ("agreed", "correct")
    assert loop.json("commit")["items"] == len(JUNK)
