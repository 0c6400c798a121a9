"""What the ML backend says of its work: one line each, without secrets, bodies or tracebacks."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable
from pathlib import Path

from agents.texts import short_text
from goldloop.errors import GoldloopError

ROOMS = ("backend", "agents", "store", "label_config", "goldloop")
logger = logging.getLogger("goldloop.backend")


def set_up_logging() -> None:
    """Log to standard error; what other libraries say only from warnings upwards."""
    logging.basicConfig(
        level=logging.WARNING, format="[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s"
    )
    logger.setLevel(logging.INFO)


def warn(what: str, error: Exception, secrets: Iterable[str] = ()) -> None:
    """One line on what went wrong; for an error that nobody foresaw with the place of it."""
    why = str(error)
    if not isinstance(error, GoldloopError):
        why = f"{type(error).__name__} in {_place(error)}: {why}"
    logger.warning("%s", one_line(f"{what}: {why}", secrets))


def one_line(text: str, secrets: Iterable[str] = ()) -> str:
    """The text in one line that cannot move a terminal's cursor, short and free of secrets.

    >>> one_line("a\\nb\\x1b[2J the-secret", ["the-secret"])
    'a b [2J **********'
    """
    found = short_text(text, secrets)
    return " ".join("".join(char if char.isprintable() else " " for char in found).split())


def _place(error: Exception) -> str:
    """The line of ours that the error came through last, such as store/runs.py:54."""
    frames = [(Path(f.filename), f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    ours = [(path, line) for path, line in frames if path.parent.name in ROOMS]
    path, line = (ours or frames or [(Path("?/?"), 0)])[-1]
    return f"{path.parent.name}/{path.name}:{line}"
