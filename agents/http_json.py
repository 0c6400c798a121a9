"""An agent behind an HTTP endpoint of one's own."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import httpx

from agents.answers import about, run_from_answer
from agents.bodies import read_json, read_refusal
from agents.questions import question
from agents.retry import CallError, Retry, refused
from agents.urls import checked_headers, checked_url, shown_url
from goldloop.samples import Run, Sample


class HttpAgent:
    """POSTs `{"sample_id", "user_input", "messages"}` and reads an answer, both JSON.

    The answer is a text or an object as `agents.answers` describes, of at most 10 MB. `headers`
    may hold secrets and are never shown; nor is the query of `url`, but httpx logs it at INFO, so a
    header is the better place. Redirects are not followed, lest they carry the headers elsewhere.
    `timeout` is in seconds, for one call as a whole.
    """

    def __init__(
        self,
        url: str,
        version: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        retry: Retry | None = None,
    ) -> None:
        self.version = version
        self.timeout = timeout
        self._url = checked_url(url, "agent url")
        own = {"Content-Type": "application/json", "Accept": "application/json"}
        secret = checked_headers(headers or {}, "agent headers")
        query = parse_qsl(urlsplit(url).query)
        self._secrets = (*secret.values(), *(value for _, value in query))
        self._retry = retry or Retry()
        self._client = httpx.Client(
            headers={**own, **secret}, timeout=timeout, follow_redirects=False
        )

    def __repr__(self) -> str:
        return f"HttpAgent(url={shown_url(self._url)!r}, version={self.version!r})"

    def answer(self, sample: Sample) -> Run:
        """Raises `AgentError` after the last attempt, or when the answer makes no sense."""
        with about(sample, self._secrets):
            started = time.perf_counter()
            body = json.dumps(question(sample)).encode()
            answer = self._retry(lambda: self._post(body))
            return run_from_answer(sample, self.version, answer, time.perf_counter() - started)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, body: bytes) -> object:
        deadline = time.monotonic() + self.timeout
        try:
            with self._client.stream("POST", self._url, content=body) as response:
                if not response.is_success:
                    said = read_refusal(response.iter_bytes())
                    raise refused(response.status_code, said, response.headers.get("retry-after"))
                return read_json(response.iter_bytes(), time.monotonic, deadline)
        except httpx.RequestError as error:
            # Its own text may repeat a header, so only its kind is told.
            kind, again = type(error).__name__, isinstance(error, httpx.TransportError)
            raise CallError(f"{shown_url(self._url)}: {kind}", again=again) from None
