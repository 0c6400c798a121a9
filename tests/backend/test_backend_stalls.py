"""Health and setup answer at once, whatever else happens; webhooks while Label Studio listens."""

from __future__ import annotations

import http.client
import json
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from threading import Event
from typing import Any

import httpx
import pytest
from project_folder import SIGNED, WEBHOOK_SECRET, Folder, record, tasks_of
from running_backend import log_of, served

from backend.doorman import Lane, lane_of
from backend.remembered import Remembered
from goldloop.errors import StoreError
from sync.labelstudio.ports import free_port

# What Label Studio waits is 1 s and 3 s; the machine of the tests may be busy with others.
HEALTH, SETUP = 0.5, 1.0
HANGING = "import time\ndef answer(asked):\n    note(asked)\n    time.sleep(60)\n"
SLOW = "import time\ndef answer(asked):\n    time.sleep(0.2)\n    return 'On its way.'\n"
EVENT = {"action": "ANNOTATION_CREATED", "annotation": {"id": 5, "task": 3}}


@contextmanager
def slowest(client: httpx.Client) -> Iterator[Callable[[], tuple[float, float]]]:
    """While the block runs health and setup are asked for; gives the slowest answer of each."""
    over, found = Event(), {"health": 0.0, "setup": 0.0}

    def ask() -> None:
        while not over.wait(0.02):
            for path, method in (("health", "GET"), ("setup", "POST")):
                # A line of its own, as Label Studio makes one.
                status, seconds = asked(client, method, f"/{path}")
                assert status == 200
                found[path] = max(found[path], seconds)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            yield lambda: (found["health"], found["setup"])
        finally:
            over.set()
            asking.result()


def asked(
    client: httpx.Client, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, float]:
    """The status of one request on a line of its own, and its seconds from connecting on."""
    begun = time.monotonic()
    line = http.client.HTTPConnection("127.0.0.1", client.base_url.port, timeout=120)
    sent = None if body is None else json.dumps(body)
    with closing(line):
        line.request(method, path, sent, {"Content-Type": "application/json", **headers})
        reply = line.getresponse()
        reply.read()
        return reply.status, time.monotonic() - begun


def predicting(client: httpx.Client, pool: ThreadPoolExecutor, *names: str) -> None:
    """Ask for predictions without waiting for them."""
    pool.submit(asked, client, "POST", "/predict", {"tasks": tasks_of(*names)})


def test_an_agent_that_hangs_in_every_slot(folder: Folder) -> None:
    folder.use_agent(HANGING)
    folder.configure("backend", threads=8, deadline=5)
    names = [f"s{number}" for number in range(40)]
    folder.add(*map(record, names))
    with (
        served(folder, free_port()) as (client, _),
        ThreadPoolExecutor(40) as pool,
        slowest(client) as found,
    ):
        for name in names:
            predicting(client, pool, name)
        time.sleep(3)
        health, setup = found()
    assert health < HEALTH
    assert setup < SETUP


def test_a_batch_of_300_tasks_and_a_burst_of_webhooks(folder: Folder) -> None:
    folder.use_agent(SLOW)
    folder.use_secrets(GOLDLOOP_WEBHOOK_SECRET=WEBHOOK_SECRET)
    names = [f"s{number}" for number in range(300)]
    folder.add(*map(record, names))
    with served(folder, free_port()) as (client, _), slowest(client) as found:

        def burst(_number: int) -> tuple[int, float]:
            return asked(client, "POST", "/webhook", EVENT, **SIGNED)

        with ThreadPoolExecutor(9) as pool:
            batch = pool.submit(client.post, "/predict", json={"tasks": tasks_of(*names)})
            acknowledged = list(pool.map(burst, range(100)))
            results = batch.result().json()["results"]
        health, setup = found()
    assert all(item["result"] for item in results)
    assert {status for status, _ in acknowledged} == {202}
    assert max(seconds for _, seconds in acknowledged) < 1.0
    assert health < HEALTH
    assert setup < SETUP


def test_clients_that_say_nothing_or_stop_in_the_middle_or_do_not_leave(folder: Folder) -> None:
    folder.configure("backend", threads=2)
    port = free_port()
    halves = (
        b"",
        b"GET /health HTTP/1.1\r\nHost: he",
        b"POST /setup HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n{",
        b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n{",
        b"POST /webhook HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n{",
        # Answered, and never closed by the client.
        b"GET /health HTTP/1.0\r\n\r\n",
        b"GET /openapi.json HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
    )
    with served(folder, port) as (client, _), ExitStack() as silent:
        with slowest(client) as found:
            for half in halves * 12:
                stuck = socket.create_connection(("127.0.0.1", port), timeout=30)
                silent.enter_context(closing(stuck))
                stuck.sendall(half)
            time.sleep(2.5)
            assert client.get("/versions").status_code == 200
        health, setup = found()
    assert health < HEALTH
    assert setup < SETUP
    assert "Traceback" not in log_of(folder).read_text()


def test_a_client_that_sends_slowly_is_answered_all_the_same(folder: Folder) -> None:
    folder.add(record("a", 0.25))
    folder.configure("backend", threads=2)
    port = free_port()
    body = b'{"tasks": [{"data": {"sample_id": "a"}}]}'
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    request = head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with (
        served(folder, port),
        socket.create_connection(("127.0.0.1", port), timeout=30) as slow,
    ):
        for start in range(0, len(request), 20):
            slow.sendall(request[start : start + 20])
            time.sleep(0.1)
        answer = b""
        while part := slow.recv(4096):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b'"score":0.25' in answer


def test_requests_one_after_another_on_one_line_are_all_answered(folder: Folder) -> None:
    port = free_port()
    request = b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n"
    with (
        served(folder, port),
        socket.create_connection(("127.0.0.1", port), timeout=10) as line,
    ):
        line.sendall(request * 5)
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < 5:
            part = line.recv(4096)
            assert part, answers
            answers += part


@pytest.mark.parametrize("lock", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_a_store_that_a_writer_holds(folder: Folder, lock: str) -> None:
    folder.use_agent(SLOW)
    names = [f"s{number}" for number in range(20)]
    folder.add(*map(record, names))
    with (
        served(folder, free_port()) as (client, _),
        closing(sqlite3.connect(folder.path / "goldloop.db")) as writer,
    ):
        writer.execute(lock)
        with ThreadPoolExecutor(20) as pool, slowest(client) as found:
            for name in names:
                predicting(client, pool, name)
            time.sleep(3)
            health, setup = found()
            writer.rollback()
    assert health < HEALTH
    assert setup < SETUP


def test_a_store_that_not_even_readers_get_into_leaves_setup_its_last_answer(
    folder: Folder,
) -> None:
    folder.add(record("a", 0.25))
    with served(folder, free_port()) as (client, _):
        with closing(sqlite3.connect(folder.path / "goldloop.db")) as holder:
            holder.execute("PRAGMA locking_mode = EXCLUSIVE")
            holder.execute("PRAGMA journal_mode = DELETE")
            holder.execute("BEGIN EXCLUSIVE")
            for _ in range(3):
                begun = time.monotonic()
                assert client.post("/setup", json={}).json() == {"model_version": "v1"}
                assert time.monotonic() - begun < SETUP
            assert client.get("/health").status_code == 200
        assert client.post("/setup", json={}).json() == {"model_version": "v1"}


def test_what_takes_too_long_to_read_is_remembered_and_what_is_quick_is_fresh() -> None:
    held, values = Event(), iter(["one", "two", "three"])

    def read() -> str:
        held.wait(10)
        return next(values)

    version = Remembered(read, patience=0.1)
    with pytest.raises(StoreError, match="too long"):
        version.get()
    version.remember("zero")
    assert version.get() == "zero"
    held.set()
    time.sleep(0.2)
    assert [version.get(), version.get()] == ["two", "three"]


def test_what_is_wrong_is_raised_and_not_remembered() -> None:
    def read() -> str:
        raise StoreError("there is no store")

    version = Remembered(read)
    version.remember("before")
    with pytest.raises(StoreError, match="there is no store"):
        version.get()


@pytest.mark.parametrize(
    ("seen", "lane"),
    [
        (b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", Lane.QUICK),
        (b"GET / HTTP/1.1\r\n\r\n", Lane.QUICK),
        (b"GET /health?x=1 HTTP/1.1\r\n\r\n", Lane.QUICK),
        (b"POST /setup HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", Lane.QUICK),
        (b"POST /setup HTTP/1.1\r\ncontent-length:  2 \r\n\r\n{", Lane.WAIT),
        (b"POST /setup HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", Lane.COMMON),
        (b"GET /healthy HTTP/1.1\r\n\r\n", Lane.COMMON),
        (b"POST /predict HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", Lane.COMMON),
        (b"POST /predict HTTP/1.1\r\nContent-Length: 99999\r\n\r\n" + b" " * 2**16, Lane.COMMON),
        (b"POST /predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n", Lane.COMMON),
        (b"GET /he", Lane.WAIT),
        (b"", Lane.COMMON),
    ],
)
def test_a_request_goes_where_it_belongs_once_it_is_there(seen: bytes, lane: Lane) -> None:
    assert lane_of(seen) is lane
