"""The command line: every command is a thin call of one verb, in the order of the flow."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sync.commands import (
    answers,
    calibration,
    evaluate,
    gate,
    gate_review,
    judge,
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
@click.pass_context
def main(ctx: click.Context, directory: Path) -> None:
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
    evaluate.evaluate,
    evaluate.runs,
    judge.judge_command,
    gate.gate,
    gate_review.gate_review_command,
    services.webhook,
    services.serve_command,
    services.backend,
    services.worker,
    services.inbox,
    services.status,
):
    main.add_command(_command)


if __name__ == "__main__":
    sys.exit(main())
