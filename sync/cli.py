"""The command line: every command is a thin call of one verb, in the order of the flow."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click

from goldloop.errors import GoldloopError
from store.annotations import people
from store.consensus import stored_consensus
from store.rounds import undelivered_rounds
from store.runs import named_version
from store.summary import summarise
from sync import terminal
from sync.commit import commit_version
from sync.consensus import update_consensus
from sync.disputes import list_disputes
from sync.doctor import diagnose
from sync.export import FORMATS, export_version, parse_reference
from sync.import_records import bytes_in, import_files
from sync.init import init_project
from sync.people import (
    agreement_by_field,
    agreement_by_pair,
    everything_answered,
    reports,
)
from sync.processes import backend_command, serve
from sync.project import Project, open_project
from sync.pull import pull as pull_answers
from sync.push import push_rounds
from sync.route import route_disputes
from sync.run_agent import run_samples, score_recorded
from sync.select_batch import Batch, select_batch
from sync.shown import (
    show_agreement,
    show_annotators,
    show_batch,
    show_commit,
    show_consensus,
    show_disputes,
    show_finding,
    show_pairs,
    show_routed,
    show_status,
    show_versions,
)
from sync.version_folder import dataset_names, read_manifest, version_names
from sync.worker import work

PORT = click.IntRange(1, 65535)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")


class InOrder(click.Group):
    """Lists its commands in the order of the flow, and prints our errors in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """As they were written down."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error that a person can mend is one line and an exit code."""
        try:
            return super().invoke(ctx)
        except GoldloopError as error:
            click.echo(f"goldloop: {error}", err=True)
            ctx.exit(error.exit_code)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="goldloop", prog_name="goldloop")
@click.option(
    "-C",
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Work in this folder instead of the current one.",
)
@click.pass_context
def main(ctx: click.Context, directory: Path) -> None:
    """From an AI agent's doubtful runs to a golden evaluation set, labelled in Label Studio.

    The commands stand in the order of the loop.
    """
    ctx.obj = directory


def _print(as_json: bool, machine: object, show: Callable[[], None]) -> None:
    """A result, for a program or for a person."""
    if as_json:
        terminal.print_json(machine)
    else:
        show()


def _project(ctx: click.Context) -> Project:
    return open_project(ctx.obj)


@main.command()
@click.option("--simulate", is_flag=True, help="Let three simulated annotators label, and finish.")
@click.option("--data", type=click.Path(path_type=Path), help="Samples to use instead of ours.")
@click.option("--port", type=PORT, default=8080, show_default=True, help="Label Studio's port.")
@click.option(
    "--backend-port", type=PORT, default=9090, show_default=True, help="ML backend's port."
)
@click.option("--directory", "folder", type=click.Path(path_type=Path), help="Keep the demo here.")
def demo(
    simulate: bool, data: Path | None, port: int, backend_port: int, folder: Path | None
) -> None:
    """Try the whole loop on this machine with a real Label Studio.

    Example: goldloop demo --simulate
    """
    from sync.show_demo import show_demo  # a second of imports that no other command needs

    _stop_on_terminate()
    show_demo(simulate, data, port, backend_port, folder)


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.pass_context
def init(ctx: click.Context, folder: Path) -> None:
    """Make a project: goldloop.toml, .env.example and an empty store.

    Example: goldloop init my-agent
    """
    for path in init_project(ctx.obj / folder):
        terminal.result(f"wrote {path}")
    terminal.say("next: put LABEL_STUDIO_API_KEY into .env, then: goldloop doctor")


@main.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check settings, store, Label Studio and ML backend, and say how to mend what is wrong.

    Exits with 1 when something is wrong. Example: goldloop doctor
    """
    findings = list(diagnose(ctx.obj))
    if as_json:
        terminal.print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            show_finding(finding)
    ctx.exit(1 if any(finding.ok is False for finding in findings) else 0)


@main.command("import")
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
    db = _project(ctx).open_store()
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


@main.command()
@click.option("--retry-errors", is_flag=True, help="Also run again what failed before.")
@click.option("--limit", type=click.IntRange(1), help="Run at most this many samples.")
@json_option
@click.pass_context
def run(ctx: click.Context, retry_errors: bool, limit: int | None, as_json: bool) -> None:
    """Run the agent on every sample that it has not run on yet.

    What was run stays; a stopped run goes on where it was. For recorded runs it works out the
    confidences that can be. Exits with 1 when samples failed. Example: goldloop run --limit 100
    """
    project = _project(ctx)
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


@main.command()
@click.option("--batch-size", type=click.IntRange(1), help="Samples to pick; default: settings.")
@click.option("--dry-run", is_flag=True, help="Show what would be picked; write nothing.")
@json_option
@click.pass_context
def select(ctx: click.Context, batch_size: int | None, dry_run: bool, as_json: bool) -> None:
    """Pick a batch: 70% the most uncertain, 30% at random, a boost for novel tool paths.

    Example: goldloop select --batch-size 20 --dry-run
    """
    batch = _select(_project(ctx), batch_size, dry_run)
    _print(as_json, asdict(batch), lambda: show_batch(batch))


def _select(project: Project, batch_size: int | None, dry_run: bool = False) -> Batch:
    db = project.open_store()
    selection = project.settings.selection
    version = named_version(db, project.settings.agent)
    return select_batch(db, version, selection, batch_size or selection.batch_size, dry_run=dry_run)


@main.command()
@click.option("--batch-size", type=click.IntRange(1), help="Select a batch of this size first.")
@json_option
@click.pass_context
def push(ctx: click.Context, batch_size: int | None, as_json: bool) -> None:
    """Deliver what was selected to Label Studio, with the agent's runs as predictions.

    Safe to repeat at any time: what arrived is not sent again. With --batch-size it selects and
    pushes in one go, unless an earlier round still has to be delivered: then it finishes that one.
    Example: goldloop push --batch-size 20
    """
    project = _project(ctx)
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
        f"from an earlier try, {delivery.doubles_removed} doubles removed\n"
        f"label at {url}/projects/{delivery.project_id}"
    )


@main.command()
@click.option("--full", is_flag=True, help="Fetch every task, not only those that changed.")
@json_option
@click.pass_context
def pull(ctx: click.Context, full: bool, as_json: bool) -> None:
    """Fetch the annotations and update the consensus of what changed.

    Example: goldloop pull
    """
    project = _project(ctx)
    db = project.open_store()
    with terminal.progress("fetching tasks", None) as meter:
        pulled = pull_answers(project, db, full=full, on_task=meter)
    update_consensus(project, db, sorted(pulled.changed))
    if as_json:
        terminal.print_json({**asdict(pulled), "changed": sorted(pulled.changed)})
        return
    terminal.result(f"{pulled.tasks} tasks fetched, {len(pulled.changed)} samples changed")
    if pulled.doubles_removed:
        terminal.say(f"{pulled.doubles_removed} tasks that had arrived twice were removed")
    if pulled.deleted:
        terminal.say(f"{pulled.deleted} tasks are gone from Label Studio; their answers are kept")
    if pulled.foreign:
        terminal.say(f"{pulled.foreign} tasks of the project did not come from here; left alone")


@main.command()
@json_option
@click.pass_context
def consensus(ctx: click.Context, as_json: bool) -> None:
    """Compute the consensus of every sample again, and show it.

    With few answers the majority decides; with enough, what was learned of each annotator's errors
    does. Ties are disputed, and nothing is decided below min_annotators.
    Example: goldloop consensus
    """
    project = _project(ctx)
    db = project.open_store()
    update_consensus(project, db)
    results = stored_consensus(db)
    _print(as_json, [asdict(one) for one in results], lambda: show_consensus(results))


@main.command()
@click.option("--pairs", is_flag=True, help="Show every pair of annotators instead.")
@json_option
@click.pass_context
def agreement(ctx: click.Context, pairs: bool, as_json: bool) -> None:
    """Show how far annotators agree on every field, corrected for chance, with 95% intervals.

    Example: goldloop agreement --pairs
    """
    project = _project(ctx)
    db = project.open_store()
    answered = everything_answered(project, db)
    if pairs:
        found = agreement_by_pair(answered)
        if as_json:
            terminal.print_json([{"field": name, **asdict(pair)} for name, pair in found])
        else:
            show_pairs(found, people(db))
        return
    fields = agreement_by_field(answered)
    _print(as_json, [asdict(one) for one in fields], lambda: show_agreement(fields))


@main.command()
@json_option
@click.pass_context
def annotators(ctx: click.Context, as_json: bool) -> None:
    """Show how each annotator answers: against the others, the ground truth and the clock.

    Example: goldloop annotators
    """
    project = _project(ctx)
    db = project.open_store()
    found = reports(everything_answered(project, db))
    names = people(db)
    _print(
        as_json,
        [{"name": names.get(r.annotator_id), **asdict(r)} for r in found],
        lambda: show_annotators(found, names),
    )


@main.command()
@json_option
@click.pass_context
def route(ctx: click.Context, as_json: bool) -> None:
    """Give every disputed task to one more annotator, through Label Studio's queue.

    The worker does this by itself. Example: goldloop route
    """
    project = _project(ctx)
    routed = route_disputes(project, project.open_store())
    _print(as_json, asdict(routed), lambda: show_routed(routed))


@main.command()
@json_option
@click.pass_context
def disputes(ctx: click.Context, as_json: bool) -> None:
    """List what people disagree on, with the answers, why they differ, and a link to the task.

    Example: goldloop disputes
    """
    project = _project(ctx)
    db = project.open_store()
    found, names = list_disputes(project, db), people(db)
    _print(as_json, [asdict(dispute) for dispute in found], lambda: show_disputes(found, names))


@main.command()
@click.option("--dataset", help="The dataset's name; default: settings.")
@click.option("-m", "--message", default="", help="What this version is for.")
@json_option
@click.pass_context
def commit(ctx: click.Context, dataset: str | None, message: str, as_json: bool) -> None:
    """Write what people agree on as an immutable, fingerprinted dataset version.

    Example: goldloop commit -m "first golden set"
    """
    project = _project(ctx)
    name = dataset or project.settings.dataset.name
    made = commit_version(project, project.open_store(), name, message)
    if as_json:
        terminal.print_json(made.manifest)
        return
    show_commit(made.manifest)
    terminal.result(f"written to {made.folder}")


@main.command()
@click.argument("reference", default="")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="jsonl")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace the file when it exists.")
@click.pass_context
def export(ctx: click.Context, reference: str, form: str, output: Path | None, force: bool) -> None:
    """Write a version (NAME@VERSION, NAME, or nothing for the newest) for other tools.

    Example: goldloop export golden@1.0.0 --format jsonl -o golden.jsonl
    """
    project = _project(ctx)
    root = project.path(project.settings.store.versions)
    dataset, version = parse_reference(root, reference or project.settings.dataset.name)
    target = output or Path(f"{dataset}-{version}.{form}")
    count = export_version(root, dataset, version, form, target, force=force)
    terminal.result(f"{count} items of {dataset}@{version} written to {target}")


@main.command()
@json_option
@click.pass_context
def versions(ctx: click.Context, as_json: bool) -> None:
    """List the dataset versions, oldest first.

    Example: goldloop versions
    """
    project = _project(ctx)
    root = project.path(project.settings.store.versions)
    found = [
        read_manifest(root, dataset, version)
        for dataset in dataset_names(root)
        for version in version_names(root, dataset)
    ]
    _print(as_json, found, lambda: show_versions(found))


@main.command("serve")
@click.pass_context
def serve_command(ctx: click.Context) -> None:
    """Run the ML backend and the worker together until Ctrl-C.

    Example: goldloop serve
    """
    project = _project(ctx)
    backend_settings = project.settings.backend
    terminal.say(
        f"ML backend at http://{backend_settings.host}:{backend_settings.port}; Ctrl-C stops"
    )
    serve(project, None, _stopped_by_signal())


@main.command()
@click.option("--host", help="Listen here; default: settings.")
@click.option("--port", type=PORT, help="Listen here; default: settings.")
@click.pass_context
def backend(ctx: click.Context, host: str | None, port: int | None) -> NoReturn:
    """Run the ML backend alone, under gunicorn.

    Example: goldloop backend --host 0.0.0.0 --port 9090
    """
    command = backend_command(_project(ctx).folder, host, port)
    os.execv(command[0], command)  # noqa: S606 - becomes the backend, so that signals reach it


@main.command()
@click.pass_context
def worker(ctx: click.Context) -> None:
    """Run the worker alone: it pulls answers and updates consensus.

    Example: goldloop worker
    """
    work(_project(ctx), terminal.say, _stopped_by_signal())


def _stopped_by_signal() -> Callable[[], bool]:
    """Says whether Ctrl-C or a termination signal came; the command ends in its own time."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop.is_set


def _stop_on_terminate() -> None:
    """A termination signal ends the command as Ctrl-C does, so that everything is stopped."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


@main.command()
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Show how much there is at every step of the loop.

    Example: goldloop status
    """
    project = _project(ctx)
    found = summarise(project.open_store())
    root = project.path(project.settings.store.versions)
    made = {name: version_names(root, name) for name in dataset_names(root)}
    _print(as_json, {**asdict(found), "versions": made}, lambda: show_status(found, made))


if __name__ == "__main__":
    sys.exit(main())
