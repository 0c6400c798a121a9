"""What takes long to work out is kept in the process as long as nothing has changed, and what
takes very long a while longer: every answer changes the store, and annotators give one a second.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any, TypeVar, cast

from flask import g, has_request_context

from backend.dashboard.state import state_of
from store.database import utc_now
from views.project import Project

T = TypeVar("T")
MOST = 48
# What took more seconds than these is shown for so many times as long before it is made anew.
SLOW, TIMES = 1.0, 20


@dataclass(slots=True)
class _Place:
    """A value with the state that it was made from; whoever makes it holds the lock."""

    lock: Lock = field(default_factory=Lock)
    state: Hashable = None
    value: Any = None
    made_at: str = ""
    fresh_until: float = 0.0

    def make(self, state: Hashable, make: Callable[[], Any]) -> None:
        """Make the value anew."""
        began, at = monotonic(), utc_now()
        # Together, and only when it is there: others read it while it is made.
        self.value, self.state, self.made_at = make(), state, at
        took = monotonic() - began
        self.fresh_until = monotonic() + took * TIMES if took > SLOW else 0.0


_places: OrderedDict[Hashable, _Place] = OrderedDict()
_lock = Lock()


def kept(project: Project, what: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, or gave when the store and the versions' folder were as they are now.

    What is slow to make may be of a while ago: `oldest_shown` tells of when.
    """
    state, place = state_of(project), _place((project.folder, what))
    if place.state not in (None, state) and monotonic() < place.fresh_until:
        return cast(T, _aged(place))
    # While somebody makes it anew, the others are shown what there is.
    if not place.lock.acquire(blocking=place.state is None or not place.fresh_until):
        return cast(T, _aged(place))
    try:
        if place.state != state:
            place.make(state, make)
        found: T = place.value
        return found
    finally:
        place.lock.release()


def kept_as(state: Hashable, what: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, or gave before in just this `state`."""
    place = _place(what)
    # Two browsers that ask at once wait for one answer, and do not work it out twice.
    with place.lock:
        if place.state is None or place.state != state:
            place.make(state, make)
        found: T = place.value
        return found


def oldest_shown() -> str | None:
    """When the oldest of what this page shows was worked out, where that was in an earlier state;
    else None.
    """
    return getattr(g, "oldest_shown", None)


def _place(what: Hashable) -> _Place:
    """Where a value is kept; those stay that were slow to make, and then those used last."""
    with _lock:
        place = _places.setdefault(what, _Place())
        _places.move_to_end(what)
        while len(_places) > MOST:
            quick = (key for key, one in _places.items() if key != what and not one.fresh_until)
            del _places[next(quick, next(iter(_places)))]
        return place


def _aged(place: _Place) -> Any:
    if has_request_context():
        g.oldest_shown = min(getattr(g, "oldest_shown", place.made_at), place.made_at)
    return place.value
