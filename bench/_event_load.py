"""Events at a steady rate, each on a connection of its own, as Label Studio sends them."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import numpy as np

from bench._site import SECRET, Site
from goldloop.webhooks import HEADER

SENDERS = 48


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """How a receiver answered: its statuses, 0 for no answer, and the seconds that each took, from
    before the connection was made until the answer was read.
    """

    statuses: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def p99_ms(self) -> float:
        """What 99 of 100 stayed under, in milliseconds."""
        return round(1000 * float(np.percentile(self.seconds, 99)), 1)

    @property
    def max_ms(self) -> float:
        """The slowest, in milliseconds."""
        return round(1000 * max(self.seconds), 1)


def send_steadily(port: int, bodies: Sequence[bytes], per_second: float) -> Acknowledged:
    """Send the bodies, each at its time, whether or not the ones before were answered."""
    begun = time.perf_counter() + 0.2

    def share(first: int) -> list[tuple[int, int, float]]:
        sent = []
        for number in range(first, len(bodies), SENDERS):
            time.sleep(max(0.0, begun + number / per_second - time.perf_counter()))
            start = time.perf_counter()
            status = post(port, bodies[number])
            sent.append((number, status, time.perf_counter() - start))
        return sent

    with ThreadPoolExecutor(SENDERS) as senders:
        answers = sorted(one for some in senders.map(share, range(SENDERS)) for one in some)
    return Acknowledged(
        tuple(status for _, status, _ in answers), tuple(seconds for *_, seconds in answers)
    )


def post(port: int, body: bytes) -> int:
    """The status of one webhook; 0 where there is no answer."""
    headers = {"Content-Type": "application/json", HEADER: SECRET}
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        line.request("POST", "/webhook", body, headers)
        reply = line.getresponse()
        reply.read()
        return reply.status
    except OSError:
        return 0
    finally:
        line.close()


def real_event(site: Site) -> dict[str, Any]:
    """What Label Studio sends when somebody annotates a task of the site."""
    bodies: list[bytes] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Listener) as server, site.person(0) as person:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/webhook"
        hook = {"project": site.project_id, "url": url, "send_for_all_actions": True}
        made = person.post("/api/webhooks/", json=hook).raise_for_status().json()
        path = f"/api/tasks/{site.tasks()[-1]}/annotations/"
        person.post(path, json={"result": []}).raise_for_status()
        person.delete(f"/api/webhooks/{made['id']}/").raise_for_status()
    event: dict[str, Any] = json.loads(bodies[0])
    return event
