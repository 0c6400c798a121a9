"""forgotten: requests for further answers that Label Studio has lost, as a changed project setting
makes it do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goldloop.errors import LabelStudioError
from sync.client import ALL_FIELDS, EXPORT_IDS, SERVER_ERROR, LabelStudioClient, refusal
from sync.task_filters import task_filter

STANDING = "id,overlap,is_labeled,annotations,was_cancelled,completed_by"


def forgotten(
    client: LabelStudioClient, project_id: int, overlaps: Mapping[int, int]
) -> dict[int, bool]:
    """By task id, whether the task is not out to so many people (`overlaps`, by task id): its
    overlap is lower, or it counts as complete with fewer answers. Tasks that are gone, or that
    Label Studio cannot give, are left out.
    """
    found: dict[int, bool] = {}
    ids = sorted(overlaps)
    for start in range(0, len(ids), EXPORT_IDS):
        for task in _standing(client, project_id, ids[start : start + EXPORT_IDS]):
            found[task["id"]] = _has_forgotten(task, overlaps[task["id"]])
    return found


def _standing(
    client: LabelStudioClient, project_id: int, ids: Sequence[int]
) -> list[Mapping[str, Any]]:
    """How these tasks stand, without those that Label Studio breaks on."""
    among = task_filter("id", "in_list", "Number", ids)
    query = {"filters": {"conjunction": "and", "items": [among]}}
    try:
        return client.task_page(project_id, query, STANDING, 1, EXPORT_IDS, ALL_FIELDS)
    except LabelStudioError as error:
        if refusal(error) != SERVER_ERROR:
            raise
    half = len(ids) // 2
    parts = (ids[:half], ids[half:]) if half else ()
    return [task for part in parts for task in _standing(client, project_id, part)]


def _has_forgotten(task: Mapping[str, Any], overlap: int) -> bool:
    if task["overlap"] < overlap:
        return True
    answers = [a for a in task["annotations"] if not a["was_cancelled"]]
    # Nobody is named where the user was deleted.
    people = {a["completed_by"] or -a["id"] for a in answers}
    return bool(task["is_labeled"]) and len(people) < overlap
