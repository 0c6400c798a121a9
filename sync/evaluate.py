"""evaluate: the agent on every case of a dataset version, graded.

What the agent did is stored before it is graded, and each grade of a judge as it comes: an
evaluation that was stopped, however it was, goes on with the calls that were in the air.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from goldloop.errors import GoldloopError, StoreError
from goldloop.evaluation import Evaluation
from goldloop.evaluation.summary import Summary, summarise
from goldloop.graders import GraderSet
from goldloop.graders.facts import facts_of_cases
from store.database import Store
from store.evaluation_writing import (
    EvaluationPlan,
    add_seconds,
    begin_evaluation,
    find_finished,
    find_unfinished,
    finish_evaluation,
    forget_errors,
    stored_attempts,
)
from store.evaluations import get_evaluation
from sync.budget import Budget
from sync.claims import claimed
from sync.evaluation_agent import Contestant
from sync.evaluation_attempts import Attempts, Done, Unit
from sync.evaluation_inputs import Questions, mark_of
from sync.project import Project
from sync.terminal import Meter

Say = Callable[[str], None]
Make = Callable[[Unit], Done]


class EvaluationStoppedError(GoldloopError):
    """Somebody stopped it; what was done is stored."""

    exit_code = 130


@dataclass(frozen=True, slots=True)
class Contest:
    """What is evaluated: the cases with their graders, the agent version, and how often."""

    questions: Questions
    graders: GraderSet
    contestant: Contestant
    runs_per_case: int
    branch: str | None = None
    message: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What this command came to: attempts that were there, that it made, and that the money did not
    reach.
    """

    evaluation_id: int
    evaluation: Evaluation
    summary: Summary
    found: int
    made: int
    left: int

    @property
    def error_share(self) -> float:
        """The share of cases that came to nothing."""
        return float(self.summary.whole.errors / max(1, self.summary.whole.cases))


def plan_of(contest: Contest) -> EvaluationPlan:
    """The evaluation before it begins."""
    questions, graders = contest.questions, contest.graders
    facts = facts_of_cases(graders, [one.sample for one in questions.asked])
    prints = [questions.content_fingerprint, questions.labels_fingerprint]
    part = [one.case.sample_id for one in questions.asked]
    version, agent = contest.contestant.version, dict(contest.contestant.agent)
    judged = [graders.fingerprint, *(one.version for one in facts)]
    return EvaluationPlan(
        key=mark_of([prints, part, version, agent, judged, contest.runs_per_case]),
        dataset=questions.dataset,
        version=questions.version,
        content_fingerprint=questions.content_fingerprint,
        labels_fingerprint=questions.labels_fingerprint,
        agent_version=version,
        graders=facts,
        graders_fingerprint=graders.fingerprint,
        cases=tuple(one.case for one in questions.asked),
        runs_per_case=contest.runs_per_case,
        pass_score=graders.pass_score,
        specs=graders.graders,
        agent=agent,
        branch=contest.branch,
        message=contest.message,
        notes=contest.notes,
    )


@contextmanager
def alone(project: Project, plan: EvaluationPlan) -> Iterator[None]:
    """No other process works at the same evaluation; raises GoldloopError where one does."""
    with claimed(project, f"evaluate-{plan.key}") as ours:
        if not ours:
            raise GoldloopError(
                "another goldloop evaluate is at work on the same cases with the same agent and "
                "graders; wait until it ends"
            )
        try:
            yield
        finally:
            store = project.path(project.settings.store.path)
            store.with_name(f"{store.name}-evaluate-{plan.key}").unlink(missing_ok=True)


def begun(
    db: Store, plan: EvaluationPlan, say: Say, *, retry: bool = False, new: bool = False
) -> int:
    """The evaluation to work at: an unfinished one of the same plan, or a new one.

    `retry` makes again what came to nothing. A finished evaluation is never changed, so that is a
    new one, which takes over what did come to something.
    """
    unfinished = None if new else find_unfinished(db, plan.key)
    if unfinished is not None:
        again = forget_errors(db, unfinished) if retry else 0
        more = f", and asks again what failed in {again} attempts" if again else ""
        say(f"going on with evaluation {unfinished}{more}; --new begins another")
        return unfinished
    like = find_finished(db, plan.key) if retry else None
    if retry and like is None:
        say("there is no evaluation of this kind yet whose errors could be retried; beginning one")
    if like is None:
        return begin_evaluation(db, plan)
    taken = f"taken over from evaluation {like}: what came to something there"
    say(taken)
    return begin_evaluation(db, replace(plan, notes=(*plan.notes, taken)), like)


def units_of(db: Store, contest: Contest, evaluation_id: int) -> tuple[list[Unit], int]:
    """The attempts that are to be made or graded, and how many are complete."""
    there = {(one.sample_id, one.attempt): one for one in stored_attempts(db, evaluation_id)}
    units = []
    for number in range(contest.runs_per_case):
        for question in contest.questions.asked:
            if not _has(contest.contestant, question.case.sample_id, number):
                continue
            found = there.get((question.case.sample_id, number))
            if found is None:
                units.append(Unit(question, number))
            elif not found.complete:
                units.append(Unit(question, number, is_made=True, graded=found.graded))
    return units, sum(one.complete for one in there.values())


def _has(contestant: Contestant, sample_id: str, number: int) -> bool:
    """Whether there is such an attempt: of recorded runs as many as there are, and one error where
    there is none.
    """
    if contestant.runs is None:
        return True
    return number < max(1, len(contestant.runs.get(sample_id, ())))


def evaluate(
    db: Store,
    contest: Contest,
    evaluation_id: int,
    attempts: Attempts,
    concurrency: int,
    *,
    budget: Budget | None = None,
    say: Say = lambda _: None,
    meter: Meter = lambda _=1: None,
) -> Evaluated:
    """Make every attempt that is missing, as far as the budget goes.

    Raises EvaluationStoppedError when somebody interrupts it; nothing that was paid for is lost.
    """
    units, found = units_of(db, contest, evaluation_id)
    meter(found)
    started = time.monotonic()
    try:
        made = _make_all(units, attempts.make, concurrency, budget, say, meter)
    except KeyboardInterrupt:
        raise EvaluationStoppedError(
            f"stopped; evaluation {evaluation_id} has {_complete(db, evaluation_id)} of "
            f"{found + len(units)} attempts, and the same command goes on with it"
        ) from None
    finally:
        add_seconds(db, evaluation_id, round(time.monotonic() - started, 3))
    if made == len(units):
        finish_evaluation(db, evaluation_id)
    return _evaluated(db, evaluation_id, found, made, len(units) - made)


def _complete(db: Store, evaluation_id: int) -> int:
    return sum(one.complete for one in stored_attempts(db, evaluation_id))


def _evaluated(db: Store, evaluation_id: int, found: int, made: int, left: int) -> Evaluated:
    evaluation = get_evaluation(db, evaluation_id)
    if evaluation is None:
        raise StoreError(f"evaluation {evaluation_id} is no longer in the store")
    return Evaluated(evaluation_id, evaluation, summarise(evaluation), found, made, left)


def _make_all(
    units: Sequence[Unit],
    make: Make,
    concurrency: int,
    budget: Budget | None,
    say: Say,
    meter: Meter,
) -> int:
    """Make the attempts; how many the money reached for. Whatever stops it waits for those that are
    in the air, because they are paid for.
    """
    made = 0
    with ThreadPoolExecutor(concurrency, thread_name_prefix="evaluate") as pool:
        try:
            for _ in _flying(pool, units, make, concurrency, budget):
                made += 1
                meter()
        except KeyboardInterrupt:
            say("stopping as soon as the calls that are in the air have ended")
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return made


def _flying(
    pool: ThreadPoolExecutor,
    units: Sequence[Unit],
    make: Make,
    ahead: int,
    budget: Budget | None,
) -> Iterator[Done]:
    flying: dict[Future[Done], Unit] = {}
    for unit in units:
        while flying and not _may_begin(unit, len(flying), ahead, budget):
            yield from _ended(flying, budget)
        if not _may_begin(unit, len(flying), ahead, budget):
            break
        flying[pool.submit(make, unit)] = unit
    while flying:
        yield from _ended(flying, budget)


def _may_begin(unit: Unit, under_way: int, ahead: int, budget: Budget | None) -> bool:
    if under_way >= ahead:
        return False
    return budget is None or budget.admits(unit.question.sample, under_way)


def _ended(flying: dict[Future[Done], Unit], budget: Budget | None) -> Iterator[Done]:
    done, _ = wait(flying, return_when=FIRST_COMPLETED)
    for future in done:
        unit, made = flying.pop(future), future.result()
        if budget is not None:
            _count(budget, unit, made)
        yield made


def _count(budget: Budget, unit: Unit, made: Done) -> None:
    """Count what an attempt took: so much, its judges included, is set aside for the next ones."""
    before, known = budget.spent, budget.known
    if made.run is not None:
        budget.add(unit.question.sample, made.run)
    if made.judges:
        budget.spent += made.judges
        budget.known = max(budget.known, known + 1)
        budget.dearest = max(budget.dearest or Decimal(0), budget.spent - before)
