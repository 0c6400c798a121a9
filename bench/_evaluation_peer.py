"""A server on localhost that is an agent at /agent and a judge at /v1: it takes its time, is always
right, and tells at /counts what it answered.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

AGENT, JUDGE = "agent", "judge"
_VERDICT = {"criteria": [{"number": 1, "reason": "It says so.", "holds": True}]}


class Peer(ThreadingHTTPServer):
    """Answers after `seconds`; `answered` counts each question by whom it was for."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, seconds: float) -> None:
        super().__init__(("127.0.0.1", port), _Answer)
        self.seconds = seconds
        self.answered: dict[str, Counter[str]] = {AGENT: Counter(), JUDGE: Counter()}

    def handle_error(self, *_: object) -> None:
        """Silent: whoever asked was killed."""

    def counts(self) -> dict[str, dict[str, int]]:
        """For agent and judge: all calls, and those that were for a question asked before."""
        return {
            who: {"calls": asked.total(), "paid_twice": asked.total() - len(asked)}
            for who, asked in self.answered.items()
        }


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Peer

    def do_POST(self) -> None:
        """A question."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        question = json.loads(body)
        time.sleep(self.server.seconds)
        if self.path == "/agent":
            self.server.answered[AGENT][question["sample_id"]] += 1
            self._send(_done(question))
        else:
            self.server.answered[JUDGE][sha256(body).hexdigest()] += 1
            self._send(_judged(question))

    def do_GET(self) -> None:
        """What was asked so far."""
        self._send(self.server.counts())

    def log_message(self, *_: object) -> None:
        """Silent."""

    def _send(self, value: object) -> None:
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _done(question: dict[str, Any]) -> dict[str, Any]:
    number = int(question["sample_id"].partition("-")[2])
    return {
        "response": f"Order {number} is on its way.",
        "tool_calls": [{"name": "find_order", "arguments": {"number": number}}],
        "input_tokens": 200,
        "output_tokens": 20,
    }


def _judged(question: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": json.dumps(_VERDICT)}
    return {
        "id": "chat-1",
        "object": "chat.completion",
        "created": 0,
        "model": question["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 30, "total_tokens": 330},
    }


if __name__ == "__main__":
    Peer(int(sys.argv[1]), float(sys.argv[2])).serve_forever()
