"""The backend as a program, for the time of a test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from project_folder import Folder

from sync.certificates import certificates
from sync.processes import backend_command, running, wait_until_up


@contextmanager
def served(folder: Folder, port: int) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """The backend of that folder, running; its log is in `backend.log` beside the folder."""
    with log_of(folder).open("ab") as log:
        command = backend_command(folder.path, port=port)
        with running([command], folder.path, log) as [process]:
            url = f"http://127.0.0.1:{port}"
            wait_until_up(f"{url}/health", process, "the backend")
            with httpx.Client(
                base_url=url, timeout=30, trust_env=False, verify=certificates()
            ) as client:
                yield client, process


def log_of(folder: Folder) -> Path:
    return folder.path.parent / "backend.log"
