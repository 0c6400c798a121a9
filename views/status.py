"""status: the whole loop in numbers, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from goldloop.consensus import STANDING, State
from goldloop.errors import SettingsError, VersionError
from goldloop.next_steps import Standing, Waiting, next_steps
from store.database import Store
from store.evaluations import was_evaluated
from store.further_annotators import count_asked_again
from store.gate_review import gate_review_tasks
from store.gates import blocked_evaluation
from store.runs import named_version
from store.samples import count_without_run
from store.summary import Summary, summarise
from views.project import Project
from views.version_folder import dataset_names, read_manifest, version_names


@dataclass(frozen=True, slots=True)
class Status:
    """The counts of every step, every dataset's versions, and what waits, most useful first."""

    counts: Summary
    versions: Mapping[str, Sequence[str]]
    waiting: Sequence[Waiting]

    def record(self) -> dict[str, Any]:
        """Everything as plain values."""
        waiting = [asdict(one) for one in self.waiting]
        return {**asdict(self.counts), "versions": dict(self.versions), "next": waiting}


def status_of(project: Project, db: Store, *, people: bool = True) -> Status:
    """Where the loop stands now; without `people`, nothing is counted by annotator."""
    root = project.path(project.settings.store.versions)
    versions = {name: version_names(root, name) for name in dataset_names(root)}
    counts = summarise(db, people=people)
    return Status(counts, versions, next_steps(_standing(project, db, counts, versions)))


def _standing(
    project: Project, db: Store, counts: Summary, versions: Mapping[str, Sequence[str]]
) -> Standing:
    states = counts.consensus
    decided = sum(states.values()) - states.get(State.WAITING, 0)
    committed, damaged = _committed(project, versions)
    blocked, asked_again = blocked_evaluation(db), count_asked_again(db)
    return Standing(
        samples=counts.samples,
        pool=counts.pool,
        without_run=_without_run(project, db),
        unchecked_batches=counts.unchecked_batches,
        undelivered_rounds=counts.undelivered_rounds,
        set_aside=counts.hints_set_aside,
        open_tasks=max(counts.tasks.get("delivered", 0) - decided, 0),
        disputed=states.get(State.DISPUTED, 0) - asked_again,
        asked_again=asked_again,
        ambiguous=states.get(State.AMBIGUOUS, 0),
        gold=sum(states.get(state, 0) for state in STANDING),
        committed=committed,
        damaged=damaged,
        unevaluated=_unevaluated(project, db, versions),
        blocked=blocked,
        is_reviewed=blocked is not None and bool(gate_review_tasks(db, blocked)),
    )


def _without_run(project: Project, db: Store) -> int:
    """How many samples the agent can still be run on; recorded runs cannot be made."""
    agent = project.settings.agent
    if agent.kind == "recorded":
        return 0
    try:
        return count_without_run(db, named_version(db, agent), False)
    except SettingsError:
        return 0


def _unevaluated(project: Project, db: Store, versions: Mapping[str, Sequence[str]]) -> str | None:
    """The newest version, where no evaluation on it has ended."""
    dataset = project.settings.dataset.name
    if not versions.get(dataset) or was_evaluated(db, dataset, versions[dataset][-1]):
        return None
    return f"{dataset}@{versions[dataset][-1]}"


def _committed(
    project: Project, versions: Mapping[str, Sequence[str]]
) -> tuple[int | None, str | None]:
    """How many items of the newest version annotators labelled; or its name, where its manifest is
    damaged. One of an older Goldloop holds nothing else.
    """
    dataset = project.settings.dataset.name
    if not versions.get(dataset):
        return None, None
    root, newest = project.path(project.settings.store.versions), versions[dataset][-1]
    try:
        manifest = read_manifest(root, dataset, newest)
        return int((manifest.get("quality") or {}).get("human_labelled", manifest["items"])), None
    except VersionError:
        return None, f"{dataset}@{newest}"
