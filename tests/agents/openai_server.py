"""A real HTTP server on localhost that speaks OpenAI's Chat Completions and Responses, plain and
streamed, and fails on demand.

Each request takes the next behaviour of the script; the last one is repeated. A behaviour gets
the request's JSON body and gives a `Reply`. What it says (`says`, `calls`, ...) is written in
the interface that was asked, as a whole or as a stream, as the request wants it.
"""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.agents import wire

USAGE = (7, 3)


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    silence: bool = False  # say nothing until the server stops
    drop: bool = False  # cut the connection half way through the body
    reset: bool = False  # the same, before anything is said
    stall: bool = False  # say nothing more after half of the body
    trickle: float = 0.0  # seconds between single bytes
    answered: bool = False  # whether it is an answer that the client can use


@dataclass(frozen=True)
class Request:
    path: str
    headers: Message  # names in any case
    body: Any


Behaviour = Callable[[Any], Reply]


class OpenAIServer:
    """Use as a context manager; `url` is the base URL and `requests` what came in, in order.

    `answered` counts the good answers that went out in full, by what the user said last.
    """

    def __init__(self) -> None:
        self.script: list[Behaviour] = []
        self.requests: list[Request] = []
        self.answered: Counter[str] = Counter()
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _Exchange)
        self._http.owner = self
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def next_behaviour(self, request: Request) -> Behaviour:
        with self._lock:
            place = min(len(self.requests), len(self.script) - 1)
            self.requests.append(request)
            return self.script[place]

    def note_answer(self, body: Any) -> None:
        with self._lock:
            self.answered[asked(body)] += 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: OpenAIServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the tests."""


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        request = Request(self.path, self.headers, json.loads(sent))
        reply = self.server.owner.next_behaviour(request)(request.body)
        if reply.reset:
            self._reset()
        elif reply.silence:
            self._wait()
        else:
            self._send(reply)
            if reply.answered:
                self.server.owner.note_answer(request.body)

    def _wait(self) -> None:
        self.server.owner.stopped.wait(30)
        self.close_connection = True

    def _reset(self) -> None:
        """The system tells the client by RST, not by an orderly end."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.drop or reply.stall:
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.wfile.flush()
        if reply.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif reply.stall:
            self._wait()
        elif reply.trickle:
            self._trickle(reply)
        else:
            self.wfile.write(reply.body)

    def _trickle(self, reply: Reply) -> None:
        for byte in reply.body:
            self.wfile.write(bytes([byte]))
            if self.server.owner.stopped.wait(reply.trickle):
                return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Tests stay quiet."""


def asked(body: Any) -> str:
    """What the user said last."""
    turns = body.get("messages") or body["input"]
    return next(turn["content"] for turn in reversed(turns) if turn.get("role") == "user")


def answers(answer: wire.Answer) -> Behaviour:
    """Says it in the interface that is asked, as a whole or as a stream."""

    def behave(body: Any) -> Reply:
        shown = answer if wire.wants_logprobs(body) else replace(answer, logprobs=None)
        if body.get("stream"):
            headers = {"Content-Type": "text/event-stream"}
            return Reply(wire.sse(wire.events(shown, body)), headers=headers, answered=True)
        return Reply(json.dumps(wire.whole(shown, body)).encode(), answered=True)

    return behave


def says(text: str, logprobs: list[Any] | None = None, **more: Any) -> Behaviour:
    return answers(wire.Answer(text, logprobs=logprobs, **more))


def calls(*named: tuple[str, object], content: str | None = None) -> Behaviour:
    return answers(wire.Answer(content, calls=named, finish="tool_calls"))


def refuses(text: str) -> Behaviour:
    return answers(wire.Answer(refusal=text))


def echoes(body: Any) -> Reply:
    """Says what the user said last."""
    return says(asked(body))(body)


def completion(
    message: Mapping[str, Any], *, finish: str = "stop", usage: object = None
) -> Behaviour:
    """A chat completion with a message of one's own."""
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish, "logprobs": None}
    choice["message"] = {"role": "assistant", "content": None, "refusal": None, **message}
    return sends({"choices": [choice], "usage": usage or wire.chat_usage(USAGE)})


def refuses_key(key: str, otherwise: Behaviour, says_so: str = "") -> Behaviour:
    """Answers 400 to a request that has the key, at any depth."""

    def behave(body: Any) -> Reply:
        if key in json.dumps(body):
            return fails(400, says_so or f"Unsupported parameter: '{key}'")(body)
        return otherwise(body)

    return behave


def fails(
    status: int, message: str = "no", *, code: str | None = None, **headers: str
) -> Behaviour:
    body = {"error": {"message": message, "type": "test", "param": None, "code": code}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Reply(json.dumps(body).encode(), status, named)


def sends(value: object) -> Behaviour:
    return lambda _: Reply(json.dumps(value).encode())


def sends_raw(body: bytes, status: int = 200, **headers: str) -> Behaviour:
    return lambda _: Reply(body, status, {k.replace("_", "-"): v for k, v in headers.items()})


def sends_events(*values: object, end: bytes = b"data: [DONE]\n\n") -> Behaviour:
    """A stream of one's own; bytes stand as they are."""
    lines = [v if isinstance(v, bytes) else f"data: {json.dumps(v)}\n\n".encode() for v in values]
    return sends_raw(b"".join(lines) + end, Content_Type="text/event-stream")


def hangs(_: Any) -> Reply:
    return Reply(silence=True)


def resets(_: Any) -> Reply:
    return Reply(reset=True)


def drops(body: Any) -> Reply:
    return replace(says("half an answer")(body), drop=True, answered=False)


def stalls(body: Any) -> Reply:
    return replace(says("half an answer")(body), stall=True, answered=False)


def trickles(body: Any) -> Reply:
    return replace(says("slow")(body), trickle=0.05)


def ends_early(body: Any) -> Reply:
    """Half of a good answer under a length that fits it: only what is in it tells."""
    reply = says("half an answer")(body)
    return replace(reply, body=reply.body[: len(reply.body) // 2], answered=False)


def empty(body: Any) -> Reply:
    return sends({"choices": [], "output": None})(body)


PASSING = (
    fails(429, "slow down", Retry_After="0.02"),
    fails(500, "oops"),
    sends_raw(b"<html>503 Service Unavailable</html>", 503, Content_Type="text/html"),
    resets,
    drops,
    hangs,
)
LASTING = (sends_raw(b'{"choices": ['), empty)


def sometimes(otherwise: Behaviour, share: float, seed: int) -> Behaviour:
    """Faults in a share of all requests, drawn by what is asked and how often it was asked before,
    so that they do not depend on the order in which requests come in.
    """
    faults = (*PASSING, *LASTING, ends_early)
    tries: Counter[str] = Counter()
    lock = threading.Lock()

    def behave(body: Any) -> Reply:
        with lock:
            tries[asked(body)] += 1
            drawn = f"{seed} {asked(body)} {tries[asked(body)]}"
        digest = hashlib.sha256(drawn.encode()).digest()
        if int.from_bytes(digest[:4]) / 2**32 >= share:
            return otherwise(body)
        return faults[digest[4] % len(faults)](body)

    return behave
