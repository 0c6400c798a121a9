"""Solve samples again, to see whether what they expect is what the model itself comes to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.asking import Ask
from agents.judged import SCHEMA as GROUPS_SCHEMA
from agents.judged import groups_question, groups_said
from agents.synthesis.asker import (
    Asker,
    Call,
    OutageError,
    OutOfMoneyError,
    as_they_come,
    seed_of,
)
from agents.synthesis.writing import answered, form_fault
from goldloop.errors import AgentError
from goldloop.schemas import Schema
from goldloop.synthesis.consistency import (
    Solution,
    answers_to_judge,
    groups_by_cosine,
    judged_answers,
    judged_calls,
)
from goldloop.synthesis.prompts import SOLUTION_SCHEMA, solve_prompt
from goldloop.synthesis.task import Task
from goldloop.synthesis.values import CONSISTENCY, Candidate, Rejection
from goldloop.synthesis.written import read_solution

SOLVE, JUDGE = "solve", "judge"
TEMPERATURES = (0.3, 0.9)
SAME = 0.85

# n texts in, an array of shape (n, d) out.
Embed = Callable[[Sequence[str]], Any]


@dataclass(frozen=True, slots=True)
class _Solver:
    """How all candidates of a run are solved and compared."""

    asker: Asker
    judge: Asker
    task: Task
    seed: int
    schemas: dict[str, Schema]
    ordered: bool = False
    embed: Embed | None = None
    same: float = SAME

    async def check(self, candidate: Candidate) -> tuple[Candidate, Any, bool] | None:
        """The verdict, and whether an endpoint that does not answer is why; None when there was no
        money left.
        """
        try:
            first, second = await self.solve(candidate)
            return candidate, await self._verdict(candidate, first, second), False
        except OutageError:
            raise
        except OutOfMoneyError:
            return None
        except AgentError as error:
            return candidate, Rejection(CONSISTENCY, "unsolved", str(error)), error.outage

    async def solve(self, candidate: Candidate) -> tuple[Solution, Solution]:
        """Two solutions: with another seed, temperature and order of what is told."""
        return await self._solution(candidate, 0), await self._solution(candidate, 1)

    async def _solution(self, candidate: Candidate, step: int) -> Solution:
        slot, attempt = candidate.slot.index, candidate.attempt
        ask = Ask(
            solve_prompt(self.task, candidate.sample, turned=step == 1),
            TEMPERATURES[step],
            SOLUTION_SCHEMA,
            max_tokens=self.asker.model.max_tokens,
            seed=seed_of(self.seed, SOLVE, slot, attempt, step),
            logprobs=False,
        )
        reply = await self.asker.ask(Call(SOLVE, slot, attempt, step, ask))
        fault = form_fault(reply)
        return read_solution(reply.text) if fault is None else Solution(error=fault.said)

    async def _verdict(
        self, candidate: Candidate, first: Solution, second: Solution
    ) -> Rejection | None:
        rejection = judged_calls(candidate, first, second, self.schemas, ordered=self.ordered)
        texts = None if rejection else answers_to_judge(candidate, first, second)
        if texts is None:
            return rejection
        groups = await self._groups(candidate, texts)
        if groups is None:
            said = "the judge's reply does not say which answers mean the same"
            return Rejection(CONSISTENCY, "unsolved", said)
        return judged_answers(groups, texts)

    async def _groups(self, candidate: Candidate, texts: Sequence[str]) -> Sequence[int] | None:
        if self.embed is not None:
            vectors = await asyncio.to_thread(self.embed, texts)
            return groups_by_cosine(vectors, self.same)
        ask = Ask(
            groups_question(candidate.sample, texts),
            0.0,
            GROUPS_SCHEMA,
            max_tokens=self.judge.model.max_tokens,
            logprobs=False,
        )
        reply = await self.judge.ask(Call(JUDGE, candidate.slot.index, candidate.attempt, 0, ask))
        return groups_said(reply.text, len(texts))


async def check_consistency(
    asker: Asker,
    judge: Asker,
    task: Task,
    candidates: Sequence[Candidate],
    *,
    seed: int,
    ordered: bool = False,
    embed: Embed | None = None,
    same: float = SAME,
) -> AsyncIterator[tuple[Candidate, Rejection | None]]:
    """Whether the model, solving each candidate twice, comes to what is expected; as it comes.

    Which texts mean the same is said by `judge`, or by the cosine of what `embed` makes of them,
    where it is at least `same`. `ordered` compares calls in their order. Candidates for which there
    is no money left are left out. Failures are told, and raised, as `write_samples` does.
    """
    solver = _Solver(asker, judge, task, seed, schemas_of(task), ordered, embed, same)
    works = [solver.check(candidate) for candidate in candidates]
    async for candidate, rejection in answered(as_they_come(works)):
        yield candidate, rejection


async def solve_twice(
    asker: Asker, task: Task, candidate: Candidate, *, seed: int
) -> tuple[Solution, Solution]:
    """Two solutions of one candidate, as `check_consistency` asks for them. Raises AgentError."""
    return await _Solver(asker, asker, task, seed, schemas_of(task)).solve(candidate)


def schemas_of(task: Task) -> dict[str, Schema]:
    """The schemas of the tools' arguments, by name."""
    return {tool.name: Schema(tool.parameters, f"the tool {tool.name}") for tool in task.tools}
