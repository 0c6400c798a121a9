"""A connection to a server that breaks where a test wants it to."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self


class Proxy:
    """Listens on this machine and passes every request on, one a connection.

    `cut` takes the start of a request: where it says "answer", the server gets the request and the
    client gets no answer; where it says "late", the client is cut off at once and the server gets
    the request only when `release` is called.
    """

    def __init__(self, port: int, cut: Callable[[str], str | None]) -> None:
        self._port = port
        self._cut = cut
        self._held: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._accept)

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for thread in self._threads:
            thread.join()

    def release(self) -> int:
        """Give the server what was held back, and wait for its answers; how many."""
        for request in self._held:
            self._ask(request)
        return len(self._held)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                thread = threading.Thread(target=self._serve, args=(client,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            request = _message(client)
            if not request:
                return
            how = self._cut(request.partition(b"\r\n")[0].decode())
            if how == "late":
                self._held.append(request)
                return
            answer = self._ask(request)
            if how is None:
                client.sendall(answer)

    def _ask(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            server.sendall(request)
            return _message(server, to_the_end=True)


def _message(peer: socket.socket, to_the_end: bool = False) -> bytes:
    """One whole HTTP message, told to be the last of its connection."""
    found = b""
    while b"\r\n\r\n" not in found:
        block = peer.recv(65536)
        if not block:
            return b""
        found += block
    head, _, body = found.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    wanted = int(length[1]) if length else (1 << 62 if to_the_end else 0)
    parts, size = [body], len(body)
    while size < wanted:
        block = peer.recv(65536)
        if not block:
            break
        parts.append(block)
        size += len(block)
    head = re.sub(rb"(?i)\r\n(connection|keep-alive):[^\r]*", b"", head) + b"\r\nConnection: close"
    return head + b"\r\n\r\n" + b"".join(parts)
