"""No crash, outage or disorder loses an answer or doubles one: real processes, real Label Studio.

What the store has to be level with is what Label Studio exports in the end.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import psutil
import pytest

from bench._chaos import programs, survive
from bench._crowd import Crowd
from bench._level import after_a_reconcile, difference
from bench._site import Site
from bench._supervised import Supervised
from store.annotations import get_cursor
from store.inbox import add_hint, backlog, hints_set_aside, retry_set_aside
from sync.client import LabelStudioClient
from sync.processes import worker_command
from sync.pull import pull_tasks
from sync.reconcile import reconcile
from tests.sync.dying import start
from tests.sync.receiver import WEBHOOK_SECRET, use_secrets, wait_for, with_address
from tests.sync.webhook_gate import Gate

pytestmark = pytest.mark.labelstudio
NEVER = 3600.0


@pytest.fixture
def make_site(loop):
    """Makes the loop a site with tasks, whose webhook goes to the backend or to a gate."""

    def make(tasks: int = 8, interval: float = 1.0, gate: Gate | None = None, own=None) -> Site:
        ours = own or loop
        ours.configure("worker", interval=interval)
        if gate is None:
            with_address(ours)
        return site_of(ours, tasks, gate)

    return make


def site_of(loop, tasks: int, gate: Gate | None) -> Site:
    backend = loop.project.settings.backend
    url = gate.url if gate else f"http://127.0.0.1:{backend.port}/webhook"
    loop.configure("backend", url="", webhook_url=url)
    use_secrets(loop, password="")
    loop.pushed(tasks)
    return Site(loop.folder, loop.server.url, tuple(a.token for a in loop.server.annotators))


@pytest.fixture
def gate(loop) -> Iterator[Gate]:
    """A gate before the loop's backend; make the site after it."""
    with_address(loop)
    with Gate(loop.project.settings.backend.port) as gate:
        yield gate


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """What runs as long as the test."""
    with ExitStack() as programs:
        yield programs


def settled(site: Site, seconds: float = 30.0) -> None:
    """Wait until every hint was followed up."""
    with site.store() as db:
        wait_for(lambda: backlog(db).pending == 0, seconds)
        assert backlog(db).pending == 0


def ready(site: Site, port_too: bool = True, seconds: float = 60.0) -> None:
    """Wait until the worker has reconciled for the first time, and the backend listens."""
    with site.store() as db:
        wait_for(lambda: get_cursor(db, "reconciled") is not None, seconds)
        assert get_cursor(db, "reconciled") is not None
    if port_too:
        wait_for(lambda: listens(site.port), seconds)
        assert listens(site.port)


def listens(port: int) -> bool:
    found = psutil.net_connections("tcp")
    return any(one.laddr.port == port and one.status == "LISTEN" for one in found)


def logged(site: Site) -> str:
    """What the programs said, which is without tracebacks and secrets."""
    said = "".join(path.read_text() for path in site.folder.glob("*.log"))
    assert "Traceback" not in said
    for secret in (WEBHOOK_SECRET, site.project.settings.secrets.label_studio_api_key):
        assert secret not in said
    return said


def hints(site: Site) -> list[tuple]:
    with site.store() as db:
        return db.execute("SELECT * FROM inbox ORDER BY event_id").fetchall()


def test_killed_at_random_moments_everything_ends_level_with_label_studio(make_site):
    site = make_site(12)
    survived = survive(site, kills=8, annotations=60, seed=1, pace=0.3)
    assert survived.kills.total() == 8
    assert survived.crowd.submitted == 60
    assert min(survived.crowd.acts[act] for act in ("change", "delete", "ground_truth")) > 0
    assert not survived.crowd.refused
    assert not survived.difference
    logged(site)


def test_the_comparison_finds_what_is_missing_left_over_or_otherwise(make_site):
    site = make_site(4)
    crowd = Crowd(site, seed=2, pace=0)
    crowd.work(9)
    project = site.project
    with site.store() as db, project.client() as client, site.person(0) as person:
        before = difference(site)
        assert len(before.missing) == crowd.acts["submit"] - crowd.acts["delete"]
        reconcile(project, db, client)
        assert not difference(site)
        first, second, *_ = before.missing
        person.patch(f"/api/annotations/{first}/", json={"result": []}).raise_for_status()
        person.delete(f"/api/annotations/{second}/").raise_for_status()
        now = difference(site)
        assert (now.otherwise, now.left_over) == ([first], [second])
        reconcile(project, db, client)
        with db.conn:
            db.execute("UPDATE consensus SET skips = skips + 1")
        assert len(difference(site).consensus) == db["consensus"].count


def test_two_workers_follow_each_hint_once_and_lose_none(make_site, running):
    site = make_site()
    programs(site, running)
    running.enter_context(
        Supervised(worker_command(), site.folder, site.folder / "second-worker.log")
    )
    ready(site)
    with site.store() as db, db.conn:
        db.execute("CREATE TABLE followed (event_id INTEGER)")
        db.execute(
            "CREATE TRIGGER follows AFTER UPDATE OF done_at ON inbox "
            "BEGIN INSERT INTO followed VALUES (new.event_id); END"
        )
    crowd = Crowd(site, seed=3, pace=0.05)
    crowd.work(60)
    settled(site)
    after_a_reconcile(site)
    with site.store() as db:
        events = [row[0] for row in db.execute("SELECT event_id FROM inbox")]
        followed = Counter(row[0] for row in db.execute("SELECT event_id FROM followed"))
        attempts = {row[0] for row in db.execute("SELECT attempts FROM inbox")}
    assert len(events) == crowd.acts.total()
    assert followed == Counter(events)
    assert attempts == {1}
    said = [(site.folder / f"{name}.log").read_text() for name in ("worker", "second-worker")]
    assert all("hints followed up" in one for one in said)
    found = difference(site)
    assert not (found.missing or found.left_over or found.otherwise or found.consensus)
