"""A server on localhost that speaks OpenAI's Chat Completions and writes, solves and compares
synthetic samples of customer support, with every kind of fault at a known rate.

What it answers depends on the request alone, so a generation that was killed and goes on gets what
one in a single go gets. As a module of its own it serves on the port and with the seconds a call
that it is given, and tells what it counted at /counts.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from bench._synthetic_samples import DEFAULT_RATES, Made, SyntheticSamples

RETRY_AFTER = "0.05"
_DIFFICULTY = re.compile(r"^- difficulty (\w+):", re.MULTILINE)
_TOOL = re.compile(r"^- it is about: what the tool (\w+) is for", re.MULTILINE)
_INTENT = re.compile(r"^- intent (\w+):", re.MULTILINE)
_EXAMPLES = re.compile(r"do not repeat or rephrase them:\n<<<\n(.*?)\n>>>", re.DOTALL)
_CONVERSATION = re.compile(r"The conversation:\n<<<\n(.*?)\n>>>", re.DOTALL)


class SyntheticEndpoint:
    """Use as a context manager; `url` is the base URL.

    `delay` is in seconds a call. `strict` False refuses JSON schemas with 400, `json_mode` False
    JSON objects too. `throttle` is the share of requests that get 429 the first time. `calls`
    counts the answers by their kind (write, evolve, solve, judge), `paid` by the digest of the
    request, `refusals` what was no answer by its status, and `tokens` those in and out. `log` holds
    what was written in the order in which it was, `made` by its user input.
    """

    def __init__(
        self,
        seed: int = 0,
        rates: Mapping[str, float] = DEFAULT_RATES,
        *,
        delay: float = 0.0,
        strict: bool = True,
        json_mode: bool = True,
        throttle: float = 0.0,
        port: int = 0,
    ) -> None:
        self.seed, self.delay, self.strict, self.json_mode = seed, delay, strict, json_mode
        self.throttle = throttle
        self.samples = SyntheticSamples(seed, rates)
        self.made: dict[str, Made] = {}
        self.log: list[Made] = []
        self.paid: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.refusals: Counter[int] = Counter()
        self.tokens = [0, 0]
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", port), _Exchange)
        self._http.owner = self
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}
        )

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def truth(self) -> dict[str, str | None]:
        """What is wrong with what was written, by its user input; None where nothing is."""
        return {user_input: made.reason for user_input, made in self.made.items()}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def counts(self) -> dict[str, Any]:
        """How many answers there were of each kind, and what was asked for more than once."""
        with self._lock:
            twice = sum(times - 1 for times in self.paid.values())
            return {"calls": dict(self.calls), "paid_twice": twice, "tokens": list(self.tokens)}

    def serve(self) -> None:
        """Answer until the process ends."""
        self._http.serve_forever()

    def respond(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any], str]:
        """The status, the body and the id of the answer to a request."""
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        refusal = self._refusal(body, digest)
        if refusal is not None:
            with self._lock:
                self.refusals[refusal[0]] += 1
            return *refusal, digest[:24]
        time.sleep(self.delay)
        with self._lock:
            kind, message, finish = self._answer(body, int(digest[:15], 16))
            if "response_format" not in body and message["content"]:
                message["content"] = (
                    f"Here it is:\n```json\n{message['content']}\n```\nAnything else?"
                )
            self.calls[kind] += 1
            self.paid[digest] += 1
            answer = _completion(body, message, finish, digest[:24])
            self.tokens[0] += answer["usage"]["prompt_tokens"]
            self.tokens[1] += answer["usage"]["completion_tokens"]
        return 200, answer, digest[:24]

    def _refusal(self, body: Mapping[str, Any], digest: str) -> tuple[int, dict[str, Any]] | None:
        form = (body.get("response_format") or {}).get("type")
        if form == "json_schema" and not self.strict:
            return 400, _error("Unsupported parameter: 'response_format' of type json_schema")
        if form == "json_object" and not self.json_mode:
            return 400, _error("Unsupported parameter: 'response_format'")
        with self._lock:
            first = digest not in self._seen
            self._seen.add(digest)
        if first and int(digest[15:30], 16) / 16**15 < self.throttle:
            return 429, _error("slow down")
        return None

    def _answer(self, body: Mapping[str, Any], draw: int) -> tuple[str, dict[str, Any], str]:
        """What kind of request it is, the message, and why the answer ended; under the lock."""
        system, asked = (turn["content"] for turn in body["messages"])
        if '{"groups"' in system:
            groups = self.samples.groups(json.loads(asked)["answers"])
            return "judge", _says(json.dumps({"groups": groups})), "stop"
        if "with the keys response" in asked:
            return "solve", _says(json.dumps(self._solution(asked, draw))), "stop"
        kind = "evolve" if "What is to be added:" in asked else "write"
        return kind, *self._written(asked, draw)

    def _solution(self, asked: str, draw: int) -> dict[str, Any]:
        turns = json.loads(_found(_CONVERSATION, asked))
        made = self.made.get(turns[-1]["content"])
        if made is None:
            return {"response": "I do not know this case.", "tool_calls": []}
        return self.samples.solve(made, draw, int(asked.startswith("The conversation:")))

    def _written(self, asked: str, draw: int) -> tuple[dict[str, Any], str]:
        shown = _EXAMPLES.search(asked)
        made = self.samples.write(
            draw,
            capability=_found(_TOOL, asked, "no_tool"),
            difficulty=_found(_DIFFICULTY, asked, "easy"),
            intent=_found(_INTENT, asked, "clear"),
            examples=json.loads(shown[1]) if shown else (),
        )
        self.log.append(made)
        if made.reason == "refused":
            return {"role": "assistant", "content": None, "refusal": "I cannot write that."}, "stop"
        text = json.dumps(made.sample, ensure_ascii=False)
        if made.reason == "truncated":
            return _says(text[: len(text) // 2]), "length"
        if made.reason == "malformed":
            return _says(text[: len(text) * 2 // 3]), "stop"
        self.made[made.sample["user_input"]] = made
        return _says(text), "stop"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: SyntheticEndpoint

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is part of it."""


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body go out in one piece; in two, the second waits for the client's delayed
    # acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        """Answer one request."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, answer, request_id = self.server.owner.respond(body)
        sent = json.dumps(answer).encode()
        self.send_response(status)
        headers = {"Content-Type": "application/json", "x-request-id": f"req-{request_id}"}
        if status == 429:
            headers["Retry-After"] = RETRY_AFTER
        for name, value in {**headers, "Content-Length": str(len(sent))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)
        self.wfile.flush()

    def do_GET(self) -> None:
        """What was counted."""
        sent = json.dumps(self.server.owner.counts()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Stay quiet."""


def _says(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text, "refusal": None}


def _error(said: str) -> dict[str, Any]:
    return {"error": {"message": said, "type": "invalid_request_error", "param": None}}


def _completion(
    body: Mapping[str, Any], message: dict[str, Any], finish: str, name: str
) -> dict[str, Any]:
    """Tokens are counted as a quarter of the characters."""
    sent = len(json.dumps(body["messages"])) // 4
    came = max(1, len(message.get("content") or message.get("refusal") or "") // 4)
    return {
        "id": f"chatcmpl-{name}",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "finish_reason": finish, "logprobs": None, "message": message}],
        "usage": {
            "prompt_tokens": sent,
            "completion_tokens": came,
            "total_tokens": sent + came,
        },
    }


def _found(pattern: re.Pattern[str], text: str, otherwise: str = "") -> str:
    match = pattern.search(text)
    return match[1] if match else otherwise


if __name__ == "__main__":
    SyntheticEndpoint(port=int(sys.argv[1]), delay=float(sys.argv[2])).serve()
