"""Keeping near-duplicates out of a batch: what resembles a pick is not asked about beside it."""

from __future__ import annotations

from collections.abc import Sequence

from goldloop.near_duplicates import Picked
from store.database import Store
from store.samples import sample_texts


class Distinct:
    """Says of one sample after another, by position, whether it may join the batch.

    `refused` maps those that may not to the sample that they resemble.
    """

    def __init__(self, db: Store, sample_ids: Sequence[str], threshold: float) -> None:
        self._db = db
        self._ids = sample_ids
        self._threshold = threshold
        self._picked: Picked | None = None
        self.refused: dict[str, str] = {}

    def admits(self, position: int) -> bool:
        """Whether the sample resembles nothing that was let in before; then it is in."""
        found = self._closest(position)
        if found is not None:
            self.refused[self._ids[position]] = found
        return found is None

    def _closest(self, position: int) -> str | None:
        """What was let in and resembles this one; where nothing does, this one is in."""
        sample_id = self._ids[position]
        text = sample_texts(self._db, [sample_id])[sample_id]
        if self._picked is None:
            self._picked = Picked(self._threshold)
        found = self._picked.closest(sample_id, text)
        if found is not None and found.of != sample_id:
            return found.of
        self._picked.add(sample_id, text)
        return None
