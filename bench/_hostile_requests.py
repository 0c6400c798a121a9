"""Requests to the ML backend as strangers may send them: raw bytes, from polite to malformed."""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass

from hypothesis import strategies as st

MOST_ANSWERED = 2**18
PATHS = ("/", "/health", "/setup", "/predict", "/versions", "/webhook", "/metrics", "/openapi.json")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "post", "B@D")
ACTIONS = ("ANNOTATION_CREATED", "ANNOTATIONS_DELETED", "TASKS_DELETED", "PROJECT_UPDATED", "LATER")
TYPES = (
    "application/json",
    "application/json; charset=utf-16",
    "application/x+json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "",
)
ODD_HEADERS = (
    b"Content-Encoding: gzip",
    b"Transfer-Encoding: gzip",
    b"Expect: 100-continue",
    b"Range: bytes=0-",
    b"Cookie: session=" + b"x" * 4000,
    b"X-Forwarded-For: 127.0.0.1",
    b"X-HTTP-Method-Override: GET",
    b"Connection: upgrade\r\nUpgrade: h2c",
    b"Bad Header: x",
    b"Folded: a\r\n b",
    b"Nul: \x00",
    b"Host: again",
    b"Content-Length: -1",
    b"Content-Length: 1\r\nTransfer-Encoding: chunked",
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\x00", "\ud800", "known", "é" * 300, *ACTIONS]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "data", "sample_id", "task", "tasks", "annotation", "annotations", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["tasks", "task", "action", "annotation", "annotations", "project", "params", "label_config"]
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=6)
EVENTS = st.builds(
    lambda action, task: {"action": action, "annotation": {"id": task, "task": task}},
    st.sampled_from(ACTIONS),
    st.integers(-5, 20),
)
TASKS = VALUES.map(lambda value: {"tasks": [value, {"id": 1, "data": {"sample_id": "known"}}]})
DEEP = st.sampled_from(
    [b"[" * 50_000, b'{"tasks":' * 20_000, b'{"action":"A","task":' + b'{"id":' * 20_000]
)
# Larger than what is read of a webhook, smaller, and one that is only digits.
BIG = st.sampled_from([b" " * 2**20, b'"' + b"x" * 300_000 + b'"', b"9" * 5_000, b"\x00" * 70_000])
ENCODINGS = st.sampled_from(["utf-8", "utf-8", "utf-16", "utf-32", "utf-8-sig", "utf-7"])
BODIES = (
    st.binary(max_size=200)
    | st.builds(
        lambda value, encoding: json.dumps(value).encode(encoding),
        OBJECTS | EVENTS | TASKS | VALUES,
        ENCODINGS,
    )
    | EVENTS.map(lambda event: json.dumps(event).encode())
    | DEEP
    | BIG
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The status and everything that came back; status 0 where nothing did."""

    status: int
    content: bytes


def raw_requests(user: str, password: str, secret: str) -> st.SearchStrategy[bytes]:
    """Requests that show the right credentials and secret, wrong ones, or none."""
    login = b64encode(f"{user}:{password}".encode())
    right = [b"Authorization: Basic " + login, b"X-Goldloop-Secret: " + secret.encode()]
    wrong = st.sampled_from(
        [
            b"Authorization: Basic " + login[::-1],
            b"Authorization: Basic /////w==",
            b"Authorization: Bearer x",
            b"X-Goldloop-Secret: " + secret[1:].encode(),
            b"X-Goldloop-Secret: \xff\xfe",
            b"X-Goldloop-Secret: " + b"x" * 4000,
        ]
    )
    return st.builds(
        _request,
        st.sampled_from(METHODS) | st.sampled_from(("GET", "POST")),
        st.sampled_from(PATHS) | st.binary(max_size=30).map(_path),
        st.lists(wrong | st.sampled_from((*right, *ODD_HEADERS)), max_size=3) | st.just(right),
        st.sampled_from(TYPES),
        BODIES,
        st.sampled_from(("told", "told", "told", "chunked", "too long", "too short", "untold")),
    )


def _path(junk: bytes) -> str:
    return "/" + "".join(f"%{byte:02x}" if byte % 3 else chr(33 + byte % 90) for byte in junk)


def _request(
    method: str, path: str, headers: list[bytes], content_type: str, body: bytes, framing: str
) -> bytes:
    head = [f"{method} {path} HTTP/1.1".encode(), b"Host: backend", *headers]
    if content_type:
        head.append(f"Content-Type: {content_type}".encode())
    if framing == "chunked":
        head.append(b"Transfer-Encoding: chunked")
        body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    elif framing != "untold":
        told = len(body) + {"too long": 7, "too short": -(len(body) // 2)}.get(framing, 0)
        head.append(f"Content-Length: {told}".encode())
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def send(port: int, request: bytes) -> Answer:
    """Send the bytes to this machine and read until the server closes."""
    content = b""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        with suppress(OSError):  # it need not take all of it
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        while len(content) < MOST_ANSWERED and (part := connection.recv(2**16)):
            content += part
    return Answer(_status(content), content)


def _status(content: bytes) -> int:
    """The status of the first answer that is one: "100 Continue" only goes before it."""
    for line in content.split(b"\r\n"):
        words = line.split()
        if line.startswith(b"HTTP/1.") and words[1:] and words[1].isdigit() and words[1] != b"100":
            return int(words[1])
    return 0
