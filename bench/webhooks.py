"""Webhooks under load, and what they cost an annotator: the real backend under gunicorn, the real
worker, a real Label Studio, all on this machine.

200 events a second for 30 seconds (quick: 10), each a real event's size, about the tasks of one
project: `ack_*` is what Label Studio would wait for, from connecting to the answer; `floor_ack_*`
is half of that load on a gunicorn that only says 202. `lost` events were acknowledged and are not
in the inbox, or were never followed up; `doubled` ones are there or were followed up twice.

Then 50 saves (quick: 12) one by one: `save_to_consensus_*` is from the annotator's save, as its
POST returns, until the store's consensus counts it. Each is followed by one in a project without a
webhook: `save_ratio` is the medians' ratio; `floor_save_ratio` is with a webhook to the bare
gunicorn instead.
"""

from __future__ import annotations

import copy
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np

from bench._chaos import programs
from bench._event_load import Acknowledged, real_event, send_steadily
from bench._label_studio import inhabited, what_is_missing
from bench._level import RECONCILED, remember_what_is_done
from bench._site import Site, new_site
from bench._supervised import Supervised
from label_config.results import write_result
from store.annotations import get_cursor
from store.inbox import backlog
from sync.labelstudio.ports import free_port

RATE, SECONDS, QUICK_SECONDS = 200, 30, 10
SAVES, QUICK_SAVES = 50, 12
# Between two saves, for the worker to come to its end.
PAUSE = 0.2
TASKS = 60
INTERVAL = 60.0


def main(quick: bool) -> dict[str, Any]:
    """All figures; `skipped` says what is missing where Label Studio is not there."""
    if missing := what_is_missing():
        return {"skipped": missing}
    seconds, saves = (QUICK_SECONDS, QUICK_SAVES) if quick else (SECONDS, SAVES)
    with ExitStack() as running:
        scratch = Path(running.enter_context(tempfile.TemporaryDirectory()))
        there = running.enter_context(inhabited(annotators=2))
        sites = {
            name: new_site(scratch / name, there, TASKS, INTERVAL, hook=name == "hooked")
            for name in ("hooked", "bare", "plain")
        }
        bare_port = running.enter_context(_bare(scratch))
        _hook_to(sites["bare"], bare_port)
        bodies = _events(sites["hooked"], real_event(sites["plain"]), RATE * seconds)
        remember_what_is_done(sites["hooked"])
        programs(sites["hooked"], running)
        _until_idle(sites["hooked"])
        saved = _saves(sites, saves)
        floor = send_steadily(bare_port, bodies[: len(bodies) // 2], RATE)
        figures = _loaded(sites["hooked"], bodies)
    print(f"saves, ms: { ({name: round(1000 * median(s)) for name, s in saved.items()}) }")
    return {
        **figures,
        "floor_ack_p99_ms": floor.p99_ms,
        "floor_ack_max_ms": floor.max_ms,
        "save_to_consensus_p50_s": round(float(np.percentile(saved["consensus"], 50)), 3),
        "save_to_consensus_p99_s": round(float(np.percentile(saved["consensus"], 99)), 3),
        "save_ratio": round(median(saved["hooked"]) / median(saved["plain"]), 3),
        "floor_save_ratio": round(median(saved["bare"]) / median(saved["plain"]), 3),
        "save_ms": round(1000 * median(saved["plain"]), 1),
    }


@contextmanager
def _bare(scratch: Path) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "bench._bare_receiver", str(port)]
    with Supervised(command, Path(__file__).parents[1], scratch / "bare.log"):
        _until_up(port)
        yield port


def _until_up(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health", timeout=2, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"nothing answers on port {port}")


def _hook_to(site: Site, port: int) -> None:
    """Let Label Studio tell the bare receiver what it would tell ours."""
    with site.person(0) as person:
        hook = {
            "project": site.project_id,
            "url": f"http://127.0.0.1:{port}/webhook",
            "send_for_all_actions": False,
            "actions": ["ANNOTATION_CREATED"],
        }
        person.post("/api/webhooks/", json=hook).raise_for_status()


def _until_idle(site: Site) -> None:
    """Wait until the backend answers, and the worker has nothing to do."""
    _until_up(site.port)
    with site.store() as db:
        end = time.monotonic() + 300
        while get_cursor(db, RECONCILED) is None or backlog(db).pending:
            if time.monotonic() > end:
                raise TimeoutError("the worker does not come to its end")
            time.sleep(0.1)


def _events(site: Site, real: dict[str, Any], count: int) -> list[bytes]:
    """So many events like the real one, about the tasks of the site in turn."""
    tasks, events = site.tasks(), []
    for number in range(count):
        event = copy.deepcopy(real)
        event["task"]["id"] = event["annotation"]["task"] = tasks[number % len(tasks)]
        event["annotation"]["id"] = 1_000_000 + number
        events.append(json.dumps(event).encode())
    return events


def _loaded(site: Site, bodies: Sequence[bytes]) -> dict[str, Any]:
    """Send them all, let the worker come to its end, and count what became of them."""
    with site.store() as db:
        [before] = db.execute("SELECT coalesce(max(event_id), 0) FROM inbox").fetchone()
    begun = time.monotonic()
    sent = send_steadily(site.port, bodies, RATE)
    took = time.monotonic() - begun
    _until_idle(site)
    caught_up = time.monotonic() - begun - took
    acknowledged = sum(status == 202 for status in sent.statuses)
    with site.store() as db:
        [appended] = db.execute("SELECT max(event_id) - ? FROM inbox", [before]).fetchone()
        sql = "SELECT count(*), count(DISTINCT event_id) FROM followed WHERE event_id > ?"
        [follows, followed] = db.execute(sql, [before]).fetchone()
    _say(sent, took, caught_up)
    return {
        "events": len(bodies),
        "refused": len(bodies) - acknowledged,
        "lost": max(0, acknowledged - min(appended, followed)),
        "doubled": max(0, appended - acknowledged) + follows - followed,
        "ack_p50_ms": round(1000 * median(sent.seconds), 1),
        "ack_p99_ms": sent.p99_ms,
        "ack_max_ms": sent.max_ms,
        "events_per_second": round(len(bodies) / took),
        "caught_up_s": round(caught_up, 2),
    }


def _say(sent: Acknowledged, took: float, caught_up: float) -> None:
    counts = {status: sent.statuses.count(status) for status in sorted(set(sent.statuses))}
    print(f"statuses {counts} in {took:.1f} s, followed up {caught_up:.1f} s later")


def _saves(sites: dict[str, Site], count: int) -> dict[str, list[float]]:
    """Seconds of so many saves in each site in turn, and until the first one's consensus."""
    seconds: dict[str, list[float]] = {name: [] for name in (*sites, "consensus")}
    interface = sites["hooked"].project.interface()
    result = write_result(interface, {"correctness": "correct", "tool_use": "right"})
    tasks = {name: site.tasks() for name, site in sites.items()}
    with ExitStack() as open_lines:
        people = [open_lines.enter_context(sites["hooked"].person(number)) for number in (0, 1)]
        for number in range(count):
            for name in sites:
                person, task = people[number % 2], tasks[name][number // 2]
                begun = time.perf_counter()
                reply = person.post(
                    f"/api/tasks/{task}/annotations/", json={"result": result, "lead_time": 20}
                )
                saved = time.perf_counter()
                reply.raise_for_status()
                seconds[name].append(saved - begun)
                if name == "hooked":
                    _until_counted(sites[name], task, 1 + number % 2)
                    seconds["consensus"].append(time.perf_counter() - saved)
                time.sleep(PAUSE)
    return seconds


def _until_counted(site: Site, task: int, annotators: int) -> None:
    """Wait until the task's consensus rests on so many annotators."""
    sql = (
        "SELECT 1 FROM consensus JOIN tasks USING (sample_id) WHERE task_id = ? AND annotators = ?"
    )
    path = site.project.path(site.project.settings.store.path)
    end = time.monotonic() + 30
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        while store.execute(sql, [task, annotators]).fetchone() is None:
            if time.monotonic() > end:
                raise TimeoutError(f"task {task} was not counted within 30 s")
            time.sleep(0.003)
