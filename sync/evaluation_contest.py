"""From what the command line says to an evaluation that is held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from goldloop.errors import RecordError, SettingsError
from goldloop.prices import Price, price_of
from store.connections import Connections
from store.database import Store
from store.evaluations import stored_evaluation
from sync import terminal
from sync.budget import Budget, budget_of
from sync.evaluate import Contest, Evaluated, alone, begun, evaluate, plan_of
from sync.evaluation_agent import Contestant, from_evaluation, from_file, live, stored, unmatched
from sync.evaluation_attempts import OUTAGE, Ask, Asking, Attempts, recorded
from sync.evaluation_inputs import (
    Questions,
    branch_of,
    graded,
    graders_of,
    notes_of,
    questions_of,
    reference_of,
)
from sync.project import Project

if TYPE_CHECKING:  # the models' SDK loads slowly
    from agents.grading import Grading


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says of an evaluation; what it leaves open, the settings say.

    `again` is the evaluation whose runs are graded again, `runs_file` the file that holds them.
    """

    dataset: str | None = None
    agent_version: str | None = None
    runs_per_case: int | None = None
    graders: Path | None = None
    branch: str | None = None
    message: str | None = None
    tags: tuple[str, ...] = ()
    difficulties: tuple[str, ...] = ()
    runs_file: Path | None = None
    again: int | None = None


def contest_of(project: Project, db: Store, grading: Grading, choice: Choice) -> Contest:
    """What is to be evaluated. Raises SettingsError, VersionError or RecordError, before anything
    was asked or stored.
    """
    if choice.runs_file is not None and choice.again is not None:
        raise SettingsError("--runs-file and --from exclude each other; give one of them")
    dataset, version = _dataset(project, db, choice)
    graders = grading.prepared(graders_of(project, dataset, choice.graders))
    every = questions_of(
        project, db, dataset, version, tags=choice.tags, difficulties=choice.difficulties
    )
    questions = graded(every, graders)
    contestant = _contestant(project, db, choice, questions)
    said = unmatched(contestant, _ids(questions), _ids(every))
    return Contest(
        questions=questions,
        graders=graders,
        contestant=contestant,
        runs_per_case=_runs_per_case(project, choice, questions, contestant),
        branch=choice.branch or branch_of(project.folder),
        message=choice.message,
        notes=(*notes_of(questions, graders), *said),
    )


def _ids(questions: Questions) -> list[str]:
    return [one.case.sample_id for one in questions.asked]


def _dataset(project: Project, db: Store, choice: Choice) -> tuple[str, str]:
    """What is graded again is graded on the version that it was made on."""
    if choice.again is not None and choice.dataset is None:
        found = stored_evaluation(db, choice.again)
        if found is not None:
            return found.dataset, found.version
    return reference_of(project, choice.dataset)


def _contestant(project: Project, db: Store, choice: Choice, questions: Questions) -> Contestant:
    if choice.again is not None:
        return from_evaluation(db, choice.again)
    if choice.runs_file is not None:
        return from_file(choice.runs_file, choice.agent_version)
    contestant = live(project, db)
    if contestant.runs is None:
        return contestant
    return stored(contestant, db, _ids(questions))


def _runs_per_case(
    project: Project, choice: Choice, questions: Questions, contestant: Contestant
) -> int:
    asked = choice.runs_per_case or project.settings.evaluation.runs_per_case
    if contestant.runs is None:
        return asked
    there = [len(contestant.runs.get(one.case.sample_id, ())) for one in questions.asked]
    if not any(there):
        raise RecordError("no run is of a case that is evaluated; the sample ids must be the same")
    return min(max(there), choice.runs_per_case or max(there))


def hold(
    project: Project,
    db: Store,
    contest: Contest,
    grading: Grading,
    *,
    max_usd: Decimal | None = None,
    retry: bool = False,
    new: bool = False,
) -> Evaluated:
    """Evaluate, going on where an earlier try was stopped. Raises as `sync.evaluate.evaluate`."""
    plan = plan_of(contest)
    budget = None if max_usd is None else _budget(project, db, contest, max_usd)
    with alone(project, plan), _asked(project, contest.contestant) as ask:
        evaluation_id = begun(db, plan, terminal.say, retry=retry, new=new)
        attempts = Attempts(
            Connections(project.path(project.settings.store.path)),
            evaluation_id,
            ask,
            grading,
            project.settings.prices,
            _price(project, contest.contestant),
        )
        total = len(contest.questions.asked) * contest.runs_per_case
        with terminal.progress(f"evaluating {contest.contestant.version}", total) as meter:
            return evaluate(
                db,
                contest,
                evaluation_id,
                attempts,
                project.settings.agent.concurrency,
                budget=budget,
                say=terminal.say,
                meter=meter,
            )


@contextmanager
def _asked(project: Project, contestant: Contestant) -> Iterator[Ask]:
    if contestant.runs is not None:
        yield recorded(contestant.runs, contestant.version)
        return
    from agents.from_settings import bare_agent  # the models' SDK loads slowly

    with closing(bare_agent(project.settings, project.folder, contestant.version)) as agent:
        yield Asking(agent, max(OUTAGE, project.settings.agent.concurrency))


def _price(project: Project, contestant: Contestant) -> Price | None:
    model = project.settings.agent.model if contestant.runs is None else contestant.version
    return price_of(project.settings.prices, contestant.version, model)


def _budget(project: Project, db: Store, contest: Contest, limit: Decimal) -> Budget:
    """What the agent may still cost; of recorded runs, only what judges do."""
    if contest.contestant.runs is not None:
        free = Price(Decimal(0), Decimal(0))
        return Budget(limit, free, calls=1, output_tokens=0)
    found = budget_of(db, project.settings, contest.contestant.version, limit)
    return replace(found, calls=1)
