"""Batches of synthetic samples: what was asked for, what came, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlite_utils import Database

from goldloop.errors import StoreError
from goldloop.prn import permanent_random_number
from goldloop.records import read_sample_record, sample_record
from goldloop.samples import Sample
from goldloop.synthesis.values import (
    AXES,
    Candidate,
    Cell,
    Provenance,
    Rejection,
    Slot,
)
from store.database import atomic, project_fact, to_json, utc_now
from store.samples import add_samples, get_samples

# A batch is written and filtered, then people look at it, then it is accepted or stopped.
WRITING, FILTERING, CHECKING, ACCEPTED, STOPPED = STATES = (
    "writing",
    "filtering",
    "checking",
    "accepted",
    "stopped",
)
# A candidate is written; the rules let it pass; it is kept in the end, or somebody has to decide.
WRITTEN, PASSED, REJECTED, NEEDS_HUMAN, KEPT, HUMAN_REJECTED = OUTCOMES = (
    "written",
    "passed",
    "rejected",
    "needs_human",
    "kept",
    "human_rejected",
)
# How a batch came into the pool.
SPOT_CHECKED, UNCHECKED = "spot_check", "unchecked"


@dataclass(frozen=True, slots=True)
class NewBatch:
    """What a batch is asked for with; `inputs` are everything that decides what it will hold, and
    a generation goes on only where they are the same. `examples` are what prompts show, by
    capability.

    `price` is US dollars for a million tokens in and out, as decimal text, or None.
    """

    inputs: Mapping[str, Any]
    slots: Sequence[Slot]
    prompt_version: str
    model: str
    seed: int
    examples: Mapping[str, Sequence[Sample]] = field(default_factory=dict)
    price: Sequence[str] | None = None
    focus: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SyntheticBatch:
    """A batch as it is stored; `state` is one of `STATES`, `how` it was accepted SPOT_CHECKED or
    UNCHECKED, None as long as it was not. `inputs` hold `task`, `tools`, `count` and `settings`.
    """

    batch: int
    created_at: str
    state: str
    count: int
    prompt_version: str
    model: str
    seed: int
    inputs: Mapping[str, Any]
    slots: Sequence[Slot]
    examples: Mapping[str, Sequence[Sample]]
    price: Sequence[str] | None
    focus: Mapping[str, Any] | None
    accepted_at: str | None
    how: str | None


@dataclass(frozen=True, slots=True)
class StoredCandidate:
    """One attempt at a slot, and what became of it.

    `candidate` is None where the call brought no sample (then `rejection` has the stage `call`).
    `rejection` is what a filter found, also where a person decided otherwise later. `prn` is the
    permanent random number of its sample, None without one. `verdict` says whether a person found
    it good, None where nobody looked at it; `human_said` what they wrote.
    """

    batch: int
    slot: Slot
    attempt: int
    candidate: Candidate | None
    outcome: str
    rejection: Rejection | None
    prn: float | None
    verdict: bool | None = None
    human_said: str | None = None

    @property
    def verified(self) -> bool:
        """Whether a person looked at it and found it good."""
        return self.verdict is True

    @property
    def sample(self) -> Sample:
        """Its sample; only where there is one."""
        if self.candidate is None:
            raise StoreError(f"slot {self.slot.index} of batch {self.batch} has no sample")
        return self.candidate.sample


@atomic
def create_batch(db: Database, new: NewBatch) -> int:
    """Write a batch down, in the state WRITING; its number."""
    written = db.execute(
        "INSERT INTO synthesis_batches (created_at, state, count, prompt_version, model, seed,"
        " inputs, slots, examples, price, focus) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " RETURNING batch",
        [
            utc_now(),
            WRITING,
            len(new.slots),
            new.prompt_version,
            new.model,
            new.seed,
            to_json(new.inputs),
            to_json([asdict(slot) for slot in new.slots]),
            to_json(
                {name: [sample_record(s) for s in new.examples[name]] for name in new.examples}
            ),
            None if new.price is None else to_json(list(new.price)),
            None if new.focus is None else to_json(new.focus),
        ],
    )
    return int(written.fetchone()[0])


_BATCH = (
    "SELECT batch, created_at, state, count, prompt_version, model, seed, inputs, slots, examples,"
    " price, focus, accepted_at, how FROM synthesis_batches"
)


def get_batch(db: Database, batch: int) -> SyntheticBatch:
    """The batch of that number; raises StoreError that names those there are."""
    row = db.execute(f"{_BATCH} WHERE batch = ?", [batch]).fetchone()
    if row is None:
        known = ", ".join(str(one.batch) for one in list_batches(db)) or "none"
        raise StoreError(f"there is no batch {batch} of synthetic samples; there are: {known}")
    return _batch(row)


def list_batches(db: Database) -> list[SyntheticBatch]:
    """Every batch, oldest first."""
    return [_batch(row) for row in db.execute(f"{_BATCH} ORDER BY batch").fetchall()]


def _batch(row: Sequence[Any]) -> SyntheticBatch:
    head, (inputs, slots, examples, price, focus, accepted_at, how) = row[:7], row[7:]
    batch, created_at, state, count, prompt_version, model, seed = head
    return SyntheticBatch(
        batch,
        created_at,
        state,
        count,
        prompt_version,
        model,
        seed,
        json.loads(inputs),
        [Slot(one["index"], Cell(**one["cell"])) for one in json.loads(slots)],
        {name: [read_sample_record(one) for one in r] for name, r in json.loads(examples).items()},
        None if price is None else json.loads(price),
        None if focus is None else json.loads(focus),
        accepted_at,
        how,
    )


def next_batch(db: Database) -> int:
    """The number that the next batch gets, as long as nobody else writes one first."""
    return int(
        db.execute("SELECT coalesce(max(batch), 0) + 1 FROM synthesis_batches").fetchone()[0]
    )


@atomic
def set_batch_state(db: Database, batch: int, state: str) -> None:
    """Take a batch to another state (not to ACCEPTED: see `accept_batch`).

    One that was accepted stays so: its samples are in the pool.
    """
    db.execute(
        "UPDATE synthesis_batches SET state = ? WHERE batch = ? AND state != ?",
        [state, batch, ACCEPTED],
    )


@atomic
def keep_candidates(
    db: Database, batch: int, found: Iterable[tuple[Slot, int, Candidate | Rejection]]
) -> None:
    """Store attempts at slots: what came, WRITTEN, or why nothing did, REJECTED. One that is stored
    stays as it is.
    """
    secret = bytes.fromhex(project_fact(db, "secret"))
    db.conn.executemany(
        "INSERT INTO synthesis_candidates (batch, slot, attempt, difficulty, capability, persona,"
        " style, intent, outcome, stage, reason, said, sample_id, prn, record, provenance)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [_row(secret, batch, *one) for one in found],
    )


def _row(
    secret: bytes, batch: int, slot: Slot, attempt: int, came: Candidate | Rejection
) -> list[Any]:
    place = [batch, slot.index, attempt, *(getattr(slot.cell, axis) for axis in AXES)]
    if isinstance(came, Rejection):
        return [*place, REJECTED, *_why(came), None, None, None, None]
    written_by = {
        **asdict(came.provenance),
        "key_points": came.key_points,
        "arguments": came.arguments,
    }
    return [
        *place,
        WRITTEN,
        None,
        None,
        None,
        came.sample.sample_id,
        permanent_random_number(secret, came.sample.sample_id),
        to_json(sample_record(came.sample)),
        to_json(written_by),
    ]


@atomic
def judge_candidates(
    db: Database, batch: int, verdicts: Iterable[tuple[int, int, str, Rejection | None]]
) -> None:
    """Write down what became of attempts: slot, attempt, outcome, and why not."""
    db.conn.executemany(
        "UPDATE synthesis_candidates SET outcome = ?, stage = ?, reason = ?, said = ?"
        " WHERE batch = ? AND slot = ? AND attempt = ?",
        [[outcome, *_why(why), batch, slot, attempt] for slot, attempt, outcome, why in verdicts],
    )


def _why(rejection: Rejection | None) -> list[str | None]:
    if rejection is None:
        return [None, None, None]
    return [rejection.stage, rejection.reason, _sound(rejection.said)]


def _sound(text: str) -> str:
    """The text as SQLite can hold it: a model may have written half of a character."""
    return text.encode(errors="replace").decode()


def candidates_of(
    db: Database, batch: int | None = None, outcomes: Sequence[str] = ()
) -> list[StoredCandidate]:
    """The attempts of a batch (of all: None) by batch, slot and attempt, of these outcomes (of all:
    none given).
    """
    rows = db.execute(
        "SELECT batch, slot, attempt, difficulty, capability, persona, style, intent, record,"
        " provenance, outcome, stage, reason, said, prn, verdict, human_said"
        " FROM synthesis_candidates"
        " WHERE (batch = :batch OR :batch IS NULL)"
        " AND (:all OR outcome IN (SELECT value FROM json_each(:outcomes)))"
        " ORDER BY batch, slot, attempt",
        {"batch": batch, "all": not outcomes, "outcomes": json.dumps(list(outcomes))},
    )
    return [_stored(row) for row in rows.fetchall()]


def _stored(row: Sequence[Any]) -> StoredCandidate:
    batch, index, attempt, *cell = row[:8]
    record, provenance, outcome, stage, reason, said, prn, verdict, human_said = row[8:]
    slot = Slot(index, Cell(*cell))
    why = None if stage is None else Rejection(stage, reason, said)
    candidate = None if record is None else _candidate(slot, attempt, record, provenance)
    found = None if verdict is None else bool(verdict)
    return StoredCandidate(batch, slot, attempt, candidate, outcome, why, prn, found, human_said)


def _candidate(slot: Slot, attempt: int, record: str, provenance: str) -> Candidate:
    written_by = json.loads(provenance)
    key_points, arguments = (tuple(written_by.pop(key)) for key in ("key_points", "arguments"))
    for key in ("request_ids", "steps"):
        written_by[key] = tuple(written_by[key])
    sample = read_sample_record(json.loads(record))
    return Candidate(slot, attempt, sample, Provenance(**written_by), key_points, arguments)


@atomic
def decide_candidate(db: Database, batch: int, sample_id: str, good: bool, said: str = "") -> None:
    """What a person decided about a sample: KEPT and verified, or HUMAN_REJECTED, with what they
    said. The latest decision stands, and what the filters found stays written beside it. Raises
    StoreError for a sample that no person can decide about.
    """
    changed = db.execute(
        "UPDATE synthesis_candidates SET outcome = ?, verdict = ?, human_said = ?"
        " WHERE batch = ? AND sample_id = ? AND outcome IN (?, ?, ?)",
        [
            KEPT if good else HUMAN_REJECTED,
            int(good),
            _sound(said),
            batch,
            sample_id,
            *(KEPT, NEEDS_HUMAN, HUMAN_REJECTED),
        ],
    )
    if changed.rowcount == 0:
        raise StoreError(f"sample {sample_id} of batch {batch} is not one to be decided about")


@atomic
def accept_batch(db: Database, batch: int, how: str = SPOT_CHECKED) -> int:
    """Take the kept samples of a batch into the pool, in one transaction; how many were added.

    Each says in its metadata, under `synthesis`, how its batch was accepted (`accepted`) and
    whether a person verified it (`verified_by_people`). Idempotent: what people decided since is
    added too, and what is in the pool stays as it is. Raises StoreError for a batch that is not
    finished.
    """
    found = get_batch(db, batch)
    if found.state in (WRITING, FILTERING):
        raise StoreError(
            f"batch {batch} is not finished; go on with the same goldloop generate command first"
        )
    how = found.how or how
    kept = candidates_of(db, batch, (KEPT,))
    held = set(get_samples(db, [one.sample.sample_id for one in kept]))
    fresh = [_accepted(one, how) for one in kept if one.sample.sample_id not in held]
    counts, _ = add_samples(db, [(sample, None) for sample in fresh])
    db.execute(
        "UPDATE synthesis_batches SET state = ?, how = ?, accepted_at = coalesce(accepted_at, ?)"
        " WHERE batch = ?",
        [ACCEPTED, how, utc_now(), batch],
    )
    return counts["added"]


def _accepted(one: StoredCandidate, how: str) -> Sample:
    sample = one.sample
    written = sample.metadata.get("synthesis")
    marks = {
        **(written if isinstance(written, Mapping) else {}),
        "accepted": how,
        "verified_by_people": one.verified,
    }
    return replace(sample, source="synthetic", metadata={**sample.metadata, "synthesis": marks})


def verified_samples(db: Database) -> set[str]:
    """The synthetic samples that a person looked at and found good."""
    rows = db.execute(
        "SELECT DISTINCT sample_id FROM synthesis_candidates WHERE verdict AND outcome = ?", [KEPT]
    )
    return {row[0] for row in rows}


def accepted_samples(db: Database) -> list[str]:
    """The samples in the pool that came out of accepted batches, by id."""
    rows = db.execute(
        "SELECT DISTINCT sample_id FROM synthesis_candidates c JOIN synthesis_batches b"
        " USING (batch) JOIN samples s USING (sample_id) WHERE b.state = ? AND c.outcome = ?"
        " ORDER BY sample_id",
        [ACCEPTED, KEPT],
    )
    return [row[0] for row in rows]
