"""The command that compares judges with people: judge."""

from __future__ import annotations

from pathlib import Path

import click

from sync import terminal
from sync.commands.common import json_option, print_result, project_of
from views.version_folder import with_dataset


@click.command("judge")
@click.option(
    "--dataset",
    "reference",
    default="",
    metavar="NAME[@VERSION]",
    help="The dataset whose judges are meant; with a version, its cases alone are compared.",
)
@click.option(
    "--graders",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file of graders (TOML or JSON) instead of the dataset's own.",
)
@click.option("--grader", "name", metavar="NAME", help="One judge instead of all.")
@click.option("--again", is_flag=True, help="Ask for verdicts anew that were paid for before.")
@json_option
@click.pass_context
def judge_command(
    ctx: click.Context,
    reference: str,
    graders: Path | None,
    name: str | None,
    again: bool,
    as_json: bool,
) -> None:
    """Compare judges with people: do they say the same of the runs that people labelled?

    Each judge grades the very runs that annotators were shown. How far it agrees with the labels
    that stand (Cohen's kappa) goes into versions/NAME/judges.json; a gate lets no judge block that
    is not proven there. What was judged is kept, so the same command goes on where it was stopped.
    Exits with 0 when every judge is proven, 3 when one is not, 1 without a labelled run or when a
    judge fails, and 2 for a wrong setting. Example: goldloop judge --dataset golden@1.0.0
    """
    # The models' SDK and what kappa is worked out by load slowly.
    from sync.judge_check import UNPROVEN, judge
    from sync.shown_judge import show_judged

    project = project_of(ctx)
    own = project.settings.dataset.name
    dataset, _, version = with_dataset(reference or own, own).partition("@")
    found = judge(
        project,
        project.open_store(),
        dataset,
        version or None,
        graders=graders,
        name=name,
        again=again,
        progress=terminal.progress,
    )
    print_result(as_json, found.record(), lambda: show_judged(found))
    ctx.exit(UNPROVEN if any(one.unproven for one in found.judges) else 0)
