"""One attempt of an evaluation: the agent is asked, what it did is stored, and then graded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from agents.answers import failed_run
from agents.base import Agent
from goldloop.errors import AgentError, GoldloopError, StoreError
from goldloop.graders import JUDGES, Grade
from goldloop.prices import Price, price_of
from goldloop.samples import Run, Sample
from store.connections import Connections
from store.evaluation_writing import save_attempt, save_grades
from store.evaluations import attempt_run
from sync.budget import cost_of
from sync.evaluation_inputs import Question

if TYPE_CHECKING:  # the models' SDK loads slowly
    from agents.grading import Grading

# So many failures in a row that no case had a part in, or as many as calls are made at once, mean
# that the agent is down.
OUTAGE = 8
# What they said is stored at once: it was paid for, or may have been.
_PAID = (*JUDGES, "python")
# What the agent did on a sample, in the attempt of that number.
Ask: TypeAlias = Callable[[Sample, int], Run]


class AgentDownError(GoldloopError):
    """There is no use in asking the agent anything more."""


@dataclass(frozen=True, slots=True)
class Unit:
    """An attempt that is to be made, or, where its run is stored, to be graded; `graded` names the
    graders that graded it before.
    """

    question: Question
    attempt: int
    is_made: bool = False
    graded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Done:
    """An attempt that was made: its run, None where that was there before, and what judges cost."""

    run: Run | None
    judges: Decimal


class Asking:
    """Asks a live agent, from several threads at once.

    A failure is the case's own error, unless so many come in a row in which no case had a part, and
    none in between was an answer: then it raises AgentDownError, and nobody is asked any more.
    """

    def __init__(self, agent: Agent, most_failures: int) -> None:
        self._agent, self._most = agent, most_failures
        self._failures = 0
        self._lock = Lock()

    def __call__(self, sample: Sample, _: int) -> Run:
        try:
            run = self._agent.answer(sample)
        except AgentError as error:
            self._count(error)
            return failed_run(sample, self._agent.version, error)
        with self._lock:
            self._failures = 0
        return run

    def _count(self, error: AgentError) -> None:
        with self._lock:
            self._failures = self._failures + 1 if error.outage else 0
            down = self._failures >= self._most
        if down:
            raise AgentDownError(
                f"the agent is down: {self._most} calls in a row failed, the last one so: {error}. "
                "What it did so far is kept; once it answers, the same command with --retry goes on"
            )


def recorded(runs: Mapping[str, Sequence[Run]], version: str) -> Ask:
    """Looks up what was done before."""

    def ask(sample: Sample, attempt: int) -> Run:
        made = runs.get(sample.sample_id, ())
        if attempt < len(made):
            return replace(made[attempt], agent_version=version)
        return failed_run(sample, version, AgentError("no run is recorded"))

    return ask


class Attempts:
    """Makes attempts of one evaluation, from several threads at once.

    Threads write in turn: SQLite would let those that come together wait for long.
    """

    def __init__(
        self,
        stores: Connections,
        evaluation_id: int,
        ask: Ask,
        grading: Grading,
        prices: Mapping[str, Price],
        price: Price | None,
    ) -> None:
        self._stores, self._evaluation_id = stores, evaluation_id
        self._ask, self._grading = ask, grading
        self._prices, self._price = prices, price
        self._turn = Lock()

    def make(self, unit: Unit) -> Done:
        """Make an attempt and grade it. Raises StoreError, and SettingsError for a judge that the
        settings do not describe; never for what an agent or a judge says.
        """
        sample = unit.question.sample
        run = self._made_before(unit) if unit.is_made else self._made(unit)
        judges = Decimal(0) if run.error is not None else self._graded(unit, sample, run)
        return Done(None if unit.is_made else run, judges)

    def _made_before(self, unit: Unit) -> Run:
        with self._stores.store() as db:
            run = attempt_run(db, self._evaluation_id, unit.question.case.sample_id, unit.attempt)
        if run is None:
            raise StoreError(f"evaluation {self._evaluation_id} changed while it was worked at")
        return run

    def _made(self, unit: Unit) -> Run:
        run = self._ask(unit.question.sample, unit.attempt)
        cost = None if self._price is None else cost_of(run, self._price)
        usd = None if cost is None else f"{cost.normalize():f}"
        with self._turn, self._stores.store() as db:
            save_attempt(db, self._evaluation_id, unit.attempt, run, usd)
        return run

    def _graded(self, unit: Unit, sample: Sample, run: Run) -> Decimal:
        """Grade by what has not graded yet; what judges cost. What one said is stored before the
        next is asked.
        """
        missing = [one for one in unit.question.graders if one.name not in unit.graded]
        in_order = sorted(missing, key=lambda grader: grader.kind in _PAID)
        waiting: list[Grade] = []
        cost = Decimal(0)
        for number, grader in enumerate(in_order, 1):
            grade = self._grading.grade(grader, sample, run)
            waiting.append(grade)
            cost += self._cost(grade)
            if grader.kind in _PAID and number < len(in_order):
                self._save(unit, waiting, complete=False)
                waiting = []
        self._save(unit, waiting, complete=True)
        return cost

    def _save(self, unit: Unit, grades: Sequence[Grade], *, complete: bool) -> None:
        with self._turn, self._stores.store() as db:
            save_grades(
                db,
                self._evaluation_id,
                unit.question.case.sample_id,
                unit.attempt,
                grades,
                complete=complete,
            )

    def _cost(self, grade: Grade) -> Decimal:
        """What a judge's answer cost, as far as that is known."""
        usage = grade.details.get("usage")
        if not isinstance(usage, Mapping):
            return Decimal(0)
        price = price_of(self._prices, str(usage.get("model")))
        sent, came = usage.get("input_tokens"), usage.get("output_tokens")
        if price is None or not isinstance(sent, int) or not isinstance(came, int):
            return Decimal(0)
        return price.cost(sent, came)
