"""A push that dies at any moment, and is repeated, leaves one task a sample: no more, no fewer."""

from __future__ import annotations

import random
import time
from functools import partial

import pytest

from store.rounds import finish_round
from sync import grace, pull
from sync.labelstudio.ports import free_port
from tests.sync.dying import dies, start
from tests.sync.proxy import Proxy

pytestmark = pytest.mark.labelstudio

COUNT = 60
PUSH = ("push", "--batch-size", str(COUNT))
SMALL_CHUNKS = (("sync.push", "CHUNK", 20),)
CLIENT = "sync.client"


@pytest.fixture
def short_grace(monkeypatch):
    """Where nothing of the killed push can still be under way, or the test wants it to be late."""
    monkeypatch.setattr(grace, "GRACE_SECONDS", 0.0)


def push_again(loop):
    """What somebody would do: finish what was begun, and begin where nothing was."""
    return loop.json("push") if loop.rows("SELECT 1 FROM rounds") else loop.json(*PUSH)


def assert_delivered(loop, count=COUNT):
    """Each sample has exactly one task, the store knows which, and the round is finished."""
    there = {task["id"]: task["data"]["sample_id"] for task in loop.tasks_there()}
    assert sorted(there.values()) == [f"s-{number:03}" for number in range(count)]
    assert {sample: task for task, sample in there.items()} == loop.task_ids()
    assert loop.json("status")["tasks"] == {"delivered": count}
    assert loop.json("status")["undelivered_rounds"] == 0
    assert len(loop.predictions_there()) == count
    [mark] = loop.rows("SELECT value FROM project WHERE key = 'store_id'")
    # Without `include`, Label Studio counts the tasks of every project of the run.
    asked = {"page_size": 1000, "include": "id,description,model_version"}
    projects = loop.api().get("/api/projects/", params=asked).json()["results"]
    [found] = [project for project in projects if mark[0] in project["description"]]
    assert (found["id"], found["model_version"]) == (loop.project_id, "agent-1")


POINTS = {
    "after the round is written": ("after", "sync.commands.pool", "selected", 1),
    "before the project is asked for": ("before", CLIENT, "LabelStudioClient.create_project", 1),
    "after the project was made": ("after", CLIENT, "LabelStudioClient.create_project", 1),
    "before the project is remembered": ("before", "sync.review_project", "save_review_project", 1),
    "after the tasks were planned": ("after", "sync.push", "plan_tasks", 1),
    "after an import, before its ids are stored": ("before", "sync.delivery", "mark_delivered", 2),
    "between two chunks": ("after", "sync.delivery", "mark_delivered", 2),
    "before the version is shown": ("before", "sync.push", "_show_version", 1),
    "before the round is finished": ("before", "sync.push", "finish_round", 1),
    "after the round is finished": ("after", "sync.push", "finish_round", 1),
}


class TestKilled:
    @pytest.mark.parametrize("point", POINTS.values(), ids=POINTS.keys())
    def test_at_a_point_between_two_steps(self, loop, point, short_grace):
        loop.fill(COUNT)
        dies(loop.folder, PUSH, point, constants=SMALL_CHUNKS)
        push_again(loop)
        assert_delivered(loop)

    def test_after_a_chunk_was_marked_and_before_it_was_sent(self, loop, short_grace):
        loop.fill(COUNT)
        point = ("after", "sync.delivery", "mark_sending", 2)
        dies(loop.folder, PUSH, point, constants=SMALL_CHUNKS)
        delivery = loop.json(*PUSH)
        assert (delivery["sent"], delivery["found"]) == (40, 0)
        assert_delivered(loop)

    def test_while_label_studio_is_importing(self, loop):
        loop.fill(COUNT)
        point = ("during", CLIENT, "LabelStudioClient.import_tasks", 2)
        dies(loop.folder, PUSH, point, constants=SMALL_CHUNKS)
        delivery = loop.json(*PUSH)
        assert (delivery["sent"], delivery["found"], delivery["doubles_removed"]) == (20, 20, 0)
        assert_delivered(loop)

    def test_while_label_studio_is_making_the_project(self, loop):
        loop.fill(COUNT)
        point = ("during", CLIENT, "LabelStudioClient.create_project", 1)
        dies(loop.folder, PUSH, point)
        push_again(loop)
        assert_delivered(loop)

    def test_again_and_again(self, loop, short_grace):
        loop.fill(COUNT)
        for number in (1, 1, 1):
            point = ("before", "sync.delivery", "mark_delivered", number)
            dies(loop.folder, PUSH, point, constants=SMALL_CHUNKS)
        push_again(loop)
        assert_delivered(loop)

    def test_and_what_people_answered_before_the_next_push_is_not_lost(
        self, loop, short_grace, monkeypatch
    ):
        monkeypatch.setattr(pull, "OVERLAP", pull.OVERLAP * 0)
        loop.fill(3)
        before = ("before", "sync.delivery", "mark_delivered", 1)
        dies(loop.folder, ("push", "--batch-size", "3"), before)
        for task in loop.tasks_there():
            loop.answer(0, task["id"])
        pulled = loop.json("pull")
        assert (len(pulled["changed"]), pulled["doubles_removed"]) == (3, 0)
        assert loop.json("push")["found"] == 3
        assert loop.json("pull", "--full")["changed"] == []
        assert set(loop.states().values()) == {"waiting"}
        assert_delivered(loop, 3)

    @pytest.mark.parametrize("seed", range(6))
    def test_at_any_moment(self, loop, seed, monkeypatch):
        loop.fill(COUNT)
        process = start(loop.folder, PUSH, constants=SMALL_CHUNKS)
        time.sleep(random.Random(seed).uniform(0.1, 1.5))  # noqa: S311
        process.kill()
        process.join()
        monkeypatch.setattr(grace, "GRACE_SECONDS", 3.0)
        push_again(loop)
        loop.run("pull")
        assert_delivered(loop)


class TestTheConnectionBreaks:
    @pytest.fixture
    def cut(self, loop):
        """What becomes of the next import: "answer", "late" or nothing special."""
        plan = []

        def decide(line):
            return plan.pop() if plan and line.startswith("POST") and "/import?" in line else None

        with Proxy(loop.server.server.settings.port, decide) as proxy:
            loop.configure("label_studio", url=proxy.url)
            yield plan, proxy

    def test_and_the_answer_to_an_import_is_lost(self, loop, cut):
        plan, _ = cut
        loop.fill(5)
        plan.append("answer")
        assert "cannot import tasks" in loop.refused("push", "--batch-size", "5")
        assert loop.samples_there() == [f"s-{number:03}" for number in range(5)]
        delivery = loop.json("push")
        assert (delivery["sent"], delivery["found"]) == (0, 5)
        assert_delivered(loop, 5)

    def test_and_the_import_arrives_while_the_next_push_waits_for_it(self, loop, cut):
        plan, proxy = cut
        loop.fill(5)
        plan.append("late")
        loop.refused("push", "--batch-size", "5")
        second = start(loop.folder, ("push",))
        time.sleep(2)
        assert proxy.release() == 1
        second.join(30)
        assert second.exitcode == 0
        assert_delivered(loop, 5)

    def test_and_the_import_arrives_after_the_tasks_were_sent_again(self, loop, cut, short_grace):
        plan, proxy = cut
        loop.fill(5)
        plan.append("late")
        loop.refused("push", "--batch-size", "5")
        assert loop.json("push")["sent"] == 5
        loop.run("pull")
        assert proxy.release() == 1
        assert len(loop.samples_there()) == 10
        pulled = loop.json("pull")
        assert (pulled["doubles_removed"], pulled["foreign"]) == (5, 0)
        assert_delivered(loop, 5)
        assert loop.json("pull", "--full")["doubles_removed"] == 0

    def test_and_what_people_said_to_a_task_that_arrived_twice_counts(self, loop, cut, short_grace):
        plan, proxy = cut
        loop.fill(2)
        plan.append("late")
        loop.refused("push", "--batch-size", "2")
        loop.run("push")
        proxy.release()
        known = loop.task_ids()
        twins = {
            task["data"]["sample_id"]: task["id"]
            for task in loop.tasks_there()
            if task["id"] not in known.values()
        }
        loop.answer(0, known["s-000"])
        loop.answer(1, twins["s-000"])
        loop.answer(0, twins["s-001"])
        pulled = loop.json("pull")
        assert pulled["changed"] == ["s-000", "s-001"]
        assert pulled["doubles_removed"] == 1
        assert loop.states() == {"s-000": "agreed", "s-001": "waiting"}
        assert loop.task_ids() == {"s-000": known["s-000"], "s-001": twins["s-001"]}
        assert loop.samples_there() == ["s-000", "s-000", "s-001"]

    def test_and_label_studio_is_not_there_at_all(self, loop, label_studio):
        loop.fill(3)
        loop.configure("label_studio", url=f"http://127.0.0.1:{free_port()}")
        assert "is it running" in loop.refused("push", "--batch-size", "3")
        loop.configure("label_studio", url=label_studio.url)
        assert loop.json("push", "--batch-size", "3")["sent"] == 3
        assert_delivered(loop, 3)


def test_a_push_after_a_push_sends_nothing(loop):
    loop.fill(3)
    assert loop.json("push", "--batch-size", "3")["sent"] == 3
    again = loop.json("push")
    assert (again["sent"], again["found"], again["rounds"]) == (0, 0, [])
    assert_delivered(loop, 3)


def test_two_pushes_at_once_are_one_push_and_a_refusal(loop):
    loop.fill(3)
    go = loop.folder / "go"
    held = [("sync.push", "finish_round", partial(finish_when, go))]
    first = start(loop.folder, ("push", "--batch-size", "3"), constants=held)
    wait_for(lambda: loop.rows("SELECT 1 FROM tasks WHERE state = 'delivered'"))
    assert "another push" in loop.refused("push", "--batch-size", "3")
    go.touch()
    first.join(60)
    assert first.exitcode == 0
    assert_delivered(loop, 3)


def finish_when(go, *arguments):
    """The last step of a push, taken when a file is there."""
    wait_for(go.exists)
    finish_round(*arguments)


def wait_for(happened, seconds=60):
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_killed_push_does_not_hold_the_next_one_back(loop, short_grace):
    loop.fill(3)
    dies(loop.folder, ("push", "--batch-size", "3"), ("before", "sync.delivery", "mark_sending", 1))
    loop.run("push")
    assert_delivered(loop, 3)
