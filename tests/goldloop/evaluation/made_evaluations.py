"""Evaluations made of what each case came to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from goldloop.evaluation import Attempt, Case, Evaluation, GraderFacts
from goldloop.graders import Grade
from goldloop.samples import ToolCall

TOOLS = GraderFacts("tools", "tool_calls", "t-1")
TONE = GraderFacts("tone", "judge", "j-1", model="judge-2026-01-01")


def graded(score: float | None, grader: GraderFacts = TOOLS, **attempt: Any) -> Attempt:
    """One run with one grade; a score of None is a run that failed."""
    if score is None:
        return Attempt(error="the agent did not answer")
    grade = Grade(grader.name, score, score >= grader.threshold, f"scored {score:g}")
    return Attempt((grade,), **attempt)


def case(number: int, *scores: float | None, **facts: Any) -> Case:
    """A case with a run by each score."""
    attempts = tuple(graded(score) for score in scores)
    return Case(
        **({"sample_id": f"s-{number:04}", "content": f"c{number}", "attempts": attempts} | facts)
    )


def evaluation(cases: Sequence[Case], name: str = "1", **facts: Any) -> Evaluation:
    """An evaluation of these cases by the grader `tools`."""
    made = Evaluation(
        evaluation_id=name,
        dataset="golden",
        version="1.0.0",
        content_fingerprint="aa",
        labels_fingerprint="bb",
        agent_version=f"agent-{name}",
        graders=(TOOLS,),
        cases=tuple(cases),
        runs_per_case=max((len(one.attempts) for one in cases), default=1),
    )
    return replace(made, **facts)


def passing(right: Sequence[float | None], name: str = "1", **facts: Any) -> Evaluation:
    """One run a case; 1 passes, 0 fails, None came to nothing. `facts` are of every case."""
    return evaluation([case(n, one, **facts) for n, one in enumerate(right)], name)


def judged(
    tools: Sequence[float | None], tone: Sequence[float | None], name: str = "1"
) -> Evaluation:
    """One run a case, graded by `tools` and the judge `tone`; None: the grader does not apply."""
    cases = [
        Case(f"s-{n:04}", f"c{n}", (Attempt(_grades({"tools": one, "tone": other})),))
        for n, (one, other) in enumerate(zip(tools, tone, strict=True))
    ]
    return evaluation(cases, name, graders=(TOOLS, TONE))


def _grades(scores: Mapping[str, float | None]) -> tuple[Grade, ...]:
    return tuple(
        Grade(name, score, score >= 1.0) for name, score in scores.items() if score is not None
    )


def call(name: str, **arguments: Any) -> ToolCall:
    """A tool call."""
    return ToolCall(name, arguments)
