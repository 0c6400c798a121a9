"""Commands from samples to tasks: import, run, select and push."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from store.rounds import undelivered_rounds
from store.runs import named_version
from sync import terminal
from sync.commands.common import json_option, print_result, project_of
from sync.import_records import bytes_in, import_files
from sync.project import Project
from sync.push import push_rounds
from sync.run_agent import run_samples, score_recorded
from sync.select_batch import Batch, select_batch
from sync.shown import show_batch


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--update", is_flag=True, help="Replace samples that changed and are not labelled.")
@click.option("--skip-invalid", is_flag=True, help="Leave bad records out instead of stopping.")
@json_option
@click.pass_context
def import_command(
    ctx: click.Context, files: tuple[Path, ...], update: bool, skip_invalid: bool, as_json: bool
) -> None:
    """Put samples and recorded runs from JSONL or JSON files into the pool.

    Reads our own shape, OpenAI chat messages and tau-bench trajectories. Repeating an import
    changes nothing. Example: goldloop import runs.jsonl
    """
    db = project_of(ctx).open_store()
    with terminal.progress("reading bytes", bytes_in(files)) as meter:
        done = import_files(
            db, files, terminal.say, update=update, skip_invalid=skip_invalid, on_read=meter
        )
    counts = {key: done.counts[key] for key in ("added", "updated", "unchanged", "runs")}
    if as_json:
        terminal.print_json({**counts, "skipped": done.bad})
        return
    terminal.result(
        f"{counts['added']} samples added, {counts['updated']} updated, "
        f"{counts['unchanged']} unchanged; {counts['runs']} recorded runs; {done.bad} skipped"
    )


@click.command()
@click.option("--retry-errors", is_flag=True, help="Also run again what failed before.")
@click.option("--limit", type=click.IntRange(1), help="Run at most this many samples.")
@json_option
@click.pass_context
def run(ctx: click.Context, retry_errors: bool, limit: int | None, as_json: bool) -> None:
    """Run the agent on every sample that it has not run on yet.

    What was run stays; a stopped run goes on where it was. For recorded runs it works out the
    confidences that can be. Exits with 1 when samples failed. Example: goldloop run --limit 100
    """
    project = project_of(ctx)
    db = project.open_store()
    version = named_version(db, project.settings.agent)
    if project.settings.agent.kind == "recorded":
        counts = score_recorded(db, version)
    else:
        from agents.from_settings import agent_from_settings  # the models' SDK loads slowly

        agent = agent_from_settings(project.settings, project.folder, version)
        with terminal.progress(f"running {version}", limit) as meter:
            counts = run_samples(
                db,
                agent,
                project.settings.agent.concurrency,
                retry=retry_errors,
                limit=limit,
                on_done=meter,
            )
    if as_json:
        terminal.print_json({"agent_version": version, **counts})
    else:
        found = ", ".join(f"{value} {key.replace('_', ' ')}" for key, value in counts.items())
        terminal.result(f"{version}: {found or 'nothing to run'}")
    ctx.exit(1 if counts["errors"] else 0)


@click.command()
@click.option("--batch-size", type=click.IntRange(1), help="Samples to pick; default: settings.")
@click.option("--dry-run", is_flag=True, help="Show what would be picked; write nothing.")
@json_option
@click.pass_context
def select(ctx: click.Context, batch_size: int | None, dry_run: bool, as_json: bool) -> None:
    """Pick a batch: 70% the most uncertain, 30% at random, a boost for novel tool paths.

    Example: goldloop select --batch-size 20 --dry-run
    """
    batch = _select(project_of(ctx), batch_size, dry_run)
    print_result(as_json, asdict(batch), lambda: show_batch(batch))


def _select(project: Project, batch_size: int | None, dry_run: bool = False) -> Batch:
    db = project.open_store()
    selection = project.settings.selection
    version = named_version(db, project.settings.agent)
    return select_batch(db, version, selection, batch_size or selection.batch_size, dry_run=dry_run)


@click.command()
@click.option("--batch-size", type=click.IntRange(1), help="Select a batch of this size first.")
@json_option
@click.pass_context
def push(ctx: click.Context, batch_size: int | None, as_json: bool) -> None:
    """Deliver what was selected to Label Studio, with the agent's runs as predictions.

    Safe to repeat at any time: what arrived is not sent again. With --batch-size it selects and
    pushes in one go, unless an earlier round still has to be delivered: then it finishes that one.
    Example: goldloop push --batch-size 20
    """
    project = project_of(ctx)
    db = project.open_store()
    if batch_size and undelivered_rounds(db):
        terminal.say("an earlier round was not delivered; finishing that one, selecting nothing")
    elif batch_size:
        batch = _select(project, batch_size)
        terminal.say(f"round {batch.round_id}: {len(batch.picks)} of {batch.pool_size} picked")
    with terminal.progress("pushing tasks", None) as meter:
        delivery = push_rounds(project, db, meter)
    if as_json:
        terminal.print_json(asdict(delivery))
        return
    url = project.settings.label_studio.url.rstrip("/")
    terminal.result(
        f"project {delivery.project_id}: {delivery.sent} tasks sent, {delivery.found} found there "
        f"from an earlier try, {delivery.doubles_removed} doubles removed, "
        f"{delivery.checks} gold checks asked\n"
        f"label at {url}/projects/{delivery.project_id}"
    )
