"""Commands on dataset versions: commit, export and the list of them."""

from __future__ import annotations

from pathlib import Path

import click

from goldloop.samples import DIFFICULTIES
from store.standing import count_standing
from sync import terminal
from sync.commands.common import json_option, print_result, project_of
from sync.commit import commit_version
from sync.export import Kept, export_version
from sync.exports import FORMATS
from sync.project import Project
from sync.shown import show_commit, show_exported, show_versions
from sync.shown_versions import markdown_diff, show_diff
from views.diff import Compared, compare, explained
from views.version_folder import (
    MANIFEST,
    VersionFolder,
    dataset_names,
    find_version,
    open_version,
    parse_reference,
    read_manifest,
    version_names,
    with_dataset,
)


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

    Its number follows from what changed since the newest version, its parent. Major: samples
    removed, expected values or labels changed, the labelling interface changed, or more than 10%
    added. Minor: fewer added. Patch: only descriptions or evidence. Exits with 3, and writes
    nothing, when nothing changed. Its manifest says how many items annotators labelled, and there
    is a warning below 30%.
    Example: goldloop commit -m "first golden set"
    """
    project = project_of(ctx)
    name = dataset or project.settings.dataset.name
    db = project.open_store()
    with terminal.progress("committing items", count_standing(db)) as meter:
        made = commit_version(project, db, name, message, unverified=unverified, on_item=meter)
    for warning in made.manifest["quality"]["warnings"]:
        terminal.say(f"warning: {warning}")
    if as_json:
        terminal.print_json(made.manifest)
        return
    show_commit(made.manifest)
    terminal.result(f"written to {made.folder}")


_FORMATS = "\n".join(f"{name:25} {one.summary}" for name, one in FORMATS.items())


@click.command(
    epilog="The formats:\n\n\b\n" + _FORMATS + "\n\n"
    "Exit codes: 0 written; 1 the version is damaged or missing, no item fits, or the output "
    "exists or cannot be written; 2 wrong options."
)
@click.argument("reference", default="")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="jsonl",
    metavar="NAME",
    help="One of the formats below; default: jsonl.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: NAME-VERSION.*")
@click.option("--force", is_flag=True, help="Replace a file, or a folder that an export made.")
@click.option("--tag", "tags", multiple=True, help="Only items with this tag, or another given.")
@click.option("--difficulty", multiple=True, type=click.Choice(DIFFICULTIES), help="Only these.")
@click.option("--only-labelled", is_flag=True, help="Leave out what nobody labelled.")
@json_option
@click.pass_context
def export(
    ctx: click.Context,
    reference: str,
    form: str,
    output: Path | None,
    force: bool,
    tags: tuple[str, ...],
    difficulty: tuple[str, ...],
    only_labelled: bool,
    as_json: bool,
) -> None:
    """Write a version (NAME@VERSION, NAME, or nothing for the newest) for other tools.

    The version is checked first. What a format cannot hold is left out and counted.

    Example: goldloop export golden@1.0.0 --format inspect -o golden.jsonl
    """
    project = project_of(ctx)
    root = project.path(project.settings.store.versions)
    dataset, version = parse_reference(root, reference or project.settings.dataset.name)
    target = output or Path(f"{dataset}-{version}{FORMATS[form].ending}")
    keep = Kept(tags, difficulty, only_labelled)
    items = int(read_manifest(root, dataset, version)["items"])
    licence = project.settings.dataset.license
    with terminal.progress("exporting items", items) as meter:
        done = export_version(
            root,
            dataset,
            version,
            form,
            target,
            force=force,
            keep=keep,
            on_item=meter,
            licence=licence,
        )
    machine = {
        "dataset": dataset,
        "version": version,
        "format": form,
        "output": str(target),
        "items": done.items,
        "left_out": done.left_out,
    }
    print_result(as_json, machine, lambda: show_exported(machine))


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


@click.command()
@click.argument("parent")
@click.argument("child", default="")
@click.option("--dataset", help="Of versions that are given as numbers alone; default: settings.")
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request.")
@json_option
@click.pass_context
def diff(
    ctx: click.Context,
    parent: str,
    child: str,
    dataset: str | None,
    markdown: bool,
    as_json: bool,
) -> None:
    """Show what differs in two versions: rows, values, and labels with what moved them.

    A version is NAME@VERSION, a number like 1.0.0, NAME for its newest, or a folder; without CHILD
    it is the newest. Both are checked first. Exits with 0 whether or not they differ, and with 1
    when one is missing or damaged.
    Example: goldloop diff 1.0.0 2.0.0 --markdown
    """
    if markdown and as_json:
        raise click.UsageError("--markdown and --json cannot be had at once")
    with terminal.busy("comparing versions"):
        compared = _compared(ctx, parent, child, dataset)
    if markdown:
        terminal.result(markdown_diff(compared))
        return
    print_result(as_json, compared.record(), lambda: show_diff(compared))


def _compared(ctx: click.Context, parent: str, child: str, dataset: str | None) -> Compared:
    """Two versions side by side; explained where a store is there. Folders need no project."""
    if "/" in parent and "/" in child:
        folders = [open_version(Path(ctx.obj) / text) for text in (parent, child)]
        return compare(*folders)
    project = project_of(ctx)
    name = dataset or project.settings.dataset.name
    found = compare(*(_version_of(project, text, name) for text in (parent, child or name)))
    if not project.path(project.settings.store.path).exists():
        return found
    return explained(found, project, project.open_store())


def _version_of(project: Project, text: str, dataset: str) -> VersionFolder:
    """The version that a person names: by folder, number, or as NAME@VERSION or NAME."""
    path = project.path(text)
    if "/" in text or (path / MANIFEST).is_file():
        return open_version(path)
    root = project.path(project.settings.store.versions)
    return find_version(root, *parse_reference(root, with_dataset(text, dataset)))
