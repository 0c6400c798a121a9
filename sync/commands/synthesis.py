"""Commands on synthetic samples: generate, and what became of each batch."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import click

from goldloop.errors import AgentError, SettingsError
from goldloop.prices import shown_usd
from goldloop.synthesis.values import REASONS, STAGES
from store.database import Store
from store.synthesis import STOPPED, UNCHECKED, accept_batch, get_batch, list_batches
from sync import terminal
from sync.commands.common import USD, InOrder, json_option, print_result, project_of
from sync.commands.pool import STOPPED as OUT_OF_MONEY
from sync.commands.spot_check import check
from sync.project import Project
from sync.rank_pool import embedding
from sync.shown_synthesis import (
    reject_record,
    show_batches,
    show_generated,
    show_plan_of_batch,
    show_rejects,
    show_report,
)
from sync.synthesis_batch import check_money, judging_embedding, open_batch
from sync.synthesis_inputs import Asked, read_asked
from sync.synthesis_plan import planned
from sync.synthesis_report import batch_record, rejects, report, report_record

_FILE = click.Path(dir_okay=False, path_type=Path)
_BATCH = click.argument("batch", type=click.IntRange(1), required=False)
# In these bounds samples differ from each other and still make sense.
COOL, WARM = 0.8, 1.0


@click.command()
@click.option("--task", "task_file", type=_FILE, required=True, help="What the agent is there for.")
@click.option("--tools", "tools_file", type=_FILE, help="Its tools, as OpenAI defines them (JSON).")
@click.option("--count", type=click.IntRange(1, 100_000), default=200, show_default=True)
@click.option("--focus", is_flag=True, help="More where the agent fails or little is known of it.")
@click.option("--max-usd", type=USD, help="Stop before this command spends more than so much.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Default: the batch's own.")
@click.option("--new", is_flag=True, help="Start another batch, and leave an unfinished one.")
@click.option("--dry-run", is_flag=True, help="Show the grid and the highest cost; ask nothing.")
@json_option
@click.pass_context
def generate(
    ctx: click.Context,
    task_file: Path,
    tools_file: Path | None,
    count: int,
    focus: bool,
    max_usd: Decimal | None,
    seed: int | None,
    new: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Let a model write samples, and throw the bad ones out before a person sees them.

    The task file says what the agent is there for: TOML with description, policy (or policy_file),
    language and [axes], or any text. A grid of difficulty, capability, persona, style and intent is
    filled evenly; the rules reject what is malformed, repeated or leaked, and the model solves the
    rest twice. Then people look at some: goldloop synthesis check.

    The same command goes on where it was stopped and pays for nothing twice. Exits with 1 when the
    endpoint fails or no sample is left, and with 3 when it stopped at --max-usd.
    Example: goldloop generate --task task.toml --tools tools.json --count 200
    """
    project = project_of(ctx)
    asked = read_asked(project.settings, task_file, tools_file, count, seed=seed, focus=focus)
    _warn_of_temperature(project)
    db = project.open_store()
    if dry_run:
        plan = planned(project, db, asked)
        print_result(as_json, plan.record(), lambda: show_plan_of_batch(plan))
        return
    with _going_on_later(ctx):
        code = _generate(project, db, asked, max_usd, new=new, as_json=as_json)
    ctx.exit(code)


def _warn_of_temperature(project: Project) -> None:
    temperature = project.settings.synthesis.temperature
    if not COOL <= temperature <= WARM:
        terminal.say(
            f"warning: [synthesis] temperature is {temperature}; below {COOL} samples repeat each "
            f"other, and above {WARM} they fall apart"
        )


def _generate(
    project: Project, db: Store, asked: Asked, limit: Decimal | None, *, new: bool, as_json: bool
) -> int:
    """Fill the batch and say what came of it; the exit code."""
    from agents.synthesis import synthesis_model  # the models' SDK loads slowly
    from sync.generate import generate as fill_batch

    check_money(project.settings, asked.model, limit)
    # Before a batch is made: what the settings lack is refused.
    synthesis_model(project.settings).close()
    judging_embedding(project)
    batch, goes_on = open_batch(project, db, asked, new=new)
    what = "going on with" if goes_on else "starting"
    terminal.say(f"{what} batch {batch.batch}: {batch.count} samples by {batch.model}")
    try:
        done = fill_batch(project, db, batch, limit=limit, progress=terminal.progress)
    except AgentError as error:
        raise AgentError(f"{error}; what was written is kept: the same command goes on") from error
    found = report(db, batch.batch)
    spent = None if done.spent is None else shown_usd(done.spent)
    record = {**report_record(found), "spent_usd": spent, "finished": done.finished}
    print_result(as_json, record, lambda: show_generated(found, done.spent, done.finished))
    if not done.finished:
        needed = "" if done.short is None else f": the next call may cost {shown_usd(done.short)}"
        terminal.say(f"stopped at --max-usd{needed}; the same command goes on")
        return OUT_OF_MONEY
    return 0 if found.funnel.kept or found.funnel.needs_human else 1


@contextmanager
def _going_on_later(ctx: click.Context) -> Iterator[None]:
    """Ctrl-C and a termination signal end the block in order, and the command with 128 and the
    signal's number. The event loop knows how to stop at Ctrl-C, so the other signal becomes one.
    """
    code = 128 + signal.SIGINT

    def terminated(*_: object) -> None:
        nonlocal code
        code = 128 + signal.SIGTERM
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, terminated)
    try:
        yield
    except KeyboardInterrupt:
        terminal.say("stopped; what was written is kept, and the same command goes on")
        ctx.exit(code)
    finally:
        signal.signal(signal.SIGTERM, before)


@click.group(cls=InOrder)
def synthesis() -> None:
    """See what became of generated samples, have people check them, and take them into the pool.

    Example: goldloop synthesis report
    """


@synthesis.command("list")
@json_option
@click.pass_context
def list_command(ctx: click.Context, as_json: bool) -> None:
    """List the batches, oldest first.

    Example: goldloop synthesis list
    """
    found = list_batches(project_of(ctx).open_store())
    print_result(as_json, [batch_record(one) for one in found], lambda: show_batches(found))


@synthesis.command("report")
@_BATCH
@json_option
@click.pass_context
def report_command(ctx: click.Context, batch: int | None, as_json: bool) -> None:
    """Show rejection rates by stage, prompt, model, difficulty and tag, with the cost of each kept
    sample; of one batch also how diverse it is beside the pool.

    Example: goldloop synthesis report 3
    """
    project = project_of(ctx)
    found = report(project.open_store(), batch, embedding(project))
    print_result(as_json, report_record(found), lambda: show_report(found))


@synthesis.command("rejects")
@_BATCH
@click.option("--stage", type=click.Choice(STAGES), help="Only what this stage rejected.")
@click.option(
    "--reason",
    type=click.Choice([reason for reasons in REASONS.values() for reason in reasons]),
    metavar="REASON",
    help="Only for this reason, such as near_duplicate.",
)
@json_option
@click.pass_context
def rejects_command(
    ctx: click.Context, batch: int | None, stage: str | None, reason: str | None, as_json: bool
) -> None:
    """List what was turned down and why, and what waits for a person.

    Example: goldloop synthesis rejects 3 --stage rules
    """
    found = rejects(project_of(ctx).open_store(), batch, stage, reason)
    print_result(as_json, [reject_record(one) for one in found], lambda: show_rejects(found))


synthesis.add_command(check)


@synthesis.command("accept")
@click.argument("batch", type=click.IntRange(1))
@click.option("--unchecked", is_flag=True, help="Say that nobody checked it.")
@json_option
@click.pass_context
def accept(ctx: click.Context, batch: int, unchecked: bool, as_json: bool) -> None:
    """Take a batch into the pool without a spot check; its samples are marked as unchecked.

    What waits for a person stays out. Example: goldloop synthesis accept 3 --unchecked
    """
    if not unchecked:
        _refuse_unchecked(batch)
    db = project_of(ctx).open_store()
    found = get_batch(db, batch)
    if found.state == STOPPED:
        raise SettingsError(f"people stopped batch {batch}; it cannot be accepted any more")
    added = accept_batch(db, batch, UNCHECKED)
    record = {"batch": batch, "added": added, "accepted": get_batch(db, batch).how}
    print_result(
        as_json,
        record,
        lambda: terminal.result(f"batch {batch}: {added} samples added to the pool, unchecked"),
    )


def _refuse_unchecked(batch: int) -> NoReturn:
    raise SettingsError(
        f"people decide about batch {batch}: goldloop synthesis check {batch}; to take it without"
        " them, say --unchecked"
    )
