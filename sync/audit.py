"""audit: what Label Studio Community lets anybody do to an answer, and what was done.

It has no roles: everybody may change, delete or mark everybody's annotations. Every form that we
saw is kept; a form that was replaced between two pulls was never seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from goldloop.annotators import is_hasty
from store.annotations import annotated_samples
from store.audit import Form, standing_truths, timed_answers, touched_forms
from store.database import Store
from store.tasks import expert_project, review_project
from views.people import words_shown


class Kind(StrEnum):
    """`changed`: the answer was changed by somebody else than its author. `author`: it was given to
    another author. `marked`: it was marked as ground truth, or is no longer, by somebody else.
    `deleted`: it is gone; Label Studio does not say by whom. `hasty`: it took less time than
    reading does. `ground_truth`: it stands as ground truth, and no expert of ours decided it.
    """

    CHANGED = "changed"
    AUTHOR = "author"
    MARKED = "marked"
    DELETED = "deleted"
    HASTY = "hasty"
    GROUND_TRUTH = "ground_truth"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody may want to look at. `by` is who did it, None where that is unknown;
    `when` is ISO 8601; `seconds` the lead time of a hasty answer.
    """

    kind: Kind
    annotation_id: int
    sample_id: str
    annotator_id: int
    by: int | None
    when: str
    link: str
    seconds: float | None = None


def audit(db: Store) -> list[Finding]:
    """Everything that was found, oldest first."""
    links = {p.project_id: p.url for p in (review_project(db), expert_project(db)) if p}
    found = [
        *(_finding(kind, form, links) for form in touched_forms(db) for kind in _done(form)),
        *(_finding(Kind.GROUND_TRUTH, form, links) for form in standing_truths(db)),
        *(_finding(Kind.HASTY, form, links) for form in _hasty(db)),
    ]
    return sorted(found, key=lambda one: (one.when, one.annotation_id, one.kind))


def _done(form: Form) -> Iterator[Kind]:
    """What somebody else than the author did to make this form of the one before."""
    before = form.before
    if before is None:
        # It was so when we first saw it.
        if form.changed_by not in (None, form.annotator_id):
            yield Kind.CHANGED
    else:
        if form.annotator_id != before.annotator_id:
            yield Kind.AUTHOR
        if form.changed_by not in (None, form.annotator_id):
            if (form.result, form.was_cancelled) != (before.result, before.was_cancelled):
                yield Kind.CHANGED
            if form.ground_truth != before.ground_truth:
                yield Kind.MARKED
    if form.deleted_at is not None and (before is None or before.deleted_at is None):
        yield Kind.DELETED


def _hasty(db: Store) -> Iterator[Form]:
    words = words_shown(db, annotated_samples(db))
    for form in timed_answers(db):
        if is_hasty(form.lead_time or 0.0, words.get(form.sample_id, 0)):
            yield form


def _finding(kind: Kind, form: Form, links: dict[int, str]) -> Finding:
    url = links.get(form.project_id, "")
    gone = kind is Kind.DELETED
    return Finding(
        kind,
        form.annotation_id,
        form.sample_id,
        form.annotator_id,
        None if gone or kind is Kind.GROUND_TRUTH else form.changed_by,
        form.deleted_at if gone and form.deleted_at else form.updated_at,
        f"{url}/projects/{form.project_id}/data?task={form.task_id}",
        form.lead_time if kind is Kind.HASTY else None,
    )
