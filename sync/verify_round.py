"""verify: a past round worked out again from what was stored of it, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldloop.errors import GoldloopError
from goldloop.prn import permanent_random_number
from goldloop.selection import (
    UNCERTAIN,
    Design,
    Round,
    TagMinimum,
    hard_round,
    interest,
    soft_round,
    uncertainty,
)
from store.calibrators import read_calibrators
from store.database import Store, project_fact
from store.designs import design_of
from store.round_columns import Column, frame_fingerprint
from store.rounds import (
    Pick,
    StoredRound,
    by_method,
    get_round,
    get_rounds,
    ranks,
    round_fingerprint,
    round_frame,
    round_near_duplicates,
    round_picks,
    round_scores,
)
from store.samples import prn_of_samples
from sync.select_batch import NOVEL

Floats = NDArray[np.float64]


class UnknownRoundError(GoldloopError):
    """There is no such round."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether everything of a round fits; else the first step that does not, and what is wrong.

    `checked` names the steps that fit, `unchecked` those that an older Goldloop did not record.
    """

    round_id: int
    fits: bool
    checked: Sequence[str]
    unchecked: Sequence[str] = ()
    step: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Record:
    """All that is stored of a round."""

    row: StoredRound
    ids: Sequence[str]
    columns: Mapping[str, Column]
    picks: Sequence[Pick]
    twins: Mapping[str, str]

    def flags(self, name: str) -> NDArray[np.bool_]:
        """A column of flags; all down where it was left out."""
        found = self.columns.get(name)
        return np.zeros(len(self.ids), dtype=np.bool_) if found is None else found > 0

    def numbers(self, name: str, otherwise: Floats) -> Floats:
        """A column of numbers, or what it equals where it was left out."""
        found = self.columns.get(name)
        return otherwise if found is None else np.asarray(found, dtype=np.float64)


# What a check finds wrong: a sentence, or None where all fits.
Check = Callable[[], str | None]


def verify_round(db: Store, round_id: int) -> Verdict:
    """Work a round out again: its fingerprints, random numbers, confidences, uncertainties, picks,
    cutoff, levels and probabilities. Raises UnknownRoundError for a round that is not there.
    """
    row = get_round(db, round_id)
    if row is None:
        known = ", ".join(str(one.round_id) for one in get_rounds(db)) or "none"
        raise UnknownRoundError(f"there is no round {round_id}; there are: {known}")
    checked: list[str] = []
    for step, check in _checks(db, row):
        if row.fingerprint is None and step not in _OF_OLD:
            continue
        problem = check()
        if problem is not None:
            return Verdict(round_id, False, checked, (), step, problem)
        checked.append(step)
    left = () if row.fingerprint else tuple(step for step in _STEPS if step not in _OF_OLD)
    return Verdict(round_id, True, checked, left)


_STEPS = (
    "frame",
    "pool",
    "fingerprint",
    "random numbers",
    "confidences",
    "uncertainties",
    "picks",
    "cutoff",
    "levels",
    "probabilities",
)
# Of a round of an older Goldloop there is no more to go by.
_OF_OLD = ("frame", "pool", "random numbers")


def _checks(db: Store, row: StoredRound) -> Iterator[tuple[str, Check]]:
    record = _Record(
        row,
        round_frame(db, row),
        round_scores(db, row),
        round_picks(db, row.round_id),
        round_near_duplicates(db, row.round_id),
    )
    yield "frame", partial(_frame, record)
    yield "pool", partial(_pool, db, record)
    yield "fingerprint", partial(_fingerprint, record)
    stored = prn_of_samples(db, record.ids)
    yield "random numbers", partial(_random_numbers, db, record, stored)
    yield "confidences", partial(_confidences, db, record)
    yield "uncertainties", partial(_uncertainties, record)
    before = design_of(db, record.ids, stored, ~record.flags("in_pool"), row.round_id)
    again = _again(record, before)
    yield "picks", partial(_picks, record, again)
    yield "cutoff", partial(_cutoff, record, again)
    yield "levels", partial(_levels, record, again)
    yield "probabilities", partial(_probabilities, record, again)


def _frame(record: _Record) -> str | None:
    """The ids are those that the round scored, and every column has one entry for each."""
    if frame_fingerprint(record.ids) != record.row.frame:
        return f"the {len(record.ids)} scored samples are not those that the round had"
    for name, column in record.columns.items():
        if len(column) != len(record.ids):
            return f"the column {name} has {len(column)} entries for {len(record.ids)} samples"
    return None


def _pool(db: Store, record: _Record) -> str | None:
    """What could be picked is what no earlier round picked."""
    pool = [record.ids[place] for place in np.flatnonzero(record.flags("in_pool")).tolist()]
    if (len(pool), frame_fingerprint(pool)) != (
        record.row.pool_size,
        record.row.pool_fingerprint,
    ):
        return f"the pool of {len(pool)} samples is not the one that was picked from"
    before = [one for one in get_rounds(db) if one.round_id < record.row.round_id]
    known = {pick.sample_id for one in before for pick in round_picks(db, one.round_id)}
    twice = sorted(known & {pick.sample_id for pick in record.picks})
    return f"sample {twice[0]} was picked in an earlier round already" if twice else None


def _fingerprint(record: _Record) -> str | None:
    found = round_fingerprint(record.row, record.columns, record.picks, record.twins)
    if found != record.row.fingerprint:
        return (
            f"what is stored has the fingerprint {found[:12]}, and was written with "
            f"{(record.row.fingerprint or 'none')[:12]}: something of it was changed since"
        )
    return None


def _random_numbers(db: Store, record: _Record, stored: Floats) -> str | None:
    secret = bytes.fromhex(project_fact(db, "secret"))
    for sample_id, number in zip(record.ids, stored.tolist(), strict=True):
        if permanent_random_number(secret, sample_id) != number:
            return (
                f"sample {sample_id} has the permanent random number {number}, which is not what "
                "the project's secret gives: one of the two was changed"
            )
    return None


def _confidences(db: Store, record: _Record) -> str | None:
    """Calibrators and ranks turn the raw confidences into those that were compared."""
    raw = record.numbers("raw_confidence", np.empty(0))
    nothing = np.zeros(len(raw), dtype=np.uint8)
    method = np.asarray(record.columns.get("method", nothing), dtype=np.uint8)
    names = record.row.methods
    used = read_calibrators(db, record.row.calibrators)
    turned = by_method(
        raw, method, names, lambda own, name: used[name].apply(own) if name in used else own
    )
    stored = record.numbers("confidence", raw)
    wrong = _differing(record, turned, stored, "confidence after calibration")
    if wrong is None and record.row.settings.get("compared_by") == "mid_rank":
        ranked = by_method(raw, method, names, ranks)
        wrong = _differing(record, ranked, record.numbers("comparable", stored), "rank")
    return wrong


def _differing(record: _Record, again: Floats, stored: Floats, what: str) -> str | None:
    places = np.flatnonzero(~np.isclose(again, stored, rtol=0.0, atol=1e-9, equal_nan=True))
    if not len(places):
        return None
    place = int(places[0])
    return (
        f"sample {record.ids[place]} was stored with the {what} {stored[place]:.6g}; worked out "
        f"again it is {again[place]:.6g}"
    )


def _compared(record: _Record) -> Floats:
    raw = record.numbers("raw_confidence", np.empty(0))
    return record.numbers("comparable", record.numbers("confidence", raw))


def _uncertainties(record: _Record) -> str | None:
    """1 - confidence, with the boost where there was one."""
    boost = record.numbers("boost", np.zeros(len(record.ids)))
    if not np.array_equal(boost > 0.0, record.flags("novel")):
        return "the samples with a boost are not those that are novel"
    plain = uncertainty(_compared(record), np.zeros(len(boost), dtype=np.bool_), 0.0)
    again = np.minimum(np.round(plain + boost, 12), 1.0)
    return _differing(record, again, record.numbers("uncertainty", plain), "uncertainty")


def _again(record: _Record, before: Design) -> Round:
    """The round made once more by the same rule, from the stored scores."""
    settings = record.row.settings
    minimums = [
        TagMinimum(name.removeprefix("tag:"), column > 0, settings["min_per_tag"])
        for name, column in record.columns.items()
        if name.startswith("tag:")
    ]
    left_out = {place for place, one in enumerate(record.ids) if one in record.twins}
    common: dict[str, Any] = {
        "minimums": minimums,
        "strata": record.columns.get("stratum"),
        "admit": (lambda place: place not in left_out) if settings.get("near_duplicate") else None,
    }
    size, share = record.row.batch_size, settings.get("uncertain_share", 0.7)
    if record.row.mode == "hard":
        scores = record.numbers("uncertainty", np.empty(0))
        return hard_round(before, scores, size, share, **common)
    worth = interest(
        _compared(record),
        record.flags("novel"),
        settings["novelty_boost"],
        settings["soft_aim"],
    )
    return soft_round(before, worth, size, share, **common)


def _picks(record: _Record, again: Round) -> str | None:
    """The same samples, in the same order, for the same reasons."""
    because = record.flags("because")
    found = [
        (record.ids[place], NOVEL if reason == UNCERTAIN and because[place] else reason)
        for place, reason in zip(again.picks.tolist(), again.reasons, strict=True)
    ]
    stored = [(pick.sample_id, pick.reason) for pick in record.picks]
    for rank in range(max(len(found), len(stored))):
        mine = found[rank] if rank < len(found) else ("nothing", "the end")
        theirs = stored[rank] if rank < len(stored) else ("nothing", "the end")
        if mine != theirs:
            return (
                f"rank {rank + 1} holds {theirs[0]} ({theirs[1]}); by the stored scores it is "
                f"{mine[0]} ({mine[1]})"
            )
    return None


def _cutoff(record: _Record, again: Round) -> str | None:
    row = record.row
    for name in ("cutoff", "cutoff_tie", "prn_level", "scale"):
        if getattr(row, name) != getattr(again, name):
            return f"{name} is stored as {getattr(row, name)}; it is {getattr(again, name)}"
    if not np.array_equal(record.flags("certain"), again.certain):
        place = int(np.flatnonzero(record.flags("certain") != again.certain)[0])
        return f"sample {record.ids[place]} is not rightly at or beyond the cutoff, or before it"
    return None


def _levels(record: _Record, again: Round) -> str | None:
    level = record.numbers("level", np.empty(0))
    return _differing(record, again.design.level, level, "sampling level")


def _probabilities(record: _Record, again: Round) -> str | None:
    stored = record.numbers("inclusion_probability", np.empty(0))
    wrong = _differing(record, again.inclusion_probability, stored, "inclusion probability")
    places = {sample_id: place for place, sample_id in enumerate(record.ids)}
    for pick in record.picks:
        if wrong is None and pick.inclusion_probability != stored[places[pick.sample_id]]:
            wrong = f"the pick {pick.sample_id} has another inclusion probability than its column"
    return wrong


def verdict_record(verdict: Verdict) -> dict[str, object]:
    """The verdict as plain values."""
    return asdict(verdict)
