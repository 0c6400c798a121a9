"""What the ML backend says of its work: one line each, without secrets, bodies or tracebacks.

A terminal gets plain text; everything else gets one JSON object a line, for a program to read.
"""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from gunicorn.glogging import Logger

from agents.texts import short_text
from goldloop.log_lines import Fact, bounded, json_line, one_line, reason, text_line

logger = logging.getLogger("goldloop.backend")


def set_up_logging() -> None:
    """Log to standard error; what other libraries say only from warnings upwards."""
    written = logging.StreamHandler()
    written.setFormatter(line_format())
    logging.basicConfig(level=logging.WARNING, handlers=[written])
    logger.setLevel(logging.INFO)


def line_format() -> logging.Formatter:
    """Text for a person at a terminal, else JSON."""
    return TextLines() if sys.stderr.isatty() else JsonLines()


class GunicornLog(Logger):  # type: ignore[misc]
    """Gunicorn's own lines in our format; it would print whole tracebacks, and what was sent."""

    def __init__(self, cfg: Any) -> None:
        self._seldom = Seldom()
        super().__init__(cfg)

    def setup(self, cfg: Any) -> None:
        """Gunicorn calls this at its start."""
        super().setup(cfg)
        for written in self.error_log.handlers:
            written.setFormatter(line_format())

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """A warning; of requests that are no HTTP one a second, without the words that are none."""
        if not msg.startswith("Invalid request"):
            super().warning(msg, *args, **kwargs)
        elif self._seldom.passes("invalid") is not None:
            super().warning("%s", msg.partition(": ")[0])

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """An error, with the address that was asked for, but not what follows its path."""
        paths = [arg.partition("?")[0] if isinstance(arg, str) else arg for arg in args]
        super().exception(msg, *paths, **kwargs)


def tell(
    what: str, facts: Mapping[str, Fact], secrets: Sequence[str] = (), level: int = logging.INFO
) -> None:
    """One line on what happened; of a list of ids the first 20, with how many there are."""
    starred = {
        name: short_text(value, secrets) if isinstance(value, str) else value
        for name, value in facts.items()
    }
    line = one_line(short_text(what, secrets))
    logger.log(level, "%s", line, extra={"facts": bounded(starred)})


def warn(what: str, error: Exception, secrets: Sequence[str] = ()) -> None:
    """One line on what went wrong; for an error that nobody foresaw with the place of it."""
    tell(f"{what}: {reason(error)}", {}, secrets, logging.WARNING)


class JsonLines(logging.Formatter):
    """`{"time": ..., "process": ..., "level": ..., "message": ..., ...}`, all in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        return json_line(_head(record), _message(record), getattr(record, "facts", {}))


class TextLines(logging.Formatter):
    """`[time] [process] [LEVEL] message name=value ...`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        return text_line(_head(record), _message(record), getattr(record, "facts", {}))


def _head(record: logging.LogRecord) -> Mapping[str, Any]:
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    return {"time": moment, "process": record.process, "level": record.levelname}


def _message(record: logging.LogRecord) -> str:
    text = record.getMessage()
    if record.exc_info and record.exc_info[1] is not None:
        text += f": {reason(record.exc_info[1])}"
    return short_text(text)


class Seldom:
    """Lets the first of a kind through, and then one a second: a log can be filled from outside.

    Kinds come from a fixed set, since each is remembered.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._last: dict[object, tuple[float, int]] = {}
        self._lock = Lock()

    def passes(self, kind: object) -> int | None:
        """How many of the kind were held back since the last that passed; None to hold this."""
        now = time.monotonic()
        with self._lock:
            last, held = self._last.get(kind, (-math.inf, 0))
            if now - last < self._seconds:
                self._last[kind] = (last, held + 1)
                return None
            self._last[kind] = (now, 0)
            return held
