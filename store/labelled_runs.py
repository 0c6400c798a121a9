"""Labelled runs: what people said of the runs that they were shown, beside the agent's confidence.

An answer is about one run. So it counts for the agent version whose run the annotators were given,
and for no other version's run on the same sample.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from sqlite_utils import Database

from goldloop.fields import Value
from store.designs import design_of
from store.grades import grades
from store.rounds import get_rounds, round_frame, round_scores


@dataclass(frozen=True, slots=True)
class LabelledRun:
    """A run with a confidence, and the label that stands for one field of its sample.

    `certain` says that its sample was sure to be picked; the others were picked at random, with the
    `inclusion_probability` that all rounds so far give it.
    """

    sample_id: str
    confidence: float
    value: Value
    certain: bool
    cluster_id: str | None
    prn: float
    inclusion_probability: float = 1.0


@dataclass(slots=True)
class MethodRuns:
    """The runs of an agent version whose confidence one method gave: the labelled ones by sample
    id, and how many there are in the pool that was selected from, labelled or not.
    """

    method: str
    pool_certain: int = 0
    pool_rest: int = 0
    labelled: list[LabelledRun] = field(default_factory=list)


def labelled_runs(db: Database, agent_version: str, field_name: str) -> dict[str, MethodRuns]:
    """What is known of each method's scores, by method; of the runs that rounds selected from."""
    rows = _scored(db, agent_version)
    if not rows:
        return {}
    ids, methods, prn, confidences, clusters = (list(column) for column in zip(*rows, strict=True))
    seen = _seen_by(db, agent_version)
    nobody = np.zeros(len(ids), dtype=np.bool_)
    design = design_of(db, ids, np.array(prn, dtype=np.float64), nobody)
    chance = design.realised()
    labels = {
        one.sample_id: one.value
        for one in grades(db, field_name)
        if one.agent_version == agent_version and one.value is not None
    }
    found: dict[str, MethodRuns] = {}
    for place, (sample_id, method) in enumerate(zip(ids, methods, strict=True)):
        if sample_id not in seen:
            continue
        runs = found.setdefault(method, MethodRuns(method))
        certain = bool(design.certain[place])
        runs.pool_certain += certain
        runs.pool_rest += not certain
        if sample_id in labels:
            runs.labelled.append(
                LabelledRun(
                    sample_id,
                    confidences[place],
                    labels[sample_id],
                    certain,
                    clusters[place],
                    prn[place],
                    float(chance[place]),
                )
            )
    return dict(sorted(found.items()))


def _scored(db: Database, agent_version: str) -> list[tuple[str, str, float, float, str | None]]:
    """Every run with a confidence: its sample, method, permanent random number, confidence and
    cluster.
    """
    return db.execute(
        "SELECT s.sample_id, coalesce(r.confidence_method, ''), s.prn, r.confidence, s.cluster_id"
        " FROM runs r JOIN samples s USING (sample_id) WHERE r.agent_version = ?"
        " AND r.confidence IS NOT NULL AND r.error IS NULL ORDER BY 1",
        [agent_version],
    ).fetchall()


def _seen_by(db: Database, agent_version: str) -> set[str]:
    """The samples that rounds of a version could have picked."""
    seen: set[str] = set()
    for row in get_rounds(db):
        if row.agent_version == agent_version:
            could = np.flatnonzero(round_scores(db, row, ("in_pool",))["in_pool"]).tolist()
            frame = round_frame(db, row)
            seen.update(frame[place] for place in could)
    return seen


def versions_shown(db: Database) -> list[str]:
    """The agent versions that rounds were made of, oldest first."""
    rows = db.execute("SELECT agent_version FROM rounds GROUP BY 1 ORDER BY min(round_id)")
    return [row[0] for row in rows]
