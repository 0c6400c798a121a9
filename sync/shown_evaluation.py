"""What evaluate and runs print for a person, and their records for a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from goldloop.evaluation import Evaluation
from goldloop.evaluation.summary import Part, Summary
from goldloop.prices import shown_usd
from goldloop.printable import printable
from store.evaluations import StoredEvaluation
from sync import terminal
from views.evaluations import Listed, failed_cases, judge_tokens, worst_slices

MOST_FAILED, MOST_SLICES = 20, 12


def show_runs(rows: Sequence[Listed]) -> None:
    """The list, newest last."""
    terminal.print_table(_RUNS, [_row(one) for one in rows], "" if rows else _NOTHING)
    if any(one.stored.finished_at is None for one in rows):
        terminal.say("what is unfinished goes on with the command that began it")


_RUNS = (
    *("run", "when", "dataset", "agent", "branch", "cases"),
    *("passed", "95%", "change", "errors", "USD", "state"),
)
_NOTHING = "there is no evaluation yet: goldloop evaluate"


def _row(one: Listed) -> tuple[Any, ...]:
    stored, whole = one.stored, one.whole
    return (
        stored.evaluation_id,
        stored.created_at[:16].replace("T", " "),
        f"{stored.dataset}@{stored.version}",
        stored.agent_version,
        stored.branch,
        whole.graded,
        percent(whole.mean),
        interval(whole.low, whole.high),
        None if one.change is None else f"{one.change * 100:+.1f}",
        whole.errors,
        _money(whole.usage.usd),
        "" if stored.finished_at else "unfinished",
    )


def show_summary(evaluation: Evaluation, summary: Summary, where: str = "") -> None:
    """An evaluation in tables: the whole and its slices, its graders, and what failed."""
    terminal.result(printable(f"{evaluation.name}{where}", 400))
    several = summary.runs_per_case > 1
    headings = (
        *("slice", "cases", "passed", "95%", *(("each time",) if several else ())),
        *("errors", "tokens in", "tokens out", "USD", "seconds"),
    )
    shown = _largest(summary.slices)
    rows = [_part(part, several=several) for part in (summary.whole, *shown)]
    terminal.print_table(headings, rows)
    if len(shown) < len(summary.slices):
        left_out = len(summary.slices) - len(shown)
        terminal.result(f"and {left_out:,} smaller slices: -o FILE, --json, or goldloop dashboard")
    if summary.pool is not None:
        pool = summary.pool
        terminal.result(
            f"the whole pool, by the chances of selection: {percent(pool.value)} "
            f"({interval(pool.low, pool.high)}), from {pool.graded} of {pool.cases} cases, which "
            f"tell as much as {pool.effective:.0f}"
        )
    _show_graders(summary)
    for model, (sent, came) in judge_tokens(evaluation).items():
        terminal.result(printable(f"judge {model}: {sent:,} tokens in, {came:,} out", 400))
    for text, runs in summary.errors:
        terminal.result(printable(f"error in {runs} run{'s' * (runs > 1)}: {text}", 400))
    for note in evaluation.notes:
        terminal.say(printable(note, 400))


def _largest(slices: Sequence[Part]) -> list[Part]:
    """The slices with the most cases, in the order in which all of them stand."""
    most = sorted(slices, key=lambda part: -part.cases)[:MOST_SLICES]
    return [part for part in slices if part in most]


def _part(part: Part, *, several: bool) -> tuple[Any, ...]:
    usage = part.usage
    return (
        part.name,
        part.cases,
        percent(part.mean),
        interval(part.low, part.high),
        *((percent(part.always),) if several else ()),
        part.errors,
        usage.input_tokens,
        usage.output_tokens,
        _money(usage.usd),
        None if usage.seconds is None else f"{usage.seconds:.1f}",
    )


def _show_graders(summary: Summary) -> None:
    headings = ("grader", "kind", "version", "weight", "runs", "score", "passed", "95%", "errors")
    rows = [
        (
            *(one.facts.name, one.facts.kind, one.facts.version, one.facts.weight, one.runs),
            one.mean,
            percent(one.pass_rate),
            interval(one.low, one.high),
            one.errors,
        )
        for one in summary.graders
    ]
    terminal.result("")
    terminal.print_table(headings, rows)


def show_run(evaluation: Evaluation, summary: Summary, stored: StoredEvaluation) -> None:
    """One evaluation: its figures, its worst slices, and the cases that failed, with reasons."""
    branch = f", branch {stored.branch}" if stored.branch else ""
    show_summary(evaluation, summary, f" (evaluation {stored.evaluation_id}{branch})")
    if stored.message:
        terminal.result(printable(stored.message, 400))
    worst = worst_slices(summary)
    if worst:
        said = ", ".join(f"{part.name} {percent(part.mean)} of {part.graded}" for part in worst)
        terminal.result(printable(f"worst slices: {said}", 1000))
    failed = list(failed_cases(evaluation))
    shown = failed[:MOST_FAILED]
    rows = [(one["sample_id"], one["passed"], one["reason"] or one["error"]) for one in shown]
    title = f"\n{len(failed)} cases did not pass" if failed else "\nevery case passed"
    terminal.print_table(("case", "runs passed", "why"), rows, title)
    if len(failed) > MOST_FAILED:
        number = stored.evaluation_id
        terminal.result(f"and {len(failed) - MOST_FAILED} more: goldloop runs {number} --json")


def summary_record(
    evaluation: Evaluation, summary: Summary, more: Mapping[str, Any]
) -> dict[str, Any]:
    """What evaluate prints for a program."""
    return {
        "id": int(evaluation.evaluation_id),
        "dataset": evaluation.dataset,
        "version": evaluation.version,
        "agent_version": evaluation.agent_version,
        "branch": evaluation.branch,
        "seconds": evaluation.seconds,
        "notes": list(evaluation.notes),
        "judges": [
            {"model": model, "input_tokens": sent, "output_tokens": came}
            for model, (sent, came) in judge_tokens(evaluation).items()
        ],
        **more,
        **summary.record(),
    }


def percent(share: float | None) -> str | None:
    """A share for a person.

    >>> percent(0.8349), percent(None)
    ('83.5%', None)
    """
    return None if share is None else f"{share:.1%}"


def interval(low: float | None, high: float | None) -> str | None:
    """An interval of shares for a person.

    >>> interval(0.761, 1.0)
    '76.1 to 100.0'
    """
    return None if low is None or high is None else f"{low * 100:.1f} to {high * 100:.1f}"


def _money(usd: str | None) -> str | None:
    return None if usd is None else shown_usd(Decimal(usd))
