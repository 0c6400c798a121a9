"""The command that compares two evaluations and blocks, or does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from goldloop.errors import GoldloopError
from store.database import store_errors
from sync import terminal
from sync.commands.common import json_option, print_result, project_of

# Not imported from where they are decided on: that would load scipy for every command.
POLICIES = ("point", "significant", "noninferior")
METRICS = ("passed", "score")
_SHARE = click.FloatRange(0, 1)


@click.command()
@click.option(
    "--baseline",
    required=True,
    metavar="RUN|VERSION|BRANCH|FILE",
    help="An evaluation's number, an agent version, a branch or a file.",
)
@click.option(
    "--candidate",
    default="",
    metavar="RUN|FILE",
    help="The evaluation that is judged (the newest finished one).",
)
@click.option("--dataset", help="Take the candidate from this dataset.")
@click.option("--policy", type=click.Choice(POLICIES), help="When to block ([gate] policy).")
@click.option("--metric", type=click.Choice(METRICS), help="What is compared ([gate] metric).")
@click.option(
    "--margin", type=_SHARE, help="The drop that is put up with, as a share: 0.02 is 2 points."
)
@click.option(
    "--alpha", type=click.FloatRange(0.0001, 0.5), help="How often chance alone may block."
)
@click.option(
    "--slice", "slices", multiple=True, help="A slice that blocks by itself: tag:refund. Repeat it."
)
@click.option("--strict", is_flag=True, help="Exit with 3 when the evidence does not suffice.")
@click.option(
    "--intersect", is_flag=True, help="Compare what two different datasets have in common."
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a report too: .html, .md (a comment), .xml (JUnit) or .json. Repeat it.",
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
@json_option
@click.pass_context
def gate(
    ctx: click.Context,
    baseline: str,
    candidate: str,
    dataset: str | None,
    policy: str | None,
    metric: str | None,
    margin: float | None,
    alpha: float | None,
    slices: tuple[str, ...],
    strict: bool,
    intersect: bool,
    outputs: tuple[Path, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Block a change that makes the agent worse: compare two evaluations case by case.

    A file may be an evaluation (goldloop evaluate -o), promptfoo's results or a log of Inspect AI;
    of several agents in one file, name one as FILE#NAME. Exits with 0 for a pass, 1 for a
    regression, 2 for an error or too many errored cases, and with --strict 3 for too little
    evidence. Files are written whatever the verdict is.
    Example: goldloop gate --baseline main -o gate.html -o gate.md
    """
    with _no_verdict():
        # Imported here: they load what other commands start faster without.
        from sync.gate import gate_evaluations, rules_of
        from sync.gate_report import check_targets, write_gate
        from sync.shown_gate import show_gate

        project = project_of(ctx)
        rules = rules_of(
            project.settings,
            policy=policy,
            metric=metric,
            margin=margin,
            alpha=alpha,
            slices=slices or None,
        )
        check_targets(outputs, force=force)
        found = gate_evaluations(
            project, baseline, candidate, rules, dataset=dataset, strict=strict, intersect=intersect
        )
        for target in outputs:
            write_gate(target, found)
            terminal.say(f"written to {target}")
        print_result(as_json, found.record(), lambda: show_gate(found))
    ctx.exit(found.exit_code)


class NoVerdictError(GoldloopError):
    """The gate itself failed, or was stopped."""

    exit_code = 2


@contextmanager
def _no_verdict() -> Iterator[None]:
    """Every error ends with 2 here, and an interruption with 130: 1 would say that the agent has
    got worse.
    """
    try:
        with store_errors():
            yield
    except GoldloopError as error:
        error.exit_code = 2
        raise
    except KeyboardInterrupt:
        stopped = NoVerdictError("stopped; there is no verdict")
        stopped.exit_code = 130
        raise stopped from None
    except Exception as error:
        raise NoVerdictError(
            f"the gate failed, which says nothing of the agent ({type(error).__name__}: {error}); "
            "goldloop -v gate ... shows where"
        ) from error
