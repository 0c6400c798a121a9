"""Read the body of an HTTP answer as JSON or as server-sent events, within a size and a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

from agents.retry import CallError

MAX_BODY = 10_000_000
MAX_REFUSAL = 2_000


class Done:
    """What ends a stream of events: `data: [DONE]`."""


def read_json(chunks: Iterable[bytes], clock: Callable[[], float], deadline: float) -> object:
    """The JSON value in the decoded chunks of a body.

    Raises `CallError` when they are over 10 MB or no JSON, and, as a call that may be made again,
    when `clock` passes `deadline`: a time-out for each read does not stop an endpoint that sends a
    byte now and then.
    """
    return _parsed(b"".join(_bounded(chunks, clock, deadline)), "the answer")


def read_events(
    chunks: Iterable[bytes], clock: Callable[[], float], deadline: float
) -> Iterator[object]:
    """The JSON values of the `data` of server-sent events as they come in, at last `Done()` where
    the stream says that it is.

    Other fields and comments are passed over, and so is an event that the end of the body cuts off.
    Raises as `read_json` does.
    """
    data: list[bytes] = []
    for line in _lines(_bounded(chunks, clock, deadline)):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        if data and (not line or data == [b"[DONE]"]):
            text, data = b"\n".join(data), []
            if text.startswith(b"[DONE]"):
                yield Done()
                return
            yield _parsed(text, "an event of the stream")


def _bounded(
    chunks: Iterable[bytes], clock: Callable[[], float], deadline: float
) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_BODY:
            raise CallError(f"the answer is larger than {MAX_BODY} bytes")
        if clock() > deadline:
            raise CallError("timed out while the answer was coming in", again=True)
        yield chunk


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends; the last one also where it has none."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in lines)
    yield rest


def _parsed(body: bytes, what: str) -> object:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        start = body[:80].decode(errors="replace")
        raise CallError(f"{what} is not JSON, it begins with {start!r}") from None
    return value


def read_refusal(chunks: Iterable[bytes]) -> str:
    """The first words of an error's body: what came in the first read, at most 2,000 bytes."""
    return next(iter(chunks), b"")[:MAX_REFUSAL].decode(errors="replace")
