"""verify: that what was stored is what it says, of dataset versions and of rounds."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from goldloop.errors import VersionError
from goldloop.versions import parse_version
from sync import terminal
from sync.commands.common import json_option, print_result, project_of
from sync.shown_selection import show_verdict
from sync.shown_versions import show_version_verdict
from sync.verify_round import verdict_record as round_record
from sync.verify_round import verify_round
from views.verify_version import VersionVerdict, verdict_record, verify_version
from views.version_folder import (
    MANIFEST,
    dataset_folder,
    open_version,
    parse_reference,
    with_dataset,
)


class RoundOrVersion(click.Group):
    """A group whose `version` command may be left out: its argument says what it is."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named first; else that of versions, with all arguments."""
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return "version", self.commands["version"], args


@click.group(cls=RoundOrVersion, context_settings={"ignore_unknown_options": True})
def verify() -> None:
    """Check that a dataset version, or a round, is what was stored.

    A version is NAME@VERSION, a number like 1.0.0, NAME for its newest, or a folder. Exits with 1
    when something does not fit. Example: goldloop verify golden@1.0.0
    """


@verify.command("version")
@click.argument("reference")
@json_option
@click.pass_context
def verify_version_command(ctx: click.Context, reference: str, as_json: bool) -> None:
    """Work a version out again: each file's hash and size, each item, and both fingerprints.

    Exits with 0 when all fits, and with 1 when something does not or there is no such version; it
    names the file, and the line and the sample where it is one. Files that are no part of the
    version are named and do not count. The word "version" may be left out.
    Example: goldloop verify version golden@1.0.0
    """
    verdict = _verdict(ctx, reference)
    print_result(as_json, verdict_record(verdict), lambda: show_version_verdict(verdict))
    ctx.exit(0 if verdict.fits else 1)


def _verdict(ctx: click.Context, reference: str) -> VersionVerdict:
    """A folder that holds a version needs no project around it."""
    path = Path(ctx.obj) / reference
    if "/" in reference or (path / MANIFEST).is_file():
        return _verified(path)
    project = project_of(ctx)
    root = project.path(project.settings.store.versions)
    named = with_dataset(reference, project.settings.dataset.name)
    dataset, version = parse_reference(root, named)
    parse_version(version)
    return _verified(dataset_folder(root, dataset) / version, dataset, version)


def _verified(path: Path, dataset: str | None = None, version: str | None = None) -> VersionVerdict:
    total = None
    with suppress(VersionError):  # the verdict says what is wrong with the manifest
        total = int(open_version(path, dataset, version).manifest["items"])
    with terminal.progress("checking items", total) as meter:
        return verify_version(path, dataset, version, on_item=meter)


@verify.command("round")
@click.argument("number", type=click.IntRange(1))
@json_option
@click.pass_context
def verify_round_command(ctx: click.Context, number: int, as_json: bool) -> None:
    """Work a past round out again: every pick, probability, cutoff, level and fingerprint.

    Exits with 1 and names the first thing that does not fit. Example: goldloop verify round 3
    """
    with terminal.busy("working the round out again"):
        verdict = verify_round(project_of(ctx).open_store(), number)
    print_result(as_json, round_record(verdict), lambda: show_verdict(verdict))
    ctx.exit(0 if verdict.fits else 1)
