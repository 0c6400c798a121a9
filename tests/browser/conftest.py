"""A pushed batch of the sample data, and annotators who sit down at it in Chromium."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from sync.init import init_project
from tests.browser.annotator import CASES, Annotator, recorded_cases, sit_down
from tests.conftest import LabelStudio
from tests.sync.loop import Loop

BATCH = 6
expect.set_options(timeout=15_000)


@dataclass(frozen=True)
class Batch:
    """A project with tasks, and its cases from the least confident to the most."""

    loop: Loop
    title: str
    cases: list[dict[str, Any]]


def bound_loop(folder: Path, server: LabelStudio) -> tuple[Loop, str]:
    """A project folder bound to the server, and its title, which nobody else uses."""
    title = f"Review {secrets.token_hex(4)}"
    init_project(folder)
    loop = Loop(folder, server)
    loop.configure("label_studio", url=server.url, title=title)
    # One answer is enough here: what a majority is, other tests say.
    loop.configure("consensus", min_annotators=1)
    loop.use_token(server.admin.token)
    return loop, title


def pushed_batch(folder: Path, server: LabelStudio) -> Batch:
    """Six cases of the sample data, selected and pushed by the commands."""
    loop, title = bound_loop(folder, server)
    loop.run("import", str(CASES))
    loop.run("push", "--batch-size", str(BATCH))
    cases = recorded_cases()
    batch = [cases[sample_id] for sample_id in loop.task_ids()]
    batch.sort(key=lambda case: case["run"]["confidence"])
    return Batch(loop, title, batch)


@pytest.fixture
def batch(tmp_path: Path, label_studio: LabelStudio) -> Iterator[Batch]:
    """A batch that nobody has looked at."""
    made = pushed_batch(tmp_path / "project", label_studio)
    with made.loop.closing:
        yield made


@pytest.fixture(scope="module")
def batch_to_look_at(
    tmp_path_factory: pytest.TempPathFactory, label_studio: LabelStudio
) -> Iterator[Batch]:
    """A batch for the tests of a file that answer nothing."""
    made = pushed_batch(tmp_path_factory.mktemp("batch") / "project", label_studio)
    with made.loop.closing:
        yield made


@pytest.fixture
def newcomer(chromium: Browser, label_studio: LabelStudio) -> Iterator[Callable[..., Annotator]]:
    """Lets annotators log in, by number from 0, as `newcomer(0, theme="Dark")`."""
    with ExitStack() as sessions:

        def arrive(number: int = 0, theme: str | None = None) -> Annotator:
            account = label_studio.annotators[number]
            annotator = sit_down(chromium, label_studio.url, account, theme)
            sessions.callback(annotator.page.context.close)
            return annotator

        yield arrive
