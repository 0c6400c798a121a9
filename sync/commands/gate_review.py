"""The command on the flipped cases that people were given: gate-review."""

from __future__ import annotations

import click

from sync.commands.common import json_option, print_result, project_of
from sync.shown_gate_review import show_gate_review
from views.gate_review_result import gate_review


@click.command("gate-review")
@click.argument("evaluation", metavar="RUN", type=click.IntRange(1))
@json_option
@click.pass_context
def gate_review_command(ctx: click.Context, evaluation: int, as_json: bool) -> None:
    """Show what people say of the cases that a gate found flipped; RUN is the candidate's.

    push --from-gate gave them the cases, and pull brings their answers. A plain majority decides,
    by the question that [calibration] names. A regressed case that people find right speaks against
    the expected answer or the grader. Exits with 1 where nothing was given to people.
    Example: goldloop gate-review 8
    """
    project = project_of(ctx)
    found = gate_review(project, project.open_store(), evaluation)
    print_result(as_json, found, lambda: show_gate_review(found))
