"""worker: follows up what webhooks told, reconciles at intervals, and asks further people.

Several may run: a hint is claimed by one of them, and only one reconciles at a time. Whatever
moment one dies at, what it had begun is done again: hints are free after `LEASE` seconds, and a
sample whose annotations changed stays stale until its consensus is saved.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from label_studio_sdk.core.api_error import ApiError

from goldloop.errors import GoldloopError, LabelStudioError, SettingsError, StoreError
from goldloop.webhooks import START_TRAINING
from store.annotations import set_cursor, tasks_of
from store.database import Store, store_errors, utc_now
from store.gate_review import gate_review_project
from store.inbox import Hint, claim_hints, finish_hints, release_hints, set_aside
from store.snapshots import checkpoint
from store.tasks import review_project
from sync.calibrate import calibrate
from sync.claims import claimed
from sync.client import LabelStudioClient
from sync.consensus import learns_at_once, refit_due, update_consensus
from sync.gate_review import pull_gate_review
from sync.late_runs import fill_late_predictions, late_samples
from sync.logs import Report, reason
from sync.project import Project
from sync.pull import Pulled, find_deleted
from sync.reconcile import reconcile, reconcile_tasks
from sync.refit import BackgroundRefit
from sync.refresh_scores import refresh_due, refresh_scores
from sync.route import route_disputes

POLL_SECONDS = 0.1
PAUSE_SECONDS = 5.0
LIST_SECONDS = 3600.0
LEASE_SECONDS = 120.0
LOOK_SECONDS = 0.5
MOST_HINTS = 500
MOST_ATTEMPTS = 5
# Predictions that are sent before hints are looked at again: two seconds' work of Label Studio.
MOST_SCORES = 200
# Predictions that are changed before hints are looked at again, which takes Label Studio longer.
MOST_LATE = 10
# When Label Studio was last known to have nothing that the store has not.
RECONCILED = "reconciled"
# A proxy before Label Studio answers so while it is away, and Label Studio when a token is bad.
AWAY = (401, 403, 408, 429, 502, 503, 504)


def work(project: Project, report: Report, stopped: Callable[[], bool]) -> None:
    """Follow hints up as they come, and reconcile at the start and every `[worker] interval`
    seconds; every hour, and at the start, the tasks are listed too, which finds deleted ones.

    An error (Label Studio is away, say) is reported and tried again. A hint that fails five times
    by itself is set aside. With many annotations, learning anew happens in another process, and
    changed samples go on being decided meanwhile.
    """
    db = project.open_store()
    worker = _Worker(project, db, report, BackgroundRefit(project.folder, report))
    try:
        while not stopped():
            if not worker.turn():
                time.sleep(POLL_SECONDS)
    finally:
        worker.refits.stop()
        worker.hang_up()
        db.close()


@dataclass
class _Worker:
    project: Project
    db: Store
    report: Report
    refits: BackgroundRefit
    line: LabelStudioClient | None = None
    due: float = 0.0
    list_due: float = 0.0
    not_before: float = 0.0
    looked_at: float = -math.inf
    fresh: bool = True

    def turn(self) -> bool:
        """Do what there is to do; whether there may be more at once."""
        now = time.monotonic()
        if now < self.not_before:
            return False
        busy = False
        try:
            with store_errors():
                if not review_project(self.db) and not gate_review_project(self.db):
                    return False
                busy = self.follow_hints()
                if now >= self.due:
                    self.due = now + self.project.settings.worker.interval
                    self.reconcile(now)
                if self.refits.turn():
                    self.route(look_again=True)
                busy = self.refresh() or busy
        except Exception as error:  # noqa: BLE001 - it outlives whatever Label Studio or a disk does
            self.report(f"trying again soon: {reason(error)}", level="WARNING")
            self.hang_up()
            self.not_before = now + min(PAUSE_SECONDS, self.project.settings.worker.interval)
            self.due = self.not_before
        return busy

    def client(self) -> LabelStudioClient:
        """Label Studio, by a connection that is kept."""
        if self.line is None:
            self.line = self.project.client()
        return self.line

    def hang_up(self) -> None:
        """Let go of the connection; the next call makes a new one."""
        if self.line is not None:
            self.line.close()
            self.line = None

    def follow_hints(self) -> bool:
        """Take hints from the inbox and follow them up; whether there were any."""
        hints = claim_hints(self.db, MOST_HINTS, LEASE_SECONDS)
        try:
            self.follow(hints)
        except GoldloopError:
            release_hints(self.db, hints, 0.0, counts=False)
            raise
        return bool(hints)

    def follow(self, hints: Sequence[Hint]) -> None:
        """Fetch what these hints are about; where that fails, by halves, until those that cannot be
        followed up are alone.
        """
        if not hints:
            return
        try:
            with store_errors():
                self.fetch(hints)
        except Exception as error:  # whatever it is, one hint must not hold up the others
            if _is_no_fault_of_a_hint(error):
                raise
            if len(hints) == 1:
                self.give_up(hints[0], error)
                return
            middle = len(hints) // 2
            self.follow(hints[:middle])
            self.follow(hints[middle:])
        else:
            finish_hints(self.db, hints)
            checkpoint(self.db)

    def fetch(self, hints: Sequence[Hint]) -> None:
        """Do what these hints ask for."""
        self.look([hint for hint in hints if hint.action != START_TRAINING])
        if trainings := [hint.event_id for hint in hints if hint.action == START_TRAINING]:
            self.calibrate(trainings)

    def calibrate(self, event_ids: Sequence[int]) -> None:
        """Somebody pressed "Start training" in Label Studio."""
        try:
            made = calibrate(self.project, self.db, None)
        except SettingsError as error:  # trying again would not help, and hold up the others
            self.report(f"not calibrated: {reason(error)}", level="WARNING", event_ids=event_ids)
            return
        self.report(
            f"calibrated: predictions are of model version {made.model_version}",
            event_ids=event_ids,
            fitted=sum(outcome.state == "fitted" for outcome in made.outcomes),
            labels=sum(outcome.labels for outcome in made.outcomes),
        )

    def look(self, hints: Sequence[Hint]) -> None:
        """Bring the tasks that were named up to date, and where none was, whatever changed."""
        if not hints:
            return
        named = {number for hint in hints for number in hint.annotation_ids}
        known = tasks_of(self.db, named)
        tasks = {number for hint in hints for number in hint.task_ids} | set(known.values())
        pulled = Pulled()
        if tasks:
            pulled = reconcile_tasks(self.project, self.db, self.client(), tasks)
        # A deletion names annotations alone; of one that we never saw we cannot tell the task.
        if any(not (hint.task_ids or known.keys() & {*hint.annotation_ids}) for hint in hints):
            self.wait_to_look()
            pulled.add(reconcile(self.project, self.db, self.client()))
        self.report(
            "hints followed up",
            event_ids=[hint.event_id for hint in hints],
            task_ids=sorted(tasks),
            changed=len(pulled.changed),
            gate_answers=pulled.gate_answers,
        )
        if pulled.changed or pulled.expert_answers:
            self.route(look_again=False)

    def wait_to_look(self) -> None:
        """Anybody may ask us to look again, and so without a pause could keep us busy."""
        wait = self.looked_at + LOOK_SECONDS - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self.looked_at = time.monotonic()

    def give_up(self, hint: Hint, error: Exception) -> None:
        """Try the hint later, or set it aside when it has failed too often."""
        self.report(
            f"hint failed: {reason(error)}",
            level="WARNING",
            event_ids=[hint.event_id],
            attempts=hint.attempts,
        )
        if hint.attempts < MOST_ATTEMPTS:
            release_hints(self.db, [hint], PAUSE_SECONDS)
        else:
            set_aside(self.db, hint, reason(error))
            said = "hint set aside; see: goldloop inbox list"
            self.report(said, level="ERROR", event_ids=[hint.event_id])

    def reconcile(self, now: float) -> None:
        """Find what no hint told; one worker at a time."""
        with claimed(self.project, "reconcile") as ours:
            if not ours:
                return
            pulled = reconcile(self.project, self.db, self.client())
            if now >= self.list_due:
                self.list_due = now + LIST_SECONDS
                pulled.deleted += find_deleted(self.db, self.client())
                pull_gate_review(self.project, self.db, self.client(), full=True)
            set_cursor(self.db, RECONCILED, utc_now())
            if pulled.changed or pulled.unreadable or pulled.gate_answers:
                self.report(
                    "reconciled",
                    level="WARNING" if pulled.unreadable else "INFO",
                    changed=len(pulled.changed),
                    gate_answers=pulled.gate_answers,
                    unreadable=pulled.unreadable,
                )
            if self.fresh or (not self.refits.awaited and refit_due(self.project, self.db)):
                self.catch_up()
            self.route(look_again=True)

    def refresh(self) -> bool:
        """Give some more open tasks what the agent says of them by now, and the scores of a new
        calibrator; whether that goes on.
        """
        if late := late_samples(self.project, self.db, MOST_LATE):
            filled = fill_late_predictions(self.project, self.db, self.client(), late)
            self.report("late predictions filled in", samples=len(late), filled=filled)
            return True
        if not refresh_due(self.project, self.db):
            return False
        done = refresh_scores(self.project, self.db, self.client(), most=MOST_SCORES)
        if done is None:  # a push is at work
            return False
        self.report("scores brought up to date", created=done.created, left=done.left)
        return done.left > 0

    def catch_up(self) -> None:
        """Learn anew and compute all consensus: here and now, or in the background."""
        if learns_at_once(self.db):
            update_consensus(self.project, self.db)
        else:
            self.refits.want()
        self.fresh = False

    def route(self, *, look_again: bool) -> None:
        """Ask further people, unless a refit is under way: it may settle what is disputed."""
        if self.refits.awaited:
            return
        routed = route_disputes(self.project, self.db, self.client(), look_again=look_again)
        done = asdict(routed).items()
        told: dict[str, Any] = {name: len(ids) for name, ids in done if isinstance(ids, list)}
        if any(told[name] for name in ("asked", "mended", "to_experts", "returned")):
            self.report("disputes routed", **told)


def _is_no_fault_of_a_hint(error: Exception) -> bool:
    """Whether any hint would fail now: the store or Label Studio is away, or a setting is wrong."""
    if isinstance(error, LabelStudioError):
        cause = error.__cause__
        return not isinstance(cause, ApiError) or cause.status_code in AWAY
    return isinstance(error, (StoreError, SettingsError))
