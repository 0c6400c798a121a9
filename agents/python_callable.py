"""An agent that is a Python function."""

from __future__ import annotations

import importlib
import inspect
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from agents.answers import about, run_from_answer
from agents.questions import question
from goldloop.errors import AgentError, SettingsError
from goldloop.samples import Run, Sample


class PythonAgent:
    """Asks `module:callable`.

    The callable gets one mapping, `{"sample_id", "user_input", "messages"}` (`messages` in chat
    form, ending with the user's input), and returns a text or a mapping as `agents.answers`
    describes. `folder`, when given, is put first on the import path and stays there, since a
    callable may import its neighbours later. Raises `SettingsError` when it cannot be imported.
    """

    def __init__(self, target: str, version: str, folder: str | None = None) -> None:
        self.version = version
        self.target = target
        self._callable = imported(target, folder)

    def __repr__(self) -> str:
        return f"PythonAgent(target={self.target!r}, version={self.version!r})"

    def answer(self, sample: Sample) -> Run:
        """Raises `AgentError` when the callable raises, or returns what is no answer."""
        with about(sample):
            started = time.perf_counter()
            answer = self._call(question(sample))
            return run_from_answer(sample, self.version, answer, time.perf_counter() - started)

    def close(self) -> None:
        """Nothing to let go of."""

    def _call(self, asked: Mapping[str, Any]) -> object:
        try:
            return self._callable(asked)
        # It is somebody else's code: whatever it raises, or its exit, is that agent's failure.
        except (Exception, SystemExit) as error:
            raised = AgentError(f"{self.target} raised {type(error).__name__}: {error}")
            raised.outage = isinstance(error, ConnectionError | TimeoutError)
            raise raised from error


def imported(
    target: str, folder: str | None = None, what: str = "agent target"
) -> Callable[..., object]:
    """The function that `module:callable` names, looked for in `folder` first.

    Raises `SettingsError`, which calls it `what`, when it cannot be imported, or is no plain
    function.
    """
    found = imported_value(target, folder, what)
    if not callable(found) or inspect.iscoroutinefunction(found):
        raise SettingsError(f"{what} {target!r}: expected a plain function, not a coroutine")
    return found


def imported_value(target: str, folder: str | None = None, what: str = "agent target") -> object:
    """Whatever `module:name` names, looked for in `folder` first.

    Raises `SettingsError`, which calls it `what`, when it cannot be imported.
    """
    if folder is not None and folder not in sys.path:
        sys.path.insert(0, folder)
    module_name, _, path = target.partition(":")
    if not module_name or not path:
        raise SettingsError(f"{what} {target!r}: expected module:callable")
    try:
        found: object = importlib.import_module(module_name)
        for name in path.split("."):
            found = getattr(found, name)
    except (Exception, SystemExit) as error:
        raise SettingsError(
            f"{what} {target!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    return found
