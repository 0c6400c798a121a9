"""One call of an OpenAI-compatible endpoint: bounded in size and time, and never with its key in
an error."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import httpx2
import openai

from agents.bodies import read_events, read_json, read_refusal
from agents.retry import CallError, refused
from agents.urls import checked_headers, checked_url, shown_url
from goldloop.errors import SettingsError

OPENAI_URL = "https://api.openai.com/v1"
CONNECT_SECONDS = 10.0
MAX_NAME = 200  # of a request or a model
# Failures before anything of the question has left.
_UNSENT = ("ConnectError", "ConnectTimeout", "PoolTimeout")

# How the package starts a call of one of its two interfaces.
Start = Callable[..., AbstractContextManager[Any]]


class Received(NamedTuple):
    """The body of an answer as JSON; what the endpoint calls the request: its `x-request-id` header
    or else the body's own `id`; and the model that answered. Each where there is one.
    """

    body: object
    request_id: str | None
    model: str | None = None


class Endpoint:
    """An endpoint with its connections; one may be used from several threads.

    It neither retries nor follows redirects: both are for others to decide. `timeout` is in seconds
    and holds for a call as a whole; an endpoint that falls silent in the middle of its answer may
    take as long once more.
    """

    def __init__(self, base_url: str | None, api_key: str | None, timeout: float) -> None:
        self.url = checked_url(base_url or OPENAI_URL, "OPENAI_BASE_URL")
        self.secrets = (api_key,) if api_key else ()
        self.timeout = timeout
        self.client = _client(self.url, api_key, timeout)

    def __repr__(self) -> str:
        return f"Endpoint(url={shown_url(self.url)!r})"

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def body(self, start: Start, request: Mapping[str, Any]) -> Received:
        """The JSON that it answers with. Raises `CallError`."""
        with self._answered(start, request) as (response, deadline):
            value = read_json(response.iter_bytes(), time.monotonic, deadline)
            return _received(response, value)

    def streamed(
        self,
        start: Start,
        request: Mapping[str, Any],
        assemble: Callable[[Iterator[object]], object],
    ) -> Received:
        """What `assemble` makes of the events that it answers with; the body of an endpoint that
        does not stream but sends JSON, as it is. Raises `CallError`.
        """
        with self._answered(start, request) as (response, deadline):
            chunks = response.iter_bytes()
            if "json" in response.headers.get("content-type", ""):
                value = read_json(chunks, time.monotonic, deadline)
            else:
                value = assemble(read_events(chunks, time.monotonic, deadline))
            return _received(response, value)

    @contextmanager
    def _answered(self, start: Start, request: Mapping[str, Any]) -> Iterator[tuple[Any, float]]:
        """The response, whose body is not read yet, and when its time is up."""
        deadline = time.monotonic() + self.timeout
        try:
            with start(**request) as response:
                yield response, deadline
        except (openai.APIConnectionError, httpx2.RequestError, ssl.SSLError) as error:
            # The cause's text may repeat a header, so only its kind is told.
            kind = type(error.__cause__ or error).__name__
            said = f"timed out after {self.timeout:g} s, {kind}" if "Timeout" in kind else kind
            raise CallError(
                f"{shown_url(self.url)}: {said}", again=True, sent=kind not in _UNSENT
            ) from None


def _received(response: Any, value: object) -> Received:
    said = value if isinstance(value, Mapping) else {}
    request_id = response.headers.get("x-request-id") or said.get("id")
    return Received(value, _name(request_id), _name(said.get("model")))


def _name(value: object) -> str | None:
    sound = isinstance(value, str) and value.isprintable() and 0 < len(value) <= MAX_NAME
    return value if sound else None  # type: ignore[return-value]


def _client(url: str, api_key: str | None, timeout: float) -> openai.OpenAI:
    """A client whose failures come out as `CallError`.

    An endpoint of one's own may need no key, but the package insists on one.
    """
    if not api_key and url == OPENAI_URL:
        raise SettingsError("OPENAI_API_KEY is not set; put it into the environment or .env")
    key = checked_headers({"Authorization": api_key or "none"}, "OPENAI_API_KEY")["Authorization"]
    limit = httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
    return openai.OpenAI(
        api_key=key,
        base_url=url,
        timeout=limit,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(
            follow_redirects=False, timeout=limit, event_hooks={"response": [_refuse_failures]}
        ),
    )


def _refuse_failures(response: httpx2.Response) -> None:
    """Here, because the package would read the body of an error to its end, however long it is."""
    if not response.is_success:
        said = _said(read_refusal(response.iter_bytes()))
        raise refused(response.status_code, said, response.headers.get("retry-after"))


def _said(body: str) -> str:
    """Code, parameter and message of OpenAI's error object, or the text as it is."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return body
    error = value.get("error", value) if isinstance(value, dict) else value
    return said_of(error) or body


def said_of(error: object) -> str:
    """An error object in words; empty where it has none."""
    if not isinstance(error, Mapping):
        return error if isinstance(error, str) else ""
    named = [error.get(key) for key in ("code", "param", "message")]
    return " ".join(str(part) for part in named if isinstance(part, str | int) and part != "")
