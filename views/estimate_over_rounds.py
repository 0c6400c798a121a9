"""The estimate as it was after each round: by the chances that it and those before it had given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from goldloop.estimates import Estimate, estimate_pool
from goldloop.selection import Design, design
from goldloop.selection.scores import Floats
from store.database import Store
from store.designs import Reach, reaches
from store.rounds import first_rounds, get_rounds, round_near_duplicates
from views.estimate import Sampled

# More points than this do not show more, and each takes a look at the whole pool.
MOST = 60


@dataclass(frozen=True, slots=True)
class RoundEstimate:
    """What is known of a version from the rounds up to one.

    `estimate` is for the samples that these rounds had scored, from the labels that stand now on
    what they picked, whenever people gave them.
    """

    round_id: int
    created_at: str
    agent_version: str
    estimate: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """The outcome of every sample, (n,), NaN where not graded itself, and the round that picked it
    first; the same by sample id.
    """

    outcome: Floats
    picked: Floats
    by_id: Mapping[str, float]
    rounds: Mapping[str, int]
    places: Mapping[str, int]


def estimate_over_rounds(db: Store, found: Sampled, most: int = MOST) -> list[RoundEstimate]:
    """The estimate for a version after each round that scored samples of it, oldest first.

    Of more than `most` rounds as many, evenly spread, the first and the last among them. The last
    is what `estimate_from` says, unless samples came after it.
    """
    wanted = _spread([row.round_id for row in get_rounds(db)], most)
    return list(_estimates(db, found, wanted))


def _spread(round_ids: Sequence[int], most: int) -> set[int]:
    places = np.linspace(0, len(round_ids) - 1, min(most, len(round_ids))).round().astype(int)
    return {round_ids[place] for place in places.tolist()}


def _estimates(db: Store, found: Sampled, wanted: set[int]) -> Iterator[RoundEstimate]:
    known, repeats = _known(db, found), dict[str, str]()
    for reach in reaches(db, found.samples.ids):
        row = reach.row
        repeats |= round_near_duplicates(db, row.round_id)
        if row.round_id in wanted and reach.scored.any():
            then = _then(found, reach, known, repeats)
            yield RoundEstimate(row.round_id, row.created_at, row.agent_version, then)


def _known(db: Store, found: Sampled) -> _Known:
    ids, rounds = found.samples.ids, first_rounds(db)
    return _Known(
        np.array([found.known.get(one, np.nan) for one in ids]),
        np.array([rounds.get(one, np.inf) for one in ids]),
        found.known,
        rounds,
        {one: place for place, one in enumerate(ids)},
    )


def _then(found: Sampled, reach: Reach, known: _Known, repeats: Mapping[str, str]) -> Estimate:
    """The estimate from what was picked by then, for what was scored by then."""
    by_then = known.picked <= reach.row.round_id
    made = design(found.samples.prn, by_then, reach.level, reach.certain)
    outcome = np.where(by_then, known.outcome, np.nan)
    _repeat(outcome, made, known, reach.row.round_id, repeats)
    own = np.flatnonzero(reach.scored)
    return estimate_pool(outcome[own], made.part(own), found.samples.confidence[own])


def _repeat(
    outcome: Floats, made: Design, known: _Known, round_id: int, repeats: Mapping[str, str]
) -> None:
    """What was drawn and not graded itself counts like the sample that it repeats, as `outcomes`
    says, where that was picked by then.
    """
    drawn = made.drawn
    for one, of in repeats.items():
        place = known.places.get(one)
        if place is None or not drawn[place] or not np.isnan(outcome[place]):
            continue
        if of in known.by_id and known.rounds.get(of, round_id + 1) <= round_id:
            outcome[place] = known.by_id[of]
