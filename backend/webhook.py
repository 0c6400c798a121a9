"""The webhook receiver: keeps the ids of what happened; the worker asks Label Studio what it was.

Label Studio sends a webhook inside the annotator's request, unsigned, and waits one second: nothing
here is slow, and nothing calls Label Studio. Whoever shows our secret is believed as far as a hint
goes. The webhook that Label Studio registers by itself with an ML backend shows none, and neither
does a stranger: what they send is not read, and is worth one hint to look again, of which at most
one waits. "Start training" comes from Label Studio as the ML backend's user, and is believed as it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import BadRequest

from goldloop.webhooks import KNOWN_ACTIONS, START_TRAINING
from store.database import Store
from store.inbox import add_hint, add_look_again, waiting_hints

# As many as Label Studio sends at once.
MAX_IDS = 5_000
_ACTION = re.compile(r"[A-Z][A-Z_]{0,49}")


@dataclass(frozen=True, slots=True)
class Event:
    """What one webhook told: an action of Label Studio's, and the ids that it named, in order.

    `cut` says that it named more ids than are kept.
    """

    action: str
    project_id: int | None
    task_ids: tuple[int, ...]
    annotation_ids: tuple[int, ...]
    cut: bool = False

    @property
    def is_known(self) -> bool:
        """Whether its ids mean what we think; an action that is new to us may mean anything."""
        return self.action in KNOWN_ACTIONS


def keep_event(db: Store, event: Event) -> int | None:
    """Append the event to the inbox, and give its id there.

    One that is of an unknown action, or names no ids, becomes a hint to look again (None where one
    waits already); one that named too many ids makes such a hint as well. Raises StoreError.
    """
    if event.cut:
        add_look_again(db)
    if event.action == START_TRAINING:
        return keep_training(db, event.project_id)
    if not event.is_known or not (event.task_ids or event.annotation_ids):
        return add_look_again(db)
    return add_hint(db, event.action, event.project_id, event.task_ids, event.annotation_ids)


def keep_training(db: Store, project_id: int | None) -> int | None:
    """Append the hint that confidence is to be calibrated anew, and give its event id; None where
    one waits already that no worker has begun with. Raises StoreError.
    """
    waits = (hint for hint in waiting_hints(db) if hint.action == START_TRAINING)
    if any(hint.attempts == 0 for hint in waits):
        return None
    return add_hint(db, START_TRAINING, project_id, (), ())


def read_event(body: Mapping[str, Any]) -> Event:
    """The ids in any of the shapes that Label Studio sends; nothing else is looked at.

    `annotation`, `task` and their plurals hold one object or a list of them; an annotation names
    its task. Values that are no ids are left out, and so are those past `MAX_IDS`. Raises 400
    where there is no action.

    >>> read_event({"action": "ANNOTATION_CREATED", "annotation": {"id": 5, "task": 3}}).task_ids
    (3,)
    """
    action = body.get("action")
    if not isinstance(action, str) or not _ACTION.fullmatch(action):
        raise BadRequest("expected an action, such as ANNOTATION_CREATED")
    annotations = _objects(body, "annotation")
    tasks = [task.get("id") for task in _objects(body, "task")]
    task_ids = ids_among([*tasks, *(annotation.get("task") for annotation in annotations)])
    annotation_ids = ids_among(annotation.get("id") for annotation in annotations)
    projects = ids_among(project.get("id") for project in _objects(body, "project"))
    return Event(
        action,
        projects[0] if projects else None,
        task_ids[:MAX_IDS],
        annotation_ids[:MAX_IDS],
        cut=max(len(task_ids), len(annotation_ids)) > MAX_IDS,
    )


def _objects(body: Mapping[str, Any], noun: str) -> list[Mapping[str, Any]]:
    """What the body holds under `noun` or its plural: one object or a list of them."""
    found: list[Any] = []
    for key in (noun, f"{noun}s"):
        value = body.get(key)
        found += value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, Mapping)]


def ids_among(values: Iterable[object]) -> tuple[int, ...]:
    """The ids among the values: whole numbers above 0 that SQLite and JSON can hold, once each."""
    good = {v for v in values if isinstance(v, int) and not isinstance(v, bool) and 0 < v < 2**53}
    return tuple(sorted(good))
