"""One question to a judge: asked again when its reply is none, and counted either way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from agents.asking import Ask
from agents.case_text import ReplyError
from agents.completions import Completion
from agents.openai_model import OpenAIModel
from agents.retry import CallError
from agents.texts import clean_text, short_text
from agents.usage import Usage, total
from goldloop.errors import AgentError, RecordError
from goldloop.synthesis.written import reply_object

T = TypeVar("T")
TRIES = 2
MAX_REPLY = 50_000
MAX_REASON = 300
_AGAIN = "An earlier reply could not be used: {problem}. Reply with that JSON object and no more."


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """What a judge's reply says, the reply itself, and what all tries took."""

    said: T
    completion: Completion
    usage: Usage


def asked(
    model: OpenAIModel,
    question: Sequence[Mapping[str, Any]],
    schema: Mapping[str, Any],
    read: Callable[[str], T],
) -> Answered[T]:
    """What `read` makes of the reply, at temperature 0.

    A reply that `read` refuses with RecordError, that was cut off or that is a refusal is asked for
    once more. Raises ReplyError, with the tokens of all tries, when that is none either, and
    CallError when the endpoint fails for good.
    """
    spent: list[Usage] = []
    problem = ""
    for _ in range(TRIES):
        try:
            completion = model.complete(_ask(question, schema, problem))
        except CallError as error:
            error.usage = known_total([*spent, error.usage])
            raise
        spent.append(completion.spent)
        try:
            return Answered(read(_text(completion)), completion, total(spent))
        except RecordError as error:
            problem = short_text(str(error), model.secrets)
    raise ReplyError(f"no valid reply from {model.model} in {TRIES} tries: {problem}", total(spent))


def known_total(parts: Sequence[Usage]) -> Usage:
    """What is known to have been spent: a failed call often took nothing, and says nothing."""
    known = [part for part in parts if part.known]
    return total(known) if known else Usage()


def _ask(question: Sequence[Mapping[str, Any]], schema: Mapping[str, Any], problem: str) -> Ask:
    """The reply that was none is not shown: it may repeat what the agent said, out of its place."""
    turns = list(question)
    if problem:
        again = _AGAIN.format(problem=problem)
        turns[0] = {**turns[0], "content": f"{turns[0]['content']} {again}"}
    return Ask(turns, temperature=0.0, schema=schema, logprobs=False)


def _text(completion: Completion) -> str:
    if completion.refused:
        raise RecordError("the model refused to answer")
    if completion.stop_reason is not None:
        raise RecordError(f"the reply was cut off ({completion.stop_reason})")
    return completion.text


def reply_with(text: str, key: str) -> Mapping[str, Any]:
    """The JSON object of a reply that has `key`; raises RecordError where there is none, or two.

    An endpoint that knows no schemas wraps words around it, and these may quote an object that the
    agent wrote to be taken for the verdict.
    """
    if len(text) > MAX_REPLY:
        raise RecordError(f"the reply has {len(text)} characters; at most {MAX_REPLY} are read")
    found = reply_object(text, key)
    if text.count(f'"{key}"') != 1:
        raise RecordError(f"the reply has {key} more than once")
    return found


def one_line(text: object, limit: int = MAX_REASON) -> str:
    """A judge's sentence on one line, of at most `limit` characters; empty for what is no text."""
    line = " ".join(clean_text(text).split()) if isinstance(text, str) else ""
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def facts(model: OpenAIModel, answered: Completion | None, usage: Usage) -> dict[str, Any]:
    """Who judged and what it took, for a grade's details.

    `model` is who answered, and `asked_model` is there where that is another than was asked: an
    alias, which may mean another model tomorrow.
    """
    who = (answered.model if answered else None) or model.model
    tokens = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    found: dict[str, Any] = {"model": who, "usage": {"model": model.model, **tokens}}
    if who != model.model:
        found["asked_model"] = model.model
    if answered and answered.request_id:
        found["request_id"] = answered.request_id
    return found


def judge_error(model: OpenAIModel, error: AgentError) -> str:
    """Why a judge gave no grade, in one line without a secret."""
    return f"judge {model.model}: {short_text(str(error), model.secrets)}"
