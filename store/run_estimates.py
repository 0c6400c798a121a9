"""What estimators said of runs, and the confidence that was taken from it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlite_utils import Database

from goldloop.samples import Run
from store.database import atomic


def estimated_runs(db: Database, agent_version: str) -> list[tuple[Run, str | None]]:
    """The runs of a version that did not fail, each with the cluster of its sample, cluster by
    cluster, and within one in the order of the permanent random numbers.

    The runs are bare: their confidence, its method and their estimates, not what they did.
    """
    rows = db.execute(
        "SELECT r.sample_id, r.confidence, r.confidence_method, r.estimates, s.cluster_id"
        " FROM runs r JOIN samples s USING (sample_id)"
        " WHERE r.agent_version = ? AND r.error IS NULL ORDER BY s.cluster_id, s.prn",
        [agent_version],
    )
    return [
        (
            Run(
                sample_id,
                agent_version,
                confidence=confidence,
                confidence_method=method,
                estimates=json.loads(estimates),
            ),
            cluster,
        )
        for sample_id, confidence, method, estimates, cluster in rows
    ]


@atomic
def set_estimates(db: Database, runs: Iterable[Run]) -> None:
    """Keep the estimates and the confidence of runs that are there; nothing else changes."""
    db.conn.executemany(
        "UPDATE runs SET estimates = ?, confidence = ?, confidence_method = ?"
        " WHERE sample_id = ? AND agent_version = ?",
        (
            (
                json.dumps(dict(run.estimates)),
                run.confidence,
                run.confidence_method,
                run.sample_id,
                run.agent_version,
            )
            for run in runs
        ),
    )
