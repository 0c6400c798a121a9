"""The ML backend, under gunicorn as it is served, with an agent that takes 200 ms for each answer.

`batch_speedup`: 64 tasks without runs in one request, here and at a plain Flask handler that asks
the agent task by task, as label-studio-ml does, under gunicorn with as many threads.

`stored_*`: four clients at once, each asking again and again for one prediction whose run is
stored; `floor_*` is the same at a bare Flask handler that returns a ready answer.
`overhead_ms_per_task` is what a stored prediction costs above that floor in requests of 64 tasks,
one at a time.

`memory_growth_mb`: what the processes of the backend hold more after 10,000 requests (quick: 4,000)
than after the first 1,000. `health_max_ms` and `setup_max_ms`: the slowest of those while the
batches ran.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

from bench._plain_ml_backend import AGENT_SECONDS
from bench._site import environment
from goldloop.records import read_record
from goldloop.settings import BackendSettings
from store.database import open_store
from store.samples import add_samples
from sync.init import init_project
from sync.labelstudio.ports import free_port
from sync.processes import backend_command, wait_until_up

BATCH, ROUNDS = 64, 3
CLIENTS = 4
REQUESTS, QUICK_REQUESTS, WARM = 10_000, 4_000, 1_000
FLOOR_REQUESTS, QUICK_FLOOR_REQUESTS = 4_000, 1_000
BATCHES, QUICK_BATCHES = 60, 20
STORED = 1_000
AGENT = f"""
import time

def answer(asked):
    time.sleep({AGENT_SECONDS})
    return {{"response": f"On its way: {{asked['sample_id']}}", "confidence": 0.5}}
"""


def main(quick: bool) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = _project(Path(scratch) / "project")
        with _goldloop(folder) as ours, _plain(folder) as plain:
            figures = _batches(ours, plain)
            return {**figures, **_stored(ours, plain, quick)}


@dataclass(frozen=True, slots=True)
class Server:
    """A backend that runs, and where."""

    port: int
    process: subprocess.Popen[bytes]

    def memory(self) -> int:
        """Bytes that its processes hold."""
        main = psutil.Process(self.process.pid)
        return sum(one.memory_info().rss for one in (main, *main.children(recursive=True)))


def _project(folder: Path) -> Path:
    """A project with the agent, samples for the batches, and samples that have runs."""
    init_project(folder)
    (folder / "bench_agent.py").write_text(AGENT)
    settings = '[agent]\nkind = "python:bench_agent:answer"\nversion = "live"\nanswers = 1\n'
    (folder / "goldloop.toml").write_text(settings)
    new = [{"sample_id": f"new-{n}", "user_input": "Where is it?"} for n in range(ROUNDS * BATCH)]
    run = {"agent_version": "live", "response": "On its way. " * 40, "confidence": 0.5}
    old = [
        {"sample_id": f"old-{n}", "user_input": "Where is it?", "run": run} for n in range(STORED)
    ]
    answers = [_ready(str(run["response"]))] * BATCH
    with closing(open_store(folder / "goldloop.db")) as db:
        add_samples(db, [read_record(record) for record in (*new, *old)])
    for name, count in (("one", 1), ("batch", BATCH)):
        (folder / f"{name}.json").write_text(json.dumps({"results": answers[:count]}))
    return folder


def _ready(response: str) -> dict[str, Any]:
    value = {"text": [response]}
    item = {"from_name": "expected_response", "to_name": "trace", "type": "textarea"}
    return {"result": [{**item, "value": value}], "score": 0.5, "model_version": "live"}


@contextmanager
def _goldloop(folder: Path) -> Iterator[Server]:
    port = free_port()
    with _served(backend_command(folder, port=port), folder, port) as server:
        yield server


@contextmanager
def _plain(folder: Path) -> Iterator[Server]:
    port, threads = free_port(), str(BackendSettings().threads)
    command = [sys.executable, "-m", "bench._plain_ml_backend"]
    command += [str(port), threads, str(folder)]
    with _served(command, Path(__file__).parents[1], port) as server:
        yield server


@contextmanager
def _served(command: Sequence[str], folder: Path, port: int) -> Iterator[Server]:
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_up(f"http://127.0.0.1:{port}/health", process, "a backend")
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait(20)


def _batches(ours: Server, plain: Server) -> dict[str, Any]:
    """Seconds for batches of tasks without runs, while somebody asks for health and setup."""
    named = [[f"new-{n}" for n in range(r * BATCH, (r + 1) * BATCH)] for r in range(ROUNDS)]
    with _pinged(ours) as pings:
        seconds = [_timed(ours, "/predict", names) for names in named]
    slow = _timed(plain, "/predict", named[0])
    print(f"batches of {BATCH}: ours {[round(s, 2) for s in seconds]} s, plain {slow:.2f} s")
    return {
        "batch_speedup": round(slow / median(seconds), 1),
        "batch_s": round(median(seconds), 3),
        "plain_batch_s": round(slow, 2),
        "health_max_ms": round(1000 * max(pings["/health"]), 1),
        "setup_max_ms": round(1000 * max(pings["/setup"]), 1),
    }


@contextmanager
def _pinged(server: Server) -> Iterator[dict[str, list[float]]]:
    """Ask for health and setup twenty times a second while the block runs: seconds of each."""
    found: dict[str, list[float]] = {"/health": [], "/setup": []}
    over = threading.Event()

    def ping() -> None:
        while not over.wait(0.05):
            for path, seconds in found.items():
                begun = time.perf_counter()
                with closing(_line(server)) as line:
                    _ask(line, path, b"{}" if path == "/setup" else None)
                seconds.append(time.perf_counter() - begun)

    pinging = threading.Thread(target=ping)
    pinging.start()
    try:
        yield found
    finally:
        over.set()
        pinging.join()


def _stored(ours: Server, plain: Server, quick: bool) -> dict[str, Any]:
    one = _body([f"old-{BATCH}"])
    _load(ours, "/predict", one, WARM)
    before = ours.memory()
    requests = QUICK_REQUESTS if quick else REQUESTS
    seconds, took = _load(ours, "/predict", one, requests - WARM)
    growth = ours.memory() - before
    fewer = QUICK_FLOOR_REQUESTS if quick else FLOOR_REQUESTS
    floor, floor_took = _load(plain, "/ready/one", one, fewer)
    count = QUICK_BATCHES if quick else BATCHES
    names = [f"old-{n}" for n in range(BATCH)]
    batch = median(_timed(ours, "/predict", names) for _ in range(count))
    bare = median(_timed(plain, "/ready/batch", names) for _ in range(count))
    print(f"stored: {BATCH} tasks in {1000 * batch:.1f} ms, the floor in {1000 * bare:.1f} ms")
    return {
        "stored_rps": round(len(seconds) / took),
        "stored_p50_ms": round(1000 * median(seconds), 2),
        "stored_p99_ms": round(1000 * float(np.percentile(seconds, 99)), 2),
        "floor_rps": round(len(floor) / floor_took),
        "floor_p99_ms": round(1000 * float(np.percentile(floor, 99)), 2),
        "overhead_ms_per_task": round(1000 * (batch - bare) / BATCH, 3),
        "memory_growth_mb": round(growth / 2**20, 1),
        "memory_mb": round(ours.memory() / 2**20),
    }


def _load(server: Server, path: str, body: bytes, requests: int) -> tuple[list[float], float]:
    """Seconds of so many requests by several clients at once, and of all together."""

    def client(_number: int) -> list[float]:
        seconds = []
        with closing(_line(server)) as line:
            for _ in range(requests // CLIENTS):
                begun = time.perf_counter()
                _ask(line, path, body)
                seconds.append(time.perf_counter() - begun)
        return seconds

    begun = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        found = [one for some in clients.map(client, range(CLIENTS)) for one in some]
    return found, time.perf_counter() - begun


def _timed(server: Server, path: str, names: Sequence[str]) -> float:
    """Seconds of one request about those samples; all of them must have a prediction."""
    body = _body(names)
    begun = time.perf_counter()
    with closing(_line(server)) as line:
        answer = _ask(line, path, body)
    seconds = time.perf_counter() - begun
    results = json.loads(answer)["results"]
    if len(results) != len(names) or not all(item["result"] for item in results):
        raise RuntimeError(f"{path} did not answer for all of {len(names)} tasks")
    return seconds


def _body(names: Sequence[str]) -> bytes:
    tasks = [{"id": n, "data": {"sample_id": name}} for n, name in enumerate(names, 1)]
    return json.dumps({"tasks": tasks, "label_config": "<View/>", "params": {}}).encode()


def _line(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)


def _ask(line: http.client.HTTPConnection, path: str, body: bytes | None) -> bytes:
    headers = {"Content-Type": "application/json"} if body is not None else {}
    line.request("POST" if body is not None else "GET", path, body, headers)
    reply = line.getresponse()
    answer = reply.read()
    if reply.status != http.client.OK:
        raise RuntimeError(f"{path} answered {reply.status}: {answer[:200]!r}")
    return answer
