"""An agent that is a model behind an OpenAI-compatible endpoint, with its prompt and tools."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agents.answers import (
    FailedRunError,
    about,
    calls_from,
    message_from,
    run_from_answer,
    trace,
)
from agents.asking import Ask
from agents.base import MAX_STEPS
from agents.completions import Completion
from agents.openai_model import OpenAIModel
from agents.questions import chat_messages
from agents.retry import CallError
from agents.tools import Tools
from agents.usage import Usage, total
from goldloop.confidence import LOGPROB, answer_probability
from goldloop.errors import AgentError
from goldloop.samples import Message, Run, Sample, asked_turns
from goldloop.schemas import Schema

SAMPLING_TEMPERATURE = 0.7


@dataclass(slots=True)
class _Talk:
    """What was said since the question, and what it took."""

    started: float = field(default_factory=time.perf_counter)
    turns: list[Mapping[str, Any]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    steps: list[Completion] = field(default_factory=list)
    lost: list[Usage] = field(default_factory=list)

    def add(self, turn: Mapping[str, Any]) -> Message:
        """Raises `AgentError` for a turn that cannot be kept."""
        message = message_from(turn)
        self.turns.append(turn)
        self.messages.append(message)
        return message

    @property
    def spent(self) -> Usage:
        """The tokens of everything that was asked; unknown where nothing was counted."""
        parts = [*(step.spent for step in self.steps), *self.lost]
        return total(parts) if parts else Usage()


class OpenAIAgent:
    """Asks a model with a system prompt, tools and the sample's conversation.

    Tool calls are recorded and not executed, unless `tools` can execute them: then their results go
    back to the model, which is asked up to `max_steps` times. A run that is still calling tools
    then, or whose answer the endpoint cut off, is kept with its trace and its `stop_reason`; calls
    that came last, or in an answer that was cut off, are not executed.

    With a `schema` the answer has to be JSON that fits it, except a refusal, which is an answer
    like any other, and one that was cut off. `system_prompt` comes before the turns of the
    conversation, whatever these begin with. `temperature` None leaves it to the endpoint. Where
    there are log probabilities of the last answer's text, the run's `estimates` hold `logprob`. One
    instance may be used from several threads.
    """

    def __init__(
        self,
        model: OpenAIModel,
        version: str,
        *,
        tools: Tools = Tools(),  # noqa: B008 - immutable
        system_prompt: str | None = None,
        temperature: float | None = None,
        schema: Schema | None = None,
        max_steps: int = MAX_STEPS,
    ) -> None:
        self.model = model
        self.version = version
        self.tools = tools
        self._system = [{"role": "system", "content": system_prompt}] if system_prompt else []
        self._temperature = temperature
        self._schema = schema
        self._max_steps = max_steps

    def __repr__(self) -> str:
        return f"OpenAIAgent(model={self.model!r}, version={self.version!r})"

    def answer(self, sample: Sample) -> Run:
        """Raises `FailedRunError`, with what there was until then, when the endpoint fails for
        good, or an answer is empty or makes no sense.
        """
        return self._answer(sample, self._temperature)

    def answer_again(self, sample: Sample) -> Run:
        """An answer that is independent of the first one; raises as `answer` does."""
        # At temperature 0 every answer agrees, which says nothing about how sure the model is.
        warm = self._temperature is None or self._temperature >= SAMPLING_TEMPERATURE
        return self._answer(sample, self._temperature if warm else SAMPLING_TEMPERATURE)

    def close(self) -> None:
        """Close the connections."""
        self.model.close()

    def _answer(self, sample: Sample, temperature: float | None) -> Run:
        talk = _Talk()
        try:
            with about(sample, self.model.secrets):
                stop_reason = self._converse(sample, talk, temperature)
                return self._run(sample, talk, stop_reason)
        except AgentError as error:
            failed = Run(
                sample.sample_id,
                self.version,
                messages=trace(sample, tuple(talk.messages)),
                seconds=time.perf_counter() - talk.started,
                spent_input_tokens=talk.spent.input_tokens,
                spent_output_tokens=talk.spent.output_tokens,
            )
            told = FailedRunError(str(error), failed)
            told.outage = error.outage
            raise told from error.__cause__

    def _converse(self, sample: Sample, talk: _Talk, temperature: float | None) -> str | None:
        """Let the model speak until it calls no tool that is executed; why it was stopped."""
        asked = [*self._system, *chat_messages(asked_turns(sample))]
        for step in range(1, self._max_steps + 1):
            turn = self._turn([*asked, *talk.turns], talk, temperature)
            stop_reason = talk.steps[-1].stop_reason
            if stop_reason or not turn.tool_calls or not self.tools.execute:
                return stop_reason
            if step < self._max_steps:
                for call in turn.tool_calls:
                    result = {"role": "tool", "content": self.tools.result(call)}
                    talk.add({**result, "tool_call_id": call.call_id, "name": call.name})
        return "step_limit"

    def _turn(
        self, turns: list[Mapping[str, Any]], talk: _Talk, temperature: float | None
    ) -> Message:
        ask = Ask(
            turns,
            temperature,
            self._schema.schema if self._schema else None,
            self.tools.definitions,
            self.model.max_tokens,
            goes_on=self.tools.execute is not None,
        )
        try:
            talk.steps.append(self.model.complete(ask))
        except CallError as error:
            if error.usage.known:
                talk.lost.append(error.usage)
            raise
        return talk.add(_with_ids(talk.steps[-1].message, len(talk.steps)))

    def _run(self, sample: Sample, talk: _Talk, stop_reason: str | None) -> Run:
        last = talk.steps[-1]
        usage, spent = total(step.usage for step in talk.steps), talk.spent
        answer = {"messages": talk.turns, "stop_reason": stop_reason, **usage._asdict()}
        seconds = time.perf_counter() - talk.started
        run = run_from_answer(sample, self.version, answer, seconds)
        if self._schema and not (stop_reason or last.refused or talk.messages[-1].tool_calls):
            misfit = self._schema.misfit_of_text(last.text)
            if misfit:
                raise AgentError(f"the answer does not fit the response schema: {misfit}")
        return replace(
            run,
            estimates=_estimates(talk),
            spent_input_tokens=spent.input_tokens,
            spent_output_tokens=spent.output_tokens,
        )


def _estimates(talk: _Talk) -> dict[str, float]:
    """Of a text at the end: the tokens of calls mostly have no probability."""
    tokens = () if talk.messages[-1].tool_calls else talk.steps[-1].tokens
    value = answer_probability(tokens)
    return {} if value is None else {LOGPROB: value}


def _with_ids(message: Mapping[str, Any], step: int) -> Mapping[str, Any]:
    """Calls without an id get one, so that the results can name them."""
    calls = message.get("tool_calls")
    if not calls or all(call.call_id for call in calls_from(calls)):
        return message
    named = [{**call, "id": call.get("id") or f"call_{step}_{n}"} for n, call in enumerate(calls)]
    return {**message, "tool_calls": named}
