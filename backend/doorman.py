"""Who gets a thread of the server, and when: so that slow clients and long requests hold up nobody.

Gunicorn gives every connection a thread as soon as it is made, and waits on its one event loop for
clients that are slow to leave. Here a connection waits without a thread until its request has come,
and again until the client has left; and what Label Studio asks with the shortest patience, health
and setup, has threads of its own.
"""

from __future__ import annotations

import re
import select
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

# A request that is longer is begun when so much of it has come.
LOOK_BYTES = 2**16
# A client that says nothing for so long, or does not come to an end for so long, is not waited for.
SILENCE_SECONDS, REQUEST_SECONDS = 8.0, 30.0
LEAVING_SECONDS = 2.0
TICK_SECONDS = 0.02
QUICK_THREADS = 4
_NO_MORE = getattr(select, "POLLRDHUP", 0)
_QUICK = re.compile(rb"(GET /health|GET /|POST /setup)[ ?]")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*\r\n")


class Lane(Enum):
    """Where a connection goes."""

    WAIT = auto()
    COMMON = auto()
    QUICK = auto()


@dataclass(slots=True, eq=False)
class _Visit:
    """One turn of a connection: `answer` takes it, and says whether it may stay open."""

    answer: Callable[[Any], Any]
    connection: Any
    future: Future[Any]
    since: float
    heard: float
    seen: int = 0
    leaving: bool = False

    @property
    def socket(self) -> socket.socket:
        """What is peeked into."""
        found: socket.socket = self.connection.sock
        return found


class Doorman(Executor):
    """The threads of a gunicorn worker of the kind gthread; `submit` takes its connections."""

    def __init__(self, threads: int) -> None:
        self._common = ThreadPoolExecutor(threads, "request")
        self._quick = ThreadPoolExecutor(QUICK_THREADS, "quick")
        self._coming: SimpleQueue[_Visit] = SimpleQueue()
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self._closing = False
        Thread(target=self._attend, name="doorman", daemon=True).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        """Have `fn(connection)` called when its request is there, in a thread of its lane."""
        [connection] = args
        now = time.monotonic()
        visit = _Visit(fn, connection, Future(), now, now)
        lane = Lane.COMMON if _has_read_ahead(connection) else self._lane(visit)
        self._send(visit, lane)
        return visit.future

    def hurry(self) -> None:
        """Wait for nobody who has said nothing: the server ends."""
        self._closing = True
        self._ring()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As an executor's; what waits at the door is not waited for."""
        self.hurry()
        self._common.shutdown(wait=wait, cancel_futures=cancel_futures)
        self._quick.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _send(self, visit: _Visit, lane: Lane) -> None:
        if lane is Lane.WAIT:
            self._coming.put(visit)
            self._ring()
            return
        pool = self._quick if lane is Lane.QUICK else self._common
        try:
            pool.submit(self._serve, visit)
        except RuntimeError:  # shut down meanwhile
            self._close(visit)

    def _ring(self) -> None:
        with suppress(OSError):
            self._bell.send(b".")

    def _serve(self, visit: _Visit) -> None:
        """Answer the request; a client that is to leave is seen off without a thread."""
        try:
            stays = visit.answer(visit.connection)
        except BaseException as error:  # noqa: BLE001 - the server's own, for its own loop
            visit.future.set_exception(error)
            return
        if stays is not False:
            visit.future.set_result(stays)
            return
        with suppress(OSError):
            visit.socket.shutdown(socket.SHUT_WR)
        visit.leaving, visit.since = True, time.monotonic()
        self._send(visit, Lane.WAIT)

    def _lane(self, visit: _Visit) -> Lane:
        """Where the request belongs, if enough of it has come."""
        try:
            seen = visit.socket.recv(LOOK_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return Lane.WAIT
        except (OSError, ValueError):
            return Lane.COMMON
        if len(seen) > visit.seen:
            visit.seen, visit.heard = len(seen), time.monotonic()
        lane = lane_of(seen)
        return Lane.COMMON if lane is Lane.WAIT and _has_ended(visit.socket) else lane

    def _attend(self) -> None:
        """The doorman's own thread: look at who says something, and now and then at all."""
        silent = selectors.DefaultSelector()
        silent.register(self._ear, selectors.EVENT_READ)
        speaking: set[_Visit] = set()
        while True:
            found = silent.select(TICK_SECONDS if speaking else 1.0)
            visits = [key.data for key, _ in found if key.data is not None]
            for visit in visits:
                silent.unregister(visit.socket)
            with suppress(OSError):
                while self._ear.recv(4096):
                    pass
            visits += self._arrived()
            speaking.update(visits)
            speaking = {visit for visit in speaking if self._look(visit, silent)}
            self._end_silence(silent)

    def _arrived(self) -> list[_Visit]:
        found: list[_Visit] = []
        with suppress(Empty):
            while True:
                found.append(self._coming.get_nowait())
        return found

    def _look(self, visit: _Visit, silent: selectors.BaseSelector) -> bool:
        """Whether to look at it again soon: it has said something, but not all."""
        if visit.leaving:
            return self._see_off(visit)
        lane = self._lane(visit)
        if lane is not Lane.WAIT:
            self._send(visit, lane)
            return False
        if visit.seen:
            return not self._give_up(visit)
        try:
            silent.register(visit.socket, selectors.EVENT_READ, visit)
        except (OSError, ValueError, KeyError):
            self._close(visit)
        return False

    def _see_off(self, visit: _Visit) -> bool:
        """Whether the client is still there: what it sends is thrown away, so that it reads our
        answer and not that the connection broke.
        """
        patience = 0.0 if self._closing else LEAVING_SECONDS
        try:
            sent = visit.socket.recv(LOOK_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            sent = b"?"
        except (OSError, ValueError):
            sent = b""
        if sent and time.monotonic() < visit.since + patience:
            return True
        self._close(visit)
        return False

    def _close(self, visit: _Visit) -> None:
        # The server would do it politely, and all others would wait meanwhile.
        with suppress(OSError):
            visit.socket.close()
        visit.future.set_result(False)

    def _give_up(self, visit: _Visit) -> bool:
        """Let a request be answered that has not come whole, if it has had its time."""
        now = time.monotonic()
        silent = now > visit.heard + SILENCE_SECONDS
        if not (silent or self._closing or now > visit.since + REQUEST_SECONDS):
            return False
        with suppress(OSError):
            # What is there is read, and no more is waited for.
            brief = struct.pack("ll", 0, 100_000)
            visit.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, brief)
        self._send(visit, Lane.COMMON)
        return True

    def _end_silence(self, silent: selectors.BaseSelector) -> None:
        """Close the connections on which nothing has come in time."""
        late = time.monotonic() - SILENCE_SECONDS
        waiting: Iterable[_Visit] = [
            key.data for key in list(silent.get_map().values()) if key.data is not None
        ]
        for visit in waiting:
            if self._closing or visit.since < late:
                silent.unregister(visit.socket)
                self._close(visit)


def lane_of(seen: bytes) -> Lane:
    """Where a request belongs that begins with these bytes.

    >>> lane_of(b"GET /health HTTP/1.1\\r\\nHost: here\\r\\n\\r\\n")
    <Lane.QUICK: 3>
    >>> lane_of(b"POST /setup HTTP/1.1\\r\\nContent-Length: 5\\r\\n\\r\\n{")
    <Lane.WAIT: 1>
    """
    head, end, body = seen.partition(b"\r\n\r\n")
    if len(seen) >= LOOK_BYTES:
        return Lane.COMMON
    if not seen:
        return Lane.COMMON  # the client has left
    if not end:
        return Lane.WAIT
    length = _LENGTH.search(head + b"\r\n")
    if length is not None and len(body) < int(length[1]):
        return Lane.WAIT
    quick = _QUICK.match(head) and b"\r\ntransfer-encoding:" not in head.lower()
    return Lane.QUICK if quick else Lane.COMMON


def _has_ended(connection: socket.socket) -> bool:
    """Whether the client will send no more; not known, and so no, where the system cannot tell."""
    asked = select.poll()
    asked.register(connection, _NO_MORE)
    return any(event & _NO_MORE for _, event in asked.poll(0))


def _has_read_ahead(connection: Any) -> bool:
    """Whether the server has read the next request already, so that its socket shows no more."""
    parser = connection.parser
    return parser is not None and bool(parser.unreader.buf.getvalue())
