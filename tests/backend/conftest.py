"""What the ML backend's tests stand on."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from project_folder import Folder

from backend.logs import JsonLines
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
    """`log()` gives what the backend warned of."""
    caplog.set_level(logging.INFO, "goldloop.backend")
    return lambda: [e.getMessage() for e in caplog.records if e.levelno >= logging.WARNING]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """`lines()` gives everything that the backend logged, as it is written for a program."""
    caplog.set_level(logging.INFO, "goldloop.backend")
    return lambda: [json.loads(JsonLines().format(entry)) for entry in caplog.records]
