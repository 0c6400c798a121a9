"""What a generation sees of the pool: examples for its prompts, and texts that are there."""

from __future__ import annotations

from collections.abc import Sequence

from sqlite_utils import Database

from goldloop.novelty import sample_text
from goldloop.samples import Sample
from store.samples import get_samples, sample_texts
from store.synthesis import KEPT, NEEDS_HUMAN, PASSED, candidates_of

# Nothing that was ever picked for labelling: what is or will be gold shall not be written after.
# And nothing out of a batch: a prompt full of the model's own samples brings more of the same.
_EXAMPLES = (
    "SELECT s.sample_id FROM samples s"
    " WHERE NOT EXISTS (SELECT 1 FROM picks p WHERE p.sample_id = s.sample_id)"
    " AND NOT EXISTS (SELECT 1 FROM annotations a WHERE a.sample_id = s.sample_id)"
    " AND NOT EXISTS (SELECT 1 FROM synthesis_candidates c WHERE c.sample_id = s.sample_id)"
)


def seed_examples(db: Database, capabilities: Sequence[str], count: int) -> dict[str, list[Sample]]:
    """Up to `count` samples of the pool for each capability, by their permanent random numbers:
    those that have it as a tag, and of all where none has. No more than that is ever shown.
    """
    if not count:
        return {}
    tagged = _EXAMPLES + " AND EXISTS (SELECT 1 FROM json_each(s.tags) WHERE value = ?)"  # noqa: S608
    anything = _first(db, _EXAMPLES, (), count)
    return {
        name: _first(db, tagged, (name,), count) or anything for name in dict.fromkeys(capabilities)
    }


def _first(db: Database, sql: str, values: Sequence[str], count: int) -> list[Sample]:
    rows = db.execute(f"{sql} ORDER BY s.prn LIMIT ?", [*values, count]).fetchall()
    ids = [row[0] for row in rows]
    found = get_samples(db, ids)
    return [found[one] for one in ids]


def known_texts(db: Database) -> list[tuple[str, str]]:
    """What everything says that a new sample may not repeat, by id: the pool, and what is kept or
    waits for a person in any batch.
    """
    held = sample_texts(db)
    for one in candidates_of(db, None, (PASSED, NEEDS_HUMAN, KEPT)):
        sample = one.sample
        held.setdefault(sample.sample_id, sample_text(sample.user_input, sample.conversation))
    return list(held.items())
