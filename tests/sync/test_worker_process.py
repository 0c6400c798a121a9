"""The worker, as a process: consensus follows the annotators without anybody asking."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from store.inbox import add_hint
from tests.sync.dying import dies, start
from tests.sync.proxy import Proxy

pytestmark = pytest.mark.labelstudio


@pytest.fixture
def worker(loop):
    """Starts the worker on the loop's folder; it has to end well when it is told to."""
    running = []

    def begin():
        process = start(loop.folder, ("worker",))
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.is_alive():
            process.terminate()
        process.join(15)
        if process.exitcode is None:
            process.kill()
            pytest.fail("the worker did not stop")
        assert process.exitcode == 0


def eventually(found, wanted, seconds=20.0):
    """Wait until it is so; fails with what was there instead."""
    end = time.monotonic() + seconds
    while (now := found()) != wanted:
        assert time.monotonic() < end, f"still {now}, not {wanted}"
        time.sleep(0.1)


def test_it_follows_every_answer_and_every_deletion(loop, worker):
    loop.configure("worker", interval=1.0)
    worker()  # before there is anything to follow
    tasks = loop.pushed(2)
    loop.answer(0, tasks["s-000"])
    eventually(loop.states, {"s-000": "waiting"})
    begun = time.monotonic()
    given = loop.answer(1, tasks["s-000"])
    eventually(loop.states, {"s-000": "agreed"})
    assert time.monotonic() - begun < 8
    loop.api().delete(f"/api/annotations/{given}/")
    eventually(loop.states, {"s-000": "waiting"})


def test_a_hint_is_followed_up_long_before_the_interval_ends(loop, worker):
    loop.configure("worker", interval=3600.0)
    task = loop.pushed(1)["s-000"]
    worker()
    eventually(lambda: len(loop.rows("SELECT 1 FROM cursors WHERE name LIKE 'pull:%'")), 1)
    loop.answer(0, task)
    with loop.store() as db:
        add_hint(db, "ANNOTATION_CREATED", loop.project_id, [task], [])
    eventually(loop.states, {"s-000": "waiting"})
    eventually(lambda: loop.json("status")["waiting_hints"], 0)


def test_it_survives_that_label_studio_is_away(loop, worker):
    away = threading.Event()
    loop.configure("worker", interval=1.0)
    task = loop.pushed(1)["s-000"]
    cut = lambda _: "answer" if away.is_set() else None  # noqa: E731
    with Proxy(loop.server.server.settings.port, cut) as proxy:
        loop.configure("label_studio", url=proxy.url)
        away.set()
        process = worker()
        log = loop.folder / "dying.log"
        eventually(lambda: log.exists() and "trying again soon" in log.read_text(), True)
        loop.answer(0, task)
        away.clear()
        eventually(loop.states, {"s-000": "waiting"})
        away.set()
        loop.answer(1, task)
        time.sleep(1.5)
        assert process.is_alive()
        away.clear()
        eventually(loop.states, {"s-000": "agreed"})
        process.terminate()
        process.join(15)
    assert loop.server.admin.token not in log.read_text()
    assert "Traceback" not in log.read_text()


def test_it_makes_up_for_a_pull_that_died_before_its_consensus(loop, worker):
    task = loop.pushed(1)["s-000"]
    loop.answer(0, task)
    dies(loop.folder, ("pull",), ("before", "sync.reconcile", "update_consensus", 1))
    assert loop.states() == {}
    worker()
    eventually(loop.states, {"s-000": "waiting"})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_it_is_told_to(loop, worker, number):
    loop.pushed(1)
    process = worker()
    eventually(lambda: len(loop.rows("SELECT 1 FROM cursors WHERE name LIKE 'pull:%'")), 1)
    os.kill(process.pid, number)
    process.join(10)
    assert process.exitcode == 0
