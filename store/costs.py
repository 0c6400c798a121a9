"""Costs: the tokens that the runs of each agent version took."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database

from goldloop.prices import Price

# Of everything that was asked for a run; its own tokens where that was not written down.
_SPENT = (
    "SELECT agent_version, error IS NOT NULL AS failed, "
    "coalesce(spent_input_tokens, input_tokens) AS input_tokens, "
    "coalesce(spent_output_tokens, output_tokens) AS output_tokens FROM runs"
)


@dataclass(frozen=True, slots=True)
class Spent:
    """The tokens of all runs by one version that were counted, failed ones included.

    `runs` are all of them, `failed` those that failed, and `uncounted` those of which the tokens in
    or out are not known; the sums leave them out. `replaced` are runs that failed and were made
    again, of which the sums hold what was counted.
    """

    agent_version: str
    runs: int
    failed: int
    uncounted: int
    replaced: int
    input_tokens: int
    output_tokens: int


def spent_tokens(db: Database) -> list[Spent]:
    """What every agent version took, by its name."""
    rows = db.execute(
        "SELECT v.agent_version, coalesce(s.runs, 0), coalesce(s.failed, 0), "  # noqa: S608
        "coalesce(s.runs - s.counted, 0), coalesce(r.runs, 0), "
        "coalesce(s.input_tokens, 0) + coalesce(r.input_tokens, 0), "
        "coalesce(s.output_tokens, 0) + coalesce(r.output_tokens, 0) "
        "FROM (SELECT agent_version FROM runs UNION SELECT agent_version FROM replaced_runs) v "
        "LEFT JOIN (SELECT agent_version, count(*) AS runs, sum(failed) AS failed, "
        "count(input_tokens + output_tokens) AS counted, "
        "sum(iif(output_tokens IS NULL, 0, input_tokens)) AS input_tokens, "
        "sum(iif(input_tokens IS NULL, 0, output_tokens)) AS output_tokens "
        f"FROM ({_SPENT}) GROUP BY agent_version) s USING (agent_version) "
        "LEFT JOIN replaced_runs r USING (agent_version) ORDER BY 1"
    )
    return [Spent(*row) for row in rows]


def dearest_run(db: Database, agent_version: str, price: Price) -> tuple[int, int] | None:
    """The tokens in and out of the run by that version that cost the most; None without any."""
    row = db.execute(
        f"SELECT input_tokens, output_tokens FROM ({_SPENT}) WHERE agent_version = ? "  # noqa: S608
        "AND input_tokens IS NOT NULL AND output_tokens IS NOT NULL "
        "ORDER BY input_tokens * ? + output_tokens * ? DESC LIMIT 1",
        [agent_version, float(price.input), float(price.output)],
    ).fetchone()
    return None if row is None else (row[0], row[1])


def counted_runs(db: Database, agent_version: str) -> int:
    """How many runs by that version have their tokens counted."""
    row = db.execute(
        f"SELECT count(input_tokens + output_tokens) FROM ({_SPENT}) WHERE agent_version = ?",  # noqa: S608
        [agent_version],
    ).fetchone()
    return int(row[0])
