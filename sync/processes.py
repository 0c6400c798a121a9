"""Programs that run beside each other: started together, stopped together."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx

from goldloop.errors import GoldloopError
from sync.certificates import certificates
from sync.project import Project

STOP_SECONDS = 10.0
# -P: a user's agents.py or store.py in the project folder must not pass for our own package.
PYTHON = (sys.executable, "-P")


class ProcessEndedError(GoldloopError):
    """A program that should keep running ended."""


def backend_command(folder: Path, host: str | None = None, port: int | None = None) -> list[str]:
    """How the ML backend is started; it reads the settings of `folder` itself."""
    command = [*PYTHON, "-m", "backend", "--folder", str(folder)]
    command += ["--host", host] if host else []
    return command + (["--port", str(port)] if port else [])


def worker_command() -> list[str]:
    """How the worker is started, in the project's folder."""
    return [*PYTHON, "-m", "sync.cli", "worker"]


@contextmanager
def running(
    commands: Sequence[Sequence[str]], folder: Path, log: IO[bytes] | None = None
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The programs, running in `folder` while the block does; ended after it, whatever happens.

    Each is in a session of its own, so that Ctrl-C in a terminal reaches only us and the order of
    stopping is ours.
    """
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            started.append(
                subprocess.Popen(
                    command, cwd=folder, stdout=log, stderr=log, start_new_session=True
                )
            )
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_up(
    url: str, process: subprocess.Popen[bytes], what: str, seconds: float = 60.0
) -> None:
    """Wait until `url` answers 200; raises ProcessEndedError when it ends or is late."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise ProcessEndedError(f"{what} ended with code {process.returncode} while starting")
        try:
            answer = httpx.get(url, timeout=2.0, trust_env=False, verify=certificates())
            if answer.status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise ProcessEndedError(f"{what} did not answer at {url} within {seconds:.0f} s")


def keep_running(processes: Sequence[subprocess.Popen[bytes]], stopped: Callable[[], bool]) -> None:
    """Wait until `stopped`; raises ProcessEndedError as soon as one of the programs ends."""
    while not stopped():
        for process in processes:
            if process.poll() is not None:
                raise ProcessEndedError(
                    f"{' '.join(map(str, process.args[2:4]))} ended with code {process.returncode}"  # type: ignore[index]
                )
        time.sleep(0.2)


def serve(project: Project, log: IO[bytes] | None, stopped: Callable[[], bool]) -> None:
    """The ML backend and the worker together, until `stopped`."""
    commands = [backend_command(project.folder), worker_command()]
    with running(commands, project.folder, log) as processes:
        keep_running(processes, stopped)
