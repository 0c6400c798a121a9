"""Consensus as last computed: derived from the annotations, and made again at any time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlite_utils import Database

from goldloop.consensus import FieldConsensus, State, TaskConsensus
from goldloop.fields import Value
from store.annotations import get_cursor, set_cursor
from store.database import atomic, to_json, transaction, utc_now

_LEARNED = "consensus:learned"


@atomic
def save_consensus(db: Database, results: Mapping[str, TaskConsensus]) -> None:
    """Replace the consensus of these samples, which are stale no more."""
    now = utc_now()
    for sample_id, result in results.items():
        db.conn.execute("DELETE FROM stale_samples WHERE sample_id = ?", [sample_id])
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
            "INSERT INTO field_consensus VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        to_json(field.warnings) if field.warnings else "[]",
        to_json(field.posterior) if field.posterior else "[]",
    )


@dataclass(frozen=True, slots=True)
class StoredConsensus:
    """The consensus of one sample as stored, with every field's own by name."""

    sample_id: str
    state: State
    agreement_rate: float | None
    annotators: int
    skips: int
    mean_confidence: float | None
    updated_at: str
    fields: dict[str, FieldConsensus]

    @property
    def labels(self) -> dict[str, Value]:
        """What stands, by field."""
        return {name: one.value for name, one in self.fields.items() if one.value is not None}

    @property
    def disputed(self) -> tuple[str, ...]:
        """The fields that people answered and on which nothing stands."""
        open_ones = (State.DISPUTED, State.AMBIGUOUS)
        return tuple(name for name, one in self.fields.items() if one.state in open_ones)

    @property
    def methods(self) -> dict[str, str]:
        """What decided, by field."""
        return {name: one.method for name, one in self.fields.items()}

    @property
    def confidences(self) -> dict[str, float]:
        """How probable the label is by the field's method, where it says."""
        found = ((name, one.confidence) for name, one in self.fields.items())
        return {name: confidence for name, confidence in found if confidence is not None}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should look at, each with its field before it."""
        return tuple(
            f"{name}: {text}" for name, one in self.fields.items() for text in one.warnings
        )

    def record(self) -> dict[str, Any]:
        """Everything as plain values, with what follows from the fields beside them."""
        return {
            **asdict(self),
            "labels": self.labels,
            "disputed": self.disputed,
            "methods": self.methods,
            "confidences": self.confidences,
            "warnings": self.warnings,
        }


def stored_consensus(
    db: Database, state: State | None = None, sample_ids: Sequence[str] | None = None
) -> list[StoredConsensus]:
    """The consensus of every sample that has one, by id.

    Only those in `state` where given, and only those among `sample_ids` where given.
    """
    rows = db.execute(
        "SELECT c.sample_id, c.state, c.agreement_rate, c.annotators, c.skips, c.mean_confidence,"
        " c.updated_at, f.field, f.state, f.value, f.votes, f.share, f.agreement, f.method,"
        " f.method_version, f.confidence, f.posterior, f.vote, f.spread, f.reason, f.warnings"
        " FROM consensus c LEFT JOIN field_consensus f USING (sample_id)"
        " WHERE (:state IS NULL OR c.state = :state) AND (:ids IS NULL OR"
        " c.sample_id IN (SELECT value FROM json_each(:ids))) ORDER BY c.sample_id, f.field",
        {
            "state": state.value if state else None,
            "ids": None if sample_ids is None else json.dumps(sample_ids),
        },
    )
    return [_stored(list(own)) for _, own in groupby(rows, key=itemgetter(0))]


def _stored(rows: Sequence[tuple[Any, ...]]) -> StoredConsensus:
    sample_id, state, rate, annotators, skips, confidence, updated_at = rows[0][:7]
    fields = {row[7]: _field(row[7:]) for row in rows if row[7] is not None}
    return StoredConsensus(
        sample_id, State(state), rate, annotators, skips, confidence, updated_at, fields
    )


def _field(row: Sequence[Any]) -> FieldConsensus:
    name, state, value, votes, share, agreement, method, version, confidence, *more = row
    posterior, vote, spread, reason, warnings = more
    return FieldConsensus(
        field=name,
        state=State(state),
        value=None if value is None else value_from_json(json.loads(value)),
        votes=votes,
        share=share,
        agreement=None if agreement is None else bool(agreement),
        method=method,
        method_version=version,
        confidence=confidence,
        posterior=tuple((value_from_json(option), p) for option, p in json.loads(posterior)),
        vote=None if vote is None else value_from_json(json.loads(vote)),
        spread=spread,
        reason=reason,
        warnings=tuple(json.loads(warnings)),
    )


def value_from_json(value: Any) -> Value:
    """A field's value as it was before JSON made lists of its tuples."""
    if isinstance(value, list):
        return tuple(tuple(v) if isinstance(v, list) else v for v in value)
    return value  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Learned:
    """How far learning about the annotators has come.

    `version` counts the fits and is 0 before the first. The models were learned from so many
    `annotations` of so many `samples`; so often a sample has `changed` since, and was decided by
    the models as they are. `applied` tells whether every sample was decided by them.
    """

    version: int = 0
    annotations: int = 0
    samples: int = 0
    changed: int = 0
    applied: bool = True


def learned(db: Database) -> Learned:
    """How far learning has come. Cheap, whatever the size of the models."""
    # Not beside the models: a row with a long record is slow to read and slower to change.
    text = get_cursor(db, _LEARNED)
    return Learned(**json.loads(text)) if text else Learned()


def _write_learned(db: Database, state: Learned) -> None:
    set_cursor(db, _LEARNED, to_json(asdict(state)))


def save_models(
    db: Database,
    records: Mapping[str, Mapping[str, Any]],
    annotations: int,
    samples: int,
    seen: Learned,
) -> None:
    """Keep what was learned, by field, from that many annotations of that many samples.

    `seen` is how far learning had come when those were read: what changed since stays counted.
    """
    texts = [(field, to_json(record)) for field, record in records.items()]
    with transaction(db):
        now = learned(db)
        db.conn.execute("DELETE FROM field_models")
        db.conn.executemany(
            "INSERT INTO field_models (field, record, annotations, fitted_at) VALUES (?, ?, ?, ?)",
            [(field, text, annotations, utc_now()) for field, text in texts],
        )
        changed = now.changed - seen.changed
        state = Learned(now.version + 1, annotations, samples, changed, applied=False)
        _write_learned(db, state)


@atomic
def note_changes(db: Database, samples: int) -> None:
    """So many samples have changed, and are decided by the models as they are."""
    now = learned(db)
    _write_learned(db, replace(now, changed=now.changed + samples))


@atomic
def note_applied(db: Database, version: int) -> None:
    """Every sample was decided by the models of that version."""
    now = learned(db)
    _write_learned(db, replace(now, applied=now.version == version))


def stored_models(db: Database) -> dict[str, dict[str, Any]]:
    """The models as they were saved, by field; none before the first time."""
    rows = db.execute("SELECT field, record FROM field_models")
    return {row[0]: json.loads(row[1]) for row in rows}


def few_annotations(db: Database, few: int) -> bool:
    """Whether fewer than `few` annotations stand (not deleted, not skipped); looks at no more."""
    row = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM review_annotations WHERE deleted_at IS NULL"
        " AND NOT was_cancelled LIMIT ?)",
        [few],
    ).fetchone()
    return bool(row[0] < few)
