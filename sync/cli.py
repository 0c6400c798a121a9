"""The command line: every command is a thin call of one verb, in the order of the flow."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sync.commands import (
    answers,
    calibration,
    dashboard,
    pool,
    quality,
    selection,
    services,
    start,
    synthesis,
    verify,
    versions,
)
from sync.commands.common import InOrder


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="goldloop", prog_name="goldloop")
@click.option(
    "-C",
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Work in this folder instead of the current one.",
)
@click.option("-v", "--verbose", is_flag=True, help="After an error, say where it came from.")
@click.pass_context
def main(ctx: click.Context, directory: Path, verbose: bool) -> None:  # noqa: ARG001 - for errors
    """From an AI agent's doubtful runs to a golden evaluation set, labelled in Label Studio.

    The commands stand in the order of the loop.
    """
    ctx.obj = directory


for _command in (
    start.demo,
    start.init,
    start.doctor,
    synthesis.generate,
    synthesis.synthesis,
    pool.import_command,
    pool.run,
    pool.cost,
    selection.select,
    pool.push,
    answers.pull,
    answers.consensus,
    calibration.calibrate_command,
    selection.estimate_command,
    selection.plan,
    answers.agreement,
    answers.annotators,
    answers.route,
    answers.disputes,
    answers.audit_command,
    versions.commit,
    verify.verify,
    versions.diff,
    versions.export,
    versions.versions,
    quality.report,
    quality.show,
    services.webhook,
    services.serve_command,
    dashboard.dashboard,
    services.backend,
    services.worker,
    services.inbox,
    services.status,
    start.completion,
):
    main.add_command(_command)


if __name__ == "__main__":
    sys.exit(main())
