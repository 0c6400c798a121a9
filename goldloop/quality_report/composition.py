"""What a version is made of: totals, tags, difficulties and sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from goldloop.samples import DIFFICULTIES, SOURCES
from goldloop.verification import SPOT_CHECK, verified_by
from goldloop.versions import Item

NOT_GIVEN = "not given"
# As many as it takes to say something of one capability, and to compare two agents.
ENOUGH_PER_TAG, ENOUGH_TO_COMPARE = 50, 200


@dataclass(frozen=True, slots=True)
class Share:
    """How many there are of something, and their share in [0, 1] of what the report says beside."""

    name: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Capability:
    """The items with one tag; `short_of` is how many there are too few of, 0 for enough."""

    tag: str
    items: int
    short_of: int


@dataclass(frozen=True, slots=True)
class Composition:
    """How many items there are, and of which kinds.

    `labelled` have a label; `unlabelled` were taken in without one, of which people who were shown
    a share of a synthetic batch found `spot_checked` good. `with_response` and
    `with_tool_calls` say what is expected (no call at all counts as said), `nothing_expected` have
    neither, so a grader has nothing to hold an answer against. `clusters` counts the groups of
    items that belong together, `clustered` the items in a group with another one of the version.
    Shares are of all items.
    """

    items: int
    labelled: int
    unlabelled: int
    spot_checked: int
    conversations: int
    with_response: int
    with_tool_calls: int
    nothing_expected: int
    unique_tags: int
    untagged: int
    clusters: int
    clustered: int
    difficulties: tuple[Share, ...]
    sources: tuple[Share, ...]
    states: tuple[Share, ...]


def percent(share: float) -> str:
    """A share as a person reads it: a few are not 0%, and nearly all are not 100%.

    >>> percent(0.001), percent(0.25), percent(0.999), percent(1.0)
    ('<1%', '25%', '>99%', '100%')
    """
    if 0.0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1.0 else f"{share:.0%}"


def shares(counts: Counter[str], whole: int, order: Iterable[str] = ()) -> tuple[Share, ...]:
    """Counts as shares of `whole`; those of `order` first, also without any, then the most frequent
    first and equals by name. A share of nothing is 0.
    """
    first = list(dict.fromkeys(order))
    rest = sorted(counts.keys() - set(first), key=lambda name: (-counts[name], name))
    return tuple(
        Share(name, counts[name], counts[name] / whole if whole else 0.0) for name in first + rest
    )


@dataclass(slots=True)
class CompositionTally:
    """Counts one item after another."""

    counts: Counter[str] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    clusters: Counter[str] = field(default_factory=Counter)
    difficulties: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)

    def add(self, item: Item) -> None:
        """Count an item."""
        counts = self.counts
        counts["items"] += 1
        counts["labelled"] += bool(item["labels"])
        counts["spot_checked"] += not item["labels"] and SPOT_CHECK in verified_by(item)
        counts["conversations"] += bool(item.get("conversation"))
        response = bool(item.get("expected_response"))
        calls = item.get("expected_tool_calls") is not None
        counts["with_response"] += response
        counts["with_tool_calls"] += calls
        counts["nothing_expected"] += not (response or calls)
        self._describe(item)

    def _describe(self, item: Item) -> None:
        tags = item.get("tags")
        self.tags.update(set(tags or ()))
        self.counts["untagged"] += not tags
        self.difficulties[item.get("difficulty") or NOT_GIVEN] += 1
        self.sources[item.get("source") or NOT_GIVEN] += 1
        self.states[(item.get("evidence") or {}).get("state") or NOT_GIVEN] += 1
        cluster = item.get("cluster_id")
        if cluster:
            self.clusters[cluster] += 1

    def found(self) -> Composition:
        """What was counted."""
        counts, items = self.counts, self.counts["items"]
        return Composition(
            items=items,
            labelled=counts["labelled"],
            unlabelled=items - counts["labelled"],
            spot_checked=counts["spot_checked"],
            conversations=counts["conversations"],
            with_response=counts["with_response"],
            with_tool_calls=counts["with_tool_calls"],
            nothing_expected=counts["nothing_expected"],
            unique_tags=len(self.tags),
            untagged=counts["untagged"],
            clusters=len(self.clusters),
            clustered=sum(count for count in self.clusters.values() if count > 1),
            difficulties=shares(self.difficulties, items, DIFFICULTIES),
            sources=shares(self.sources, items, SOURCES),
            states=shares(self.states, items),
        )

    def capabilities(self) -> tuple[Capability, ...]:
        """How many items there are of each tag, the most first, equals by name."""
        return tuple(
            Capability(tag, count, max(0, ENOUGH_PER_TAG - count))
            for tag, count in sorted(self.tags.items(), key=lambda pair: (-pair[1], pair[0]))
        )


def composition(items: Iterable[Item]) -> Composition:
    """Count the items of a version by everything that describes them.

    >>> found = composition([{"sample_id": "a", "labels": {}, "tags": ["refund"]}])
    >>> found.items, found.unlabelled, found.unique_tags, found.nothing_expected
    (1, 1, 1, 1)
    """
    return _tallied(items).found()


def capabilities(items: Iterable[Item]) -> tuple[Capability, ...]:
    """How many items there are of each tag; an item counts once for each of its tags.

    >>> capabilities([{"labels": {}, "tags": ["refund"]}])
    (Capability(tag='refund', items=1, short_of=49),)
    """
    return _tallied(items).capabilities()


def _tallied(items: Iterable[Item]) -> CompositionTally:
    tally = CompositionTally()
    for item in items:
        tally.add(item)
    return tally
