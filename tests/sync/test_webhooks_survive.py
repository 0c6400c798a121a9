"""No crash, outage or disorder loses an answer or doubles one: real processes, real Label Studio.

What the store has to be level with is what Label Studio exports in the end.
"""

from __future__ import annotations

import gc
import json
import resource
import sqlite3
import struct
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from bench._chaos import programs, survive
from bench._crowd import Crowd
from bench._level import after_a_reconcile, difference, remember_what_is_done
from bench._site import Site
from bench._supervised import Supervised
from goldloop.errors import LabelStudioError
from store.annotations import get_cursor
from store.inbox import backlog, hints_set_aside, retry_set_aside
from sync.certificates import certificates
from sync.client import LabelStudioClient
from sync.processes import backend_command, worker_command
from sync.pull import find_deleted, pull_tasks
from sync.reconcile import reconcile
from tests.sync.dying import start
from tests.sync.receiver import WEBHOOK_SECRET, use_secrets, wait_for, with_address
from tests.sync.webhook_gate import Gate

pytestmark = pytest.mark.labelstudio
NEVER = 3600.0
# Of SQLite's write-ahead log, in bytes.
WAL_HEADER, FRAME = 32, 24 + 4096


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


def receiver_of(site: Site) -> Supervised:
    """The backend alone."""
    return Supervised(backend_command(site.folder), site.folder, site.folder / "backend.log")


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
    # python -m bench chaos does it a hundred times.
    survived = survive(site, kills=5, annotations=24, seed=1, pace=0.25)
    assert survived.kills.total() == 5
    assert survived.crowd.submitted == 24
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


def test_two_workers_follow_each_hint_once_and_lose_none(make_site, gate, running):
    site = make_site(gate=gate)
    remember_what_is_done(site)
    programs(site, running)
    running.enter_context(
        Supervised(worker_command(), site.folder, site.folder / "second-worker.log")
    )
    ready(site)
    crowd = Crowd(site, seed=3, pace=0.05)
    crowd.work(20)
    settled(site)
    after_a_reconcile(site)
    with site.store() as db:
        events = [row[0] for row in db.execute("SELECT event_id FROM inbox")]
        followed = Counter(row[0] for row in db.execute("SELECT event_id FROM followed"))
        attempts = {row[0] for row in db.execute("SELECT attempts FROM inbox")}
    assert gate.answers == [202] * len(events)
    assert len(events) >= crowd.acts.total()
    assert followed == Counter(events)
    said = [(site.folder / f"{name}.log").read_text() for name in ("worker", "second-worker")]
    # A second attempt is for what failed: where Label Studio was too busy to answer.
    assert attempts == {1} or any("trying again" in one for one in said)
    assert all("hints followed up" in one for one in said)
    found = difference(site)
    assert not [*found.missing, *found.left_over, *found.otherwise, *found.consensus]


@pytest.mark.parametrize("trouble", ["down", "slow", "fail"])
def test_what_the_receiver_missed_is_made_up_within_one_reconcile(
    make_site, gate, running, trouble
):
    site = make_site(gate=gate)
    running.enter_context(Supervised(worker_command(), site.folder, site.folder / "worker.log"))
    ready(site, port_too=False)
    gate.mode = "pass" if trouble == "down" else trouble
    crowd = Crowd(site, seed=5, pace=0)
    crowd.work(9)
    after_a_reconcile(site)
    assert not difference(site)
    assert not crowd.refused
    assert {"down": {0}, "slow": {0}, "fail": set()}[trouble] == set(gate.answers)
    assert len(gate.posts) >= crowd.acts.total()


def test_label_studio_restarted_in_the_middle_loses_nothing(
    make_loop, make_site, label_studio_factory, running
):
    there = label_studio_factory(annotators=3)
    site = make_site(own=make_loop(there, "restarted"))
    programs(site, running)
    ready(site)
    crowd = Crowd(site, seed=6, pace=0.1)
    people = threading.Thread(target=crowd.work, args=(24,))
    people.start()
    wait_for(lambda: crowd.submitted >= 8, 30)
    there.server.stop()
    time.sleep(1.5)
    there.server.start()
    there.server.wait()
    people.join()
    assert crowd.refused[0] > 0
    after_a_reconcile(site)
    assert not difference(site)
    assert "trying again soon" in logged(site)


def test_events_that_come_late_twice_and_in_reverse_change_nothing_in_the_end(
    make_site, gate, running
):
    site = make_site(interval=NEVER, gate=gate)
    programs(site, running)
    ready(site)
    gate.mode = "hold"
    crowd = Crowd(site, seed=7, pace=0)
    crowd.work(9)
    assert difference(site).missing
    late = [*reversed(gate.posts), *gate.posts]
    assert [gate.give(post) for post in late] == [202] * len(late)
    settled(site)
    assert not difference(site)
    assert [gate.give(post) for post in reversed(gate.posts)] == [202] * len(gate.posts)
    settled(site)
    assert not difference(site)


def test_a_store_that_another_program_locks_costs_nothing_that_was_acknowledged(
    make_site, gate, running
):
    site = make_site(gate=gate)
    programs(site, running)
    ready(site)
    crowd = Crowd(site, seed=8, pace=0)
    with closing(sqlite3.connect(site.folder / "goldloop.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        crowd.work(6)
        refused = len(gate.answers)
        other.rollback()
    crowd.work(6)
    after_a_reconcile(site)
    assert not crowd.refused
    assert set(gate.answers[:refused]) == {503}
    assert gate.answers.count(202) == len(hints(site)) > 0
    assert not difference(site)
    assert "the hint could not be stored: database is locked" in logged(site)


@contextmanager
def full_file_system(site: Site, programs_running: tuple[Supervised, ...]) -> Iterator[None]:
    """No room on the file system that the project is on."""
    filler = site.folder / "filler"
    with filler.open("wb", buffering=0) as file:
        with suppress(OSError):
            while True:
                file.write(bytes(4096))
        try:
            yield
        finally:
            filler.unlink()


@contextmanager
def files_at_their_limit(site: Site, programs_running: tuple[Supervised, ...]) -> Iterator[None]:
    """The programs may make no file larger, and write to none beyond its first 32 kB."""
    pids = [
        one.pid
        for program in programs_running
        for one in (
            psutil.Process(program.pid),
            *psutil.Process(program.pid).children(recursive=True),
        )
    ]
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (32768, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for pid in pids:
            if psutil.pid_exists(pid):
                both = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, both)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[None]:
    """A file system of 24 MB for the projects of this test."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", tmp_path], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("may not mount a small file system here")
    yield
    subprocess.run(["umount", "-l", tmp_path], check=True)


def survives_no_room(site: Site, gate: Gate, running: ExitStack, no_room: Callable) -> None:
    both = programs(site, running)
    ready(site)
    crowd = Crowd(site, seed=9, pace=0)
    crowd.work(3)
    settled(site)
    good = len(gate.answers)
    with no_room(site, both):
        crowd.work(20)
        bad = len(gate.answers)
    acknowledged = gate.answers.count(202)
    assert len(hints(site)) == acknowledged
    crowd.work(3)
    after_a_reconcile(site)
    assert not crowd.refused
    assert set(gate.answers[:good]) | set(gate.answers[bad:]) == {202}
    assert 503 in gate.answers[good:bad]
    assert set(gate.answers[good:bad]) <= {202, 503}
    assert not difference(site)
    said = logged(site)
    assert "the hint could not be stored" in said
    assert [one.starts for one in both] == [1, 1]


def test_a_full_disk_costs_nothing_that_was_acknowledged(
    small_disk, make_site, gate, running, tmp_path_factory
):
    site = make_site(gate=gate)
    for name in ("backend.log", "worker.log"):
        log = tmp_path_factory.mktemp("elsewhere") / name
        log.touch()
        (site.folder / name).symlink_to(log)
    survives_no_room(site, gate, running, full_file_system)


def test_a_limit_on_files_costs_nothing_that_was_acknowledged(make_site, gate, running):
    survives_no_room(make_site(gate=gate), gate, running, files_at_their_limit)


def told(site: Site, task_id: int) -> int:
    """What the receiver answers to an event about this task."""
    body = {"action": "ANNOTATION_CREATED", "annotation": {"id": task_id, "task": task_id}}
    url, headers = f"http://127.0.0.1:{site.port}/webhook", {"X-Goldloop-Secret": WEBHOOK_SECRET}
    reply = httpx.post(url, json=body, headers=headers, trust_env=False, verify=certificates())
    return reply.status_code


def wal_of(site: Site) -> Path:
    return site.folder / "goldloop.db-wal"


def test_a_write_that_was_cut_off_takes_nothing_acknowledged_with_it(make_site):
    site = make_site()
    tasks = site.tasks()
    with receiver_of(site) as backend:
        wait_for(lambda: listens(site.port), 60)
        assert {told(site, task) for task in tasks} == {202}
        backend.crash()
    wal = wal_of(site)
    frame = wal.read_bytes()[-FRAME:]
    with wal.open("ab") as cut_off:
        cut_off.write(frame[: FRAME // 2])
    with receiver_of(site):
        wait_for(lambda: listens(site.port), 60)
        assert told(site, tasks[0]) == 202
    assert [json.loads(row[3]) for row in hints(site)] == [[task] for task in [*tasks, tasks[0]]]
    logged(site)


def lose_power(site: Site) -> None:
    """Take from the write-ahead log half of what SQLite had not moved into the file, and half a
    frame more, as when the disk had not written it yet.

    No program lives through it: the files that are left are new ones, without the memory that
    connections of this process may still share.
    """
    wal = wal_of(site)
    shared = wal.with_suffix(".db-shm")
    index = shared.read_bytes()
    (frames,), (moved,) = struct.unpack_from("=I", index, 16), struct.unpack_from("=I", index, 96)
    assert moved < frames, "there is nothing to lose"
    left = WAL_HEADER + (moved + (frames - moved) // 2) * FRAME + FRAME // 2
    for path, kept in ((wal.with_suffix(".db"), None), (wal, left)):
        content = path.read_bytes()[:kept]
        path.unlink()
        path.write_bytes(content)
    shared.unlink()


def test_what_a_power_failure_took_is_there_again_after_one_reconcile(make_site, running):
    site = make_site()
    both = programs(site, running)
    ready(site)
    crowd = Crowd(site, seed=10, pace=0)
    crowd.work(9)
    # Commands of this process left the store open; whoever closes it last empties its log.
    gc.collect()
    backend, worker = both
    # The worker moves what was written into the file; what comes after it is only in the log.
    worker.crash()
    crowd.work(3)
    backend.crash()
    lose_power(site)
    with site.store() as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    programs(site, running)
    after_a_reconcile(site)
    assert not difference(site)
    logged(site)


def say_half_an_emoji(site: Site, task_id: int) -> int:
    """An annotation that Label Studio keeps, and cannot give to anybody from then on; its id."""
    note = {"from_name": "notes", "to_name": "trace", "type": "textarea"}
    result = [{**note, "value": {"text": ["half an emoji: \ud83d"]}}]
    with site.person(0) as person:
        before = person.post(f"/api/tasks/{task_id}/annotations/", json={"result": []}).json()["id"]
        reply = person.post(
            f"/api/tasks/{task_id}/annotations/",
            content=json.dumps({"result": result}),
            headers={"Content-Type": "application/json"},
        )
    assert reply.status_code == 500
    return before + 1


def test_a_poisoned_hint_is_set_aside_with_its_reason_and_holds_up_nobody(
    make_site, loop, running, monkeypatch
):
    site = make_site(interval=NEVER)
    poisoned, other, *_ = site.tasks()
    running.enter_context(receiver_of(site))
    process = start(site.folder, ("worker",), constants=[("sync.worker", "PAUSE_SECONDS", 0.5)])
    running.callback(process.join, 20)
    running.callback(process.terminate)
    ready(site)
    annotation = say_half_an_emoji(site, poisoned)
    begun = time.monotonic()
    loop.answer(1, other)
    with site.store() as db:
        wait_for(lambda: "s-001" in loop.states())
        assert time.monotonic() - begun < 5
        # All of its hints: one that was still tried would be set aside after the retry.
        settled(site)
        [aside, *_] = hints_set_aside(db)
        assert (aside.action, aside.attempts) == ("ANNOTATION_CREATED", 5)
        assert "HTTP 500" in aside.reason
        with site.person(1) as person:
            path = f"/api/annotations/{annotation}/"
            person.patch(path, json={"result": []}).raise_for_status()
        assert retry_set_aside(db, []) != []
        settled(site)
        assert hints_set_aside(db) == []
    assert not difference(site)
    logged(site)


def test_a_task_that_label_studio_cannot_give_does_not_keep_the_others_from_being_pulled(make_site):
    site = make_site()
    poisoned, other, *_ = site.tasks()
    project = site.project
    with site.store() as db, project.client() as client:
        reconcile(project, db, client)
        say_half_an_emoji(site, poisoned)
        with site.person(1) as person:
            person.post(f"/api/tasks/{other}/annotations/", json={"result": []}).raise_for_status()
        pulled = reconcile(project, db, client)
        there = [row[0] for row in db.execute("SELECT task_id FROM annotations")]
    assert other in there
    assert pulled.unreadable == [poisoned]


def nest_deeply(site: Site, task_id: int) -> None:
    """An annotation for which Label Studio cannot even list the project's tasks from then on."""
    depth = 884
    with site.person(0) as person:
        person.post(
            f"/api/tasks/{task_id}/annotations/",
            content='{"result": [{"value": ' + "[" * depth + "]" * depth + "}]}",
            headers={"Content-Type": "application/json"},
        )


def test_a_task_that_label_studio_cannot_even_list_does_not_keep_the_others_from_being_pulled(
    make_site,
):
    site = make_site()
    poisoned, other, gone, *_ = site.tasks()
    project = site.project
    with site.store() as db, project.client() as client:
        reconcile(project, db, client)
        nest_deeply(site, poisoned)
        with pytest.raises(LabelStudioError, match="HTTP 500"):
            client.newest_change(site.project_id)
        with site.person(1) as person:
            person.post(f"/api/tasks/{other}/annotations/", json={"result": []}).raise_for_status()
        client.delete_task(gone)
        changed = reconcile(project, db, client)
        whole = reconcile(project, db, client, full=True)
        deleted = find_deleted(db, client)
        there = [row[0] for row in db.execute("SELECT task_id FROM annotations")]
    assert other in there
    assert poisoned in {*there, *whole.unreadable}
    assert changed.unreadable == whole.unreadable
    assert (whole.deleted, deleted) == (1, 0)


class Slow(LabelStudioClient):
    """Something happens between its question and what is done with the answer."""

    meanwhile: Callable[[], None]

    def export(self, project_id, task_ids=None):
        answer = list(super().export(project_id, task_ids))
        self.meanwhile()
        yield from answer


def test_an_answer_that_is_late_does_not_undo_a_newer_one(make_site):
    site = make_site(1)
    [task] = site.tasks()
    project = site.project
    secrets = project.settings.secrets
    with ExitStack() as stack:
        ours, theirs = (stack.enter_context(site.store()) for _ in range(2))
        person, client = stack.enter_context(site.person(0)), stack.enter_context(project.client())
        slow = stack.enter_context(Slow(site.url, secrets.label_studio_api_key))

        def somebody_is_faster() -> None:
            person.post(f"/api/tasks/{task}/annotations/", json={"result": []}).raise_for_status()
            pull_tasks(project, theirs, client, [task])

        slow.meanwhile = somebody_is_faster
        pull_tasks(project, ours, slow, [task])
        rows = ours.execute("SELECT deleted_at FROM annotations").fetchall()
    assert rows == [(None,)]
