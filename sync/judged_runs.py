"""Runs graded by judges, many at once, each verdict kept as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial

from agents.grading import Grading
from goldloop.errors import AgentError
from goldloop.graders import Grade, Grader, GraderSet, case_graders
from goldloop.samples import Sample
from sync.labelled_cases import LabelledCase
from sync.verdict_journal import VerdictJournal

# Failures with no verdict at all after which the rest is not asked: nobody answers there.
HOPELESS = 8


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judge that is to grade a labelled case."""

    grader: Grader
    case: LabelledCase


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A labelled case and its grade; `paid` says that the judge was asked for it just now."""

    case: LabelledCase
    grade: Grade
    paid: bool

    @property
    def sample(self) -> Sample:
        """The case."""
        return self.case.sample


def judgements(
    graders: GraderSet, cases: Sequence[LabelledCase], names: Collection[str]
) -> list[Judgement]:
    """What the judges of these names have to grade: the cases that they are for."""
    return [
        Judgement(grader, case)
        for case in cases
        for grader in case_graders(graders, case.sample)
        if grader.name in names
    ]


def judge_runs(
    grading: Grading,
    todo: Sequence[Judgement],
    journal: VerdictJournal,
    concurrency: int,
    on_done: Callable[[], None] = lambda: None,
) -> list[JudgedRun]:
    """Every grade, in the order of `todo`; those that the journal knows are not asked for.

    Raises AgentError when the first 8 that come back are failures: the judge cannot be asked.
    """
    one = partial(_judged, grading, journal)
    with ThreadPoolExecutor(concurrency, thread_name_prefix="judge") as pool:
        futures = [pool.submit(one, judgement) for judgement in todo]
        try:
            _watch(futures, on_done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _watch(futures: Sequence[Future[JudgedRun]], on_done: Callable[[], None]) -> None:
    failures, verdicts = 0, 0
    for future in as_completed(futures):
        grade = future.result().grade
        failures += grade.score is None
        verdicts += grade.score is not None
        if failures >= HOPELESS and not verdicts:
            raise AgentError(
                f"the first {failures} cases got no verdict ({grade.error}); see to the judge,"
                " then run the same command again"
            )
        on_done()


def _judged(grading: Grading, journal: VerdictJournal, judgement: Judgement) -> JudgedRun:
    grader, case = judgement.grader, judgement.case
    known = journal.known(grader, case.sample, case.run)
    if known is not None:
        return JudgedRun(case, known, paid=False)
    grade = grading.grade(grader, case.sample, case.run)
    journal.keep(grader, case.sample, case.run, grade)
    return JudgedRun(case, grade, paid=True)
