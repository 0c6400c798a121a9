"""delivery: planned tasks, posted in parcels that are marked before and recorded after.

What was marked and never recorded is uncertain: Label Studio is asked which of it arrived. One
parcel is posted at a time: what is uncertain stays little.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, Self, TypeVar

from goldloop.errors import LabelStudioError
from store.database import Store
from store.tasks import mark_delivered, mark_sending
from sync.client import LabelStudioClient
from sync.grace import look_until

# Small enough that Label Studio takes a parcel in a few seconds.
PARCEL_BYTES = 16 * 2**20

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Parcel:
    """Planned tasks that go in one request: whose they are, and their JSON list."""

    sample_ids: tuple[str, ...]
    body: bytes


def send_tasks(
    db: Store, client: LabelStudioClient, project_id: int, tasks: Sequence[dict[str, Any]]
) -> int:
    """Post planned tasks, each with its `sample_id` in `data`, and record their ids; how many."""
    return sum(send(db, client, project_id, parcel) for parcel in parcels(tasks))


def send(
    db: Store,
    client: LabelStudioClient,
    project_id: int,
    parcel: Parcel,
    meanwhile: Callable[[], None] = lambda: None,
) -> int:
    """Post one parcel, and record the ids of its tasks; how many.

    `meanwhile` starts what can be done while Label Studio takes it. Earlier, another thread would
    hold up every statement of the marking.
    """
    sample_ids = parcel.sample_ids
    mark_sending(db, project_id, sample_ids)
    meanwhile()
    ids = client.import_tasks(project_id, parcel.body)
    if len(ids) != len(sample_ids):
        raise LabelStudioError(
            f"Label Studio answered with {len(ids)} task ids for {len(sample_ids)} tasks; "
            "run the same command again: it asks which of them arrived"
        )
    mark_delivered(db, project_id, dict(zip(sample_ids, ids, strict=True)))
    return len(sample_ids)


def parcels(tasks: Iterable[Mapping[str, Any]]) -> list[Parcel]:
    """Tasks, each with its `sample_id` in `data`, in parcels that Label Studio takes in one
    request, whatever their size.
    """
    found: list[Parcel] = []
    texts: dict[str, str] = {}
    size = 0
    for task in tasks:
        text = json.dumps(task)
        if texts and size + len(text) > PARCEL_BYTES:
            found.append(_parcel(texts))
            texts, size = {}, 0
        texts[task["data"]["sample_id"]] = text
        size += len(text)
    return [*found, _parcel(texts)] if texts else found


def _parcel(texts: Mapping[str, str]) -> Parcel:
    return Parcel(tuple(texts), f"[{','.join(texts.values())}]".encode())


class Ahead(Generic[T, R]):
    """What `make` gives for each item, in order, made in another thread; a context manager.

    One is made ahead at most, from `start` on. An error of `make` is raised when it is that item's
    turn.
    """

    def __init__(self, make: Callable[[T], R], items: Iterable[T]) -> None:
        self._make, self._items = make, iter(items)
        self._thread = ThreadPoolExecutor(1)
        self._coming: Future[R] | None = None

    def start(self) -> None:
        """Begin with the next one, where there is one and it is not begun."""
        if self._coming is None:
            for item in islice(self._items, 1):
                self._coming = self._thread.submit(self._make, item)

    def take(self) -> R:
        """The next one, once it is made. Raises IndexError when there is none."""
        self.start()
        if self._coming is None:
            raise IndexError("every item was taken")
        coming, self._coming = self._coming, None
        return coming.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)


def record_arrived(
    db: Store,
    client: LabelStudioClient,
    project_id: int,
    sample_ids: Sequence[str],
    sent_at: str | None,
) -> tuple[str, ...]:
    """Record what arrived of tasks that were cut off while they were sent; the missing ones."""
    arrived = look_until(
        sent_at,
        lambda: client.find_tasks(project_id, sample_ids),
        lambda found: len(found) == len(sample_ids),
    )
    mark_delivered(db, project_id, {sample: ids[0] for sample, ids in arrived.items()})
    return tuple(sample for sample in sample_ids if sample not in arrived)
