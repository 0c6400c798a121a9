"""checks: with a batch, settled tasks are given to people who have not seen them."""

from __future__ import annotations

from goldloop.gold_checks import Settled, pick_checks
from store.annotations import check_answers
from store.database import Store, transaction
from store.gold_checks import (
    GoldCheck,
    active_annotators,
    confirm_check,
    gold_checks,
    plan_checks,
    rounds_with_checks,
    settled_samples,
)
from store.tasks import ReviewProject, task_samples
from sync.client import LabelStudioClient
from sync.forgotten import forgotten
from sync.project import Project
from views.answers import rules_in_use


def send_checks(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    review: ReviewProject,
    round_id: int,
    size: int,
) -> int:
    """Send the share of a batch of that size that `[selection] gold_checks` asks for; how many.

    What was planned for the round before is not picked again.
    """
    count = round(project.settings.selection.gold_checks * size)
    with transaction(db):
        if count and round_id not in rounds_with_checks(db):
            plan_checks(db, review.project_id, round_id, _pick(project, db, review, count))
    unsent = [check for check in gold_checks(db).values() if not check.confirmed]
    return sum(_send(db, client, check) for check in unsent)


def _pick(project: Project, db: Store, review: ReviewProject, count: int) -> list[GoldCheck]:
    rows = settled_samples(db, rules_in_use(project, db).gold_fields)
    settled = {row[0]: Settled(*row) for row in rows}
    tasks = {sample: task for task, sample in task_samples(db, review.project_id).items()}
    return [
        GoldCheck(
            check.sample_id,
            tasks[check.sample_id],
            len(settled[check.sample_id].seen) + check.people,
            frozenset(settled[check.sample_id].seen),
        )
        for check in pick_checks(settled.values(), count, active_annotators(db))
    ]


def _send(db: Store, client: LabelStudioClient, check: GoldCheck) -> bool:
    """Ask for it; also where somebody deleted the task it is done with."""
    there = client.update_task(check.task_id, {"overlap": check.overlap, "is_labeled": False})
    confirm_check(db, check)
    return there


def mend_checks(db: Store, client: LabelStudioClient, review: ReviewProject) -> int:
    """Ask again for the checks that Label Studio forgot, as a changed project setting makes it do;
    how many.
    """
    answers = check_answers(db)
    unanswered = {}
    for check in gold_checks(db).values():
        people = {a.annotator_id for a in answers.get(check.sample_id, ())}
        if len(check.voters | people) < check.overlap:
            unanswered[check.task_id] = check
    overlaps = {task_id: check.overlap for task_id, check in unanswered.items()}
    lost = forgotten(client, review.project_id, overlaps)
    return sum(_send(db, client, unanswered[task_id]) for task_id in lost if lost[task_id])
