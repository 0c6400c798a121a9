"""Runs: what each version of an agent did on each sample."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlite_utils import Database

from goldloop.errors import SettingsError
from goldloop.messages import call_record, message_record, read_messages, read_tool_calls
from goldloop.novelty import ToolSteps, tool_path, tool_steps
from goldloop.samples import Run
from goldloop.settings import AgentSettings
from store.database import atomic, utc_now

_COLUMNS = (
    "sample_id, agent_version, response, tool_calls, messages, confidence, confidence_method,"
    " error, input_tokens, output_tokens, seconds, created_at, estimates, spent_input_tokens,"
    " spent_output_tokens, stop_reason"
)

# As the agent wrote it: the order of a call's arguments is kept, for people to read.
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@atomic
def insert_runs(db: Database, runs: Iterable[Run]) -> None:
    """Store runs; a run by the same version on the same sample is replaced."""
    db.conn.executemany(
        "INSERT OR REPLACE INTO runs (sample_id, agent_version, response, tool_calls, tool_path,"
        " messages, confidence, confidence_method, error, input_tokens, output_tokens, seconds,"
        " created_at, estimates, spent_input_tokens, spent_output_tokens, stop_reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (_row(run) for run in runs),
    )


def _row(run: Run) -> tuple[Any, ...]:
    return (
        run.sample_id,
        run.agent_version,
        run.response,
        _json([call_record(call) for call in run.tool_calls]),
        _json(tool_path(run.tool_calls)),
        _json([message_record(message) for message in run.messages]),
        run.confidence,
        run.confidence_method,
        run.error,
        run.input_tokens,
        run.output_tokens,
        run.seconds,
        run.created_at or utc_now(),
        _json(dict(run.estimates)),
        run.spent_input_tokens,
        run.spent_output_tokens,
        run.stop_reason,
    )


def stored_runs(db: Database, ids: Sequence[str]) -> dict[tuple[str, str], Run]:
    """All runs on those samples, by (sample_id, agent_version)."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM runs WHERE sample_id IN (SELECT value FROM json_each(?))",  # noqa: S608
        [json.dumps(ids)],
    )
    runs = (_run(row) for row in rows)
    return {(run.sample_id, run.agent_version): run for run in runs}


def shown_runs(db: Database, ids: Sequence[str]) -> set[tuple[str, str]]:
    """The runs on those samples that annotators were given, as (sample_id, agent_version)."""
    rows = db.execute(
        "SELECT p.sample_id, o.agent_version FROM picks p JOIN rounds o USING (round_id) "
        "WHERE p.sample_id IN (SELECT value FROM json_each(?))",
        [json.dumps(ids)],
    )
    return {(row[0], row[1]) for row in rows}


def get_runs(db: Database, ids: Sequence[str], agent_version: str) -> dict[str, Run]:
    """The runs by one version on those samples, by sample id; samples without are left out."""
    return {
        sample_id: run
        for (sample_id, version), run in stored_runs(db, ids).items()
        if version == agent_version
    }


def _run(row: Sequence[Any]) -> Run:
    return Run(
        sample_id=row[0],
        agent_version=row[1],
        response=row[2],
        tool_calls=read_tool_calls(json.loads(row[3]), "tool_calls"),
        messages=read_messages(json.loads(row[4]), "messages"),
        confidence=row[5],
        confidence_method=row[6],
        error=row[7],
        input_tokens=row[8],
        output_tokens=row[9],
        seconds=row[10],
        created_at=row[11],
        estimates=json.loads(row[12]),
        spent_input_tokens=row[13],
        spent_output_tokens=row[14],
        stop_reason=row[15],
    )


def steps_of_runs(db: Database, agent_version: str) -> dict[str, ToolSteps]:
    """The steps that each run of a version took through its tools, by sample id."""
    rows = db.execute(
        "SELECT sample_id, tool_calls FROM runs WHERE agent_version = ?", [agent_version]
    )
    known: dict[ToolSteps, ToolSteps] = {}
    found = {}
    for sample_id, calls in rows:
        steps = tool_steps(read_tool_calls(json.loads(calls), "tool_calls"))
        # Few paths and many runs: each path is held once.
        found[sample_id] = known.setdefault(steps, steps)
    return found


def agent_versions(db: Database) -> dict[str, int]:
    """Every agent version and the number of its runs, the most runs first."""
    rows = db.execute("SELECT agent_version, count(*) FROM runs GROUP BY 1 ORDER BY 2 DESC, 1")
    return {row[0]: row[1] for row in rows}


def named_version(db: Database, agent: AgentSettings) -> str:
    """The agent version whose runs count.

    The one that the settings name; else for recorded runs the only version that there is, and for
    a live agent a name made of what it is. Raises SettingsError when recorded runs leave a choice.
    """
    if agent.version:
        return agent.version
    if agent.kind == "openai":
        return agent.model or "openai"
    if agent.kind == "http":
        # Without the query, which may hold a key: the name is shown to everybody.
        return f"http:{agent.url.partition('?')[0]}"
    if agent.kind != "recorded":
        return agent.kind
    # By the index, because this is asked many times a second, and there may be a million runs.
    first, last = db.execute(
        "SELECT (SELECT min(agent_version) FROM runs), (SELECT max(agent_version) FROM runs)"
    ).fetchone()
    if first != last:
        versions = list(agent_versions(db))
        raise SettingsError(
            f"the store holds runs by {len(versions)} agent versions ({', '.join(versions[:5])}); "
            "say which one counts: [agent] version in goldloop.toml"
        )
    return first or "recorded"
