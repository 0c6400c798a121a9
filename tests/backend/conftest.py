"""What the ML backend's tests stand on."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project_folder import Folder

from sync.init import init_project


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A fresh project folder with an empty store."""
    path = tmp_path / "project"
    init_project(path)
    return Folder(path)


@pytest.fixture(autouse=True)
def _import_path_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent that is a Python function puts its folder on the import path for good."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("agent_"):
            del sys.modules[name]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """`log()` gives the lines that the backend logged."""
    caplog.set_level(logging.INFO, "goldloop.backend")
    return lambda: [entry.getMessage() for entry in caplog.records]
