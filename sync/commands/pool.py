"""Commands from samples to tasks: import, run, cost and push."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

import click

from goldloop.errors import SettingsError
from goldloop.prices import shown_usd
from store.database import Store
from store.rounds import count_undelivered, undelivered_rounds
from store.runs import named_version
from store.samples import count_without_run
from sync import terminal
from sync.budget import Budget, budget_of
from sync.commands.common import USD, json_option, print_result, project_of
from sync.commands.selection import selected
from sync.cost import costs
from sync.import_records import bytes_in, import_files
from sync.project import Project
from sync.push import push_rounds
from sync.run_agent import run_samples
from sync.score_recorded import score_recorded
from sync.shown_costs import cost_record, show_costs, show_stopped
from sync.shown_gate_review import show_pushed_gate

# What run exits with when its money did not reach for all samples.
STOPPED = 3


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
    with terminal.progress("reading", bytes_in(files), of_bytes=True) as meter:
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
@click.option("--max-usd", type=USD, help="Stop before this command spends more than so much.")
@json_option
@click.pass_context
def run(
    ctx: click.Context,
    retry_errors: bool,
    limit: int | None,
    max_usd: Decimal | None,
    as_json: bool,
) -> None:
    """Run the agent on every sample that it has not run on yet.

    What was run stays; a stopped run goes on where it was. For recorded runs it works out the
    confidences that can be. Exits with 1 when samples failed, and with 3 when it stopped at
    --max-usd with samples left. Example: goldloop run --limit 100
    """
    project = project_of(ctx)
    db = project.open_store()
    version = named_version(db, project.settings.agent)
    budget, left = None, 0
    if project.settings.agent.kind == "recorded":
        if max_usd is not None:
            raise SettingsError("recorded runs are not paid for; leave out --max-usd")
        with terminal.busy("working out confidences"):
            counts = score_recorded(db, version, project.settings.confidence)
    else:
        if max_usd is not None:
            budget = budget_of(db, project.settings, version, max_usd)
        counts = _ask(project, db, version, retry_errors, limit, budget)
    if budget is not None and budget.refused is not None:
        left = count_without_run(db, version, retry_errors)
    spent = {} if budget is None else {"usd": shown_usd(budget.spent), "left": left}
    if as_json:
        terminal.print_json({"agent_version": version, **counts, **spent})
    else:
        found = [f"{value} {key.replace('_', ' ')}" for key, value in counts.items()]
        found += [] if budget is None else [f"{shown_usd(budget.spent)} USD"]
        terminal.result(f"{version}: {', '.join(found) or 'nothing to run'}")
    if budget is not None and left:
        show_stopped(budget, left)
    ctx.exit(STOPPED if left else 1 if counts["errors"] else 0)


def _ask(
    project: Project,
    db: Store,
    version: str,
    retry: bool,
    limit: int | None,
    budget: Budget | None,
) -> Counter[str]:
    from agents.from_settings import agent_from_settings  # the models' SDK loads slowly

    concurrency = project.settings.agent.concurrency
    todo = count_without_run(db, version, retry)
    total = todo if limit is None else min(limit, todo)
    with (
        closing(agent_from_settings(project.settings, project.folder, version)) as agent,
        terminal.progress(f"running {version}", total) as meter,
    ):
        return run_samples(
            db, agent, concurrency, retry=retry, limit=limit, budget=budget, on_done=meter
        )


@click.command()
@json_option
@click.pass_context
def cost(ctx: click.Context, as_json: bool) -> None:
    """Show the tokens and the money that each agent version took, by the [prices] of the settings.

    Counted is everything that was asked for a run: retries, and what its confidence was made of.
    Runs of which nobody counted the tokens are shown, and in no sum. Example: goldloop cost
    """
    project = project_of(ctx)
    found = costs(project.open_store(), project.settings.agent, project.settings.prices)
    print_result(as_json, [cost_record(one) for one in found], lambda: show_costs(found))


@click.command()
@click.option("--batch-size", type=click.IntRange(1), help="Select a batch of this size first.")
@click.option(
    "--from-gate",
    "evaluation",
    metavar="RUN",
    type=click.IntRange(1),
    help="Send the cases instead that the newest gate of this evaluation found regressed.",
)
@click.option(
    "--recovered", is_flag=True, help="With --from-gate: also those that it found recovered."
)
@json_option
@click.pass_context
def push(
    ctx: click.Context,
    batch_size: int | None,
    evaluation: int | None,
    recovered: bool,
    as_json: bool,
) -> None:
    """Deliver what was selected to Label Studio, with the agent's runs as predictions.

    Safe to repeat at any time: what arrived is not sent again. With --batch-size it selects and
    pushes in one go, unless an earlier round still has to be delivered: then it finishes that one.
    With --from-gate people judge what the candidate did on the flipped cases, in a project of its
    own; goldloop gate-review shows what they say. Example: goldloop push --batch-size 20
    """
    if batch_size and evaluation:
        raise click.UsageError("--batch-size and --from-gate exclude each other; give one of them")
    if recovered and not evaluation:
        raise click.UsageError("--recovered goes with --from-gate RUN")
    project = project_of(ctx)
    db = project.open_store()
    if evaluation:
        from sync.push_gate import push_from_gate  # scipy loads slowly

        done = push_from_gate(project, db, evaluation, recovered=recovered)
        print_result(as_json, asdict(done), lambda: show_pushed_gate(done))
        return
    if batch_size and undelivered_rounds(db):
        terminal.say("an earlier round was not delivered; finishing that one, selecting nothing")
    elif batch_size:
        batch = selected(project, batch_size)
        terminal.say(f"round {batch.round_id}: {len(batch.picks)} of {batch.pool_size} picked")
    with terminal.progress("pushing tasks", count_undelivered(db)) as meter:
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
