"""A project without a Label Studio, in which rounds were picked and people said the truth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sync.init import init_project
from sync.labelstudio import Account
from tests.sync.cases import fill, label, pick
from tests.sync.loop import Loop


class Nowhere:
    """A Label Studio that does not answer."""

    url = "http://127.0.0.1:9"
    admin = Account("nobody@example.org", 0, "0123456789abcdef0123456789abcdef01234567", "")


@contextmanager
def estimated(folder: Path, rounds: int = 3, samples: int = 240, size: int = 40) -> Iterator[Loop]:
    """So many rounds of `size` picks each, all of which are labelled."""
    init_project(folder)
    with ExitStack() as closing:
        loop = Loop(folder, Nowhere(), closing=closing)
        loop.configure("label_studio", url=Nowhere.url)
        fill(loop, samples)
        for _ in range(rounds):
            label(loop, pick(loop, size))
        yield loop
