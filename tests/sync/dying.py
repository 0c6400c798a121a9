"""Commands in a process of their own that dies by SIGKILL, at a chosen point or at any moment.

The processes are forked from a server that has imported everything, so that they start at once.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from sync.cli import COMMANDS

Point = tuple[str, str, str, int]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "tests.sync.dying",
        "label_studio_sdk.core.client_wrapper",
        # What the command line imports only when its command is called.
        *(f"sync.commands.{place.split('.')[0]}" for place in COMMANDS.values()),
        *("agents.grading", "sync.evaluation_contest"),
    ]
)


def start(
    folder: Path,
    arguments: Sequence[str],
    point: Point | None = None,
    constants: Sequence[tuple[str, str, Any]] = (),
) -> ForkServerProcess:
    """A goldloop command in a process that kills itself at `point`.

    A point is ("before" | "during" | "after", module, name, n): the n-th call of module.name, from
    1; "during" is 50 ms after the call began. `constants` are set before.
    """
    process = _context.Process(target=_run, args=(folder, tuple(arguments), point, constants))
    process.start()
    return process


def dies(folder: Path, arguments: Sequence[str], point: Point, **options: Any) -> None:
    """Run a command that has to die at its point."""
    process = start(folder, arguments, point, **options)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL, f"{point}: ended with {process.exitcode}"


def _run(
    folder: Path,
    arguments: tuple[str, ...],
    point: Point | None,
    constants: Sequence[tuple[str, str, Any]],
) -> None:
    from sync.cli import main

    # In its own place, so that its results do not mix with those of the tests.
    log = os.open(folder / "dying.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for module, name, value in constants:
        owner, last = _find(module, name)
        setattr(owner, last, value)
    if point is not None:
        _arm(*point)
    main(["-C", str(folder), *arguments])


def _find(module: str, name: str) -> tuple[Any, str]:
    owner = __import__(module, fromlist=["_"])
    *path, last = name.split(".")
    return functools.reduce(getattr, path, owner), last


def _arm(when: str, module: str, name: str, number: int) -> None:
    owner, last = _find(module, name)
    original: Callable[..., Any] = getattr(owner, last)
    calls = 0

    @functools.wraps(original)
    def armed(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls != number:
            return original(*args, **kwargs)
        if when == "before":
            _die()
        if when == "during":
            threading.Timer(0.05, _die).start()
        result = original(*args, **kwargs)
        if when == "during":
            threading.Event().wait()
        _die()
        return result

    setattr(owner, last, armed)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
