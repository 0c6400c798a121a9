"""refresh_scores: every open task gets a prediction of the model version in use, and then Label
Studio's queue goes by that version.

The queue ranks by the scores of one model version, and a task without one comes after all others.
So the version is switched only when every task that is still to be answered has its prediction.
Label Studio neither replaces predictions nor knows doubles: what is sent is recorded before and
confirmed after, so that it can be stopped at any moment and done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from goldloop.errors import SettingsError
from label_config.agent_prediction import agent_prediction, empty_prediction
from label_config.interface import Interface
from store.annotations import get_cursor, set_cursor
from store.calibrators import comparable, model_version
from store.database import Store, transaction
from store.refreshed_predictions import (
    OutdatedTask,
    confirm_predictions,
    has_model_version,
    mark_predictions_sent,
    outdated_tasks,
)
from store.runs import get_runs, named_version
from store.samples import get_samples
from store.tasks import review_project
from sync.claims import claimed
from sync.client import LabelStudioClient
from sync.grace import look_until
from sync.predictions_api import (
    create_predictions,
    delete_prediction,
    predictions_of,
    tasks_with_version,
    unfinished_tasks,
)
from sync.project import Project
from views.project import interface_in_use

# Label Studio takes two seconds for so many in a large project, and annotators wait meanwhile.
CHUNK = 200


@dataclass
class Refreshed:
    """What a refresh did: predictions that it `created`, `found` there from an earlier try, and
    doubles that it removed. `left` tasks still wait; with none left, `shown` says that the queue
    goes by `model_version` (it does not while no open task was ever given it).
    """

    model_version: str
    created: int = 0
    found: int = 0
    doubles_removed: int = 0
    left: int = 0
    shown: bool = False


def refresh_scores(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    *,
    most: int | None = None,
    on_done: Callable[[int], None] = lambda _: None,
) -> Refreshed | None:
    """Bring the scores in Label Studio up to the agent version and calibrators in use.

    With `most`, no more predictions than that (rounded up to a chunk) are sent this time; the next
    call goes on. Tasks that are complete are left as they are. None when there is no project yet,
    and when a push, or another refresh, is at work. Raises LabelStudioError, and SettingsError
    where it is not clear which agent version counts; what was done until then stays done.
    """
    review = review_project(db)
    if review is None:
        return None
    version = model_version(db, named_version(db, project.settings.agent))
    with claimed(project, "push") as ours:
        if not ours:
            return None
        return show_version(
            project, db, client, review.project_id, version, most=most, on_done=on_done
        )


def refresh_due(project: Project, db: Store) -> bool:
    """Whether a calibrator is in use that the queue does not go by; asks the store alone."""
    review = review_project(db)
    if review is None:
        return False
    try:
        version = named_version(db, project.settings.agent)
    except SettingsError:
        # Nobody can tell which version counts; the commands that need to know say so.
        return False
    wanted = model_version(db, version)
    return wanted not in (version, get_cursor(db, _shown(review.project_id)))


def show_version(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    project_id: int,
    version: str,
    *,
    most: int | None = None,
    on_done: Callable[[int], None] = lambda _: None,
) -> Refreshed:
    """Give every open task a prediction of this model version, and let the queue go by it.

    The caller holds the claim to push, since tasks that arrive meanwhile would be left out.
    """
    refreshed = Refreshed(version)
    outdated = outdated_tasks(db, project_id, version)
    predicted: set[int] = set()
    if outdated:
        there = unfinished_tasks(client, project_id)
        outdated = [task for task in outdated if task.task_id in there]
        # By an earlier try, or by our own ML backend on somebody's wish.
        predicted = tasks_with_version(client, project_id, version)
    refresh = _Refresh(project, db, client, project_id, refreshed)
    refreshed.left = len(outdated)
    for chunk in _chunks(outdated, predicted):
        if most is not None and refreshed.created >= most:
            return refreshed
        refresh.bring(chunk)
        refreshed.left -= len(chunk.tasks)
        on_done(len(chunk.tasks))
    # Label Studio refuses a version that no prediction has: then all tasks are complete.
    if has_model_version(db, project_id, version):
        client.update_project(project_id, {"model_version": version})
        refreshed.shown = True
    with transaction(db):
        set_cursor(db, _shown(project_id), version)
    return refreshed


def _shown(project_id: int) -> str:
    """The cursor that holds the model version which the project was switched to."""
    return f"scores of project {project_id}"


def _chunks(tasks: Sequence[OutdatedTask], predicted: set[int]) -> Iterator[_Chunk]:
    """What may have its prediction first, and each chunk of one kind."""
    doubtful = [task for task in tasks if task.sent_at or task.task_id in predicted]
    fresh = [task for task in tasks if not (task.sent_at or task.task_id in predicted)]
    for kind in (doubtful, fresh):
        for start in range(0, len(kind), CHUNK):
            yield _Chunk(kind[start : start + CHUNK], kind is doubtful)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Tasks whose predictions go in one request; those of a doubtful one may be there."""

    tasks: Sequence[OutdatedTask]
    doubtful: bool


@dataclass
class _Refresh:
    project: Project
    db: Store
    client: LabelStudioClient
    project_id: int
    done: Refreshed

    def bring(self, chunk: _Chunk) -> None:
        """Make sure that each of these tasks has one prediction of the version."""
        version = self.done.model_version
        missing = self._missing(chunk.tasks) if chunk.doubtful else chunk.tasks
        self.done.found += len(chunk.tasks) - len(missing)
        predictions = self._predictions(missing)
        mark_predictions_sent(self.db, self.project_id, version, chunk.tasks)
        if predictions:
            create_predictions(self.client, self.project_id, predictions)
            self.done.created += len(predictions)
        if chunk.doubtful:
            # A request that was cut off may come through even now.
            self._remove_doubles(chunk.tasks)
        confirm_predictions(self.db, self.project_id, version, chunk.tasks)

    def _missing(self, tasks: Sequence[OutdatedTask]) -> list[OutdatedTask]:
        """Those that have none, after a grace for what was sent a moment ago."""
        missing = list(tasks)

        def look() -> list[OutdatedTask]:
            missing[:] = [task for task in missing if not self._there(task)]
            return missing

        sent_at = max((task.sent_at for task in tasks if task.sent_at), default=None)
        return look_until(sent_at, look, lambda left: not left)

    def _there(self, task: OutdatedTask) -> list[int]:
        return predictions_of(self.client, task.task_id, self.done.model_version)

    def _remove_doubles(self, tasks: Iterable[OutdatedTask]) -> None:
        for task in tasks:
            for double in self._there(task)[1:]:
                delete_prediction(self.client, double)
                self.done.doubles_removed += 1

    def _predictions(self, tasks: Sequence[OutdatedTask]) -> list[dict[str, Any]]:
        """A prediction for each task, of the run that it shows."""
        interface = interface_in_use(self.project, self.db)
        ordered = sorted(tasks, key=attrgetter("agent_version", "task_id"))
        return [
            prediction
            for version, own in groupby(ordered, key=attrgetter("agent_version"))
            for prediction in self._of_version(interface, version, list(own))
        ]

    def _of_version(
        self, interface: Interface, version: str, tasks: Sequence[OutdatedTask]
    ) -> list[dict[str, Any]]:
        ids = [task.sample_id for task in tasks]
        names, name = self.project.settings.label_studio.prefill, self.done.model_version
        samples, runs = get_samples(self.db, ids), get_runs(self.db, ids, version)
        runs = {run.sample_id: run for run in comparable(self.db, list(runs.values()))}
        found = []
        for task in tasks:
            run = runs.get(task.sample_id)
            item = empty_prediction(name)
            if run is not None and run.error is None:
                item = agent_prediction(interface, names, samples[task.sample_id], run, name)
            found.append({"task": task.task_id, **item})
        return found
