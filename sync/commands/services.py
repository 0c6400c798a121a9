"""Commands that run beside Label Studio, and what they are at: webhook, serve, inbox, status."""

from __future__ import annotations

import os
from dataclasses import asdict, astuple
from typing import NoReturn

import click

from goldloop.errors import LabelStudioError
from store.inbox import hints_set_aside, retry_set_aside
from store.tasks import review_project
from sync import terminal
from sync.commands.common import (
    PORT,
    InOrder,
    json_option,
    print_result,
    project_of,
    stopped_by_signal,
)
from sync.commands.dashboard import dashboard_address
from sync.logs import Reporter
from sync.processes import backend_command, serve
from sync.project import Project
from sync.shown import show_set_aside, show_status
from sync.webhook import install_webhook, remove_webhook
from sync.worker import work
from views.status import status_of


@click.group(cls=InOrder)
def webhook() -> None:
    """Have Label Studio tell the backend at once what annotators do.

    It needs [backend] url, and GOLDLOOP_WEBHOOK_SECRET in .env. Without it, answers are found when
    the worker next looks. Example: goldloop webhook install
    """


@webhook.command("install")
@json_option
@click.pass_context
def webhook_install(ctx: click.Context, as_json: bool) -> None:
    """Make the project in Label Studio have exactly one webhook of ours, as it should be.

    Safe to repeat: what somebody changed is mended, and doubles go. push does this too.
    Example: goldloop webhook install
    """
    project = project_of(ctx)
    with project.client() as client:
        installed = install_webhook(project.settings, client, _pushed_project(project))
    print_result(as_json, asdict(installed), lambda: terminal.result(installed.says))


@webhook.command("remove")
@json_option
@click.pass_context
def webhook_remove(ctx: click.Context, as_json: bool) -> None:
    """Remove our webhooks, and the one that Label Studio made by itself for our backend.

    The next push installs it again while GOLDLOOP_WEBHOOK_SECRET is set.
    Example: goldloop webhook remove
    """
    project = project_of(ctx)
    with project.client() as client:
        removed = remove_webhook(project.settings, client, _pushed_project(project))
    print_result(
        as_json, {"removed": removed}, lambda: terminal.result(f"{removed} webhooks removed")
    )


def _pushed_project(project: Project) -> int:
    """The project that push made; raises LabelStudioError before the first push."""
    made = review_project(project.open_store())
    if made is None:
        raise LabelStudioError("Label Studio has no project of ours yet; first: goldloop push")
    return made.project_id


@click.command("serve")
@click.pass_context
def serve_command(ctx: click.Context) -> None:
    """Run the ML backend with the dashboard, and the worker, until Ctrl-C.

    Example: goldloop serve
    """
    project = project_of(ctx)
    host, port = project.settings.backend.host, project.settings.backend.port
    terminal.say(f"ML backend at http://{host}:{port}; Ctrl-C stops")
    terminal.say(f"dashboard at {dashboard_address(host, port)}")
    serve(project, None, stopped_by_signal())


@click.command()
@click.option("--host", help="Listen here; default: settings.")
@click.option("--port", type=PORT, help="Listen here; default: settings.")
@click.pass_context
def backend(ctx: click.Context, host: str | None, port: int | None) -> NoReturn:
    """Run the ML backend alone, under gunicorn.

    Example: goldloop backend --host 0.0.0.0 --port 9090
    """
    command = backend_command(project_of(ctx).folder, host, port)
    os.execv(command[0], command)  # noqa: S606 - becomes the backend, so that signals reach it


@click.command()
@click.pass_context
def worker(ctx: click.Context) -> None:
    """Run the worker alone: it pulls answers and updates consensus.

    Example: goldloop worker
    """
    project = project_of(ctx)
    work(project, Reporter(*astuple(project.settings.secrets)), stopped_by_signal())


@click.group(cls=InOrder)
def inbox() -> None:
    """What Label Studio told and the worker could not follow up.

    An event that fails five times is set aside; the next reconciliation finds what it was about.
    Example: goldloop inbox list
    """


@inbox.command("list")
@json_option
@click.pass_context
def inbox_list(ctx: click.Context, as_json: bool) -> None:
    """Show the events that were set aside, and why.

    Example: goldloop inbox list
    """
    found = hints_set_aside(project_of(ctx).open_store())
    print_result(as_json, [asdict(one) for one in found], lambda: show_set_aside(found))


@inbox.command("retry")
@click.argument("event_ids", nargs=-1, type=int)
@json_option
@click.pass_context
def inbox_retry(ctx: click.Context, event_ids: tuple[int, ...], as_json: bool) -> None:
    """Have the worker try these events again, or all that were set aside.

    Exits with 1 when one of EVENT_IDS is not among them. Example: goldloop inbox retry 17
    """
    tried = retry_set_aside(project_of(ctx).open_store(), event_ids)
    unknown = sorted({*event_ids} - {*tried})
    print_result(
        as_json, {"retried": tried}, lambda: terminal.result(f"{len(tried)} events to try again")
    )
    if unknown:
        terminal.say(f"not set aside: {', '.join(map(str, unknown))}; see: goldloop inbox list")
    ctx.exit(1 if unknown else 0)


@click.command()
@json_option
@click.option(
    "--watch",
    is_flag=False,
    flag_value=2.0,
    type=click.FloatRange(0.2, 3600),
    metavar="SECONDS",
    help="Show it anew every so many seconds (2 without a number) until Ctrl-C.",
)
@click.pass_context
def status(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show how much there is at every step of the loop, what waits for whom, and what to do next.

    With --json and --watch, one JSON object a line. Example: goldloop status --watch
    """
    project = project_of(ctx)
    db = project.open_store()
    if watch is None:
        found = status_of(project, db)
        print_result(as_json, found.record(), lambda: show_status(found))
        return
    stopped = stopped_by_signal()
    if as_json:
        terminal.again_and_again(
            lambda: terminal.print_json_line(status_of(project, db).record()), watch, stopped
        )
    else:
        terminal.watch(lambda: show_status(status_of(project, db)), watch, stopped)
