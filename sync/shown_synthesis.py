"""What a person reads about synthetic samples. Their text is a model's: it is shown on one line,
with nothing in it that steers a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from goldloop.prices import shown_usd
from goldloop.records import sample_record
from goldloop.samples import DIFFICULTIES
from goldloop.synthesis.consistency import Rate
from goldloop.synthesis.diversity import Compared, Measures
from goldloop.synthesis.values import STAGES
from store.synthesis import StoredCandidate, SyntheticBatch
from store.synthesis_calls import PurposeCost
from sync import terminal
from sync.synthesis_plan import Plan
from sync.synthesis_report import Report

# What each stage is called for people.
STAGE_NAMES = {
    "call": "asking the model",
    "rules": "filter 1, rules",
    "consistency": "filter 2, consistency",
    "spot_check": "filter 3, spot check",
}


def show_batches(batches: Sequence[SyntheticBatch]) -> None:
    """Every batch, oldest first."""
    rows = [
        (
            one.batch,
            one.state if one.how is None else f"{one.state} ({one.how})",
            one.count,
            one.model,
            one.prompt_version,
            one.created_at[:19],
        )
        for one in batches
    ]
    title = "" if rows else "no batch yet; make one: goldloop generate --help"
    terminal.print_table(("batch", "state", "samples", "model", "prompt", "when"), rows, title)


def show_report(found: Report) -> None:
    """The whole report: the funnel, what was rejected and where, the money, and the diversity."""
    if not found.batches:
        terminal.result("no batch yet; make one: goldloop generate --help")
        return
    show_batches(found.batches)
    _show_funnel(found)
    _show_reasons(found.funnel.rejected)
    _show_rates(found.rates)
    _show_cost(found)
    show_coverage(found)
    if found.diversity is not None:
        _show_diversity(found.diversity)
    if found.spot_check is not None:
        _show_spot_check(found.spot_check)


def _show_funnel(found: Report) -> None:
    funnel = found.funnel
    terminal.result(
        f"{funnel.kept} kept of {funnel.slots} asked for ({funnel.attempts} attempts,"
        f" {funnel.written} of them written); {funnel.verified} found good by people,"
        f" {funnel.human_rejected} turned down by them, {funnel.needs_human} wait for them,"
        f" {funnel.open} places empty"
    )


def _show_reasons(rejected: Mapping[str, Mapping[str, int]]) -> None:
    rows = [
        (STAGE_NAMES[stage], reason, count)
        for stage, reasons in rejected.items()
        for reason, count in reasons.items()
    ]
    terminal.print_table(("rejected by", "reason", "how many"), rows)


def _show_rates(rates: Mapping[str, Sequence[Rate]]) -> None:
    """One row for each name, one column for each stage; every name has been at the first stage."""
    cells = {(stage, one.axis, one.name): _rate(one) for stage in STAGES for one in rates[stage]}
    rows = [
        (one.axis, one.name, *(cells.get((stage, one.axis, one.name)) for stage in STAGES))
        for one in rates[STAGES[0]]
    ]
    terminal.print_table(("by", "", *(STAGE_NAMES[stage] for stage in STAGES)), rows)


def _rate(one: Rate) -> str:
    if one.share is None:
        return f"- ({one.unsolved} unsolved)"
    unsolved = f", {one.unsolved} unsolved" if one.unsolved else ""
    return f"{one.share:.0%} of {one.judged} ({one.low:.0%} to {one.high:.0%}{unsolved})"


def _show_cost(found: Report) -> None:
    headings = ("asked for", "calls", "tokens in", "tokens out", "USD", "not counted")
    terminal.print_table(headings, [_cost(step) for step in found.calls])
    if found.usd is None:
        said = "what it cost is not known: put the model's price under [prices] in goldloop.toml"
    else:
        said = f"{shown_usd(found.usd)} USD in all"
        if found.usd_per_kept is not None:
            said += f", {shown_usd(found.usd_per_kept)} for each kept sample"
        if found.unpriced:
            said += f"; {found.unpriced} calls of unknown cost are not in it"
    terminal.result(said)


def _cost(step: PurposeCost) -> tuple[str | int | None, ...]:
    usd = shown_usd(step.usd) if step.unpriced < step.calls else None
    return (step.purpose, step.calls, step.input_tokens, step.output_tokens, usd, step.uncounted)


def show_coverage(found: Report) -> None:
    """Kept of asked for, by capability and difficulty."""
    rows = [
        (name, *(f"{row[level][0]} of {row[level][1]}" for level in DIFFICULTIES))
        for name, row in found.cells
    ]
    terminal.print_table(("kept of the grid", *DIFFICULTIES), rows)
    kept, asked = found.pairs
    terminal.result(f"the kept samples meet {kept} of the {asked} pairs of values that were asked")


def _show_diversity(found: Compared) -> None:
    terminal.print_table(
        ("diversity", "distinct-1", "distinct-2", "nearest neighbour", "Vendi score", "of"),
        [
            _measures("this batch", found.batch, found.n),
            *([] if found.pool is None else [_measures("the pool", found.pool, found.n)]),
        ],
    )
    if found.nearest_in_pool is not None:
        terminal.result(
            f"the batch's samples are like their nearest in the pool by {found.nearest_in_pool:.2f}"
            " (cosine; 1 is the same words)"
        )


def _measures(name: str, found: Measures, count: int) -> tuple[Any, ...]:
    return (name, found.distinct_1, found.distinct_2, found.nearest, found.vendi, count)


def _show_spot_check(found: Mapping[str, Any]) -> None:
    said = f"spot check, {found['decision']}: {found['answered']} of {found['drawn']} drawn samples"
    said += f" answered, {found['rejected']} rejected"
    if found["answered"]:
        said += f" ({found['rate']:.1%}, 95% interval {found['low']:.1%} to {found['high']:.1%})"
    terminal.result(said)


def show_generated(found: Report, spent: Decimal | None, finished: bool) -> None:
    """What a generation came to, and what to do next."""
    _show_funnel(found)
    _show_reasons(found.funnel.rejected)
    show_coverage(found)
    if spent is not None:
        terminal.result(f"{shown_usd(spent)} USD spent by this command")
    if not finished:
        return
    batch = found.batches[0].batch
    if found.funnel.kept or found.funnel.needs_human:
        terminal.result(f"let people look at some of them: goldloop synthesis check {batch}")
    else:
        terminal.result(f"no sample is left; see why: goldloop synthesis rejects {batch}")


def show_plan_of_batch(plan: Plan) -> None:
    """The grid that would be filled, and what it may cost."""
    for rows, columns in (
        ("capability", "difficulty"),
        ("capability", "intent"),
        ("persona", "style"),
    ):
        table = plan.coverage.table(rows, columns)
        names = list(table[0][1]) if table else []
        values = [(name, *(row.get(one, 0) for one in names)) for name, row in table]
        terminal.print_table((f"{rows} by {columns}", *names), values)
    terminal.result(
        f"{plan.count} samples by {plan.model}; {plan.coverage.covered} of"
        f" {plan.coverage.possible} pairs of values are met ({plan.coverage.share:.0%})\n"
        f"at most {plan.calls} calls{_most(plan)}; nothing was asked"
    )


def _most(plan: Plan) -> str:
    if plan.output_tokens is None:
        return " of any length: [synthesis] max_output is 0"
    tokens = f", {plan.input_tokens} tokens in and {plan.output_tokens} out"
    if plan.usd is None:
        return f"{tokens}, of unknown price (put it under [prices] in goldloop.toml)"
    return f"{tokens}, {shown_usd(plan.usd)} USD"


def show_rejects(found: Sequence[StoredCandidate]) -> None:
    """Every one with why it was turned down, and how it begins."""
    rows = [
        (
            one.batch,
            one.slot.index,
            one.attempt,
            one.outcome.replace("_", " "),
            one.slot.cell.difficulty,
            one.slot.cell.capability,
            _reason(one),
            _said(one),
            "" if one.candidate is None else one.sample.user_input[:200],
        )
        for one in found
    ]
    headings = ("batch", "slot", "try", "is", "difficulty", "capability", "reason", "why", "sample")
    terminal.print_table(headings, rows, "" if rows else "nothing was rejected")


def _reason(one: StoredCandidate) -> str:
    if one.rejection is None:
        return "human_rejected" if one.verdict is False else "-"
    return one.rejection.reason


def _said(one: StoredCandidate) -> str:
    said = [one.rejection.said if one.rejection else "", one.human_said or ""]
    return "; ".join(part for part in said if part)


def reject_record(one: StoredCandidate) -> dict[str, Any]:
    """A rejected attempt as plain values, with the whole text of its sample."""
    why = one.rejection
    return {
        "batch": one.batch,
        "slot": one.slot.index,
        "attempt": one.attempt,
        "outcome": one.outcome,
        "difficulty": one.slot.cell.difficulty,
        "capability": one.slot.cell.capability,
        "intent": one.slot.cell.intent,
        "stage": why.stage if why else None,
        "reason": why.reason if why else None,
        "said": why.said if why else None,
        "verdict": one.verdict,
        "human_said": one.human_said,
        "sample": None if one.candidate is None else sample_record(one.sample),
    }
