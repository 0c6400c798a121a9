"""Commands on dataset versions: commit, export and the list of them."""

from __future__ import annotations

from pathlib import Path

import click

from sync import terminal
from sync.commands.common import json_option, print_result, project_of
from sync.commit import commit_version
from sync.export import FORMATS, export_version, parse_reference
from sync.shown import show_commit, show_versions
from sync.version_folder import dataset_names, read_manifest, version_names


@click.command()
@click.option("--dataset", help="The dataset's name; default: settings.")
@click.option("-m", "--message", default="", help="What this version is for.")
@click.option(
    "--unverified",
    is_flag=True,
    help="Also take accepted synthetic samples that nobody labelled, marked as such.",
)
@json_option
@click.pass_context
def commit(
    ctx: click.Context, dataset: str | None, message: str, unverified: bool, as_json: bool
) -> None:
    """Write what people agree on as an immutable, fingerprinted dataset version.

    Its manifest says how many items annotators labelled, and there is a warning below 30%.
    Example: goldloop commit -m "first golden set"
    """
    project = project_of(ctx)
    name = dataset or project.settings.dataset.name
    made = commit_version(project, project.open_store(), name, message, unverified=unverified)
    for warning in made.manifest["quality"]["warnings"]:
        terminal.say(f"warning: {warning}")
    if as_json:
        terminal.print_json(made.manifest)
        return
    show_commit(made.manifest)
    terminal.result(f"written to {made.folder}")


@click.command()
@click.argument("reference", default="")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="jsonl")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace the file when it exists.")
@click.pass_context
def export(ctx: click.Context, reference: str, form: str, output: Path | None, force: bool) -> None:
    """Write a version (NAME@VERSION, NAME, or nothing for the newest) for other tools.

    Example: goldloop export golden@1.0.0 --format jsonl -o golden.jsonl
    """
    project = project_of(ctx)
    root = project.path(project.settings.store.versions)
    dataset, version = parse_reference(root, reference or project.settings.dataset.name)
    target = output or Path(f"{dataset}-{version}.{form}")
    count = export_version(root, dataset, version, form, target, force=force)
    terminal.result(f"{count} items of {dataset}@{version} written to {target}")


@click.command()
@json_option
@click.pass_context
def versions(ctx: click.Context, as_json: bool) -> None:
    """List the dataset versions, oldest first.

    Example: goldloop versions
    """
    project = project_of(ctx)
    root = project.path(project.settings.store.versions)
    found = [
        read_manifest(root, dataset, version)
        for dataset in dataset_names(root)
        for version in version_names(root, dataset)
    ]
    print_result(as_json, found, lambda: show_versions(found))
