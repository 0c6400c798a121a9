"""The command `synthesis check`: people look at some of a batch, and decide about all of it."""

from __future__ import annotations

from dataclasses import asdict

import click

from sync.commands.common import json_option, print_result, project_of
from sync.shown_spot_check import show_spot_check
from sync.spot_check import check as check_batch

# What a script does next depends on it.
EXIT_CODES = {"accepted": 0, "open": 3, "stopped": 4}


@click.command()
@click.argument("batch", type=click.IntRange(1), required=False)
@json_option
@click.pass_context
def check(ctx: click.Context, batch: int | None, as_json: bool) -> None:
    """Let people look at a share of a batch, and accept or stop it by what they say.

    Sends the samples that were drawn to a Label Studio project of their own, with those that the
    consistency filter kept back, fetches what people answered, and decides once all of it is there.
    Repeat it whenever you like. Without BATCH it is the newest one that waits. Exit code: 0
    accepted, 3 still open, 4 stopped.
    Example: goldloop synthesis check
    """
    project = project_of(ctx)
    db = project.open_store()
    done = check_batch(project, db, batch)
    print_result(as_json, asdict(done), lambda: show_spot_check(done))
    ctx.exit(EXIT_CODES[done.result["decision"]])
