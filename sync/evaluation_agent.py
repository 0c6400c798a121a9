"""Whose runs are evaluated: a live agent, or runs that were made before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NoReturn

from goldloop.errors import RecordError, SettingsError
from goldloop.printable import printable
from goldloop.samples import Run
from goldloop.settings import AgentSettings
from store.database import Store
from store.evaluations import attempt_run, get_evaluation, stored_evaluation
from store.runs import get_runs, named_version
from sync.evaluation_inputs import listed
from sync.import_records import read_entries
from sync.project import Project
from views.version_folder import file_hash

RECORDED = "recorded"
_TARGETS = {"python": "", "openai": "model", "http": "url"}
_FILES = ("system_prompt", "tools", "response_schema")
_CHOSEN = ("model", "api", "temperature", "max_steps", "max_output", "execute")
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Contestant:
    """An agent version: what describes it, without a secret, and its runs by sample where they were
    made before; None for an agent that is still to be asked.
    """

    version: str
    agent: Mapping[str, Any]
    runs: Mapping[str, Sequence[Run]] | None = None


def with_agent(project: Project, kind: str | None, version: str | None) -> Project:
    """The project with another agent than the settings name: KIND, or KIND:TARGET, where the target
    is a module:callable, a model or an address. The version that the settings name is that of
    theirs; another agent without a name is named by what it is. Raises SettingsError.
    """
    changes: dict[str, Any] = {}
    if kind:
        name, _, target = kind.partition(":")
        if name not in (*_TARGETS, RECORDED) or (target and name == RECORDED):
            raise SettingsError(
                f"--agent {kind[:80]!r}: expected recorded, python:module:callable, "
                "openai[:MODEL] or http[:URL]"
            )
        changes["kind"] = kind if name == "python" else name
        if target and name != "python":
            changes[_TARGETS[name]] = target
    before = project.settings.agent
    is_other = any(getattr(before, key) != value for key, value in changes.items())
    changes["version"] = version or ("" if is_other else before.version)
    agent = replace(before, **changes)
    _check(agent, changes)
    return replace(project, settings=replace(project.settings, agent=agent))


def _check(agent: AgentSettings, changed: Iterable[str]) -> None:
    for one in fields(agent):
        check = one.metadata["check"]
        wrong = check(getattr(agent, one.name)) if one.name in changed and check else None
        if wrong:
            raise SettingsError(f"--agent: {one.name} {wrong}")


def live(project: Project, db: Store) -> Contestant:
    """The agent of the settings; for recorded ones, the runs that the store holds."""
    settings = project.settings.agent
    version = named_version(db, settings)
    if settings.kind == RECORDED:
        return Contestant(version, {"kind": RECORDED, "from": "store"}, {})
    return Contestant(version, _described(project, settings))


def _described(project: Project, agent: AgentSettings) -> dict[str, Any]:
    """What makes the agent what it is: its files by the hash of their content, its address without
    the query, which may hold a key.
    """
    from agents.urls import shown_url

    record: dict[str, Any] = {"kind": agent.kind}
    kind, _, target = agent.kind.partition(":")
    if kind == "python":
        path = project.folder / f"{target.partition(':')[0].replace('.', '/')}.py"
        return {**record, "sha256": _hash(path)}
    if kind == "http":
        return {**record, "url": shown_url(agent.url)}
    record |= {key: getattr(agent, key) for key in _CHOSEN}
    record |= {"base_url": shown_url(agent.base_url) if agent.base_url else ""}
    named = {key: getattr(agent, key) for key in _FILES if getattr(agent, key)}
    return record | {key: _hash(project.path(path)) for key, path in named.items()}


def _hash(path: Path) -> str | None:
    """None for a module that is not a file of the project, and for a file that is missing, which
    the agent itself complains about.
    """
    return file_hash(path)[0] if path.is_file() else None


def stored(contestant: Contestant, db: Store, ids: Sequence[str]) -> Contestant:
    """The same with the recorded runs that the store holds on these samples."""
    found = get_runs(db, ids, contestant.version)
    if not found:
        raise RecordError(
            f"the store holds no run by {printable(contestant.version)} on any of the "
            f"{len(ids)} cases; import them, or name another --agent-version or --agent"
        )
    return replace(contestant, runs={sample_id: [run] for sample_id, run in found.items()})


def from_file(path: Path, version: str | None) -> Contestant:
    """The runs of a file; of one agent version, which `version` picks where there are several.

    Raises RecordError that names file and line.
    """
    every = [run for _, _, run in read_entries(path, _refuse) if run is not None]
    if not every:
        raise RecordError(f"{path} holds no run; expected records with run or messages")
    runs, version = _of_one_version(path, every, version)
    agent = {"kind": RECORDED, "from": f"sha256:{_hash(path)}"}
    return Contestant(version, agent, _by_sample(runs))


def _refuse(where: str, reason: str) -> NoReturn:
    raise RecordError(f"{where}: {reason}")


def _of_one_version(
    path: Path, runs: Sequence[Run], version: str | None
) -> tuple[Sequence[Run], str]:
    """Runs that do not say whose they are (`recorded`) belong to the version that is named."""
    there = sorted({run.agent_version for run in runs})
    if version in there:
        return [run for run in runs if run.agent_version == version], str(version)
    if len(there) == 1 and (version is None or there == [RECORDED]):
        return runs, version or there[0]
    named = ", ".join(printable(one, 60) for one in there[:_NAMED])
    raise RecordError(f"{path} holds runs by {named}; name one of them with --agent-version")


def _by_sample(runs: Iterable[Run]) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.sample_id, []).append(run)
    return found


def from_evaluation(db: Store, evaluation_id: int) -> Contestant:
    """What the agent of an evaluation did, to be graded again. Raises RecordError."""
    facts = stored_evaluation(db, evaluation_id)
    evaluation = get_evaluation(db, evaluation_id)
    if facts is None or evaluation is None:
        raise RecordError(f"there is no evaluation {evaluation_id}; list them: goldloop runs")
    found = {
        case.sample_id: [
            run
            for number in range(facts.runs_per_case)
            if (run := attempt_run(db, evaluation_id, case.sample_id, number))
        ]
        for case in evaluation.cases
    }
    runs = {sample_id: made for sample_id, made in found.items() if made}
    if not runs:
        raise RecordError(f"evaluation {evaluation_id} holds no run yet; go on with it first")
    return Contestant(facts.agent_version, {**facts.agent, "graded_again": evaluation_id}, runs)


def unmatched(
    contestant: Contestant, asked: Sequence[str], known: Sequence[str]
) -> tuple[str, ...]:
    """Which runs are of no case that is known, and which cases that are asked have no run, in
    words.
    """
    if contestant.runs is None:
        return ()
    strange = sorted(contestant.runs.keys() - set(known))
    missing = [sample_id for sample_id in asked if sample_id not in contestant.runs]
    said = ("the runs of {} samples are of no case", "{} cases have no run")
    found = zip(said, (strange, missing), strict=True)
    return tuple(f"{what.format(len(some))}: {listed(some)}" for what, some in found if some)
