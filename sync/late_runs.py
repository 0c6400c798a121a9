"""late_runs: predictions that Label Studio was given empty, because it waits for no run that long,
are filled in once the run is there.
"""

from __future__ import annotations

from typing import Any

from goldloop.errors import SettingsError
from label_config.agent_prediction import agent_prediction
from store.calibrators import comparable, model_version
from store.database import Store
from store.runs import get_runs, named_version
from store.samples import get_samples
from store.tasks import review_project, task_samples
from store.wanted_runs import late_runs, settle_late_runs
from sync.client import LabelStudioClient
from sync.predictions_api import change_prediction, predictions_of
from sync.project import Project
from views.project import interface_in_use


def late_samples(project: Project, db: Store, most: int) -> list[str]:
    """Some samples whose run came late, for the agent version in use; asks the store alone."""
    try:
        return late_runs(db, named_version(db, project.settings.agent), most)
    except SettingsError:
        # Nobody can tell which version counts; the commands that need to know say so.
        return []


def fill_late_predictions(
    project: Project, db: Store, client: LabelStudioClient, sample_ids: list[str]
) -> int:
    """Give the empty predictions of these samples' tasks what their runs say; how many there were.

    Safe to repeat. Where the agent failed, and where the task is gone, nothing is filled in.
    """
    version = named_version(db, project.settings.agent)
    tasks, items = _tasks(db), _items(project, db, version, sample_ids)
    filled = 0
    for sample_id in items.keys() & tasks.keys():
        item = items[sample_id]
        for prediction_id in predictions_of(client, tasks[sample_id], item["model_version"]):
            change_prediction(client, prediction_id, item)
            filled += 1
    settle_late_runs(db, version, sample_ids)
    return filled


def _tasks(db: Store) -> dict[str, int]:
    review = review_project(db)
    if review is None:
        return {}
    return {sample: task for task, sample in task_samples(db, review.project_id).items()}


def _items(
    project: Project, db: Store, version: str, sample_ids: list[str]
) -> dict[str, dict[str, Any]]:
    """The prediction of each sample's run, where the agent did not fail."""
    names, shown_as = project.settings.label_studio.prefill, model_version(db, version)
    interface, samples = interface_in_use(project, db), get_samples(db, sample_ids)
    runs = [run for run in get_runs(db, sample_ids, version).values() if run.error is None]
    return {
        run.sample_id: agent_prediction(interface, names, samples[run.sample_id], run, shown_as)
        for run in comparable(db, runs)
    }
