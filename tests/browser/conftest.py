"""A pushed batch of the sample data, and annotators who sit down at it in Chromium."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from sync.init import init_project
from tests.browser.annotator import CASES, Annotator, open_session, open_window, recorded_cases
from tests.conftest import LabelStudio
from tests.sync.loop import Loop

BATCH = 6
Annotate = Callable[..., Annotator]
expect.set_options(timeout=15_000)


@dataclass(frozen=True)
class Batch:
    """A project with tasks, and its cases from the least confident to the most."""

    loop: Loop
    title: str
    cases: list[dict[str, Any]]


@contextmanager
def pushed(
    folder: Path, server: LabelStudio, records: Iterable[Mapping[str, Any]] | None = None
) -> Iterator[Batch]:
    """Six cases of the sample data, or all of `records`, selected and pushed by the commands."""
    title = f"Review {secrets.token_hex(4)}"
    init_project(folder)
    loop = Loop(folder, server)
    loop.configure("label_studio", url=server.url, title=title)
    # One answer is enough here: what a majority is, other tests say.
    loop.configure("consensus", min_annotators=1)
    loop.use_token(server.admin.token)
    loop.run("import", str(CASES if records is None else loop.write("records.jsonl", records)))
    loop.run("push", "--batch-size", str(BATCH))
    known = recorded_cases()
    cases = [known[sample_id] for sample_id in loop.task_ids() if sample_id in known]
    cases.sort(key=lambda case: case["run"]["confidence"])
    with loop.closing:
        yield Batch(loop, title, cases)


@pytest.fixture
def batch(tmp_path: Path, label_studio: LabelStudio) -> Iterator[Batch]:
    """A batch that nobody has looked at."""
    with pushed(tmp_path / "project", label_studio) as made:
        yield made


@pytest.fixture(scope="module")
def batch_to_look_at(
    tmp_path_factory: pytest.TempPathFactory, label_studio: LabelStudio
) -> Iterator[Batch]:
    """A batch for the tests of a file that submit nothing."""
    with pushed(tmp_path_factory.mktemp("batch") / "project", label_studio) as made:
        yield made


@pytest.fixture(scope="session")
def sessions(chromium: Browser, label_studio: LabelStudio) -> Iterator[dict[int, BrowserContext]]:
    """The annotators' browsers by number, kept so that not every test has to log in and to load
    all of Label Studio's scripts.
    """
    kept: dict[int, BrowserContext] = {}
    yield kept
    for session in kept.values():
        session.close()


@pytest.fixture
def annotate(
    chromium: Browser, label_studio: LabelStudio, sessions: dict[int, BrowserContext]
) -> Iterator[Annotate]:
    """Gives windows of annotators who are logged in, as `annotate(0, theme="Dark")`."""
    with ExitStack() as windows:

        def window(number: int, theme: str = "Light") -> Annotator:
            new = number not in sessions
            if new:
                sessions[number] = open_session(chromium)
            annotator = open_window(sessions[number], label_studio.url, theme)
            windows.callback(annotator.page.close)
            if new:
                annotator.log_in(label_studio.annotators[number])
            return annotator

        yield window
