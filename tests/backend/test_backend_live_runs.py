"""Runs on demand: many at once, each once, none waited for too long, none forgotten."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from project_folder import Folder, record, tasks_of

from backend.breaker import State
from backend.live_runs import LiveRuns
from goldloop.samples import Run
from store.database import Store, open_store
from store.wanted_runs import claim_run, claimant, late_runs, want_runs

Log = Callable[[], list[str]]

# It notes each question, waits while there is a file `wait`, and fails as the file `fail` says.
STEERED = """
import time
HERE = Path(__file__).parent
def answer(asked):
    note(asked)
    while (HERE / "wait").exists() and not (HERE / f"go-{asked['sample_id']}").exists():
        time.sleep(0.01)
    fail = HERE / "fail"
    if fail.exists():
        raise eval(fail.read_text())
    return {"response": "live", "confidence": 0.75}
"""


@pytest.fixture
def steered(folder: Folder) -> Folder:
    """A folder whose agent does as its files say, and whose requests wait for two seconds."""
    folder.use_agent(STEERED)
    folder.configure("backend", deadline=2)
    return folder


def scores(client: FlaskClient, *names: str) -> list[float]:
    """What is predicted; 0.75 is the agent's, 0.5 is empty."""
    reply = client.post("/predict", json={"tasks": tasks_of(*names)})
    results: list[dict[str, Any]] = reply.get_json()["results"]
    return [item["score"] for item in results]


def live(client: FlaskClient) -> LiveRuns:
    found: LiveRuns = client.application.extensions["goldloop"].live
    return found


def until(true: Callable[[], bool], seconds: float = 15) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def runs(folder: Folder) -> list[str]:
    return [name for (name,) in folder.rows("SELECT sample_id FROM runs ORDER BY 1")]


def hold(folder: Folder) -> None:
    (folder.path / "wait").touch()


def go(folder: Folder) -> None:
    (folder.path / "wait").unlink()


def fail(folder: Folder, error: str) -> None:
    (folder.path / "fail").write_text(error)


def test_the_agent_is_asked_about_as_many_at_once_as_the_settings_say(folder: Folder) -> None:
    folder.use_agent(
        """
import threading, time
lock, under_way, most = threading.Lock(), 0, 0
def answer(asked):
    global under_way, most
    with lock:
        under_way += 1
        most = max(most, under_way)
    time.sleep(0.1)
    with lock:
        under_way -= 1
    return {"response": str(most), "confidence": 0.75}
"""
    )
    folder.configure("agent", concurrency=5)
    names = [f"s{number}" for number in range(20)]
    folder.add(*map(record, names))
    assert scores(folder.client(), *names) == [0.75] * 20
    [(most,)] = folder.rows("SELECT max(CAST(response AS INTEGER)) FROM runs")
    assert most == 5


def test_the_same_sample_in_many_requests_at_once_is_run_once(steered: Folder) -> None:
    steered.add(record("a"), record("b"))
    client = steered.client()
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda _: scores(client, "a", "b", "a"), range(6)))
    assert found == [[0.75] * 3] * 6
    assert sorted(steered.asked()) == ["a", "b"]


def test_the_same_sample_in_two_processes_is_run_once_and_both_have_its_run(
    steered: Folder,
) -> None:
    steered.add(record("a"), record("b"))
    clients = [steered.client(), steered.client()]  # as two processes: each claims for itself
    hold(steered)
    with ThreadPoolExecutor(2) as threads:
        found = [threads.submit(scores, client, "a", "b") for client in clients]
        assert until(lambda: len(steered.asked()) >= 2)
        go(steered)
        assert [one.result() for one in found] == [[0.75] * 2] * 2
    assert sorted(steered.asked()) == ["a", "b"]


def test_what_is_ready_at_the_deadline_is_answered_and_the_rest_is_made_later(
    steered: Folder,
) -> None:
    steered.add(record("a"), record("b"), record("c"))
    client = steered.client()
    hold(steered)
    (steered.path / "go-b").touch()
    begun = time.monotonic()
    assert scores(client, "a", "b", "c") == [0.5, 0.75, 0.5]
    assert 1.5 < time.monotonic() - begun < 10
    go(steered)
    assert until(lambda: runs(steered) == ["a", "b", "c"])
    assert scores(client, "a", "b", "c") == [0.75] * 3
    assert sorted(steered.asked()) == ["a", "b", "c"]
    with closing(open_store(steered.path / "goldloop.db")) as db:
        assert late_runs(db, "live-1") == ["a", "c"]


def test_what_a_process_left_over_is_made_by_the_next_that_serves(steered: Folder) -> None:
    steered.add(record("a"), record("b"))
    with closing(open_store(steered.path / "goldloop.db")) as db:
        want_runs(db, "live-1", ["a", "b"], 10)
    client = steered.client()
    time.sleep(0.3)
    assert steered.asked() == []
    live(client).begin()
    assert until(lambda: runs(steered) == ["a", "b"])
    live(client).stop(1)


def test_a_request_for_one_task_goes_before_what_is_left_of_a_large_one(steered: Folder) -> None:
    steered.configure("agent", concurrency=1)
    names = [f"s{number}" for number in range(6)]
    steered.add(*map(record, names), record("mine"))
    client = steered.client()
    hold(steered)
    with ThreadPoolExecutor(2) as threads:
        large = threads.submit(scores, client, *names)
        assert until(lambda: steered.asked() == ["s0"])
        small = threads.submit(scores, client, "mine")
        assert until(lambda: len(live(client)._queue) >= 7)
        go(steered)
        assert (small.result(), large.result()) == ([0.75], [0.75] * 6)
    assert steered.asked()[:2] == ["s0", "mine"]


def test_more_requests_than_may_wait_are_answered_at_once_and_their_runs_made_later(
    steered: Folder,
) -> None:
    steered.configure("backend", threads=4, deadline=20)
    names = [f"s{number}" for number in range(4)]
    steered.add(*map(record, names), record("old", 0.25, agent_version="live-1"))
    client = steered.client()
    hold(steered)
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(scores, client, name) for name in names[:2]]
        assert until(lambda: len(steered.asked()) == 2)
        begun = time.monotonic()
        assert scores(client, "s2", "old", "s3") == [0.5, 0.25, 0.5]
        assert time.monotonic() - begun < 10
        go(steered)
        assert [one.result() for one in waiting] == [[0.75]] * 2
    assert until(lambda: len(runs(steered)) == 5)


def test_what_does_not_fit_the_queue_is_empty_counted_and_told_once(
    steered: Folder, log: Log
) -> None:
    steered.configure("backend", queue=2)
    steered.add(*map(record, "abcde"))
    client = steered.client()
    assert scores(client, *"abcde") == [0.75, 0.75, 0.5, 0.5, 0.5]
    assert scores(client, *"ab") == [0.75, 0.75]
    hold(steered)
    scores(client, *"cde")
    go(steered)
    assert "goldloop_wanted_runs_refused_total 4.0" in client.get("/metrics").text
    assert [line for line in log() if "queue" in line] == [
        "3 runs are not made: [backend] queue = 2 is full"
    ]
    assert until(lambda: runs(steered) == list("abcd"))


@pytest.mark.parametrize("error", ["ConnectionError('refused')", "TimeoutError('late')"])
def test_an_agent_that_is_down_is_left_alone_and_no_sample_is_marked_as_failed(
    steered: Folder, log: Log, error: str
) -> None:
    steered.configure("backend", failures=3)
    steered.configure("agent", concurrency=2)
    names = [f"s{number}" for number in range(20)]
    steered.add(*map(record, names), record("old", 0.25, agent_version="live-1"))
    client = steered.client()
    fail(steered, error)
    assert scores(client, *names, "old") == [0.5] * 20 + [0.25]
    assert live(client).breaker.state is State.OPEN
    asked = len(steered.asked())
    assert 3 <= asked <= 5
    begun = time.monotonic()
    assert scores(client, *names, "old") == [0.5] * 20 + [0.25]
    assert time.monotonic() - begun < 1.5
    assert (len(steered.asked()), runs(steered)) == (asked, ["old"])
    assert "goldloop_agent_breaker 2.0" in client.get("/metrics").text
    assert log().count("the agent is left alone for 5 s") == 1


def test_an_agent_that_is_up_again_makes_all_that_was_wanted_meanwhile(
    steered: Folder, log: Log
) -> None:
    steered.configure("backend", failures=2)
    names = [f"s{number}" for number in range(10)]
    steered.add(*map(record, names))
    client = steered.client()
    live(client).breaker._first = live(client).breaker._pause = 0.2
    fail(steered, "ConnectionError('refused')")
    scores(client, *names)
    (steered.path / "fail").unlink()
    # What failed is tried again after ten seconds.
    steered.change("UPDATE wanted_runs SET claimed_until = NULL")
    live(client).begin()
    assert until(lambda: runs(steered) == sorted(names))
    live(client).stop(1)
    assert "goldloop_agent_breaker 0.0" in client.get("/metrics").text
    told = [line for line in log() if line.startswith("the agent is") or "again" in line]
    assert told[-2:] == ["the agent is tried again", "the agent answers again"]


def test_failures_that_turn_out_to_be_the_agents_are_withdrawn(steered: Folder) -> None:
    steered.configure("backend", failures=1)
    steered.configure("agent", concurrency=1)
    steered.add(*map(record, "abcdef"))
    client = steered.client()
    fail(steered, "ValueError('what is wrong here?')")
    assert scores(client, *"abc") == [0.5] * 3
    assert runs(steered) == ["a", "b", "c"]
    # The fourth in a row, each a quarter.
    assert scores(client, *"def") == [0.5] * 3
    assert live(client).breaker.state is State.OPEN
    assert runs(steered) == []
    wanted = steered.rows("SELECT sample_id FROM wanted_runs ORDER BY 1")
    assert wanted == [(name,) for name in "abcdef"]


def test_a_sample_on_which_an_agent_that_is_up_fails_stays_failed(steered: Folder) -> None:
    steered.configure("backend", failures=1)
    steered.configure("agent", concurrency=1)
    steered.add(*map(record, "abcdef"))
    client = steered.client()
    for name in "abcdef":
        (steered.path / "fail").unlink(missing_ok=True)
        if name in "ace":
            fail(steered, "ValueError('no')")
        scores(client, name)
    errors = steered.rows("SELECT sample_id FROM runs WHERE error IS NOT NULL ORDER BY 1")
    assert errors == [("a",), ("c",), ("e",)]


def test_a_sample_that_was_begun_too_often_is_given_up(steered: Folder) -> None:
    steered.add(record("deadly"))
    with closing(open_store(steered.path / "goldloop.db")) as db:
        want_runs(db, "live-1", ["deadly"], 10)
        for _ in range(5):
            claim_run(db, "deadly", "live-1", "elsewhere:/1/a", seconds=-1)
    assert scores(steered.client(), "deadly") == [0.5]
    assert steered.asked() == []
    [(error,)] = steered.rows("SELECT error FROM runs")
    assert "'deadly': begun 5 times" in error


def test_an_agent_that_hangs_is_waited_for_once_and_then_left_alone(steered: Folder) -> None:
    steered.configure("backend", failures=2, deadline=1)
    steered.configure("agent", concurrency=2)
    steered.add(*map(record, "abcd"))
    client = steered.client()
    hold(steered)
    assert scores(client, *"abcd") == [0.5] * 4
    assert until(lambda: live(client).breaker.state is State.OPEN)
    begun = time.monotonic()
    assert scores(client, *"abcd") == [0.5] * 4
    assert time.monotonic() - begun < 0.9
    assert sorted(steered.asked()) == ["a", "b"]
    go(steered)
    # That it answers after all closes it, and the rest is made.
    assert until(lambda: runs(steered)[:2] == ["a", "b"])
    assert scores(client, *"abcd") == [0.75] * 4


def test_who_waits_is_let_go_when_the_server_ends_and_others_may_go_on(steered: Folder) -> None:
    steered.configure("backend", deadline=60)
    steered.add(*map(record, "ab"))
    client = steered.client()
    hold(steered)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(scores, client, "a", "b")
        assert until(lambda: len(steered.asked()) == 2)
        threading.Thread(target=live(client).stop, args=(0.2,)).start()
        assert waiting.result(10) == [0.5, 0.5]
    assert until(
        lambda: steered.rows("SELECT count(*) FROM wanted_runs WHERE claimed_by IS NULL") == [(2,)]
    )
    with closing(open_store(steered.path / "goldloop.db")) as db:
        assert claim_run(db, "a", "live-1", claimant()).ours
    go(steered)


def test_a_run_that_was_under_way_when_the_server_ends_is_kept(steered: Folder) -> None:
    steered.add(record("a"))
    client = steered.client()
    hold(steered)
    with ThreadPoolExecutor(2) as threads:
        threads.submit(scores, client, "a")
        assert until(lambda: steered.asked() == ["a"])
        stopping = threads.submit(live(client).stop, 10)
        time.sleep(0.1)
        go(steered)
        stopping.result()
    assert runs(steered) == ["a"]
    assert steered.rows("SELECT * FROM wanted_runs WHERE late_at IS NULL") == []


def test_a_run_that_was_claimed_elsewhere_and_let_go_is_made_here(steered: Folder) -> None:
    steered.configure("backend", deadline=20)
    steered.add(record("a"))
    client = steered.client()
    with closing(open_store(steered.path / "goldloop.db")) as db:
        want_runs(db, "live-1", ["a"], 10)
        claim_run(db, "a", "live-1", "elsewhere:/1/a", seconds=1)
    assert scores(client, "a") == [0.75]
    assert steered.asked() == ["a"]


def test_a_writer_that_holds_the_store_for_a_moment_costs_nothing_but_that(
    steered: Folder,
) -> None:
    steered.configure("backend", deadline=20)
    steered.add(record("a"))
    client = steered.client()
    with closing(sqlite3.connect(steered.path / "goldloop.db", check_same_thread=False)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(scores, client, "a")
            time.sleep(1.5)
            writer.rollback()
            assert waiting.result(20) == [0.75]


@pytest.mark.parametrize("confidence", [float("nan"), -0.5, 1.5, float("inf"), float("-inf")])
def test_a_calibrator_that_talks_nonsense_gets_no_score_out_but_one_from_0_to_1(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, confidence: float
) -> None:
    def nonsense(_db: Store, runs: Sequence[Run]) -> list[Run]:
        return [replace(run, confidence=confidence) for run in runs]

    monkeypatch.setattr("backend.predictions.comparable", nonsense)
    folder.add(record("a", 0.5))
    [score] = scores(folder.client(), "a")
    assert 0 <= score <= 1
