"""Read the body of an HTTP answer as JSON, within a size and a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from agents.retry import CallError

MAX_BODY = 10_000_000
MAX_REFUSAL = 2_000


def read_json(chunks: Iterable[bytes], clock: Callable[[], float], deadline: float) -> object:
    """The JSON value in the decoded chunks of a body.

    Raises `CallError` when they are over 10 MB or no JSON, and, as a call that may be made again,
    when `clock` passes `deadline`: a time-out for each read does not stop an endpoint that sends a
    byte now and then.
    """
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_BODY:
            raise CallError(f"the answer is larger than {MAX_BODY} bytes")
        if clock() > deadline:
            raise CallError("timed out while the answer was coming in", again=True)
    try:
        value: object = json.loads(bytes(body))
    except (ValueError, RecursionError):
        start = bytes(body[:80]).decode(errors="replace")
        raise CallError(f"the answer is not JSON, it begins with {start!r}") from None
    return value


def read_refusal(chunks: Iterable[bytes]) -> str:
    """The first words of an error's body: what came in the first read, at most 2,000 bytes."""
    return next(iter(chunks), b"")[:MAX_REFUSAL].decode(errors="replace")
