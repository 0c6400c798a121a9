"""The Label Studio project that people label in: made once, found again, kept as set."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from goldloop.errors import InterfaceError, LabelStudioError
from goldloop.fields import Field
from label_config.interface import Interface, read_interface
from store.annotations import annotated_samples, get_cursor, set_cursor
from store.database import Store, project_fact, transaction, utc_now
from store.tasks import ReviewProject, review_project, save_review_project
from sync.client import LabelStudioClient
from sync.grace import look_until
from sync.project import Project

# When a project was asked for, kept in case that we die before the answer is stored.
ASKED = "review project asked for"
# The credentials that Label Studio was last given for our ML backend, as a digest.
CREDENTIALS = "ml backend credentials"
INSTRUCTION = (
    "<p>Read what the agent was asked and what it did, then judge it. When you are not sure, say "
    "so with a low confidence rather than skipping.</p>"
)

_WIRING = tuple(
    f"tasks:data.{name}"
    for name in (
        "trace_html",
        "response_html",
        "expected_html",
        "tool_calls_html",
        "expected_tool_calls_html",
        "conversation",
    )
)
_RARE = tuple(
    f"tasks:{name}"
    for name in (
        "inner_id",
        "avg_lead_time",
        "annotations_results",
        "annotations_ids",
        "predictions_model_versions",
        "predictions_results",
        "file_upload",
        "storage_filename",
        "created_at",
        "updated_at",
        "updated_by",
        "draft_exists",
        "total_predictions",
    )
)
# The Data Manager's own first tab would show the HTML that the labelling screen is made of.
VIEW: Mapping[str, Any] = {
    "title": "Least confident first",
    "type": "list",
    "target": "tasks",
    "ordering": ["tasks:predictions_score"],
    "filters": {"conjunction": "and", "items": []},
    "hiddenColumns": {"explore": [*_WIRING, *_RARE], "labeling": [*_WIRING, *_RARE]},
    "columnsWidth": {"tasks:data.user_input": 320, "tasks:data.response": 320},
    "columnsDisplayType": {},
    "gridWidth": 4,
}


def ensure_review_project(project: Project, db: Store, client: LabelStudioClient) -> ReviewProject:
    """The project to push into.

    It is the one that an earlier push made; else one in Label Studio that carries this store's
    mark (a push died between making it and remembering it); else a new one. A changed labelling
    interface is carried over, unless that would orphan answers.
    """
    known = review_project(db)
    if known is None:
        return _adopt_or_create(project, db, client)
    found = client.project(known.project_id)
    if found is None or _mark(db) not in (found.get("description") or ""):
        raise LabelStudioError(
            f"project {known.project_id} of Label Studio at {client.url} is not the one that this "
            f"store was pushed to (its description should hold: {_mark(db)}); check "
            "LABEL_STUDIO_URL, or start a new store with: goldloop init"
        )
    if known.url != client.url:
        known = replace(known, url=client.url)
        save_review_project(db, known)
    carry_overlap(project, client, found)
    return _carry_interface(project, db, client, known, found)


def carry_overlap(project: Project, client: LabelStudioClient, found: Mapping[str, Any]) -> None:
    """How many people answer each task, where the settings changed; tasks that were given to a
    further annotator lose that by it, and route gives it back.
    """
    wanted = project.settings.label_studio.annotators_per_task
    if found["maximum_annotations"] != wanted:
        client.update_project(found["id"], {"maximum_annotations": wanted})


def _mark(db: Store) -> str:
    return f"goldloop store {project_fact(db, 'store_id')}"


def _adopt_or_create(project: Project, db: Store, client: LabelStudioClient) -> ReviewProject:
    mark = _mark(db)
    found = find_or_create(db, client, ASKED, mark, _fields(project, project.interface(), mark))
    if all(view["data"]["title"] != VIEW["title"] for view in client.views(found["id"])):
        client.create_view(found["id"], VIEW)
    made = ReviewProject(found["id"], client.url, found["title"], found["label_config"])
    save_review_project(db, made)
    return _carry_interface(project, db, client, made, found)


def find_or_create(
    db: Store, client: LabelStudioClient, asked: str, mark: str, fields: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The project whose description holds `mark`, or a new one with these fields.

    When it is asked for is kept in the store under `asked`: whoever dies after that looks for it.
    """
    found = look_until(
        get_cursor(db, asked),
        lambda: client.project_described(mark),
        lambda project_found: project_found is not None,
    )
    if found is None:
        with transaction(db):
            set_cursor(db, asked, utc_now())
        found = client.create_project(fields)
    return found


def _fields(project: Project, interface: Interface, mark: str) -> Mapping[str, Any]:
    settings = project.settings.label_studio
    return {
        "title": settings.title,
        "description": f"Golden-set review ({mark}; leave this mark in place)",
        "label_config": interface.xml,
        "expert_instruction": INSTRUCTION,
        "maximum_annotations": settings.annotators_per_task,
        # The queue serves the least confident prediction first.
        "sampling": "Uncertainty sampling",
        # Off would hide predictions and clear the project's model version.
        "show_collab_predictions": True,
        # On would call the ML backend for whole pages of the Data Manager.
        "evaluate_predictions_automatically": False,
        "enable_empty_annotation": False,
        "show_skip_button": True,
    }


def _carry_interface(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    known: ReviewProject,
    there: Mapping[str, Any],
) -> ReviewProject:
    interface = project.interface()
    if known.label_config == interface.xml:
        return known
    # Some answers may not have been pulled yet.
    if annotated_samples(db) or there.get("total_annotations_number"):
        refuse_loss(read_interface(known.label_config, "the interface in use"), interface)
    client.update_project(known.project_id, {"label_config": interface.xml})
    changed = ReviewProject(known.project_id, known.url, known.title, interface.xml)
    save_review_project(db, changed)
    return changed


def refuse_loss(old: Interface, new: Interface) -> None:
    """Label Studio itself lets an option go that people have chosen; answers would be orphaned."""
    kept = {field.name: field for field in new.fields}
    for field in old.fields:
        if field.name not in kept or kept[field.name].kind is not field.kind:
            raise InterfaceError(
                f"the new labelling interface drops or changes the field {field.name}, which has "
                "answers; keep it, or start a new store with: goldloop init"
            )
        lost = set(field.options) - set(kept[field.name].options)
        if lost:
            raise InterfaceError(
                f"the new labelling interface drops the option {sorted(lost)[0]} of "
                f"{field.name}, which may have been chosen; keep it, or start a new store"
            )
        if _narrower(field, kept[field.name]):
            raise InterfaceError(
                f"the new labelling interface narrows the range of {field.name}, and an answer may "
                "lie outside; keep it, or start a new store"
            )


def _narrower(old: Field, new: Field) -> bool:
    low = -math.inf if old.minimum is None else old.minimum
    high = math.inf if old.maximum is None else old.maximum
    return (new.minimum is not None and new.minimum > low) or (
        new.maximum is not None and new.maximum < high
    )


def register_backend(
    project: Project, db: Store, client: LabelStudioClient, project_id: int
) -> bool:
    """Register our ML backend with the project when its address is set; True when it is new.

    One that is registered is changed only where something is different, because Label Studio then
    calls the backend, and refuses when it is down. What password it has, Label Studio does not say:
    the store remembers a digest of what was sent.
    """
    backend, secrets = project.settings.backend, project.settings.secrets
    if not backend.url:
        return False
    fields: dict[str, Any] = {
        "url": backend.url,
        "project": project_id,
        "title": "Goldloop",
        "is_interactive": False,
        "auth_method": "NONE",
    }
    if secrets.backend_password:
        fields |= {
            "auth_method": "BASIC_AUTH",
            "basic_auth_user": secrets.backend_user,
            "basic_auth_pass": secrets.backend_password,
        }
    ours = [b for b in client.ml_backends(project_id) if b["title"] == fields["title"]]
    digest = _credentials_digest(db, secrets.backend_user, secrets.backend_password)
    if not ours:
        client.register_ml_backend(fields)
    elif _differs(ours[0], fields) or get_cursor(db, CREDENTIALS) != digest:
        client.update_ml_backend(ours[0]["id"], fields)
    set_cursor(db, CREDENTIALS, digest)
    return not ours


def _differs(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether what Label Studio tells of an ML backend is not what we want."""
    shown = {key: wanted[key] for key in wanted if key not in ("url", "basic_auth_pass")}
    same_url = found["url"].rstrip("/") == wanted["url"].rstrip("/")
    return not same_url or any(found.get(key) != value for key, value in shown.items())


def _credentials_digest(db: Store, user: str, password: str) -> str:
    """Says whether the credentials changed, and costs much to guess them from."""
    salt = project_fact(db, "secret").encode()
    words = f"{user}\0{password}".encode()
    return hashlib.scrypt(words, salt=salt, n=2**14, r=8, p=1).hex()
