"""The command that learns what confidence is worth: calibrate."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import click

from store.database import Store
from store.tasks import review_project
from sync import terminal
from sync.calibrate import Calibration, calibrate
from sync.commands.common import json_option, project_of
from sync.project import Project
from sync.refresh_scores import Refreshed, refresh_scores
from sync.reliability_plot import save_plots
from sync.shown_calibration import show_calibration, show_refreshed

# For scripts: nothing is wrong, and yet the confidence is what the agent says.
NOT_CALIBRATED = 3


@click.command("calibrate")
@click.option("--dry-run", is_flag=True, help="Fit and show; keep nothing, refresh nothing.")
@click.option(
    "--plot",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a reliability plot of each calibrator into this folder, as PNG and SVG.",
)
@json_option
@click.pass_context
def calibrate_command(ctx: click.Context, dry_run: bool, plot: Path | None, as_json: bool) -> None:
    """Learn from the labels how often the agent is right at each confidence.

    From 50 labels on, 10 of them right and 10 wrong, each agent version and method gets a
    calibrator. Scores of open tasks in Label Studio are refreshed, so that its queue follows. Exits
    with 3 when the agent version in use has none yet. Example: goldloop calibrate --plot plots
    """
    project = project_of(ctx)
    db = project.open_store()
    done = calibrate(project, db, None, dry_run=dry_run, progress=terminal.progress)
    written = [] if plot is None else _plots(plot, done)
    if not as_json:
        show_calibration(done, dry_run=dry_run)
    for path in written:
        terminal.say(f"written: {path}")
    # After the table, since Label Studio may be away; what was fitted is kept all the same.
    if not dry_run and review_project(db) is not None:
        done = replace(done, refreshed=_refresh(project, db))
    if as_json:
        terminal.print_json({**asdict(done), "plots": [str(path) for path in written]})
    elif done.refreshed is not None:
        show_refreshed(done.refreshed)
    ctx.exit(0 if done.calibrated else NOT_CALIBRATED)


def _refresh(project: Project, db: Store) -> Refreshed | None:
    what = "refreshing scores in Label Studio"
    with terminal.progress(what, None) as meter, project.client() as client:
        done = refresh_scores(project, db, client, on_done=meter)
    if done is None:
        terminal.say(
            "a push or the worker is at work in Label Studio; run the same command again after it"
        )
    return done


def _plots(folder: Path, done: Calibration) -> list[Path]:
    return [
        path
        for one in done.outcomes
        if one.report is not None
        for path in save_plots(folder, one.agent_version, one.method, one.report)
    ]
