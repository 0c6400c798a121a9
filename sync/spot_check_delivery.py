"""Tasks of a spot check, sent once each whatever moment it dies at, and their answers, fetched.

A parcel is marked before it is posted and recorded after. What was marked and never recorded is
uncertain: Label Studio is asked which of it arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldloop.errors import LabelStudioError
from store.database import Store
from store.spot_checks import (
    SpotCheckAnswer,
    SpotCheckTask,
    mark_spot_checks_deleted,
    mark_spot_checks_delivered,
    mark_spot_checks_sending,
    spot_check_tasks,
    store_spot_check_answers,
)
from sync.client import LabelStudioClient, is_ours
from sync.delivery import Parcel, parcels
from sync.grace import look_until
from sync.pull import Pulled, readable_pages

MakeTask = Callable[[SpotCheckTask], dict[str, Any]]


@dataclass
class Fetched:
    """What Label Studio had: how many tasks, those that it could not give, and those that somebody
    deleted; `doubles` are tasks that had arrived twice and were removed.
    """

    tasks: int = 0
    unreadable: list[int] = field(default_factory=list)
    deleted: int = 0
    doubles: int = 0


def send_spot_checks(
    db: Store,
    client: LabelStudioClient,
    project_id: int,
    tasks: Sequence[SpotCheckTask],
    make: MakeTask,
) -> int:
    """Send these tasks; how many were sent. Those that an earlier try may have sent are looked for
    first, and what came twice all the same is removed.
    """
    doubtful = [t for t in tasks if t.state == "sending" and t.project_id == project_id]
    arrived = _arrived(client, project_id, doubtful)
    mark_spot_checks_delivered(
        db, project_id, [(t, min(arrived[t.name])) for t in doubtful if t.name in arrived]
    )
    missing = {task.name: task for task in tasks if task.name not in arrived}
    for parcel in parcels(make(task) for task in missing.values()):
        _send(db, client, project_id, parcel, missing)
    if doubtful:
        _remove_doubles(db, client, project_id, doubtful)
    return len(missing)


def _arrived(
    client: LabelStudioClient, project_id: int, doubtful: Sequence[SpotCheckTask]
) -> dict[str, list[int]]:
    if not doubtful:
        return {}
    names = [task.name for task in doubtful]
    return look_until(
        max(task.sent_at or "" for task in doubtful) or None,
        lambda: client.find_tasks(project_id, names),
        lambda found: len(found) == len(names),
    )


def _send(
    db: Store,
    client: LabelStudioClient,
    project_id: int,
    parcel: Parcel,
    tasks: Mapping[str, SpotCheckTask],
) -> None:
    sent = [tasks[name] for name in parcel.sample_ids]
    mark_spot_checks_sending(db, project_id, sent)
    ids = client.import_tasks(project_id, parcel.body)
    if len(ids) != len(sent):
        raise LabelStudioError(
            f"Label Studio answered with {len(ids)} task ids for {len(sent)} tasks; "
            "run the same command again: it asks which of them arrived"
        )
    mark_spot_checks_delivered(db, project_id, zip(sent, ids, strict=True))


def _remove_doubles(
    db: Store, client: LabelStudioClient, project_id: int, tasks: Iterable[SpotCheckTask]
) -> int:
    """Delete all tasks of these samples but one each, and none that somebody labelled; how many."""
    known = {task.name: task for task in tasks}
    removed = 0
    for name, ids in client.find_tasks(project_id, list(known)).items():
        if len(ids) < 2:
            continue
        labelled = [task["id"] for task in client.export(project_id, ids) if task["annotations"]]
        kept = min(labelled or ids)
        mark_spot_checks_delivered(db, project_id, [(known[name], kept)])
        for task_id in set(ids) - {kept, *labelled}:
            client.delete_task(task_id)
            removed += 1
    return removed


def fetch_answers(db: Store, client: LabelStudioClient, project_id: int) -> Fetched:
    """Store what people answered, in all spot checks, and notice the tasks that are gone."""
    known = {task.name: task for task in spot_check_tasks(db)}
    fetched, seen = Fetched(), dict[str, list[int]]()
    pulled = Pulled()
    ids = [t.task_id for t in known.values() if t.task_id is not None]
    for page in readable_pages(client, project_id, None, ids, pulled):
        ours = [one for one in page if is_ours(one) and one["data"]["sample_id"] in known]
        answers = [
            _answer(project_id, raw, one["id"], known[one["data"]["sample_id"]])
            for one in ours
            for raw in one["annotations"]
        ]
        store_spot_check_answers(db, project_id, {one["id"] for one in ours}, answers)
        for one in ours:
            seen.setdefault(one["data"]["sample_id"], []).append(one["id"])
        fetched.tasks += len(ours)
    fetched.unreadable = pulled.unreadable
    fetched.deleted = _note_places(db, project_id, known, seen, fetched.unreadable)
    twice = [known[name] for name, found in seen.items() if len(found) > 1]
    fetched.doubles = _remove_doubles(db, client, project_id, twice) if twice else 0
    return fetched


def _note_places(
    db: Store,
    project_id: int,
    known: Mapping[str, SpotCheckTask],
    seen: Mapping[str, Sequence[int]],
    unreadable: Sequence[int],
) -> int:
    """Record where tasks are and which are gone, also with their whole project; how many are."""
    moved = [
        (task, min(seen[name]))
        for name, task in known.items()
        if name in seen and (task.task_id not in seen[name] or task.project_id != project_id)
    ]
    mark_spot_checks_delivered(db, project_id, moved)
    gone = [
        task
        for name, task in known.items()
        if name not in seen
        and task.state in ("sending", "delivered")
        and (task.state == "delivered" or task.project_id != project_id)
        and not (task.project_id == project_id and task.task_id in unreadable)
    ]
    mark_spot_checks_deleted(db, gone)
    return len(gone)


def _answer(
    project_id: int, raw: Mapping[str, Any], task_id: int, task: SpotCheckTask
) -> SpotCheckAnswer:
    completed_by = raw.get("completed_by")
    person = completed_by["id"] if isinstance(completed_by, Mapping) else completed_by
    return SpotCheckAnswer(
        project_id=project_id,
        annotation_id=raw["id"],
        updated_at=raw["updated_at"],
        batch=task.batch,
        sample_id=task.sample_id,
        task_id=task_id,
        # Nobody can tell who it was where the user was deleted: two such are not one person.
        annotator_id=person if isinstance(person, int) else -raw["id"],
        result=raw.get("result") or [],
        was_cancelled=bool(raw.get("was_cancelled")),
        lead_time=raw.get("lead_time"),
        created_at=raw["created_at"],
    )
