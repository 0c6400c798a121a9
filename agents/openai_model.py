"""A language model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from agents.asking import Ask, Interface, held_by, refused_features
from agents.chat import ChatCompletions
from agents.completions import Completion
from agents.endpoint import Endpoint
from agents.responses import Responses
from agents.retry import CallError, Retry
from agents.texts import short_text
from agents.usage import Usage, total
from goldloop.errors import SettingsError

INTERFACES: Mapping[str, Interface] = {"chat": ChatCompletions(), "responses": Responses()}


class OpenAIModel:
    """Asks through Chat Completions (`api="chat"`) or the Responses interface, streaming or not.

    What an endpoint may not know is probed: log probabilities are always asked for, and so is
    whatever else the question holds; an endpoint that refuses one of it with 400 or 422 is asked
    again without, and from then on always, once that worked. `max_tokens` bounds one answer and
    None leaves it to the endpoint. `timeout` is in seconds, for one call as a whole. One instance
    may be used from several threads.
    """

    def __init__(
        self,
        model: str,
        *,
        api: str = "chat",
        stream: bool = False,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        max_tokens: int | None = None,
        retry: Retry | None = None,
    ) -> None:
        if api not in INTERFACES:
            raise SettingsError(f"agent api: expected chat or responses, got {api[:40]!r}")
        self.model = model
        self.max_tokens = max_tokens
        self._interface = INTERFACES[api]
        self._stream = stream
        self._retry = retry or Retry()
        self._endpoint = Endpoint(base_url, api_key, timeout)
        self._start = self._interface.start(self._endpoint.client)
        self._without: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"OpenAIModel(model={self.model!r}, endpoint={self._endpoint!r})"

    @property
    def secrets(self) -> Sequence[str]:
        """What no error may show."""
        return self._endpoint.secrets

    def ask(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        temperature: float | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """One answer to a conversation in chat form, without tools."""
        return self.complete(Ask(messages, temperature, schema, max_tokens=self.max_tokens))

    def complete(self, ask: Ask) -> Completion:
        """One answer. Raises `CallError`, with the usage of all attempts, after the last one, or at
        once when what came makes no sense.
        """
        lost: list[Usage] = []
        try:
            completion = self._probed(ask, lost)
        except CallError as error:
            raise CallError(
                short_text(str(error), self.secrets),
                status=error.status,
                again=error.again,
                usage=total(lost) if lost else Usage(),
                sent=error.sent,
            ) from None
        return completion.having_spent(total([completion.usage, *lost]))

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def _probed(self, ask: Ask, lost: list[Usage]) -> Completion:
        without = self._without
        while True:
            request = self._request(ask, without)
            try:
                completion = self._retry(partial(self._call, request, lost))
            except CallError as error:
                blamed = self._blamed(ask, without, error)
                if not blamed:
                    raise
                without |= blamed
            else:
                self._without |= without
                return replace(completion, structured=held_by(ask, without))

    def _blamed(self, ask: Ask, without: frozenset[str], error: CallError) -> set[str]:
        """What of the request to leave out after a refusal; nothing where it is about no feature
        that the request has.
        """
        request, passed = self._request(ask, without), without
        while error.status in (400, 422) and (blamed := refused_features(str(error), passed)):
            if self._request(ask, without | blamed) != request:
                return blamed
            passed |= blamed
        return set()

    def _request(self, ask: Ask, without: frozenset[str]) -> dict[str, Any]:
        return self._interface.request(self.model, ask, stream=self._stream, without=without)

    def _call(self, request: Mapping[str, Any], lost: list[Usage]) -> Completion:
        try:
            if self._stream:
                assemble = self._interface.assembled
                came = self._endpoint.streamed(self._start, request, assemble)
            else:
                came = self._endpoint.body(self._start, request)
            answer = self._interface.completion(came.body)
            return replace(answer, request_id=came.request_id, model=came.model)
        except CallError as error:
            if error.usage.known:
                lost.append(error.usage)
            raise
