"""Near-duplicates inside a version: items that ask what another one asks already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from goldloop.messages import read_messages
from goldloop.near_duplicates import NearDuplicate, duplicates_among
from goldloop.novelty import sample_text
from goldloop.versions import Item


@dataclass(slots=True)
class RepeatTally:
    """Gathers the texts of up to `most` items, of any number with None; of more it keeps none."""

    most: int | None = None
    items: int = 0
    texts: list[tuple[str, str]] = field(default_factory=list)

    def add(self, item: Item) -> None:
        """Keep what an item asks."""
        self.items += 1
        if self.too_many:
            self.texts.clear()
        else:
            self.texts.append((str(item["sample_id"]), _said(item)))

    @property
    def too_many(self) -> bool:
        """Whether there are more items than are compared."""
        return self.most is not None and self.items > self.most

    def found(self, threshold: float = 0.8) -> tuple[NearDuplicate, ...] | None:
        """The near-duplicates; None where there were too many items to compare."""
        if self.too_many:
            return None
        return duplicates_among(sorted(self.texts), threshold=threshold)


def repeats(items: Iterable[Item], threshold: float = 0.8) -> tuple[NearDuplicate, ...]:
    """Every item that is like one before it, by id, each with the most similar of those.

    What is compared are the user's turns. Takes about a millisecond an item.
    """
    tally = RepeatTally()
    for item in items:
        tally.add(item)
    return tally.found(threshold) or ()


def _said(item: Item) -> str:
    turns = read_messages(item.get("conversation") or [], "conversation")
    return sample_text(str(item.get("user_input") or ""), turns)
