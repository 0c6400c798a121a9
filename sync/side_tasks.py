"""Side tasks, sent once each whatever moment it dies at, and their answers, fetched.

They are the tasks of projects beside the review's: spot checks, and what a gate found flipped. A
parcel is marked before it is posted and recorded after. What was marked and never recorded is
uncertain: Label Studio is asked which of it arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from goldloop.errors import LabelStudioError
from store.side_tasks import SideAnswer, SideTask
from sync.client import LabelStudioClient, is_ours
from sync.delivery import Parcel, parcels
from sync.grace import look_until
from sync.pull import Pulled, readable_pages

T = TypeVar("T", bound=SideTask)


class Ledger(Protocol[T]):
    """Where one kind of side task is written down."""

    def tasks(self) -> Sequence[T]:
        """All of them."""

    def mark_sending(self, project_id: int, tasks: Sequence[T]) -> None:
        """They are about to be posted."""

    def mark_delivered(self, project_id: int, arrived: Sequence[tuple[T, int]]) -> None:
        """Label Studio gave them these ids."""

    def mark_deleted(self, tasks: Sequence[T]) -> None:
        """Label Studio no longer has them."""

    def store_answers(
        self, project_id: int, task_ids: Collection[int], answers: Sequence[SideAnswer]
    ) -> int:
        """These are the answers to these tasks; how many forms changed."""


@dataclass
class Fetched:
    """What Label Studio had: how many tasks, those that it could not give, and those that somebody
    deleted; `doubles` are tasks that had arrived twice and were removed; `answers` are the forms of
    answers that are new or were taken back.
    """

    tasks: int = 0
    unreadable: list[int] = field(default_factory=list)
    deleted: int = 0
    doubles: int = 0
    answers: int = 0


def send_side_tasks(
    ledger: Ledger[T],
    client: LabelStudioClient,
    project_id: int,
    tasks: Sequence[T],
    make: Callable[[T], dict[str, Any]],
) -> int:
    """Send these tasks; how many were sent. Those that an earlier try may have sent are looked for
    first, and what came twice all the same is removed.
    """
    doubtful = [t for t in tasks if t.state == "sending" and t.project_id == project_id]
    arrived = _arrived(client, project_id, doubtful)
    ledger.mark_delivered(
        project_id, [(t, min(arrived[t.name])) for t in doubtful if t.name in arrived]
    )
    missing = {task.name: task for task in tasks if task.name not in arrived}
    for parcel in parcels(make(task) for task in missing.values()):
        _send(ledger, client, project_id, parcel, missing)
    if doubtful:
        _remove_doubles(ledger, client, project_id, doubtful)
    return len(missing)


def _arrived(
    client: LabelStudioClient, project_id: int, doubtful: Sequence[SideTask]
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
    ledger: Ledger[T],
    client: LabelStudioClient,
    project_id: int,
    parcel: Parcel,
    tasks: Mapping[str, T],
) -> None:
    sent = [tasks[name] for name in parcel.sample_ids]
    ledger.mark_sending(project_id, sent)
    ids = client.import_tasks(project_id, parcel.body)
    if len(ids) != len(sent):
        raise LabelStudioError(
            f"Label Studio answered with {len(ids)} task ids for {len(sent)} tasks; "
            "run the same command again: it asks which of them arrived"
        )
    ledger.mark_delivered(project_id, list(zip(sent, ids, strict=True)))


def _remove_doubles(
    ledger: Ledger[T], client: LabelStudioClient, project_id: int, tasks: Iterable[T]
) -> int:
    """Delete all tasks of these samples but one each, and none that somebody labelled; how many."""
    known = {task.name: task for task in tasks}
    removed = 0
    for name, ids in client.find_tasks(project_id, list(known)).items():
        if len(ids) < 2:
            continue
        labelled = [task["id"] for task in client.export(project_id, ids) if task["annotations"]]
        kept = min(labelled or ids)
        ledger.mark_delivered(project_id, [(known[name], kept)])
        for task_id in set(ids) - {kept, *labelled}:
            client.delete_task(task_id)
            removed += 1
    return removed


def fetch_answers(
    ledger: Ledger[T], client: LabelStudioClient, project_id: int, since: str | None = None
) -> Fetched:
    """Store what people answered, to all tasks of the ledger, and notice the tasks that are gone.

    With `since`, an ISO 8601 moment of the server's clock, only tasks that changed after it are
    looked at, and none is noticed as gone.
    """
    known = {task.name: task for task in ledger.tasks()}
    fetched, seen = Fetched(), dict[str, list[int]]()
    pulled = Pulled()
    ids = [t.task_id for t in known.values() if t.task_id is not None]
    for page in readable_pages(client, project_id, since, ids, pulled):
        _store_page(ledger, project_id, known, page, fetched, seen)
    fetched.unreadable = pulled.unreadable
    _note_places(ledger, project_id, known, seen)
    if since is None:
        fetched.deleted = _note_gone(ledger, project_id, known, seen, fetched.unreadable)
    twice = [known[name] for name, found in seen.items() if len(found) > 1]
    fetched.doubles = _remove_doubles(ledger, client, project_id, twice) if twice else 0
    return fetched


def fetch_answers_to(
    ledger: Ledger[T], client: LabelStudioClient, project_id: int, task_ids: Sequence[int]
) -> Fetched:
    """The same for some tasks of the ledger, by their ids in Label Studio."""
    known = {task.name: task for task in ledger.tasks()}
    fetched = Fetched()
    page = list(client.export(project_id, task_ids)) if task_ids else []
    _store_page(ledger, project_id, known, page, fetched, {})
    return fetched


def _store_page(
    ledger: Ledger[T],
    project_id: int,
    known: Mapping[str, T],
    page: Sequence[Mapping[str, Any]],
    fetched: Fetched,
    seen: dict[str, list[int]],
) -> None:
    """Store the answers to the tasks of a page that are ours, and add where they were `seen`."""
    ours = [one for one in page if is_ours(one) and one["data"]["sample_id"] in known]
    answers = [
        _answer(project_id, raw, one["id"], known[one["data"]["sample_id"]])
        for one in ours
        for raw in one["annotations"]
    ]
    fetched.answers += ledger.store_answers(project_id, {one["id"] for one in ours}, answers)
    fetched.tasks += len(ours)
    for one in ours:
        seen.setdefault(one["data"]["sample_id"], []).append(one["id"])


def _note_places(
    ledger: Ledger[T], project_id: int, known: Mapping[str, T], seen: Mapping[str, Sequence[int]]
) -> None:
    moved = [
        (task, min(seen[name]))
        for name, task in known.items()
        if name in seen and (task.task_id not in seen[name] or task.project_id != project_id)
    ]
    ledger.mark_delivered(project_id, moved)


def _note_gone(
    ledger: Ledger[T],
    project_id: int,
    known: Mapping[str, T],
    seen: Mapping[str, Sequence[int]],
    unreadable: Sequence[int],
) -> int:
    """Record which tasks are gone, also with their whole project; how many are."""
    gone = [
        task
        for name, task in known.items()
        if name not in seen
        and task.state in ("sending", "delivered")
        and (task.state == "delivered" or task.project_id != project_id)
        and not (task.project_id == project_id and task.task_id in unreadable)
    ]
    ledger.mark_deleted(gone)
    return len(gone)


def _answer(project_id: int, raw: Mapping[str, Any], task_id: int, task: SideTask) -> SideAnswer:
    completed_by = raw.get("completed_by")
    person = completed_by["id"] if isinstance(completed_by, Mapping) else completed_by
    group, sample_id = task.key
    return SideAnswer(
        project_id=project_id,
        annotation_id=raw["id"],
        updated_at=raw["updated_at"],
        group=group,
        sample_id=sample_id,
        task_id=task_id,
        # Nobody can tell who it was where the user was deleted: two such are not one person.
        annotator_id=person if isinstance(person, int) else -raw["id"],
        result=raw.get("result") or [],
        was_cancelled=bool(raw.get("was_cancelled")),
        lead_time=raw.get("lead_time"),
        created_at=raw["created_at"],
    )
