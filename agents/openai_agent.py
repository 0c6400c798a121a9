"""An agent that is a model behind an OpenAI-compatible endpoint (Chat Completions).

Confidence comes from one of two methods, named in `Run.confidence_method`:

    token_probability   the run called no tool and the endpoint gave log probabilities of the
                        answer's tokens
    agreement           otherwise: the mean similarity to `answers` - 1 more answers to the same
                        question, drawn at a temperature of at least 0.7; those that fail are left
                        out, and without any there is no confidence

Tokens and seconds of a run are those of its own answer, without the extra ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import openai

from agents.answers import MAX_TEXT, about, calls_from, run_from_answer
from agents.bodies import read_json
from agents.completions import Completion, completion_from
from agents.questions import UNPARSED, chat_messages
from agents.retry import CallError, Retry, refused
from agents.texts import clean_text
from agents.urls import checked_headers, checked_url, shown_url
from goldloop.confidence import AGREEMENT, TOKEN_PROBABILITY, agreement, mean_token_probability
from goldloop.errors import AgentError, SettingsError
from goldloop.samples import Run, Sample, ToolCall, asked_turns

OPENAI_URL = "https://api.openai.com/v1"
SAMPLING_TEMPERATURE = 0.7
MAX_STEPS = 10

Execute = Callable[[str, Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class _Answer:
    """A run without its confidence, and the log probabilities of its last turn."""

    run: Run
    logprobs: tuple[float, ...]


class OpenAIAgent:
    """Asks a model with a system prompt, tools and the sample's conversation.

    Tool calls are recorded and not executed, unless `execute(name, arguments) -> text` is given:
    then its results go back to the model for up to 10 steps, and an exception of it goes back as
    text. The extra answers for the agreement execute too; `answers=1` turns them off.

    `tools` are OpenAI's tool definitions, or bare function definitions. `system_prompt` comes
    before the turns of the conversation, whatever these begin with. `temperature` None leaves it
    to the endpoint. `timeout` is in seconds, for one call as a whole. Log probabilities are asked
    for; an endpoint that refuses the question with 400 or 422 is asked again without, and from
    then on always. One instance may be used from several threads.
    """

    def __init__(
        self,
        model: str,
        version: str,
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        system_prompt: str | None = None,
        temperature: float | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        answers: int = 3,
        execute: Execute | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.model = model
        self.version = version
        self.timeout = timeout
        self._tools = [_tool(tool) for tool in tools or ()]
        self._system = [{"role": "system", "content": system_prompt}] if system_prompt else []
        self._temperature = temperature
        self._answers = answers
        self._execute = execute
        self._retry = retry or Retry()
        self._secrets = (api_key,) if api_key else ()
        self._url = checked_url(base_url or OPENAI_URL, "OPENAI_BASE_URL")
        self._client = _client(self._url, api_key, timeout)
        self._without_logprobs = False

    def __repr__(self) -> str:
        url = shown_url(self._url)
        return f"OpenAIAgent(model={self.model!r}, version={self.version!r}, base_url={url!r})"

    def answer(self, sample: Sample) -> Run:
        """Raises `AgentError` when the endpoint fails for good, or the answer was cut off,
        filtered, empty, or too long a chain of tool calls."""
        with about(sample, self._secrets):
            answer = self._one_answer(sample, self._temperature)
            confidence, method = self._confidence(sample, answer)
            return replace(answer.run, confidence=confidence, confidence_method=method)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _confidence(self, sample: Sample, answer: _Answer) -> tuple[float | None, str | None]:
        if answer.logprobs and not answer.run.tool_calls:
            return mean_token_probability(answer.logprobs), TOKEN_PROBABILITY
        others = [run for _ in range(self._answers - 1) if (run := self._other_run(sample))]
        share = agreement(answer.run, others)
        return share, None if share is None else AGREEMENT

    def _other_run(self, sample: Sample) -> Run | None:
        # At temperature 0 every answer agrees, which says nothing about how sure the model is.
        temperature = self._temperature
        if temperature is not None:
            temperature = max(temperature, SAMPLING_TEMPERATURE)
        try:
            return self._one_answer(sample, temperature).run
        except AgentError:
            return None

    def _one_answer(self, sample: Sample, temperature: float | None) -> _Answer:
        started = time.perf_counter()
        turns, steps = self._converse(sample, temperature)
        answer = {
            "messages": turns,
            "input_tokens": _total([step.input_tokens for step in steps]),
            "output_tokens": _total([step.output_tokens for step in steps]),
        }
        run = run_from_answer(sample, self.version, answer, time.perf_counter() - started)
        return _Answer(run, steps[-1].logprobs)

    def _converse(
        self, sample: Sample, temperature: float | None
    ) -> tuple[list[Mapping[str, Any]], list[Completion]]:
        """The new turns up to one that calls no tool, or that calls tools nobody executes."""
        asked = [*self._system, *chat_messages(asked_turns(sample))]
        turns: list[Mapping[str, Any]] = []
        steps: list[Completion] = []
        for _ in range(MAX_STEPS):
            steps.append(self._complete([*asked, *turns], temperature))
            turns.append(steps[-1].message)
            calls = calls_from(steps[-1].message.get("tool_calls"))
            if not calls or self._execute is None:
                return turns, steps
            turns.extend(_result(self._execute, call) for call in calls)
        raise AgentError(f"still calling tools after {MAX_STEPS} steps")

    def _complete(self, messages: list[Any], temperature: float | None) -> Completion:
        """One turn, with log probabilities where the endpoint takes the question for them."""
        request: dict[str, Any] = {"model": self.model, "messages": messages}
        if temperature is not None:
            request["temperature"] = temperature
        if self._tools:
            request["tools"] = self._tools
        if self._without_logprobs:
            return self._retry(lambda: self._call(request))
        try:
            return self._retry(lambda: self._call({**request, "logprobs": True}))
        except CallError as error:
            if error.status not in (400, 422):
                raise
        completion = self._retry(lambda: self._call(request))
        self._without_logprobs = True
        return completion

    def _call(self, request: Mapping[str, Any]) -> Completion:
        deadline = time.monotonic() + self.timeout
        create = self._client.chat.completions.with_streaming_response.create
        try:
            with create(**request) as response:
                body = read_json(response.iter_bytes(), time.monotonic, deadline)
        except openai.APIStatusError as error:
            said, wait = f"{error.code or ''} {error.message}", error.response.headers
            raise refused(error.status_code, said.strip(), wait.get("retry-after")) from None
        except (openai.APIConnectionError, httpx2.RequestError) as error:
            # The cause's text may repeat a header, so only its kind is told.
            kind = type(error.__cause__ or error).__name__
            raise CallError(f"{shown_url(self._url)}: {kind}", again=True) from None
        return completion_from(body)


def _client(url: str, api_key: str | None, timeout: float) -> openai.OpenAI:
    """A client that neither retries nor follows redirects: both are ours to decide.

    An endpoint of one's own may need no key, but the package insists on one.
    """
    if not api_key and url == OPENAI_URL:
        raise SettingsError("OPENAI_API_KEY is not set; put it into the environment or .env")
    key = checked_headers({"Authorization": api_key or "none"}, "OPENAI_API_KEY")["Authorization"]
    return openai.OpenAI(
        api_key=key,
        base_url=url,
        timeout=timeout,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(follow_redirects=False, timeout=timeout),
    )


def _tool(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    function = tool.get("function", tool) if isinstance(tool, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise SettingsError("agent tools: every tool needs a `name`, or `function` with a `name`")
    return {"type": "function", "function": function}


def _result(execute: Execute, call: ToolCall) -> dict[str, Any]:
    """The tool's answer as a turn."""
    if set(call.arguments) == {UNPARSED}:
        content = "error: the arguments are not a JSON object"
    else:
        content = _executed(execute, call)
    return {"role": "tool", "tool_call_id": call.call_id, "name": call.name, "content": content}


def _executed(execute: Execute, call: ToolCall) -> str:
    try:
        result = execute(call.name, call.arguments)
    except Exception as error:  # noqa: BLE001 - a tool's failure is for the model to deal with
        result = f"error: {type(error).__name__}: {error}"
    if not isinstance(result, str):
        raise AgentError(f"tool {call.name!r} returned {type(result).__name__}, expected a text")
    return clean_text(result[:MAX_TEXT])


def _total(counts: Sequence[int | None]) -> int | None:
    """Their sum, or None when one of them is not known."""
    return None if None in counts else sum(count or 0 for count in counts)
