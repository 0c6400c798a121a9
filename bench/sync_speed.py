"""How much slower are push and pull than Label Studio alone?

Push: 10,000 tasks with predictions (quick: 1,000; about 8 kB each) into a project that is there,
with everything that `goldloop push` does once the batch is selected. The raw import posts the same
bodies, made and encoded beforehand, by bare httpx into another project with the same settings of
the same server: in our parcels, and all in one request; `push_ratio` is against the faster one.

Pull: every task of that project, answered by two people, into a store that has none of the answers
yet. The raw export is one request for all of it, whose bytes are received and not even parsed. The
time in which consensus is updated is `consensus_s`; `pull_with_consensus_ratio` has it in. Then one
answer changes in 1% of the tasks; `incremental_ratio` is the pull after that by the full one.

Everything is measured twice, in mirrored order with the raw requests first and last, so that a
server that slows down as it fills does not favour us; the smaller time counts, because others may
use the machine. `repeat_spread` is the largest of all ratios of the two times: how far to trust it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from bench._label_studio import Inhabited, inhabited, what_is_missing
from bench._sync_peer import Peer, answer_all, results
from goldloop.samples import Message, Run, Sample, ToolCall
from goldloop.settings import parse_settings
from store.annotations import stale_samples
from store.database import Store
from store.rounds import round_picks
from store.samples import add_samples
from store.tasks import review_project, task_samples
from sync.consensus import update_consensus
from sync.delivery import parcels
from sync.init import init_project
from sync.project import Project
from sync.pull import Pulled, pull
from sync.push import CHUNK, make_tasks, push_rounds
from sync.review_project import ensure_review_project
from sync.select_batch import select_batch

TASKS, QUICK = 10_000, 1_000
CHANGED_SHARE = 0.01
VERSION = "agent-1"
WORDS = (
    "order",
    "parcel",
    "refund",
    "delivery",
    "address",
    "customer",
    "please",
    "confirm",
    "late",
)


@dataclass
class Times:
    """Seconds by what was measured, in the order of measuring."""

    begun: float = field(default_factory=time.perf_counter)
    taken: dict[str, list[float]] = field(default_factory=dict)

    def passed(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self.begun

    def measure(self, what: str, work: Callable[[], object]) -> None:
        """Do it and take the time; says it on stderr."""
        start = time.perf_counter()
        work()
        end = time.perf_counter()
        self.taken.setdefault(what, []).append(end - start)
        print(f"{self.passed():7.1f} s  {what:<24}{end - start:9.3f} s", file=sys.stderr)

    def best(self, what: str) -> float:
        """The smallest time."""
        return min(self.taken[what])

    def spread(self) -> float:
        """The largest by the smallest time of the same work, where that is worst."""
        return max(max(times) / min(times) for times in self.taken.values())


def main(quick: bool) -> dict[str, Any]:
    """The figures of one run; `skipped` says what is missing where Label Studio is not there."""
    if missing := what_is_missing():
        return {"skipped": missing}
    count, times = QUICK if quick else TASKS, Times()
    with (
        tempfile.TemporaryDirectory() as folder,
        inhabited(annotators=2) as there,
        closing(Peer(there, there.admin.token)) as peer,
    ):
        print(f"{times.passed():7.1f} s  Label Studio is up", file=sys.stderr)
        scratch = Path(folder)
        _warm_up(scratch / "warm", there, peer)
        pushed, bytes_sent = _push_and_import(scratch, there, peer, count, times)
        answer_all(there, _project_id(pushed), pushed.interface())
        changed = _pull_and_export(pushed, there, peer, count, times)
    return _figures(times, count, bytes_sent, changed)


def _figures(times: Times, count: int, bytes_sent: int, changed: int) -> dict[str, Any]:
    raw = {name: times.best(f"raw import, {name}") for name in ("parcels", "whole")}
    push, full, export = (times.best(what) for what in ("push", "pull, full", "raw export"))
    consensus, incremental = times.best("consensus"), times.best("pull, 1% changed")
    figures = {
        "tasks": count,
        "kb_per_task": round(bytes_sent / count / 1000, 1),
        "push_s": round(push, 2),
        "raw_import_parcels_s": round(raw["parcels"], 2),
        "raw_import_whole_s": round(raw["whole"], 2),
        "push_ratio": round(push / min(raw.values()), 3),
        "pull_s": round(full, 2),
        "raw_export_s": round(export, 2),
        "pull_ratio": round(full / export, 3),
        "consensus_s": round(consensus, 2),
        "pull_with_consensus_ratio": round((full + consensus) / export, 3),
        "changed": changed,
        "incremental_s": round(incremental, 2),
        "incremental_ratio": round(incremental / full, 4),
        "repeat_spread": round(times.spread(), 2),
        "load": round(os.getloadavg()[0], 1),
    }
    for name, value in figures.items():
        print(f"{name:<28}{value:>10}")
    return figures


def _warm_up(folder: Path, there: Inhabited, peer: Peer) -> None:
    """Everything once, small: what is loaded or compiled at the first time is nobody's work."""
    project = _filled(folder, there, 20)
    with closing(project.open_store()) as db, project.client() as client:
        bodies = _bodies(project, db)
        push_rounds(project, db)
        peer.import_bodies(peer.project_like(_project_id(project)), bodies)
        peer.export(_project_id(project))
        pull(project, db, client)


def _push_and_import(
    scratch: Path, there: Inhabited, peer: Peer, count: int, times: Times
) -> tuple[Project, int]:
    """Push and raw imports, each twice; what was pushed last, and the bytes of its tasks."""
    for number in range(2):
        project = _filled(scratch / f"project-{number}", there, count)
        with closing(project.open_store()) as db:
            bodies = _bodies(project, db)
            works: dict[str, Callable[[], object]] = {
                "raw import, whole": _import(peer, project, [_joined(bodies)]),
                "raw import, parcels": _import(peer, project, bodies),
                "push": partial(push_rounds, project, db),
            }
            for what in list(works)[:: -1 if number else 1]:
                times.measure(what, works[what])
            assert len(task_samples(db, _project_id(project))) == count
    return project, sum(map(len, bodies))


def _import(peer: Peer, project: Project, bodies: Sequence[bytes]) -> Callable[[], None]:
    return partial(peer.import_bodies, peer.project_like(_project_id(project)), bodies)


def _pull_and_export(
    pushed: Project, there: Inhabited, peer: Peer, count: int, times: Times
) -> int:
    """Full pulls, raw exports and pulls after a change, each twice; how many tasks changed."""
    project_id = _project_id(pushed)
    twin = replace(pushed, folder=pushed.folder.with_name("twin"))
    shutil.copytree(pushed.folder, twin.folder)
    times.measure("raw export", lambda: peer.export(project_id))
    for project in (pushed, twin):
        changed = _pull(project, times, "pull, full", full=True)
        assert len(changed) == count
        times.measure("consensus", partial(_update_consensus, project))
    exported: list[bytes] = []
    times.measure("raw export", lambda: exported.append(peer.export(project_id)))
    _check(pushed, json.loads(exported[0]), count)
    wanted = _change_some(there, pushed, max(1, round(count * CHANGED_SHARE)))
    for project in (pushed, twin):
        assert _pull(project, times, "pull, 1% changed") == wanted
    return len(wanted)


def _pull(project: Project, times: Times, what: str, *, full: bool = False) -> set[str]:
    """Pull, and take the time; the samples that changed."""
    found: list[Pulled] = []
    with closing(project.open_store()) as db, project.client() as client:
        times.measure(what, lambda: found.append(pull(project, db, client, full=full)))
    return found[0].changed


def _update_consensus(project: Project) -> None:
    with closing(project.open_store()) as db:
        update_consensus(project, db, stale_samples(db))


def _change_some(there: Inhabited, project: Project, count: int) -> set[str]:
    """An annotator answers so many tasks otherwise; their samples."""
    with closing(project.open_store()) as db:
        sql = (
            "SELECT sample_id, max(annotation_id) FROM annotations WHERE annotator_id = ?"
            " GROUP BY sample_id ORDER BY sample_id LIMIT ?"
        )
        account = there.annotators[0]
        chosen = dict(db.execute(sql, [account.user_id, count]).fetchall())
    given = results(project.interface(), seed=count)
    with closing(Peer(there, account.token)) as person:
        for annotation_id in chosen.values():
            person.change(annotation_id, next(given))
    return set(chosen)


def _check(project: Project, exported: Sequence[Mapping[str, Any]], count: int) -> None:
    """The store says what Label Studio says: else the times mean nothing."""
    there = {
        (one["id"], task["id"], task["data"]["sample_id"], one["completed_by"], one["updated_at"])
        for task in exported
        for one in task["annotations"]
    }
    with closing(project.open_store()) as db:
        sql = "SELECT annotation_id, task_id, sample_id, annotator_id, updated_at FROM annotations"
        here = set(db.execute(f"{sql} WHERE deleted_at IS NULL").fetchall())
    assert here == there
    assert len(there) == 2 * count


def _filled(folder: Path, there: Inhabited, count: int) -> Project:
    """A project folder whose one round is to be pushed into a project that is there already."""
    init_project(folder)
    url, title = there.server.url, f"Bench {folder.name}"
    # Not from the environment, which may name somebody's own Label Studio.
    secrets = {"LABEL_STUDIO_API_KEY": there.admin.token}
    settings = parse_settings({"label_studio": {"url": url, "title": title}}, secrets)
    project = Project(folder, settings)
    with closing(project.open_store()) as db, project.client() as client:
        add_samples(db, [_sample(number) for number in range(count)])
        select_batch(db, VERSION, settings.selection, count)
        ensure_review_project(project, db, client)
    return project


def _bodies(project: Project, db: Store) -> list[bytes]:
    """What a push posts, a request each."""
    picks, interface = round_picks(db, 1), project.interface()
    chunks = [picks[start : start + CHUNK] for start in range(0, len(picks), CHUNK)]
    made = [make_tasks(project, db, interface, VERSION, chunk) for chunk in chunks]
    return [parcel.body for tasks in made for parcel in parcels(tasks)]


def _joined(bodies: Sequence[bytes]) -> bytes:
    """The lists as one list."""
    return b"[" + b",".join(body[1:-1] for body in bodies) + b"]"


def _project_id(project: Project) -> int:
    with closing(project.open_store()) as db:
        made = review_project(db)
    assert made is not None
    return made.project_id


def _sample(number: int) -> tuple[Sample, Run]:
    """A conversation with a tool call, and the agent's answer; about 8 kB as a task."""
    sample_id, draw = f"s-{number:05}", random.Random(number)  # noqa: S311 - the same in every run

    def words(count: int) -> str:
        return " ".join(draw.choices(WORDS, k=count))

    question = f"Where is my order {number}? {words(20)}"
    answer = f"Your order {number} leaves tomorrow. {words(30)}"
    call = ToolCall("find_order", {"number": number, "country": "NL"})
    messages = (
        Message("system", f"You help customers. {words(25)}"),
        Message("user", question),
        Message("assistant", None, (call,)),
        Message("tool", json.dumps({"order": number, "state": words(10)})),
        Message("assistant", answer),
    )
    sample = Sample(sample_id, question, expected_response=answer, tags=("orders",))
    return sample, Run(sample_id, VERSION, messages, answer, (call,), draw.random())
