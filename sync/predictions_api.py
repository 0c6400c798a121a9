"""The calls of Label Studio's that are about predictions, beside those in `sync.client`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goldloop.errors import LabelStudioError
from sync.client import LabelStudioClient, refusal

BAD_REQUEST = 400

# Label Studio's own name for a task that is not complete: it has no time of completion.
_UNFINISHED = {
    "filter": "filter:tasks:completed_at",
    "operator": "empty",
    "type": "Datetime",
    "value": True,
}


def unfinished_tasks(client: LabelStudioClient, project_id: int) -> set[int]:
    """The ids of the tasks that still have to be answered, by one person more at least."""
    return {task["id"] for task in client.tasks_where(project_id, [_UNFINISHED], "id")}


def tasks_with_version(client: LabelStudioClient, project_id: int, model_version: str) -> set[int]:
    """The ids of the tasks with a prediction whose model version holds this text: perhaps a few
    more than have that very version.
    """
    holds = {
        "filter": "filter:tasks:predictions_model_versions",
        "operator": "contains",
        "type": "List",
        "value": [model_version],
    }
    return {task["id"] for task in client.tasks_where(project_id, [holds], "id")}


def create_predictions(
    client: LabelStudioClient, project_id: int, predictions: Sequence[Mapping[str, Any]]
) -> None:
    """Add predictions, each {"task", "result", "score", "model_version"}, to tasks that exist.

    At most 500: all or none of so many are taken. Nothing is replaced, and what is sent twice is
    there twice.
    """
    path = f"api/projects/{project_id}/import/predictions"
    what = f"add {len(predictions)} predictions to project {project_id}"
    # The SDK's client takes any JSON value, whatever the annotation says.
    body: Any = list(predictions)
    client.call("POST", path, what, body)


def predictions_of(client: LabelStudioClient, task_id: int, model_version: str) -> list[int]:
    """The ids of a task's predictions of one model version, in rising order; none where the task is
    gone.
    """
    what = f"list the predictions of task {task_id}"
    try:
        found = client.call("GET", "api/predictions/", what, params={"task": task_id})
    except LabelStudioError as error:
        # Label Studio's word for a task that is not there, in a filter.
        if refusal(error) != BAD_REQUEST:
            raise
        return []
    return sorted(one["id"] for one in found if one["model_version"] == model_version)


def change_prediction(
    client: LabelStudioClient, prediction_id: int, fields: Mapping[str, Any]
) -> None:
    """Change a prediction where it stands; it is no error when it is gone."""
    path = f"api/predictions/{prediction_id}/"
    client.call_or_none("PATCH", path, f"change prediction {prediction_id}", body=fields)


def delete_prediction(client: LabelStudioClient, prediction_id: int) -> None:
    """Delete one prediction; it is no error when it is gone already."""
    path = f"api/predictions/{prediction_id}/"
    client.call_or_none("DELETE", path, f"delete prediction {prediction_id}")
