"""logs: what the worker says of its work, without secrets and bodies."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

import click

from agents.texts import short_text
from goldloop.log_lines import Fact, bounded, json_line, reason, text_line

__all__ = ["Report", "Reporter", "reason"]


class Report(Protocol):
    """Takes what happened, with the ids and numbers that belong to it, and its level by name."""

    def __call__(self, message: str, *, level: str = "INFO", **facts: Fact) -> None: ...


class Reporter:
    """Writes one line an event to standard error: text at a terminal, else JSON."""

    def __init__(self, *secrets: str) -> None:
        """`secrets` are starred, wherever they turn up."""
        self._secrets = [secret for secret in secrets if secret]

    def __call__(self, message: str, *, level: str = "INFO", **facts: Fact) -> None:
        """One line."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        head = {"time": now, "process": os.getpid(), "level": level}
        line = text_line if sys.stderr.isatty() else json_line
        text = line(head, short_text(message, self._secrets), bounded(facts))
        with suppress(OSError):  # a full disk under the log is no reason to stop working
            click.echo(text, err=True)
