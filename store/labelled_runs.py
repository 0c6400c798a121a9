"""Labelled runs: what people said of the runs that they were shown, beside the agent's confidence.

An answer is about one run. So it counts for the agent version whose run the annotators were given,
and for no other version's run on the same sample.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from sqlite_utils import Database

from goldloop.consensus import STANDING
from goldloop.fields import Value
from store.consensus import value_from_json

# Everything that a version's rounds could have picked. Certain is what was picked for being
# uncertain, or would have been in a later round, had it not been picked at random before.
_ITEMS = """
    WITH items AS (
        SELECT p.sample_id, max(p.reason IS NOT NULL) AS picked, max(CASE
            WHEN p.in_pool AND p.inclusion_probability >= 1 THEN 1
            WHEN NOT p.in_pool AND p.uncertainty > o.cutoff THEN 1 ELSE 0 END) AS certain
        FROM round_scores p JOIN rounds o USING (round_id) WHERE o.agent_version = :version
        GROUP BY p.sample_id HAVING max(p.in_pool)
    ), scored AS (
        SELECT i.*, r.confidence, coalesce(r.confidence_method, '') AS method FROM items i
        JOIN runs r ON r.sample_id = i.sample_id AND r.agent_version = :version
        WHERE r.confidence IS NOT NULL AND r.error IS NULL
    )
"""


@dataclass(frozen=True, slots=True)
class LabelledRun:
    """A run with a confidence, and the label that stands for one field of its sample.

    `certain` says that its sample was sure to be picked; the others were picked at random.
    """

    sample_id: str
    confidence: float
    value: Value
    certain: bool
    cluster_id: str | None
    prn: float


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
    found: dict[str, MethodRuns] = {}
    counts = db.execute(
        f"{_ITEMS} SELECT method, certain, count(*) FROM scored GROUP BY 1, 2 ORDER BY 1",  # noqa: S608
        {"version": agent_version},
    )
    for method, certain, count in counts:
        runs = found.setdefault(method, MethodRuns(method))
        if certain:
            runs.pool_certain = count
        else:
            runs.pool_rest = count
    for method, run in _labelled(db, agent_version, field_name):
        found[method].labelled.append(run)
    return found


def _labelled(db: Database, agent_version: str, field_name: str) -> list[tuple[str, LabelledRun]]:
    rows = db.execute(
        f"{_ITEMS} SELECT i.method, s.sample_id, i.confidence, f.value, i.certain,"  # noqa: S608
        " s.cluster_id, s.prn FROM scored i JOIN samples s USING (sample_id)"
        " JOIN field_consensus f USING (sample_id)"
        " WHERE i.picked AND f.field = :field AND f.value IS NOT NULL AND f.state IN"
        " (SELECT value FROM json_each(:standing)) ORDER BY s.sample_id",
        {
            "version": agent_version,
            "field": field_name,
            "standing": json.dumps([state.value for state in STANDING]),
        },
    )
    return [
        (
            method,
            LabelledRun(
                sample_id, confidence, value_from_json(json.loads(value)), bool(certain), *more
            ),
        )
        for method, sample_id, confidence, value, certain, *more in rows
    ]


def versions_shown(db: Database) -> list[str]:
    """The agent versions that rounds were made of, oldest first."""
    rows = db.execute("SELECT agent_version FROM rounds GROUP BY 1 ORDER BY min(round_id)")
    return [row[0] for row in rows]
