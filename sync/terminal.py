"""What a person reads in the terminal: progress on standard error, results on standard output."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from goldloop.printable import printable

PIPE_WIDTH = 250
# JSON itself escapes only the control characters below the space.
_STEERING = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}

_notes = Console(stderr=True, highlight=False)


class Meter(Protocol):
    """Counts what is done."""

    def __call__(self, done: int = 1) -> None: ...


def say(text: str) -> None:
    """A line for the person who waits."""
    _notes.print(escape(text), soft_wrap=True)


def result(text: str) -> None:
    """A line of the result."""
    click.echo(text)


def print_json(value: object) -> None:
    """The result for a machine, with no character that would steer a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=list)
    click.echo(text.translate(_STEERING))


def print_json_line(value: object) -> None:
    """The same on one line, at once, for a program that reads as it comes."""
    text = json.dumps(value, ensure_ascii=False, default=list)
    click.echo(text.translate(_STEERING))
    sys.stdout.flush()


def watch(show: Callable[[], None], seconds: float, stopped: Callable[[], bool]) -> None:
    """Show something anew every so many seconds, on a cleared screen where there is one."""

    def shown() -> None:
        if sys.stdout.isatty():
            click.clear()
        show()

    again_and_again(shown, seconds, stopped)


def again_and_again(do: Callable[[], None], seconds: float, stopped: Callable[[], bool]) -> None:
    """Do something at once and then every so many seconds, until `stopped` says so."""
    while not stopped():
        do()
        due = time.monotonic() + seconds
        while not stopped() and (left := due - time.monotonic()) > 0.0:
            time.sleep(min(left, 0.1))


class _Rate(ProgressColumn):
    """How many are done in a second, or in a minute where it is less than one."""

    def render(self, task: Task) -> Text:
        """The rate of the last half minute."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else rate(speed), style="progress.data.speed")


def rate(speed: float) -> str:
    """A number of things a second, as short as it can be read.

    >>> rate(12345.6), rate(3.21), rate(0.05)
    ('12,346/s', '3.2/s', '3.0/min')
    """
    if speed >= 10.0:
        return f"{speed:,.0f}/s"
    return f"{speed:.1f}/s" if speed >= 1.0 else f"{60.0 * speed:.1f}/min"


@contextmanager
def progress(what: str, total: int | None, *, of_bytes: bool = False) -> Iterator[Meter]:
    """A progress bar with the rate while the block runs, and with the time left, or where nobody
    knows how much there is, the time that it took so far; silent where nobody watches.
    """
    counts = (
        (DownloadColumn(), TransferSpeedColumn()) if of_bytes else (MofNCompleteColumn(), _Rate())
    )
    time = TimeElapsedColumn() if total is None else TimeRemainingColumn()
    with _shown(BarColumn(), *counts, time) as bar:
        task = bar.add_task(what, total=total)

        def advance(done: int = 1) -> None:
            bar.advance(task, done)

        yield advance


@contextmanager
def busy(what: str) -> Iterator[None]:
    """What is being done and for how long already, of what has no steps to count."""
    with _shown(TimeElapsedColumn()) as shown:
        shown.add_task(what, total=None)
        yield


def _shown(*columns: ProgressColumn) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        *columns,
        console=_notes,
        transient=True,
        disable=not _notes.is_terminal,
    )


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """A table; numbers are set to the right, None is shown as a dash.

    In a narrow terminal cells are folded; in a file or a pipe nothing is cut.
    """
    rows = [list(row) for row in rows]
    if title:
        result(title)
    if not rows:
        return
    table = Table(box=SIMPLE_HEAD, header_style="bold", show_edge=False)
    for index, heading in enumerate(headings):
        numeric = all(isinstance(row[index], (int, float, type(None))) for row in rows)
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE_WIDTH)
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    return printable(str(value))
