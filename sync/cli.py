"""The command line: every command is a thin call of one verb, in the order of the flow."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sync.commands.common import InOrder
from sync.commands.table import CommandTable

# In the order of the flow: where each command is, below sync.commands.
COMMANDS = {
    "demo": "start.demo",
    "init": "start.init",
    "doctor": "start.doctor",
    "generate": "synthesis.generate",
    "synthesis": "synthesis.synthesis",
    "import": "pool.import_command",
    "run": "pool.run",
    "cost": "pool.cost",
    "select": "selection.select",
    "push": "pool.push",
    "pull": "answers.pull",
    "consensus": "answers.consensus",
    "calibrate": "calibration.calibrate_command",
    "estimate": "selection.estimate_command",
    "plan": "selection.plan",
    "agreement": "answers.agreement",
    "annotators": "answers.annotators",
    "route": "answers.route",
    "disputes": "answers.disputes",
    "audit": "answers.audit_command",
    "commit": "versions.commit",
    "verify": "verify.verify",
    "diff": "versions.diff",
    "export": "versions.export",
    "versions": "versions.versions",
    "report": "quality.report",
    "show": "quality.show",
    "evaluate": "evaluate.evaluate",
    "runs": "evaluate.runs",
    "judge": "judge.judge_command",
    "gate": "gate.gate",
    "gate-review": "gate_review.gate_review_command",
    "webhook": "services.webhook",
    "serve": "services.serve_command",
    "dashboard": "dashboard.dashboard",
    "backend": "services.backend",
    "worker": "services.worker",
    "inbox": "services.inbox",
    "status": "services.status",
    "completion": "start.completion",
}


@click.group(
    cls=InOrder,
    commands=CommandTable(COMMANDS),
    context_settings={"help_option_names": ["-h", "--help"]},
)
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


if __name__ == "__main__":
    sys.exit(main())
