"""The side tasks of spot checks: where they are written down."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from store.database import Store
from store.side_tasks import SideAnswer
from store.spot_checks import (
    SpotCheckTask,
    mark_spot_checks_deleted,
    mark_spot_checks_delivered,
    mark_spot_checks_sending,
    spot_check_tasks,
    store_spot_check_answers,
)


@dataclass(frozen=True, slots=True)
class SpotCheckLedger:
    """The tasks and answers of all spot checks, in the store."""

    db: Store

    def tasks(self) -> Sequence[SpotCheckTask]:
        """The tasks of all batches: one fetch brings the answers to all."""
        return spot_check_tasks(self.db)

    def mark_sending(self, project_id: int, tasks: Sequence[SpotCheckTask]) -> None:
        """Record that these tasks are about to be posted."""
        mark_spot_checks_sending(self.db, project_id, tasks)

    def mark_delivered(self, project_id: int, arrived: Sequence[tuple[SpotCheckTask, int]]) -> None:
        """Record the ids that Label Studio gave these tasks."""
        mark_spot_checks_delivered(self.db, project_id, arrived)

    def mark_deleted(self, tasks: Sequence[SpotCheckTask]) -> None:
        """Record that Label Studio no longer has these tasks."""
        mark_spot_checks_deleted(self.db, tasks)

    def store_answers(
        self, project_id: int, task_ids: Collection[int], answers: Sequence[SideAnswer]
    ) -> int:
        """Make the store say of these tasks what Label Studio says; how many forms changed."""
        return store_spot_check_answers(self.db, project_id, task_ids, answers)
