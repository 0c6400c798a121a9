"""People who annotate at random, and change and delete what they and others said."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench._site import Site
from label_config.interface import Interface
from label_config.results import write_result

VERDICTS = ("correct", "partially_correct", "incorrect")
TOOL_USES = ("right", "wrong_tool", "missing_call")
ACTS = {"submit": 50, "change": 22, "delete": 14, "unskip": 6, "ground_truth": 8}


@dataclass
class Crowd:
    """Who annotates at a site, all at once, each drawing from a seed of their own.

    `pace` is how many seconds a person waits between two acts, on average. `submitted` counts
    annotations; `acts` counts by kind what Label Studio took, and `refused` by status what it did
    not (0 for no answer). What was deleted by somebody else meanwhile counts as neither.
    """

    site: Site
    seed: int
    pace: float = 0.5
    submitted: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    _standing: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, annotations: int) -> None:
        """Until that many were submitted; returns then."""
        people = len(self.site.tokens)
        shares = [annotations // people + (n < annotations % people) for n in range(people)]
        tasks, interface = self.site.tasks(), self.site.project.interface()
        with ThreadPoolExecutor(people) as threads:
            for done in [
                threads.submit(self._person, number, share, tasks, interface)
                for number, share in enumerate(shares)
            ]:
                done.result()

    def _person(self, number: int, share: int, tasks: list[int], interface: Interface) -> None:
        draw = random.Random(f"{self.seed}:{number}")  # noqa: S311 - chaos that can be repeated
        with self.site.person(number) as client:
            submitted = 0
            while submitted < share:
                act = draw.choices(list(ACTS), list(ACTS.values()))[0]
                reply = self._act(client, act, draw, tasks, interface)
                submitted += act == "submit" and reply
                time.sleep(draw.uniform(0, 2 * self.pace))

    def _act(
        self,
        client: httpx.Client,
        act: str,
        draw: random.Random,
        tasks: list[int],
        interface: Interface,
    ) -> bool:
        """Do one thing; whether Label Studio took it."""
        if act == "submit":
            path, body = f"/api/tasks/{draw.choice(tasks)}/annotations/", _form(draw, interface)
            return self._sent(client, act, "POST", path, body)
        with self._lock:
            if not self._standing:
                return False
            one = self._standing[draw.randrange(len(self._standing))]
        path = f"/api/annotations/{one}/"
        if act == "delete":
            with self._lock:
                self._standing = [other for other in self._standing if other != one]
            return self._sent(client, act, "DELETE", path)
        bodies: dict[str, dict[str, Any]] = {
            "change": {"result": _form(draw, interface)["result"]},
            "unskip": {"was_cancelled": draw.random() < 0.5},
            "ground_truth": {"ground_truth": draw.random() < 0.5},
        }
        return self._sent(client, act, "PATCH", path, bodies[act])

    def _sent(
        self, client: httpx.Client, act: str, method: str, path: str, body: Any = None
    ) -> bool:
        try:
            reply = client.request(method, path, json=body)
        except httpx.TransportError:
            self._count(self.refused, 0)
            time.sleep(0.2)
            return False
        # The second is what Label Studio says when it was deleted in the middle of the request.
        if reply.status_code == httpx.codes.NOT_FOUND or "does not exist" in reply.text:
            return False
        if not reply.is_success:
            self._count(self.refused, reply.status_code)
            return False
        self._count(self.acts, act)
        if act == "submit":
            with self._lock:
                self._standing.append(reply.json()["id"])
                self.submitted += 1
        return True

    def _count(self, counter: Counter[Any], what: object) -> None:
        with self._lock:
            counter[what] += 1


def _form(draw: random.Random, interface: Interface) -> dict[str, Any]:
    """An annotation: an answer, or one in ten a skip, and one in twenty ground truth."""
    answers: dict[str, Any] = {
        "correctness": draw.choices(VERDICTS, (6, 1, 2))[0],
        "tool_use": draw.choices(TOOL_USES, (8, 1, 1))[0],
        "helpfulness": draw.randint(1, 5),
    }
    return {
        "result": write_result(interface, answers),
        "lead_time": round(draw.uniform(5, 60), 1),
        "was_cancelled": draw.random() < 0.1,
        "ground_truth": draw.random() < 0.05,
    }
