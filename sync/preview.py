"""What a batch is going to tell, and what it covers, before anybody is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from goldloop.estimates import expected_failures, expected_half_width
from goldloop.novelty import Embed
from goldloop.settings import SelectionSettings
from store.database import Store, transaction
from sync.select_batch import Batch, Drawn, batch_of, draw, draw_from
from views.slices import difficulty_members, tag_members


@dataclass(frozen=True, slots=True)
class ModePreview:
    """What a batch by one mode promises, going by calibrated confidence.

    `failures` is how many of the picks are expected to be wrong, `half_width` that of the 95%
    interval for the whole pool once all picks so far are labelled (None: nothing can be said).
    `reasons` counts the picks.
    """

    mode: str
    picks: int
    reasons: Mapping[str, int]
    failures: float
    half_width: float | None
    near_duplicates: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """A tag or a difficulty: its samples, those labelled or picked before, and picked now."""

    slice: str
    name: str
    samples: int
    before: int
    picked: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A batch that was not written, hard and soft side by side, and what it covers."""

    batch: Batch
    modes: Sequence[ModePreview]
    coverage: Sequence[Coverage]


def preview(
    db: Store,
    agent_version: str,
    settings: SelectionSettings,
    batch_size: int,
    embed: Embed | None = None,
) -> Preview:
    """Try a selection out; raises EmptyPoolError when there is nothing to pick."""
    with transaction(db):
        chosen = draw(db, agent_version, settings, batch_size, embed)
        other = replace(settings, mode="soft" if settings.mode == "hard" else "hard")
        beside = draw_from(db, chosen.samples, chosen.before, chosen.ranked, other, batch_size)
        coverage = _coverage(db, chosen)
    modes = [_mode(chosen, settings.mode), _mode(beside, other.mode)]
    return Preview(
        batch=batch_of(chosen, settings, None),
        modes=sorted(modes, key=lambda one: one.mode),
        coverage=coverage,
    )


def _mode(drawn: Drawn, mode: str) -> ModePreview:
    confidence, made = drawn.samples.confidence, drawn.round
    return ModePreview(
        mode=mode,
        picks=len(made.picks),
        reasons={name: made.reasons.count(name) for name in sorted(set(made.reasons))},
        failures=expected_failures(confidence, made.picks),
        half_width=expected_half_width(confidence, made.design),
        near_duplicates=len(drawn.twins),
    )


def _coverage(db: Store, drawn: Drawn) -> list[Coverage]:
    samples = drawn.samples
    picked = np.zeros(len(samples.ids), dtype=np.bool_)
    picked[drawn.round.picks] = True

    def of(kind: str, slices: Mapping[str, NDArray[np.bool_]]) -> list[Coverage]:
        return [
            Coverage(
                kind,
                name,
                int(members.sum()),
                int((members & ~samples.in_pool).sum()),
                int((members & picked).sum()),
            )
            for name, members in slices.items()
        ]

    by_tag = of("tag", tag_members(db, samples.ids))
    return by_tag + of("difficulty", difficulty_members(db, samples.ids))
