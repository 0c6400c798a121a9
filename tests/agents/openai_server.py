"""A real HTTP server on localhost that speaks OpenAI's chat completions, and fails on demand.

Each request takes the next behaviour of the script; the last one is repeated. A behaviour gets the
request's JSON body and gives a `Reply`.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    silence: bool = False  # say nothing until the server stops
    drop: bool = False  # cut the connection half way through the body
    trickle: float = 0.0  # seconds between single bytes


@dataclass(frozen=True)
class Request:
    path: str
    headers: Message  # names in any case
    body: Any


Behaviour = Callable[[Any], Reply]


class OpenAIServer:
    """Use as a context manager; `url` is the base URL and `requests` what came in, in order."""

    def __init__(self) -> None:
        self.script: list[Behaviour] = []
        self.requests: list[Request] = []
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
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
        if reply.silence:
            self.server.owner.stopped.wait(30)
            self.close_connection = True
            return
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.drop:
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
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


def completion(
    message: Mapping[str, Any],
    *,
    finish: str = "stop",
    logprobs: list[float] | None = None,
    usage: object = None,
) -> Behaviour:
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish, "logprobs": None}
    choice["message"] = {"role": "assistant", "content": None, "refusal": None, **message}
    if logprobs is not None:
        tokens = [{"token": "t", "logprob": value, "top_logprobs": []} for value in logprobs]
        choice["logprobs"] = {"content": tokens, "refusal": None}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "test-model",
        "choices": [choice],
        "usage": usage or {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }
    return sends(body)


def says(text: str, logprobs: list[float] | None = None) -> Behaviour:
    return completion({"content": text}, logprobs=logprobs)


def calls(*named: tuple[str, object], content: str | None = None) -> Behaviour:
    tool_calls = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(named)
    ]
    return completion({"content": content, "tool_calls": tool_calls}, finish="tool_calls")


def echoes(body: Any) -> Reply:
    """Says what the user said last."""
    return says(body["messages"][-1]["content"])(body)


def refuses_logprobs(otherwise: Behaviour) -> Behaviour:
    def behave(body: Any) -> Reply:
        if body.get("logprobs"):
            return fails(400, "logprobs are not supported with reasoning models")(body)
        return otherwise(body)

    return behave


def streams(text: str) -> Behaviour:
    """Server-sent events, as for `stream: true`."""
    events = [{"choices": [{"index": 0, "delta": {"content": part}}]} for part in text]
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    body = "".join([*lines, "data: [DONE]\n\n"]).encode()
    return lambda _: Reply(body, headers={"Content-Type": "text/event-stream"})


def fails(
    status: int, message: str = "no", *, code: str | None = None, **headers: str
) -> Behaviour:
    body = {"error": {"message": message, "type": "test", "param": None, "code": code}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Reply(json.dumps(body).encode(), status, named)


def sends(value: object) -> Behaviour:
    return lambda _: Reply(json.dumps(value).encode())


def sends_raw(body: bytes, status: int = 200, **headers: str) -> Behaviour:
    return lambda _: Reply(body, status, headers)


def hangs(_: Any) -> Reply:
    return Reply(silence=True)


def drops(body: Any) -> Reply:
    return Reply(says("half an answer")(body).body, drop=True)


def trickles(body: Any) -> Reply:
    return Reply(says("slow")(body).body, trickle=0.05)
