"""The webhook receiver: keeps the ids of what happened; the worker asks Label Studio what it was.

The webhook that Label Studio registers by itself with an ML backend carries no credentials, so what
arrives here is worth no more than a hint. Label Studio sends it inside the annotator's request and
waits one second: nothing here is slow, and nothing calls Label Studio.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import BadRequest

# As many as Label Studio sends at once.
MAX_IDS = 5_000
_ACTION = re.compile(r"[A-Z][A-Z_]{0,49}")


@dataclass(frozen=True, slots=True)
class Event:
    """What one webhook told: an action of Label Studio's, and the ids that it named, in order."""

    action: str
    project_id: int | None
    task_ids: tuple[int, ...]
    annotation_ids: tuple[int, ...]


def read_event(body: Mapping[str, Any]) -> Event:
    """The ids in any of the shapes that Label Studio sends; nothing else is looked at.

    `annotation`, `task` and their plurals hold one object or a list of them; an annotation names
    its task. Values that are no ids are left out, and so are those past `MAX_IDS`. Raises 400
    where there is no action.

    >>> read_event({"action": "ANNOTATION_CREATED", "annotation": {"id": 5, "task": 3}})
    Event(action='ANNOTATION_CREATED', project_id=None, task_ids=(3,), annotation_ids=(5,))
    """
    action = body.get("action")
    if not isinstance(action, str) or not _ACTION.fullmatch(action):
        raise BadRequest("expected an action, such as ANNOTATION_CREATED")
    annotations = _objects(body, "annotation")
    tasks = [task.get("id") for task in _objects(body, "task")]
    tasks += [annotation.get("task") for annotation in annotations]
    projects = _ids(project.get("id") for project in _objects(body, "project"))
    return Event(
        action,
        projects[0] if projects else None,
        _ids(tasks),
        _ids(annotation.get("id") for annotation in annotations),
    )


def _objects(body: Mapping[str, Any], noun: str) -> list[Mapping[str, Any]]:
    """What the body holds under `noun` or its plural: one object or a list of them."""
    found: list[Any] = []
    for key in (noun, f"{noun}s"):
        value = body.get(key)
        found += value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, Mapping)]


def _ids(values: Iterable[object]) -> tuple[int, ...]:
    """The ids among the values: whole numbers above 0 that SQLite and JSON can hold, once each."""
    good = {v for v in values if isinstance(v, int) and not isinstance(v, bool) and 0 < v < 2**53}
    return tuple(sorted(good)[:MAX_IDS])
