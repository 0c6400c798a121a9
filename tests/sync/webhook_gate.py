"""What stands between Label Studio and our receiver: it can be slow, fail, and mix up the post."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self

import httpx

from sync.certificates import certificates

# Label Studio waits one second.
SLOW_SECONDS = 1.6


@dataclass(frozen=True)
class Post:
    """One webhook as Label Studio sent it."""

    headers: dict[str, str]
    body: bytes


class Gate:
    """Listens on this machine for the receiver at `port`, whom it gives what it gets.

    `mode`: "pass" gives it on at once; "slow" when Label Studio has given up waiting; "fail"
    answers 500 instead; "hold" answers 202 instead. `posts` are all that came, and `answers` what
    the receiver said, 0 where it said nothing.
    """

    def __init__(self, port: int) -> None:
        self.mode = "pass"
        self.posts: list[Post] = []
        self.answers: list[int] = []
        self._receiver = f"http://127.0.0.1:{port}/webhook"
        gate = self

        class Handler(BaseHTTPRequestHandler):
            timeout: ClassVar[float] = 10.0

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response_only(gate._take(Post(dict(self.headers), body)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Where Label Studio sends its webhooks."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/webhook"

    def give(self, post: Post) -> int:
        """Give a post to the receiver; its answer, or 0 where there is none."""
        kept = ("Content-Type", "X-Goldloop-Secret")
        headers = {name: value for name, value in post.headers.items() if name in kept}
        try:
            reply = httpx.post(
                self._receiver,
                content=post.body,
                headers=headers,
                timeout=10,
                trust_env=False,
                verify=certificates(),
            )
        except httpx.TransportError:
            status = 0
        else:
            status = reply.status_code
        self.answers.append(status)
        return status

    def _take(self, post: Post) -> int:
        self.posts.append(post)
        if self.mode == "hold":
            return 202
        if self.mode == "fail":
            return 500
        if self.mode == "slow":
            time.sleep(SLOW_SECONDS)
        return self.give(post) or 502

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
