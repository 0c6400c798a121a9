"""What is next for each disputed sample, and who may answer it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from goldloop.consensus import State
from goldloop.errors import SettingsError
from goldloop.routing import Asked, Step, next_step
from store.annotations import (
    RawAnnotation,
    annotations_of,
    people,
    people_by_email,
    token_user,
)
from store.consensus import StoredConsensus
from store.database import Store
from store.further_annotators import requested_overlaps
from store.gold_checks import active_annotators
from views.project import Project


def steps(
    project: Project, db: Store, held: Mapping[str, StoredConsensus]
) -> dict[str, tuple[Step, Asked]]:
    """What is next for each of these disputed samples.

    The user whose token we hold and the experts are no further annotators, unless they label.
    """
    base = project.settings.label_studio.annotators_per_task
    most = project.settings.consensus.max_additional
    overlaps = requested_overlaps(db, list(held))
    raw = annotations_of(db, list(held))
    others = set(people(db)) - {token_user(db)} - expert_ids(project, db)
    labellers = others | active_annotators(db)
    found = {}
    for sample_id, one in held.items():
        asked = _asked(one.state, raw.get(sample_id, ()), overlaps.get(sample_id, base))
        found[sample_id] = next_step(asked, labellers, base, most), asked
    return found


def _asked(state: State, annotations: Sequence[RawAnnotation], overlap: int) -> Asked:
    answered = {a.annotator_id for a in annotations if not a.was_cancelled}
    skipped = {a.annotator_id for a in annotations if a.was_cancelled} - answered
    return Asked(state, answered, skipped, max(overlap, len(answered)))


def expert_ids(project: Project, db: Store) -> set[int]:
    """The people whose answers count in the experts' project; empty where anybody's do."""
    known = people_by_email(db)
    named = project.settings.label_studio.experts
    unknown = [email for email in named if email.lower() not in known]
    if unknown:
        raise SettingsError(
            f"goldloop.toml: [label_studio] experts: nobody in Label Studio has the address "
            f"{unknown[0]}; invite them, or correct it, then: goldloop pull"
        )
    return {known[email.lower()] for email in named}
