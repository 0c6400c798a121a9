"""Where does the loop stand? The flow with its counts, what waits for whom, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from store.database import Store
from store.evaluations import count_evaluations
from store.gate_review import gate_review_project
from store.gates import list_gates
from store.spot_checks import spot_check_project
from store.tasks import expert_project, review_project
from views.gate_words import TITLES
from views.project import Project
from views.status import status_of


def values(project: Project, db: Store, arguments: Mapping[str, str]) -> Mapping[str, Any]:  # noqa: ARG001
    """The steps from the pool to the newest version, and what waits."""
    status = status_of(project, db, people=False)
    return {
        "steps": [*_steps(status.counts, _newest(project, status.versions)), _evaluated(db)],
        "waiting": status.waiting,
        "links": [
            (place.title, f"{place.url}/projects/{place.project_id}")
            for place in (
                review_project(db),
                expert_project(db),
                gate_review_project(db),
                spot_check_project(db),
            )
            if place is not None
        ],
    }


def _newest(project: Project, versions: Mapping[str, Sequence[str]]) -> str:
    """The newest version of the dataset in use."""
    dataset = project.settings.dataset.name
    return f"{dataset}@{versions[dataset][-1]}" if versions.get(dataset) else "none yet"


def _steps(counts: Any, newest: str) -> list[dict[str, Any]]:
    """What the flow shows: name, number, a word on it, and what the number counts."""
    states = counts.consensus
    gold = states.get("agreed", 0) + states.get("adjudicated", 0)
    open_ones = states.get("disputed", 0) + states.get("ambiguous", 0)
    return [
        _step(
            "Pool", counts.pool, f"of {counts.samples:,} samples", "samples that no round picked"
        ),
        _step(
            "Runs",
            sum(counts.runs.values()),
            f"{counts.failed_runs:,} failed",
            "answers of all agent versions, without the failed ones",
        ),
        _step(
            "Tasks",
            counts.tasks.get("delivered", 0),
            f"{counts.rounds:,} rounds",
            "tasks that are in Label Studio's review project",
        ),
        _step(
            "Annotations",
            counts.annotations,
            f"{counts.skips:,} skips",
            "answers of people that stand, without skips",
        ),
        _step("Disputed", open_ones, "no label stands", "samples that people disagree on"),
        _step("Gold", gold, "labels stand", "samples whose labels stand"),
        _step("Version", None, newest, "the newest version of the dataset in use"),
    ]


def _evaluated(db: Store) -> dict[str, Any]:
    """The end of the flow: how often an agent was evaluated, and what the newest gate said."""
    finished, unfinished = count_evaluations(db)
    said = next((TITLES.get(one.status, one.status) for one in list_gates(db, most=1)), "none")
    word = f"newest gate: {said.lower()}"
    means = f"finished evaluations of an agent on a version; {unfinished:,} are unfinished"
    return _step("Evaluations", finished, word, means)


def _step(name: str, number: int | None, word: str, means: str) -> dict[str, Any]:
    return {"name": name, "number": number, "word": word, "means": means}
