"""Near-duplicates inside a version: items that ask what another one asks already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from goldloop.messages import read_messages
from goldloop.near_duplicates import NearDuplicate
from goldloop.novelty import sample_text
from goldloop.repeated_texts import repeated_texts
from goldloop.versions import Item

# Characters of an item, on the average, above which a limit on items is reached with fewer.
LONG = 2_000


@dataclass(slots=True)
class RepeatTally:
    """Gathers the texts of up to `most` items, of any number with None; of more it keeps none, and
    reads none where so many are `expected`. Many long texts are too many as well: more characters
    than `most` times 2,000.
    """

    most: int | None = None
    expected: int = 0
    items: int = 0
    characters: int = 0
    texts: list[tuple[str, str]] = field(default_factory=list)

    def add(self, item: Item) -> None:
        """Keep what an item asks."""
        self.items += 1
        if self.too_many:
            self.texts.clear()
            return
        said = _said(item)
        self.characters += len(said)
        self.texts.append((str(item["sample_id"]), said))

    @property
    def too_many(self) -> bool:
        """Whether there are more items than are compared."""
        if self.most is None:
            return False
        items = max(self.items, self.expected)
        return items > self.most or self.characters > self.most * LONG

    def found(self, threshold: float = 0.8) -> tuple[NearDuplicate, ...] | None:
        """The near-duplicates; None where there were too many items to compare."""
        if self.too_many:
            return None
        return repeated_texts(sorted(self.texts), threshold)


def repeats(items: Iterable[Item], threshold: float = 0.8) -> tuple[NearDuplicate, ...]:
    """Every item that is like one before it, by id, each with the most similar of those.

    What is compared are the user's turns. Takes about a tenth of a millisecond an item.
    """
    tally = RepeatTally()
    for item in items:
        tally.add(item)
    return tally.found(threshold) or ()


def _said(item: Item) -> str:
    turns = read_messages(item.get("conversation") or [], "conversation")
    return sample_text(str(item.get("user_input") or ""), turns)
