"""Kill the worker and the backend at random while people annotate, and compare at the end."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass

from bench._crowd import Crowd
from bench._level import Difference, after_a_reconcile, difference
from bench._site import Site
from bench._supervised import Supervised
from sync.processes import backend_command, worker_command


@dataclass(frozen=True, slots=True)
class Survived:
    """How it went: kills by what was killed, what the crowd did, and what differs at the end."""

    kills: Counter[str]
    crowd: Crowd
    difference: Difference


def survive(site: Site, kills: int, annotations: int, seed: int, pace: float = 0.5) -> Survived:
    """Kill -9 `kills` times while `annotations` are submitted, changed and deleted; the kills are
    spread over the whole time. The difference is taken after one reconciliation.
    """
    crowd = Crowd(site, seed, pace)
    with ExitStack() as running:
        backend, worker = programs(site, running)
        people = threading.Thread(target=crowd.work, args=(annotations,))
        people.start()
        killed = _kill(backend, worker, crowd, kills, annotations, random.Random(seed))  # noqa: S311
        people.join()
        after_a_reconcile(site)
    return Survived(killed, crowd, difference(site))


def programs(site: Site, running: ExitStack) -> tuple[Supervised, Supervised]:
    """The backend and the worker of the site, under a supervisor; their logs are in its folder."""
    backend = Supervised(backend_command(site.folder), site.folder, site.folder / "backend.log")
    worker = Supervised(worker_command(), site.folder, site.folder / "worker.log")
    return running.enter_context(backend), running.enter_context(worker)


def _kill(
    backend: Supervised,
    worker: Supervised,
    crowd: Crowd,
    kills: int,
    annotations: int,
    draw: random.Random,
) -> Counter[str]:
    ways = {
        "worker": worker.kill,
        "backend": backend.kill,
        "gunicorn's worker": backend.kill_child,
        "gunicorn's arbiter": backend.kill_parent,
    }
    killed: Counter[str] = Counter()
    while killed.total() < kills:
        # One at this share of the work, give or take: some while the programs start.
        while crowd.submitted < annotations * killed.total() / kills:
            time.sleep(0.02)
        time.sleep(draw.uniform(0, 1))
        way = draw.choices(list(ways), (5, 3, 1, 1))[0]
        killed[way] += ways[way]()
    return killed
