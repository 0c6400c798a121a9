"""One case of an evaluation: its runs with how each was graded, and what the agent did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.exceptions import NotFound

from backend.dashboard.choices import choice
from backend.dashboard.evaluation import query_of, read_query, stored_and_read, wanted
from backend.dashboard.graded import graded_attempts, money
from backend.dashboard.links import named_sample
from backend.dashboard.trace import trace_of
from goldloop.evaluation import Case, Evaluation, case_outcomes
from goldloop.samples import Run, Sample
from store.database import Store
from store.evaluations import attempt_run
from store.samples import get_sample
from views.flips import address
from views.project import Project


def one(
    project: Project,  # noqa: ARG001
    db: Store,
    arguments: Mapping[str, str],
    evaluation_id: int,
    sample_id: str,
) -> Mapping[str, Any]:
    """The case with the trace of one of its runs, and its place among those the query asks for."""
    sample_id = named_sample(sample_id, arguments)
    stored, evaluation = stored_and_read(db, evaluation_id)
    case = next((one for one in evaluation.cases if one.sample_id == sample_id), None)
    if case is None:
        raise NotFound(f"evaluation {evaluation_id} has no such case")
    runs = [str(number) for number in range(1, len(case.attempts) + 1)]
    number = int(choice(arguments, "run", runs, "1"))
    run = attempt_run(db, evaluation_id, sample_id, number - 1) if case.attempts else None
    return {
        "stored": stored,
        "case": case,
        "runs": graded_attempts(case.attempts, evaluation),
        "run_number": number,
        "run": run,
        "task": address(case.task_url),
        "money": money,
        **_conversation(db, arguments, case, run),
        **_queue(arguments, evaluation, sample_id),
    }


def _conversation(
    db: Store, arguments: Mapping[str, str], case: Case, run: Run | None
) -> dict[str, Any]:
    whole = choice(arguments, "all", ("1",)) == "1"
    known = get_sample(db, case.sample_id)
    sample = known or Sample(case.sample_id, case.user_input)
    return {
        "whole": whole,
        "trace": trace_of(sample, run, whole),
        "is_in_store": known is not None,
    }


def _queue(arguments: Mapping[str, str], evaluation: Evaluation, sample_id: str) -> dict[str, Any]:
    """Where the case is among those that the query asks for, and which are beside it."""
    asked = read_query(arguments, evaluation)
    queue = [one.case.sample_id for one in wanted(case_outcomes(evaluation), asked)]
    place = queue.index(sample_id) if sample_id in queue else None
    return {
        "query": query_of(asked),
        "place": place,
        "queue": len(queue),
        "previous": queue[place - 1] if place else None,
        "following": queue[place + 1] if place is not None and place + 1 < len(queue) else None,
    }
