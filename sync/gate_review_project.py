"""The Label Studio project of the gate reviews: made once, found again, and anew when it is gone.

It asks what the review project asks. It is one of its own because an answer there speaks of the run
that was shown then, and these are about another one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from goldloop.errors import LabelStudioError
from label_config.interface import Interface, read_interface
from store.database import Store, project_fact
from store.gate_review import (
    GateReviewProject,
    GateReviewTask,
    gate_review_project,
    gate_review_tasks,
    mark_gate_reviews_deleted,
    mark_gate_reviews_delivered,
    mark_gate_reviews_sending,
    save_gate_review_project,
    store_gate_review_answers,
)
from store.side_tasks import SideAnswer
from sync.client import LabelStudioClient
from sync.project import Project
from sync.review_project import VIEW, carry_overlap, find_or_create, refuse_loss
from sync.webhook import install_webhook, is_webhook_set
from views.project import interface_in_use

# When the project was asked for, kept in case that we die before the answer is stored.
ASKED = "gate review project asked for"
TITLE = "Flipped cases"
INSTRUCTION = (
    "<p>A new version of the agent did otherwise than before on these cases. Read what it was "
    "asked and what it did, then judge it as in any other review. The expected answer may be "
    "wrong: say what is right.</p>"
)


@dataclass(frozen=True, slots=True)
class GateReviewLedger:
    """The tasks and answers of all gate reviews, in the store."""

    db: Store

    def tasks(self) -> Sequence[GateReviewTask]:
        """The tasks of all evaluations: one fetch brings the answers to all."""
        return gate_review_tasks(self.db)

    def mark_sending(self, project_id: int, tasks: Sequence[GateReviewTask]) -> None:
        """Record that these tasks are about to be posted."""
        mark_gate_reviews_sending(self.db, project_id, tasks)

    def mark_delivered(
        self, project_id: int, arrived: Sequence[tuple[GateReviewTask, int]]
    ) -> None:
        """Record the ids that Label Studio gave these tasks."""
        mark_gate_reviews_delivered(self.db, project_id, arrived)

    def mark_deleted(self, tasks: Sequence[GateReviewTask]) -> None:
        """Record that Label Studio no longer has these tasks."""
        mark_gate_reviews_deleted(self.db, tasks)

    def store_answers(
        self, project_id: int, task_ids: Collection[int], answers: Sequence[SideAnswer]
    ) -> int:
        """Make the store say of these tasks what Label Studio says; how many forms changed."""
        return store_gate_review_answers(self.db, project_id, task_ids, answers)


def ensure_gate_review_project(
    project: Project, db: Store, client: LabelStudioClient
) -> GateReviewProject:
    """The project of the gate reviews: the known one, else one that a dead process made, else a new
    one. One that somebody deleted is made anew. A changed labelling interface is carried over.

    Raises LabelStudioError where the known number is another project's, as on another server, and
    InterfaceError where the changed interface would orphan answers.
    """
    interface, known = interface_in_use(project, db), gate_review_project(db)
    mark = f"goldloop gate review of store {project_fact(db, 'store_id')}"
    found = None if known is None else client.project(known.project_id)
    if known is None or found is None:
        known = _adopt_or_create(project, db, client, interface, mark)
    elif mark not in (found.get("description") or ""):
        raise LabelStudioError(
            f"project {known.project_id} of Label Studio at {client.url} is not the gate review of "
            f"this store (its description should hold: {mark}); check LABEL_STUDIO_URL"
        )
    else:
        carry_overlap(project, client, found)
    if known.label_config != interface.xml:
        if found and found.get("total_annotations_number"):
            refuse_loss(read_interface(known.label_config, "the interface in use"), interface)
        client.update_project(known.project_id, {"label_config": interface.xml})
    known = replace(known, url=client.url, label_config=interface.xml)
    save_gate_review_project(db, known)
    if is_webhook_set(project.settings):
        install_webhook(project.settings, client, known.project_id)
    return known


def _adopt_or_create(
    project: Project, db: Store, client: LabelStudioClient, interface: Interface, mark: str
) -> GateReviewProject:
    found = find_or_create(db, client, ASKED, mark, _fields(project, interface, mark))
    if all(view["data"]["title"] != TITLE for view in client.views(found["id"])):
        client.create_view(found["id"], {**VIEW, "title": TITLE, "ordering": ["tasks:id"]})
    return GateReviewProject(found["id"], client.url, found["title"], found["label_config"])


def _fields(project: Project, interface: Interface, mark: str) -> Mapping[str, Any]:
    settings = project.settings.label_studio
    return {
        "title": settings.gate_title,
        "description": f"Cases that flipped in an evaluation ({mark}; leave this mark in place)",
        "label_config": interface.xml,
        "expert_instruction": INSTRUCTION,
        "maximum_annotations": settings.annotators_per_task,
        "sampling": "Sequential sampling",
        "show_collab_predictions": True,
        "evaluate_predictions_automatically": False,
        "enable_empty_annotation": False,
        "show_skip_button": True,
    }
