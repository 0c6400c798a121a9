"""Consensus as last computed: derived from the annotations, and made again at any time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from goldloop.consensus import FieldConsensus, State, TaskConsensus
from goldloop.fields import Value
from store.database import atomic, to_json, utc_now


@atomic
def save_consensus(db: Database, results: Mapping[str, TaskConsensus]) -> None:
    """Replace the consensus of these samples."""
    now = utc_now()
    for sample_id, result in results.items():
        db.conn.execute("DELETE FROM consensus WHERE sample_id = ?", [sample_id])
        db.conn.execute(
            "INSERT INTO consensus VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                sample_id,
                result.state.value,
                result.agreement_rate,
                result.annotators,
                result.skips,
                result.mean_confidence,
                now,
            ],
        )
        db.conn.executemany(
            "INSERT INTO field_consensus VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_field_row(sample_id, field) for field in result.fields],
        )


def _field_row(sample_id: str, field: FieldConsensus) -> tuple[Any, ...]:
    return (
        sample_id,
        field.field,
        field.state.value,
        None if field.value is None else to_json(field.value),
        field.votes,
        field.share,
        field.agreement,
        field.method,
        field.method_version,
        field.confidence,
        None if field.vote is None else to_json(field.vote),
        field.spread,
        field.reason,
        to_json(field.warnings),
    )


@dataclass(frozen=True, slots=True)
class StoredConsensus:
    """The consensus of one sample as stored.

    By field: `labels` holds what stands, `methods` what decided, and `confidences` how probable
    the label is by that method, where it says. `disputed` names the fields on which none stands.
    """

    sample_id: str
    state: State
    agreement_rate: float | None
    annotators: int
    skips: int
    mean_confidence: float | None
    updated_at: str
    labels: dict[str, Value]
    disputed: tuple[str, ...]
    methods: dict[str, str]
    confidences: dict[str, float]
    warnings: tuple[str, ...]


def stored_consensus(db: Database, state: State | None = None) -> list[StoredConsensus]:
    """The consensus of every sample that has one, by id; only those in `state` where given."""
    rows = db.execute(
        "SELECT c.sample_id, c.state, c.agreement_rate, c.annotators, c.skips, c.mean_confidence,"
        " c.updated_at, json_group_array(json_array(f.field, f.state,"
        " json(f.value), f.method, f.confidence, json(f.warnings)))"
        " FROM consensus c LEFT JOIN field_consensus f USING (sample_id)"
        " WHERE :state IS NULL OR c.state = :state GROUP BY c.sample_id ORDER BY c.sample_id",
        {"state": state.value if state else None},
    )
    return [_stored(row) for row in rows]


def _stored(row: tuple[Any, ...]) -> StoredConsensus:
    fields = [field for field in json.loads(row[7]) if field[0] is not None]
    return StoredConsensus(
        sample_id=row[0],
        state=State(row[1]),
        agreement_rate=row[2],
        annotators=row[3],
        skips=row[4],
        mean_confidence=row[5],
        updated_at=row[6],
        labels={name: value_from_json(v) for name, _, v, *_ in fields if v is not None},
        disputed=tuple(
            name for name, state, *_ in fields if state in (State.DISPUTED, State.AMBIGUOUS)
        ),
        methods={field[0]: field[3] for field in fields},
        confidences={field[0]: field[4] for field in fields if field[4] is not None},
        warnings=tuple(f"{field[0]}: {text}" for field in fields for text in field[5]),
    )


def value_from_json(value: Any) -> Value:
    """A field's value as it was before JSON made lists of its tuples."""
    if isinstance(value, list):
        return tuple(tuple(v) if isinstance(v, list) else v for v in value)
    return value  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class StoredModels:
    """What was learned of each field's annotators: by field, as it was saved.

    `annotations` is how many it was learned from, `changed` how many samples changed since.
    """

    records: dict[str, dict[str, Any]]
    annotations: int = 0
    changed: int = 0


@atomic
def save_models(db: Database, records: Mapping[str, Mapping[str, Any]], annotations: int) -> None:
    """Keep what was learned from that many annotations."""
    db.conn.execute("DELETE FROM field_models")
    db.conn.executemany(
        "INSERT INTO field_models (field, record, annotations, fitted_at) VALUES (?, ?, ?, ?)",
        [(field, to_json(record), annotations, utc_now()) for field, record in records.items()],
    )


@atomic
def note_changes(db: Database, samples: int) -> None:
    """So many samples have changed, and were judged by the models as they are."""
    db.conn.execute("UPDATE field_models SET changed = changed + ?", [samples])


def stored_models(db: Database) -> StoredModels:
    """The models as they were saved; none before the first time."""
    rows = db.execute("SELECT field, record, annotations, changed FROM field_models").fetchall()
    if not rows:
        return StoredModels({})
    return StoredModels({row[0]: json.loads(row[1]) for row in rows}, rows[0][2], rows[0][3])
