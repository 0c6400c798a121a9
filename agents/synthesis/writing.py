"""Fill slots: one call writes a sample, and further ones make it as hard as its cell says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agents.asking import Ask
from agents.synthesis.asker import (
    Asker,
    Call,
    OutageError,
    OutOfMoneyError,
    as_they_come,
    seed_of,
)
from agents.synthesis.journal import Reply
from agents.usage import Usage, total
from goldloop.errors import AgentError
from goldloop.samples import Sample
from goldloop.synthesis.prompts import (
    PROMPT_VERSION,
    SAMPLE_SCHEMA,
    Turns,
    difficulties,
    evolve_prompt,
    step_of,
    write_prompt,
)
from goldloop.synthesis.task import Task
from goldloop.synthesis.values import CALL, Candidate, Provenance, Rejection, Slot
from goldloop.synthesis.written import read_written

WRITE, EVOLVE = "write", "evolve"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A slot to fill on an attempt (from 1), with samples that are not to be repeated, and what was
    `wrong` at the last attempt.
    """

    slot: Slot
    attempt: int = 1
    examples: tuple[Sample, ...] = ()
    wrong: str = ""


Written = tuple[Assignment, Candidate | Rejection]


@dataclass(frozen=True, slots=True)
class _Writer:
    """How all assignments of a run are written."""

    asker: Asker
    task: Task
    batch: int
    seed: int
    temperature: float
    evolve: bool

    async def write(self, assignment: Assignment) -> tuple[Assignment, Any, bool] | None:
        """What came, and whether an endpoint that does not answer is why; None when there was no
        money left.
        """
        try:
            return assignment, await self._filled(assignment), False
        except OutageError:
            raise
        except OutOfMoneyError:
            return None
        except AgentError as error:
            return assignment, Rejection(CALL, "failed", str(error)), error.outage

    async def _filled(self, assignment: Assignment) -> Candidate | Rejection:
        replies: list[Reply] = []
        first, *harder = stages = difficulties(assignment.slot.cell, self.evolve)
        prompt = self._first_prompt(assignment, first)
        for step in range(len(stages)):
            replies.append(await self.asker.ask(self._call(assignment, step, prompt)))
            came = self._read(assignment, replies, stages[: step + 1])
            if isinstance(came, Rejection) or step == len(harder):
                return came
            prompt = self._next_prompt(assignment, step + 1, harder[step], came)
        raise AgentError("a slot has no difficulty")

    def _first_prompt(self, assignment: Assignment, difficulty: str) -> Turns:
        cell, examples = assignment.slot.cell, assignment.examples
        return write_prompt(self.task, cell, difficulty, examples, assignment.wrong)

    def _next_prompt(
        self, assignment: Assignment, step: int, difficulty: str, came: Candidate
    ) -> Turns:
        slot = assignment.slot
        added = step_of(slot.index, assignment.attempt, step)
        return evolve_prompt(self.task, slot.cell, difficulty, came.sample, added, assignment.wrong)

    def _call(self, assignment: Assignment, step: int, prompt: Turns) -> Call:
        slot, attempt = assignment.slot.index, assignment.attempt
        ask = Ask(
            prompt,
            self.temperature,
            SAMPLE_SCHEMA,
            max_tokens=self.asker.model.max_tokens,
            seed=seed_of(self.seed, WRITE, slot, attempt, step),
            logprobs=False,
        )
        return Call(EVOLVE if step else WRITE, slot, attempt, step, ask)

    def _read(
        self, assignment: Assignment, replies: Sequence[Reply], steps: Sequence[str]
    ) -> Candidate | Rejection:
        fault = form_fault(replies[-1])
        if fault is not None:
            return fault
        slot, attempt = assignment.slot, assignment.attempt
        provenance = self._provenance(assignment, replies, steps)
        return read_written(replies[-1].text, slot, attempt, provenance, self.batch)

    def _provenance(
        self, assignment: Assignment, replies: Sequence[Reply], steps: Sequence[str]
    ) -> Provenance:
        model = self.asker.model
        tokens = total(Usage(reply.input_tokens, reply.output_tokens) for reply in replies)
        costs = [reply.usd for reply in replies]
        seeds = [
            seed_of(self.seed, WRITE, assignment.slot.index, assignment.attempt, step)
            for step in range(len(replies))
        ]
        return Provenance(
            prompt_version=PROMPT_VERSION,
            model=model.model,
            parameters={
                "temperature": self.temperature,
                "max_tokens": model.max_tokens,
                "seeds": seeds,
            },
            request_ids=tuple(reply.request_id for reply in replies if reply.request_id),
            steps=tuple(steps),
            structured=replies[-1].structured or "prompt",
            input_tokens=tokens.input_tokens,
            output_tokens=tokens.output_tokens,
            usd=None if None in costs else str(sum(Decimal(cost or 0) for cost in costs)),
        )


def form_fault(reply: Reply) -> Rejection | None:
    """What keeps a reply from being read: it refuses, or was cut off."""
    if reply.refused or reply.stop_reason == "content_filter":
        return Rejection(CALL, "refused", f"the model refused: {reply.text[:200]}")
    if reply.stop_reason == "length":
        return Rejection(CALL, "truncated", "the answer was longer than it may be; write less")
    return None


async def write_samples(
    asker: Asker,
    task: Task,
    assignments: Sequence[Assignment],
    *,
    batch: int,
    seed: int,
    temperature: float,
    evolve: bool = True,
) -> AsyncIterator[Written]:
    """What comes of each assignment, as it comes.

    Assignments for which there is no money left are left out (see `Purse.refused`). Failures of an
    endpoint that does not answer are told once it answered something else, or at the end. Raises
    AgentError on an outage, or when every call failed: such failures are not told, so the
    assignments are still to be done.
    """
    writer = _Writer(asker, task, batch, seed, temperature, evolve)
    works = [writer.write(assignment) for assignment in assignments]
    async for assignment, came in answered(as_they_come(works)):
        yield assignment, came


async def answered(
    results: AsyncIterator[tuple[Any, Any, bool] | None],
) -> AsyncIterator[tuple[Any, Any]]:
    """Hold back what failed because nobody answered, until somebody did; None is left out."""
    held: list[tuple[Any, Any]] = []
    heard = False
    async for result in results:
        if result is None:
            continue
        what, came, silent = result
        if silent:
            held.append((what, came))
            continue
        heard = True
        yield what, came
        while held:
            yield held.pop(0)
    if held and not heard:
        raise AgentError(f"every call failed: {held[0][1].said}")
    for what, came in held:
        yield what, came
