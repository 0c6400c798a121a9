"""A project folder of its own for every test, bound to the Label Studio that all of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync.init import init_project
from sync.labelstudio import Account
from sync.labelstudio.ports import free_port
from tests.conftest import LabelStudio
from tests.sync.loop import Loop


@pytest.fixture
def make_loop(tmp_path: Path) -> Iterator[Callable[..., Loop]]:
    """Makes project folders, as `make_loop(server, name="one")`."""
    closing = ExitStack()

    def make(server: LabelStudio | Nobody, name: str = "project") -> Loop:
        folder = tmp_path / name
        init_project(folder)
        loop = Loop(folder, server, closing=closing)
        loop.configure("label_studio", url=server.url, title=f"Test {name}")
        loop.use_token(server.admin.token)
        return loop

    with closing:
        yield make


@pytest.fixture
def loop(make_loop: Callable[..., Loop], label_studio: LabelStudio) -> Loop:
    """A fresh project with an empty store and no project in Label Studio yet."""
    return make_loop(label_studio)


@dataclass(frozen=True)
class Nobody:
    """Where no Label Studio is."""

    url: str
    admin: Account


@pytest.fixture
def offline(make_loop: Callable[..., Loop]) -> Loop:
    """A project whose Label Studio does not answer."""
    account = Account("nobody@example.org", 0, "0123456789abcdef0123456789abcdef01234567", "")
    return make_loop(Nobody(f"http://127.0.0.1:{free_port()}", account))
