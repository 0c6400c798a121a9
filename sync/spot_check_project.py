"""The Label Studio project of the spot checks: made once, found again, and anew when it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from goldloop.errors import LabelStudioError
from label_config.interface import Interface
from label_config.spot_check import spot_check_interface
from store.database import Store, project_fact
from store.spot_checks import SpotCheckProject, save_spot_check_project, spot_check_project
from sync.client import LabelStudioClient
from sync.project import Project
from sync.review_project import VIEW, find_or_create

# When the project was asked for, kept in case that we die before the answer is stored.
ASKED = "spot check project asked for"
INSTRUCTION = (
    "<p>A model wrote these samples. Say of each whether it may be used to test an agent: what the "
    "user asks, the expected answer and the expected tool calls. Skip what you cannot judge.</p>"
)
TITLE = "Samples to look at"
_WIRING = tuple(
    f"tasks:data.{name}_html"
    for name in ("cell", "trace", "expected", "key_points", "expected_tool_calls", "found")
)


def ensure_spot_check_project(
    project: Project, db: Store, client: LabelStudioClient
) -> SpotCheckProject:
    """The project of the spot checks: the known one, else one that a dead process made, else a new
    one. One that somebody deleted is made anew.

    Raises LabelStudioError where the known number is another project's, as on another server.
    """
    interface, known = spot_check_interface(), spot_check_project(db)
    mark = f"goldloop spot check of store {project_fact(db, 'store_id')}"
    found = None if known is None else client.project(known.project_id)
    if known is None or found is None:
        known = _adopt_or_create(project, db, client, interface, mark)
    elif mark not in (found.get("description") or ""):
        raise LabelStudioError(
            f"project {known.project_id} of Label Studio at {client.url} is not the spot check of "
            f"this store (its description should hold: {mark}); check LABEL_STUDIO_URL"
        )
    if known.label_config != interface.xml:
        client.update_project(known.project_id, {"label_config": interface.xml})
    known = replace(known, url=client.url, label_config=interface.xml)
    save_spot_check_project(db, known)
    return known


def _adopt_or_create(
    project: Project, db: Store, client: LabelStudioClient, interface: Interface, mark: str
) -> SpotCheckProject:
    found = find_or_create(db, client, ASKED, mark, _fields(project, interface, mark))
    if all(view["data"]["title"] != TITLE for view in client.views(found["id"])):
        client.create_view(found["id"], _view())
    return SpotCheckProject(found["id"], client.url, found["title"], found["label_config"])


def _fields(project: Project, interface: Interface, mark: str) -> Mapping[str, Any]:
    return {
        "title": project.settings.synthesis.title,
        "description": f"Synthetic samples to look at ({mark}; leave this mark in place)",
        "label_config": interface.xml,
        "expert_instruction": INSTRUCTION,
        "maximum_annotations": 1,
        "sampling": "Sequential sampling",
        "evaluate_predictions_automatically": False,
        "enable_empty_annotation": False,
        "show_skip_button": True,
    }


def _view() -> Mapping[str, Any]:
    """The tasks in the order of the queue, without the HTML of the labelling screen."""
    hidden = {
        target: [*columns, *_WIRING, "tasks:predictions_score"]
        for target, columns in VIEW["hiddenColumns"].items()
    }
    widths = {"tasks:data.user_input": 420}
    return {
        **VIEW,
        "title": TITLE,
        "ordering": ["tasks:id"],
        "hiddenColumns": hidden,
        "columnsWidth": widths,
    }
