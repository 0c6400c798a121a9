"""What stands: samples with their labels and what they rest on, as a dataset version takes them."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlite_utils import Database

from goldloop.consensus import STANDING, State

_CHUNK = 500
_OPEN = (State.DISPUTED.value, State.AMBIGUOUS.value)
_AMONG = "sample_id IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Counted:
    """An annotation that counts: not deleted, not skipped."""

    annotation_id: int
    annotator_id: int
    updated_at: str


@dataclass(slots=True)
class StandingSample:
    """A sample whose labels stand.

    `record` is the sample as `goldloop.records.sample_record` has it. `labels` and `methods` are of
    the fields on which something stands, `disputed` names those that people dispute.
    """

    sample_id: str
    record: dict[str, Any]
    state: str
    agreement_rate: float | None
    annotators: int
    mean_confidence: float | None
    labels: dict[str, Any] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)
    disputed: list[str] = field(default_factory=list)
    annotations: list[Counted] = field(default_factory=list)


def count_standing(db: Database) -> int:
    """How many samples have labels that stand."""
    row = db.execute(
        "SELECT count(*) FROM consensus WHERE state IN (SELECT value FROM json_each(?))",
        [json.dumps([state.value for state in STANDING])],
    ).fetchone()
    return int(row[0])


def standing_samples(db: Database) -> Iterator[StandingSample]:
    """Every sample with labels that stand, by id in NFC, a few hundred at a time in memory."""
    rows = db.execute(
        "SELECT sample_id FROM consensus WHERE state IN (SELECT value FROM json_each(?))",
        [json.dumps([state.value for state in STANDING])],
    ).fetchall()
    ids = sorted((row[0] for row in rows), key=partial(unicodedata.normalize, "NFC"))
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        found = _samples(db, chunk)
        _add_labels(db, chunk, found)
        _add_annotations(db, chunk, found)
        yield from (found[sample_id] for sample_id in chunk)


def _samples(db: Database, ids: Sequence[str]) -> dict[str, StandingSample]:
    rows = db.execute(
        "SELECT sample_id, s.record, c.state, c.agreement_rate, c.annotators, c.mean_confidence"  # noqa: S608
        f" FROM consensus c JOIN samples s USING (sample_id) WHERE {_AMONG}",
        [json.dumps(ids)],
    )
    return {row[0]: StandingSample(row[0], json.loads(row[1]), *row[2:]) for row in rows}


def _add_labels(db: Database, ids: Sequence[str], found: dict[str, StandingSample]) -> None:
    rows: Iterable[Sequence[Any]] = db.execute(
        f"SELECT sample_id, field, state, value, method FROM field_consensus WHERE {_AMONG}"  # noqa: S608
        " ORDER BY sample_id, field",
        [json.dumps(ids)],
    )
    for sample_id, name, state, value, method in rows:
        one = found[sample_id]
        if value is not None:
            one.labels[name] = json.loads(value)
            one.methods[name] = method
        if state in _OPEN:
            one.disputed.append(name)


def _add_annotations(db: Database, ids: Sequence[str], found: dict[str, StandingSample]) -> None:
    rows: Iterable[Sequence[Any]] = db.execute(
        "SELECT sample_id, annotation_id, annotator_id, updated_at FROM votes"  # noqa: S608
        f" WHERE deleted_at IS NULL AND NOT was_cancelled AND {_AMONG} ORDER BY annotation_id",
        [json.dumps(ids)],
    )
    for sample_id, *rest in rows:
        found[sample_id].annotations.append(Counted(*rest))
