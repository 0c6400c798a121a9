"""Commands that explain a version and its items: show and report."""

from __future__ import annotations

from pathlib import Path

import click

from sync import terminal
from sync.commands.common import json_option, print_result, project_of
from sync.report_page import markdown_page, write_report
from sync.shown_lineage import show_lineage
from sync.shown_report import show_report
from views.lineage import lineage
from views.report import report_on
from views.version_folder import parse_reference, read_manifest

# Near-duplicates among so many take more than a few seconds.
MANY = 20_000


@click.command()
@click.argument("sample_id", metavar="SAMPLE")
@json_option
@click.pass_context
def show(ctx: click.Context, sample_id: str, as_json: bool) -> None:
    """Show everything that led to one item, up to the versions that hold it.

    Where it came from, its runs, the round that picked it and why, its tasks, every annotation in
    every form, agreement, consensus, adjudication and gold checks, and what changed in it between
    versions. Exits with 2 for a sample that nobody knows, and names the nearest ids.
    Example: goldloop show refund-17
    """
    project = project_of(ctx)
    found = lineage(project, project.open_store(), sample_id)
    print_result(as_json, found, lambda: show_lineage(found))


@click.command()
@click.argument("reference", default="", metavar="[NAME@VERSION]")
@json_option
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a file instead: .html for one page with plots, .md or .json.",
)
@click.option("--force", is_flag=True, help="Replace the file when it exists.")
@click.option("--anonymous", is_flag=True, help="Name annotators by their ids only.")
@click.pass_context
def report(
    ctx: click.Context,
    reference: str,
    as_json: bool,
    markdown: bool,
    output: Path | None,
    force: bool,
    anonymous: bool,
) -> None:
    """Report on the quality of a version (NAME@VERSION, NAME, or nothing for the newest).

    What it is made of, how far people agree, what is disputed, repeated or missing, and what to do
    about it. The page opens in any browser without a network. Exits with 1 for a version that is
    missing or damaged, and for a file that exists or cannot be written.
    Example: goldloop report golden@1.0.0 -o report.html
    """
    if as_json + markdown + (output is not None) > 1:
        raise click.UsageError("--json, --markdown and -o exclude each other; give one of them")
    project = project_of(ctx)
    root = project.path(project.settings.store.versions)
    dataset, version = parse_reference(root, reference or project.settings.dataset.name)
    items = read_manifest(root, dataset, version)["items"]
    if items > MANY:
        terminal.say(f"comparing {items:,} items with each other takes a while")
    with terminal.busy("working out the report"):
        found = report_on(project, dataset, version, anonymous=anonymous)
    if output is not None:
        write_report(output, found, force=force)
        terminal.result(f"report on {dataset}@{version} written to {output}")
    elif markdown:
        terminal.result(markdown_page(found))
    else:
        print_result(as_json, found, lambda: show_report(found))
