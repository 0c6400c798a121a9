"""Commands that evaluate an agent on a dataset version: evaluate and runs."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from goldloop.errors import RecordError, VersionError
from goldloop.samples import DIFFICULTIES
from sync import terminal
from sync.commands.common import (
    USD,
    json_option,
    print_result,
    project_of,
    stop_on_terminate,
)

if TYPE_CHECKING:  # they load slowly
    from goldloop.evaluation import Evaluation
    from goldloop.evaluation.summary import Summary
    from sync.evaluate import Evaluated

# What evaluate exits with when its money did not reach, or too many cases came to nothing.
NO_VERDICT = 3
ENDINGS = (".json", ".md", ".html", ".xml")

_outputs = click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write a file: .json for gate, .md, .html or .xml (JUnit) to read; again for more.",
)
_force = click.option("--force", is_flag=True, help="Replace files that exist.")


@click.command()
@click.option("--dataset", metavar="NAME@VERSION", help="What to evaluate on; else the newest.")
@click.option("--agent", metavar="KIND[:TARGET]", help="As [agent] kind, such as openai:MODEL.")
@click.option("--agent-version", metavar="NAME", help="The name that the agent's runs are kept by.")
@click.option(
    "--runs-file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Ask no agent: grade the runs in this JSONL file.",
)
@click.option("--from", "again", type=int, metavar="RUN", help="Grade again what was done there.")
@click.option("-k", "--runs-per-case", type=click.IntRange(1, 100), help="Runs on each case.")
@click.option(
    "--graders",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="The file of graders (TOML or JSON).",
)
@click.option("--branch", metavar="NAME", help="Else the branch that is checked out.")
@click.option("-m", "--message", metavar="TEXT", help="What is new about this agent.")
@click.option("--tag", "tags", multiple=True, help="Only cases with this tag; again for more.")
@click.option("--difficulty", "difficulties", multiple=True, type=click.Choice(DIFFICULTIES))
@click.option("--max-usd", type=USD, help="Stop before the agent spends more; judges count too.")
@click.option("--retry", is_flag=True, help="Make again what came to nothing in the last try.")
@click.option("--new", is_flag=True, help="Begin anew instead of going on with an unfinished one.")
@_outputs
@_force
@json_option
@click.pass_context
def evaluate(
    ctx: click.Context,
    dataset: str | None,
    agent: str | None,
    agent_version: str | None,
    runs_file: Path | None,
    again: int | None,
    runs_per_case: int | None,
    graders: Path | None,
    branch: str | None,
    message: str | None,
    tags: tuple[str, ...],
    difficulties: tuple[str, ...],
    max_usd: Decimal | None,
    retry: bool,
    new: bool,
    outputs: tuple[Path, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Run the agent on every case of a dataset version, and grade what it does.

    A stopped evaluation goes on where it was, and pays for nothing twice. A case on which the agent
    or a grader fails is an error and no failure. Exits with 3 when --max-usd did not reach for all
    cases, or when more cases came to nothing than [evaluation] max_errors allows; with 2 for wrong
    settings or graders, with 1 for a version, run or file that cannot be read, and with 130 when it
    was interrupted.
    Example: goldloop evaluate --dataset golden@1.0.0 --agent openai:gpt-4.1-mini-2025-04-14
    """
    from agents.grading import Grading
    from sync.evaluation_agent import with_agent
    from sync.evaluation_contest import Choice, contest_of, hold
    from sync.evaluation_inputs import store_of

    _refuse_outputs(outputs, force=force)
    stop_on_terminate()
    project = with_agent(project_of(ctx), agent, agent_version)
    choice = Choice(
        dataset=dataset,
        agent_version=agent_version,
        runs_per_case=runs_per_case,
        graders=graders,
        branch=branch,
        message=message,
        tags=tags,
        difficulties=difficulties,
        runs_file=runs_file,
        again=again,
    )
    with Grading(project.settings, project.folder) as grading:
        db = store_of(project)
        contest = contest_of(project, db, grading, choice)
        done = hold(project, db, contest, grading, max_usd=max_usd, retry=retry, new=new)
    _write(outputs, done.evaluation, done.summary, force=force)
    _show(done, as_json=as_json)
    most = project.settings.evaluation.max_errors
    _explain(done, most)
    ctx.exit(NO_VERDICT if done.left or done.error_share > most else 0)


def _refuse_outputs(outputs: tuple[Path, ...], *, force: bool) -> None:
    """Before anything is paid for."""
    from sync.page import refuse_existing

    for path in outputs:
        if path.suffix not in ENDINGS:
            raise VersionError(f"{path} must end in {', '.join(ENDINGS)}")
        refuse_existing(path, force=force)


def _write(
    outputs: tuple[Path, ...], evaluation: Evaluation, summary: Summary, *, force: bool
) -> None:
    from sync.evaluation_file import ENDING, write_evaluation

    for path in outputs:
        if path.suffix == ENDING:
            write_evaluation(path, evaluation, force=force)
        else:
            from sync.evaluation_report import write_evaluation_report

            write_evaluation_report(path, evaluation, summary, force=force)
        terminal.say(f"{path} written")


def _show(done: Evaluated, *, as_json: bool) -> None:
    from sync.shown_evaluation import show_summary, summary_record

    more = {"found": done.found, "made": done.made, "left": done.left}
    print_result(
        as_json,
        summary_record(done.evaluation, done.summary, more),
        lambda: show_summary(done.evaluation, done.summary, f" (evaluation {done.evaluation_id})"),
    )


def _explain(done: Evaluated, most: float) -> None:
    """Why there is no verdict, and how to go on."""
    if done.left:
        terminal.say(
            f"stopped at --max-usd: {done.left} runs are left; the same command with more money "
            "goes on"
        )
    elif done.error_share > most:
        terminal.say(
            f"{done.summary.whole.errors} of {done.summary.whole.cases} cases came to nothing, "
            f"more than [evaluation] max_errors = {most:g} allows; make them again with --retry"
        )


@click.command()
@click.argument("number", metavar="[RUN]", type=int, required=False)
@click.option("--dataset", metavar="NAME", help="Only evaluations on this dataset.")
@click.option("--agent-version", metavar="NAME", help="Only those of this agent version.")
@click.option("--branch", metavar="NAME", help="Only those of this branch.")
@click.option("--limit", type=click.IntRange(1), default=20, help="Only the newest (20).")
@_outputs
@_force
@json_option
@click.pass_context
def runs(
    ctx: click.Context,
    number: int | None,
    dataset: str | None,
    agent_version: str | None,
    branch: str | None,
    limit: int,
    outputs: tuple[Path, ...],
    force: bool,
    as_json: bool,
) -> None:
    """List the evaluations over versions and agents, newest last, or show one of them.

    The change is to the evaluation before on the same cases with the same graders. With RUN: its
    figures, its worst slices, and the cases that failed. Exits with 1 for a RUN that is not there.
    Example: goldloop runs 7 -o run-7.html
    """
    if number is None and outputs:
        raise click.UsageError("-o writes one evaluation; name it by RUN")
    if number is not None:
        _one(ctx, number, outputs, force=force, as_json=as_json)
        return
    from store.evaluations import get_evaluation, list_evaluations
    from sync.shown_evaluation import show_runs
    from views.evaluations import listed

    db = project_of(ctx).open_store()
    found = list_evaluations(db, dataset, agent_version, branch)
    pairs = [(one, get_evaluation(db, one.evaluation_id)) for one in found[-limit:]]
    rows = listed([(one, evaluation) for one, evaluation in pairs if evaluation is not None])
    print_result(as_json, [one.record() for one in rows], lambda: show_runs(rows))


def _one(
    ctx: click.Context, number: int, outputs: tuple[Path, ...], *, force: bool, as_json: bool
) -> None:
    from goldloop.evaluation.summary import summarise
    from store.evaluations import get_evaluation, stored_evaluation
    from sync.shown_evaluation import show_run
    from views.evaluations import failed_cases, stored_record

    _refuse_outputs(outputs, force=force)
    db = project_of(ctx).open_store()
    stored, evaluation = stored_evaluation(db, number), get_evaluation(db, number)
    if stored is None or evaluation is None:
        raise RecordError(f"there is no evaluation {number}; list them: goldloop runs")
    summary = summarise(evaluation)
    _write(outputs, evaluation, summary, force=force)
    record = {
        **stored_record(stored),
        **summary.record(),
        "notes": list(evaluation.notes),
        "failed": list(failed_cases(evaluation)),
    }
    print_result(as_json, record, lambda: show_run(evaluation, summary, stored))
