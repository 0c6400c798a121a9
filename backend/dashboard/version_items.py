"""The items of a version as a query asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from backend.dashboard.choices import Option, choice, counted_options, options, words
from goldloop.samples import DIFFICULTIES, SOURCES
from views.version_index import IndexedItem

MOST_TAGS = 200
NONE = "none"
_SORTS: Mapping[str, tuple[str, Callable[[IndexedItem], Any]]] = {
    "sample": ("sample", attrgetter("sample_id")),
    "agreement": ("least agreement", lambda item: _last(item.agreement_rate)),
    "people": ("fewest people", lambda item: _last(item.annotators)),
    "difficulty": ("hardest", lambda item: -_place(DIFFICULTIES, item.difficulty)),
    "source": ("source", lambda item: _place(SOURCES, item.source)),
    "state": ("state", lambda item: item.state or ""),
}
SORTS = options({name: says for name, (says, _) in _SORTS.items()})
USUAL_SORT = "sample"


def _last(value: float | None) -> tuple[bool, float]:
    return value is None, value or 0.0


def _place(names: Sequence[str], name: str | None) -> int:
    return names.index(name) if name in names else -1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a query asks for; empty where it does not say. `q` is what an item is to contain."""

    q: str = ""
    tag: str = ""
    difficulty: str = ""
    source: str = ""
    state: str = ""
    sort: str = USUAL_SORT

    @property
    def is_narrow(self) -> bool:
        """Whether it asks for less than everything."""
        return bool(self.q or self.tag or self.difficulty or self.source or self.state)


Options = Sequence[Option]


@dataclass(frozen=True, slots=True)
class Facets:
    """What there is to choose from: value, what it says, and how many items have it."""

    tags: Options
    difficulties: Options
    sources: Options
    states: Options


def facets_of(items: Sequence[IndexedItem]) -> Facets:
    """The values that the items have, the most frequent first."""
    return Facets(
        counted_options((tag for item in items for tag in item.tags), MOST_TAGS),
        counted_options((item.difficulty or NONE for item in items), MOST_TAGS),
        counted_options((item.source or NONE for item in items), MOST_TAGS),
        counted_options((item.state or NONE for item in items), MOST_TAGS),
    )


def _values(offered: Options) -> list[str]:
    return [value for value, _, _ in offered]


def read_wanted(arguments: Mapping[str, str], facets: Facets) -> Wanted:
    """What the query asks for; BadRequest for what there cannot be."""
    return Wanted(
        words(arguments, "q"),
        words(arguments, "tag"),
        choice(arguments, "difficulty", {*DIFFICULTIES, NONE, *_values(facets.difficulties)}),
        choice(arguments, "source", {*SOURCES, NONE, *_values(facets.sources)}),
        choice(arguments, "state", _values(facets.states)),
        choice(arguments, "sort", _SORTS, USUAL_SORT),
    )


def items_wanted(items: Sequence[IndexedItem], wanted: Wanted) -> Sequence[IndexedItem]:
    """The items that a query asks for, in its order; equal ones in the order of their ids."""
    found = [item for item in items if _fits(item, wanted)] if wanted.is_narrow else items
    return found if wanted.sort == USUAL_SORT else sorted(found, key=_SORTS[wanted.sort][1])


def _fits(item: IndexedItem, wanted: Wanted) -> bool:
    return (
        (not wanted.tag or wanted.tag in item.tags)
        and (not wanted.difficulty or wanted.difficulty == (item.difficulty or NONE))
        and (not wanted.source or wanted.source == (item.source or NONE))
        and (not wanted.state or wanted.state == (item.state or NONE))
        and (not wanted.q or wanted.q.casefold() in item.searched)
    )
