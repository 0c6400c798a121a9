"""Several processes, and processes that end: figures add up, runs are made once, none is lost."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from project_folder import Folder, record, tasks_of
from prometheus_client.parser import text_string_to_metric_families
from running_backend import log_of, served

from sync.labelstudio.ports import free_port

SLOW = """
import os, time
def answer(asked):
    note({"sample_id": f"{asked['sample_id']}/{os.getpid()}"})
    time.sleep(0.5)
    return {"response": "On its way.", "confidence": 0.75}
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the backend's temporary folders are."""
    path = tmp_path / "temporary"
    path.mkdir()
    monkeypatch.setenv("TMPDIR", str(path))
    return path


def ask(client: httpx.Client, method: str, path: str, body: Any = None) -> bytes:
    """One request on a line of its own, so that any of the processes may take it."""
    line = http.client.HTTPConnection("127.0.0.1", client.base_url.port, timeout=60)
    with closing(line):
        sent = None if body is None else json.dumps(body)
        line.request(method, path, sent, {"Content-Type": "application/json"})
        return line.getresponse().read()


def predict(client: httpx.Client, *names: str) -> list[dict[str, Any]]:
    answer = ask(client, "POST", "/predict", {"tasks": tasks_of(*names)})
    found: list[dict[str, Any]] = json.loads(answer)["results"]
    return found


def figures(client: httpx.Client) -> dict[tuple[str, ...], float]:
    page = ask(client, "GET", "/metrics").decode()
    samples = [s for family in text_string_to_metric_families(page) for s in family.samples]
    found = {(one.name, *one.labels.values()): one.value for one in samples}
    assert len(found) == len(samples), "a series is there twice"
    return found


def until(true: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


def asked_about(folder: Folder) -> list[str]:
    """The samples that the agent was asked about, sorted."""
    return sorted(line.partition("/")[0] for line in folder.asked())


def runs(folder: Folder) -> list[str]:
    return [name for (name,) in folder.rows("SELECT sample_id FROM runs ORDER BY 1")]


def test_the_figures_of_several_processes_are_one_whichever_is_asked(
    folder: Folder, temporary: Path
) -> None:
    folder.configure("backend", workers=2)
    folder.add(record("a", 0.25))
    with served(folder, free_port()) as (client, process):
        before = figures(client)["goldloop_request_seconds_count", "predict"]
        with ThreadPoolExecutor(8) as pool:
            for results in pool.map(lambda _: predict(client, "a", "b"), range(60)):
                assert [item["score"] for item in results] == [0.25, 0.5]
        for _ in range(10):
            found = figures(client)
            assert found["goldloop_predictions_served_total",] == 120
            assert found["goldloop_predictions_empty_total", "unknown"] == 60
            assert found["goldloop_request_seconds_count", "predict"] - before == 60
            assert found["goldloop_store_up",] == 1
            assert found["goldloop_inbox_pending",] == found["goldloop_wanted_runs",] == 0
            assert found["goldloop_agent_breaker",] == 0
        assert len(psutil.Process(process.pid).children()) == 2
        [private] = temporary.glob("goldloop-figures-*")
        assert private.stat().st_mode & 0o077 == 0
        served_by = {path.stem for path in private.glob("counter_*.db")}
        assert len(served_by) >= 2
    assert list(temporary.glob("goldloop-figures-*")) == []


def test_the_figures_outlive_the_process_that_counted_them(folder: Folder) -> None:
    folder.configure("backend", workers=2)
    with served(folder, free_port()) as (client, process):
        for _ in range(20):
            predict(client, "unknown")
        counted = psutil.Process(process.pid).children()
        for worker in counted:
            worker.kill()
        assert until(lambda: len({*psutil.Process(process.pid).children()} - {*counted}) == 2)
        assert figures(client)["goldloop_predictions_served_total",] == 20


def test_samples_that_several_processes_are_asked_about_at_once_are_run_once(
    folder: Folder,
) -> None:
    folder.use_agent(SLOW)
    folder.configure("backend", workers=2)
    names = [f"s{number}" for number in range(240)]
    folder.add(*map(record, names))
    with served(folder, free_port()) as (client, _), ThreadPoolExecutor(8) as pool:
        # The kernel says which process takes a connection: it may be one of them at first.
        for start in range(0, len(names), 24):
            some = names[start : start + 24]
            for results in pool.map(lambda _, some=some: predict(client, *some), range(8)):
                assert [item["score"] for item in results] == [0.75] * 24
            processes = {line.partition("/")[2] for line in folder.asked()}
            if len(processes) == 2:
                break
    assert asked_about(folder) == sorted(names[: start + 24])
    assert len(processes) == 2
    assert "Traceback" not in log_of(folder).read_text()


def test_what_a_killed_process_had_claimed_is_made_by_another(folder: Folder) -> None:
    folder.use_agent(SLOW.replace("0.5", "1.5"))
    folder.configure("backend", workers=2)
    folder.configure("agent", concurrency=2)
    names = [f"s{number}" for number in range(4)]
    folder.add(*map(record, names))
    with served(folder, free_port()) as (client, process), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(predict, client, *names)
        assert until(lambda: len(folder.asked()) >= 2)
        victim = int(folder.asked()[0].partition("/")[2])
        psutil.Process(victim).kill()
        # The request has failed, unless the victim made what the other process had left over.
        waiting.exception(30)
        # Well before the lease of a minute is over.
        assert until(lambda: runs(folder) == names)
        assert psutil.Process(process.pid).is_running()
    assert folder.rows("SELECT count(*) FROM wanted_runs WHERE late_at IS NULL") == [(0,)]


def test_what_was_wanted_when_everything_was_killed_is_made_after_the_next_start(
    folder: Folder,
) -> None:
    folder.use_agent(SLOW)
    folder.configure("agent", concurrency=4)
    names = [f"s{number}" for number in range(20)]
    folder.add(*map(record, names))
    port = free_port()
    with served(folder, port) as (client, process), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(predict, client, *names)
        assert until(lambda: len(runs(folder)) >= 4)
        everything = (process, *psutil.Process(process.pid).children(recursive=True))
        for one in everything:
            one.kill()
        assert waiting.exception(30) is not None
    assert 4 <= len(runs(folder)) < 20
    with served(folder, port):
        assert until(lambda: runs(folder) == sorted(names))
    again = len(folder.asked()) - len(set(asked_about(folder)))
    assert again <= 4  # those that were under way
    assert set(asked_about(folder)) == set(names)


def test_it_ends_while_somebody_waits_who_gets_what_there_is(folder: Folder) -> None:
    folder.use_agent(
        "import time\ndef answer(asked):\n    note(asked)\n"
        "    time.sleep(60 if asked['sample_id'] == 'hangs' else 2.5)\n"
        "    return {'response': 'On its way.', 'confidence': 0.75}\n"
    )
    folder.add(record("hangs"), record("slow"), record("old", 0.25, agent_version="live-1"))
    with served(folder, free_port()) as (client, process), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(predict, client, "hangs", "old")
        assert until(lambda: folder.asked() == ["hangs"])
        pool.submit(predict, client, "slow")
        with ThreadPoolExecutor(1) as other:
            other.submit(predict, client, "slow")
            assert until(lambda: "slow" in folder.asked())
            begun = time.monotonic()
            process.terminate()
            assert [item["score"] for item in waiting.result(30)] == [0.5, 0.25]
            assert time.monotonic() - begun < 5
            assert process.wait(10) == 0
    # What was under way and came to its end in time is kept; the other may be made by the next.
    assert "slow" in runs(folder)
    left = folder.rows("SELECT sample_id, claimed_by FROM wanted_runs WHERE late_at IS NULL")
    assert left == [("hangs", None)]
    log = log_of(folder).read_text()
    assert "Traceback" not in log
    assert "SIGKILL" not in log


def test_processes_count_apart_from_what_the_environment_names(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = tmp_path / "strange"
    strange.mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(strange))
    for workers in (1, 2):
        folder.configure("backend", workers=workers)
        with served(folder, free_port()) as (client, _):
            assert figures(client)["goldloop_store_up",] == 1
    assert list(strange.iterdir()) == []
