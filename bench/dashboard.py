"""The dashboard's first page over a large store, under gunicorn as it is served.

A store with 100,000 samples, as many runs, 1,000,000 annotations, five rounds of 18,000 picks and
90,000 consensuses (quick: a tenth of all).

`first_page_ms`: /dashboard/ from a backend that has just started and has answered nothing else;
the median of several starts. `next_page_ms`: the same page again. `unchanged_ms`: what the browser
asks every five seconds, while nothing changed. `plain_first_page_ms` and `plain_page_ms`: the same
of a plain Flask page that reads one row of that store. `rss_mb`: what the backend's processes hold
afterwards, and `plain_rss_mb` the plain app's. `pages_ms`: the other pages, without a detail's.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any

from bench._large_store import large_project
from bench.backend import Server, _line, _served
from goldloop.settings import BackendSettings
from sync.labelstudio.ports import free_port
from sync.processes import backend_command

SAMPLES, ANNOTATIONS = 100_000, 1_000_000
STARTS, AGAIN = 5, 20
FIRST = "/dashboard/"
_LINKS = re.compile(r'<a href="(/dashboard/[a-z-]+)"[^>]* data-key')
_STATE = re.compile(r"X-State&#34;: &#34;([^&]+)&#34;|\"X-State\": \"([^\"]+)\"")


def main(quick: bool) -> dict[str, Any]:
    """All figures."""
    share = 10 if quick else 1
    with tempfile.TemporaryDirectory() as scratch:
        folder = large_project(Path(scratch) / "project", SAMPLES // share, ANNOTATIONS // share)
        return measured(folder, 2 if quick else STARTS)


def measured(folder: Path, starts: int) -> dict[str, Any]:
    """The figures of one project."""
    ours = [_page_times(lambda: _dashboard(folder), FIRST) for _ in range(starts)]
    plain = [_page_times(lambda: _plain(folder), "/") for _ in range(starts)]
    with _dashboard(folder) as server:
        pages = {path: _milliseconds(server, path) for path in _others(server)}
        unchanged = median(_unchanged(server) for _ in range(AGAIN))
    for path, spent in pages.items():
        print(f"{path}: {spent:.0f} ms", file=sys.stderr)
    return {
        "first_page_ms": round(median(one[0] for one in ours), 1),
        "next_page_ms": round(median(one[1] for one in ours), 1),
        "unchanged_ms": round(unchanged, 2),
        "plain_first_page_ms": round(median(one[0] for one in plain), 1),
        "plain_page_ms": round(median(one[1] for one in plain), 1),
        "rss_mb": round(max(one[2] for one in ours)),
        "plain_rss_mb": round(max(one[2] for one in plain)),
        "pages_ms": {path: round(spent) for path, spent in pages.items()},
    }


def _dashboard(folder: Path) -> AbstractContextManager[Server]:
    port = free_port()
    return _served(backend_command(folder, port=port), folder, port)


def _plain(folder: Path) -> AbstractContextManager[Server]:
    port, threads = free_port(), str(BackendSettings().threads)
    command = [sys.executable, "-m", "bench._plain_page", str(port), threads]
    command.append(str(folder / "goldloop.db"))
    return _served(command, Path(__file__).parents[1], port)


def _page_times(
    start: Callable[[], AbstractContextManager[Server]], path: str
) -> tuple[float, float, float]:
    """Milliseconds of the first time and of a later one, and megabytes after them."""
    with start() as server:
        first = _milliseconds(server, path)
        again = median(_milliseconds(server, path) for _ in range(AGAIN))
        return first, again, server.memory() / 2**20


def _milliseconds(server: Server, path: str) -> float:
    begun = time.perf_counter()
    status, _ = _asked(server, path)
    spent = 1000 * (time.perf_counter() - begun)
    if status != HTTPStatus.OK:
        raise RuntimeError(f"{path} answered {status}")
    return spent


def _asked(server: Server, path: str, **headers: str) -> tuple[int, str]:
    with closing(_line(server)) as line:
        line.request(
            "GET", path, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )
        reply = line.getresponse()
        return reply.status, reply.read().decode()


def _others(server: Server) -> list[str]:
    """The pages that the navigation leads to."""
    return [path for path in _LINKS.findall(_asked(server, FIRST)[1]) if path != FIRST]


def _unchanged(server: Server) -> float:
    found = _STATE.search(_asked(server, FIRST)[1])
    if found is None:
        raise RuntimeError("the page does not say which state it shows")
    begun = time.perf_counter()
    status, _ = _asked(server, FIRST, X_State=found[1] or found[2])
    if status != HTTPStatus.NO_CONTENT:
        raise RuntimeError(f"nothing changed, and it answered {status}")
    return 1000 * (time.perf_counter() - begun)
