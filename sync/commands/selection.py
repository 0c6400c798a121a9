"""Commands on batches and what they tell: select, estimate and plan."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from store.runs import named_version
from sync import terminal
from sync.commands.common import json_option, print_result, project_of
from sync.plan import plan_labels
from sync.preview import preview
from sync.project import Project
from sync.rank_pool import embedding
from sync.select_batch import Batch, select_batch
from sync.shown_selection import (
    show_batch,
    show_estimate,
    show_plan,
    show_preview,
)
from views.estimate import (
    NO_ESTIMATE,
    SLICES,
    estimate,
    question_of,
    read_grades,
)

_FIELD = click.option("--field", help="The question that says who was right; default: settings.")
_CORRECT = click.option(
    "--correct", multiple=True, help="An answer to it that means right; default: settings."
)
_VERSION = click.option("--version", "version", help="The agent version; default: settings.")


@click.command()
@click.option("--batch-size", type=click.IntRange(1), help="Samples to pick; default: settings.")
@click.option("--dry-run", is_flag=True, help="Show what would be picked; write nothing.")
@json_option
@click.pass_context
def select(ctx: click.Context, batch_size: int | None, dry_run: bool, as_json: bool) -> None:
    """Pick a batch: 70% the most uncertain, 30% at random, a boost for what is novel.

    --dry-run shows what it covers, and what hard and soft rounds promise: failures found, and how
    narrow the interval of goldloop estimate will be. Example: goldloop select --dry-run
    """
    project = project_of(ctx)
    if not dry_run:
        batch = selected(project, batch_size)
        print_result(as_json, asdict(batch), lambda: show_batch(batch))
        return
    db, settings = project.open_store(), project.settings.selection
    version = named_version(db, project.settings.agent)
    size = batch_size or settings.batch_size
    with terminal.busy("trying out a round"):
        tried = preview(db, version, settings, size, embedding(project))
    record = asdict(tried)
    record = {**record.pop("batch"), **record}
    print_result(as_json, record, lambda: show_preview(tried))


def selected(project: Project, batch_size: int | None) -> Batch:
    """A new round of the agent version in use."""
    db, settings = project.open_store(), project.settings.selection
    version = named_version(db, project.settings.agent)
    size = batch_size or settings.batch_size
    with terminal.busy("selecting"):
        return select_batch(db, version, settings, size, embed=embedding(project))


@click.command("estimate")
@click.option("--by", type=click.Choice(SLICES), help="Also every tag or difficulty by itself.")
@_FIELD
@_CORRECT
@_VERSION
@click.option(
    "--grades",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help='JSONL grades of the version\'s own runs: {"sample_id": ..., "correct": true}.',
)
@json_option
@click.pass_context
def estimate_command(
    ctx: click.Context,
    by: str | None,
    field: str | None,
    correct: tuple[str, ...],
    version: str | None,
    grades: Path | None,
    as_json: bool,
) -> None:
    """Estimate how good the agent is on the whole pool, from the labels that stand.

    Each label counts by the chance that it had to be picked, so that a set picked to find failures
    gives a number for all, with its 95% interval. Exits with 3 when there is no number yet.
    Example: goldloop estimate --by tag
    """
    project = project_of(ctx)
    db = project.open_store()
    question = question_of(project, db, field, correct)
    version = version or named_version(db, project.settings.agent)
    given = None if grades is None else read_grades(grades)
    with terminal.busy("estimating"):
        found = estimate(db, version, question, by=by, given=given)
    print_result(as_json, found.record(), lambda: show_estimate(found))
    ctx.exit(0 if found.estimate.value is not None else NO_ESTIMATE)


@click.command()
@click.option(
    "--half-width",
    type=click.FloatRange(0.0, 0.5, min_open=True),
    default=0.03,
    show_default=True,
    help="Of the 95% interval for the whole pool; 0.03 is ±3 points.",
)
@click.option(
    "--per-tag",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="Labels of every tag; 0: tags are left out.",
)
@click.option(
    "--compare",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Labels in all, to compare two versions.",
)
@_FIELD
@_CORRECT
@_VERSION
@json_option
@click.pass_context
def plan(
    ctx: click.Context,
    half_width: float,
    per_tag: int,
    compare: int,
    field: str | None,
    correct: tuple[str, ...],
    version: str | None,
    as_json: bool,
) -> None:
    """Say how many more labels are lacking, and how long people are busy with them.

    The time of an answer is the median of those given so far. Example: goldloop plan --per-tag 30
    """
    project = project_of(ctx)
    db = project.open_store()
    made = plan_labels(
        db,
        version or named_version(db, project.settings.agent),
        project.settings.selection,
        question_of(project, db, field, correct),
        project.settings.label_studio.annotators_per_task,
        half_width=half_width,
        per_tag=per_tag,
        compare=compare,
    )
    print_result(as_json, made.record(), lambda: show_plan(made))
