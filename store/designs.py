"""What the rounds so far have made of samples: their levels, and which were certain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from goldloop.estimates.estimate import STRATIFIED
from goldloop.estimates.pool import best_method
from goldloop.selection import Design, design
from goldloop.selection.design import Flags
from goldloop.selection.scores import Floats
from store.rounds import StoredRound, get_rounds, round_frame, round_scores
from store.samples import prn_of_samples


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """What the rounds up to `row` have made of some samples; arrays of shape (n,).

    `level` and `certain` as in `Design`; `scored`: in the frame of some round.
    """

    row: StoredRound
    level: Floats
    certain: Flags
    scored: Flags


def reaches(
    db: Database, sample_ids: Sequence[str], before_round: int | None = None
) -> Iterator[Reach]:
    """How far the rounds, all or those before one, reach among these samples, in their order: after
    each round, oldest first.

    Rounds of every agent version count: chances belong to samples, whoever's scores gave them. The
    same arrays grow from round to round: take what you need before you ask for the next.
    """
    level, certain = np.zeros(len(sample_ids)), np.zeros(len(sample_ids), dtype=np.bool_)
    scored = np.zeros(len(sample_ids), dtype=np.bool_)
    places: dict[str, tuple[NDArray[np.intp], NDArray[np.intp]]] = {}
    for row in get_rounds(db):
        if before_round is not None and row.round_id >= before_round:
            break
        if row.frame not in places:
            places[row.frame] = _common(sample_ids, round_frame(db, row))
        here, there = places[row.frame]
        found = round_scores(db, row, ("level", "certain"))
        level[here] = np.maximum(level[here], found["level"][there])
        certain[here] |= found["certain"][there] > 0
        scored[here] = True
        yield Reach(row, level, certain, scored)


def design_of(
    db: Database,
    sample_ids: Sequence[str],
    prn: Floats,
    labelled: Flags,
    before_round: int | None = None,
) -> Design:
    """The design that all rounds, or those before one, have made of these samples."""
    last = None
    for reach in reaches(db, sample_ids, before_round):
        last = reach
    if last is None:
        return design(prn, labelled)
    return design(prn, labelled, last.level, last.certain)


def _common(
    sample_ids: Sequence[str], frame: Sequence[str]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the ids that both have in common stand in the first, and in the second."""
    if list(sample_ids) == list(frame):
        everything = np.arange(len(frame))
        return everything, everything
    known = {sample_id: place for place, sample_id in enumerate(sample_ids)}
    pairs = [(known[one], place) for place, one in enumerate(frame) if one in known]
    here, there = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(here, dtype=np.intp), np.array(there, dtype=np.intp)


def final_probabilities(db: Database) -> dict[str, float]:
    """Of every sample that some round scored, by id: the chance to be labelled that all rounds so
    far have given it. One over it is what a label counts, for whatever agent.
    """
    ids = sorted({one for frame in _frames(db) for one in frame})
    if not ids:
        return {}
    nobody = np.zeros(len(ids), dtype=np.bool_)
    made = design_of(db, ids, prn_of_samples(db, ids), nobody)
    chance = made.realised() if best_method(made) == STRATIFIED else made.probability
    return dict(zip(ids, chance.tolist(), strict=True))


def _frames(db: Database) -> list[list[str]]:
    return [round_frame(db, row) for row in {row.frame: row for row in get_rounds(db)}.values()]
