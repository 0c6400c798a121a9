"""What the commands share: their options, how they print, and how they are stopped."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import click
from click import Context, Parameter

from goldloop.errors import GoldloopError
from store.database import store_errors
from sync import terminal
from sync.project import Project, open_project

PORT = click.IntRange(1, 65535)


class _Usd(click.ParamType[Decimal]):
    """An amount of US dollars above 0, exactly as it is written."""

    name = "usd"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> Decimal:
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not (amount.is_finite() and amount > 0):
            self.fail(f"{value!r} is no amount above 0", param, ctx)
        return amount


USD = _Usd()
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")


class InOrder(click.Group):
    """Lists its commands in the order of the flow, and prints our errors in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """As they were written down."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error that a person can mend is one line and an exit code."""
        try:
            with store_errors():
                return super().invoke(ctx)
        except GoldloopError as error:
            if ctx.find_root().params.get("verbose"):
                traceback.print_exc()
            click.echo(f"goldloop: {error}", err=True)
            ctx.exit(error.exit_code)


def print_result(as_json: bool, machine: object, show: Callable[[], None]) -> None:
    """A result, for a program or for a person."""
    if as_json:
        terminal.print_json(machine)
    else:
        show()


def project_of(ctx: click.Context) -> Project:
    """The project that the command works in."""
    return open_project(ctx.obj)


def stopped_by_signal() -> Callable[[], bool]:
    """Says whether Ctrl-C or a termination signal came; the command ends in its own time."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop.is_set


def stop_on_terminate() -> None:
    """A termination signal ends the command as Ctrl-C does, so that everything is stopped."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
