"""The sections of an evaluation's report, as tables that Markdown, HTML and the terminal show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from goldloop.evaluation import CaseOutcome, Evaluation, Summary, case_outcomes
from views.gate_words import METRICS, between, counted, scored, share
from views.page_values import (
    Cell,
    Section,
    Span,
    Table,
    table_of,
)

LONG_REASON = 300


def glance(evaluation: Evaluation, summary: Summary) -> list[tuple[str, str, str]]:
    """The figures to look at first: what, how much, and a word on it."""
    whole, pool = summary.whole, summary.pool
    figures = [
        (
            "Score",
            share(whole.mean),
            f"{METRICS[summary.metric]}, {between(whole.low, whole.high)}",
        ),
        ("Cases", f"{whole.cases:,}", f"{whole.graded:,} graded, {whole.errors:,} errors"),
    ]
    if summary.runs_per_case > 1:
        runs = f"in each of {summary.runs_per_case} runs"
        figures.append(("Always", share(whole.always), f"cases that pass {runs}"))
    if pool is not None:
        note = f"{between(pool.low, pool.high)}, estimated"
        figures.append(("Whole pool", share(pool.value), note))
    usage = whole.usage
    figures.append(("Cost", f"${usage.usd}" if usage.usd is not None else "-", "of the agent"))
    figures.append(("Runs", f"{usage.runs:,}", f"of {evaluation.agent_version}"))
    return figures


def sections(evaluation: Evaluation, summary: Summary) -> list[Section]:
    """Everything after the first figures."""
    outcomes = case_outcomes(evaluation, summary.metric)
    found = [
        Section("scores", "Scores", _says(summary), (slices_table(summary), _graders(summary))),
        _failed(outcomes),
        _errors(summary),
        Section("about", "About this evaluation", tuple(_about(evaluation, summary))),
    ]
    return [one for one in found if one.says or one.tables]


def _says(summary: Summary) -> tuple[str, ...]:
    whole, pool = summary.whole, summary.pool
    says = [f"Intervals are of 95%, by {whole.method or 'no method'}."]
    if whole.clusters < whole.graded:
        clusters = counted(whole.clusters, "cluster", "clusters")
        says.append(f"The {counted(whole.graded, 'case', 'cases')} graded are of {clusters}.")
    if pool is not None:
        says.append(
            f"In the whole pool, {scored(pool.value, pool.low, pool.high)} by estimate: each of "
            f"{counted(pool.graded, 'case', 'cases')} counts as often as the selection makes it "
            f"stand for; worth {pool.effective:,.0f} cases drawn at random."
        )
    return tuple(says)


def slices_table(summary: Summary) -> Table:
    """Each slice's score and interval; the mark of its plot is the score of the whole."""
    whole = summary.whole.mean
    rows: list[tuple[Cell, ...]] = [
        (
            part.name,
            part.graded,
            share(part.mean),
            between(part.low, part.high),
            part.errors,
            "" if part.mean is None else Span(part.low, part.mean, part.high, whole),
        )
        for part in summary.slices
    ]
    headings = ("slice", "cases", "score", "95% interval", "errors", "")
    return table_of("Score by slice (the mark is the whole)", headings, rows)


def _graders(summary: Summary) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            part.facts.name,
            part.facts.kind + (f" ({part.facts.model})" if part.facts.model else ""),
            f"{part.facts.weight:g}",
            part.runs,
            share(part.pass_rate),
            share(part.mean),
            part.errors,
            "" if part.pass_rate is None else Span(part.low, part.pass_rate, part.high),
        )
        for part in summary.graders
    ]
    headings = ("grader", "kind", "weight", "runs", "pass", "mean score", "errors", "")
    return table_of("Graders", headings, rows)


def _failed(outcomes: Sequence[CaseOutcome]) -> Section:
    failed = [one for one in outcomes if one.graded and one.passes < one.graded]
    rows: list[tuple[Cell, ...]] = [
        (
            one.case.sample_id,
            f"{one.passes} of {one.graded}",
            ", ".join(one.case.slices),
            _why(one),
        )
        for one in sorted(failed, key=lambda one: (one.passes / one.graded, one.case.sample_id))
    ]
    if not rows:
        return Section("failed", "Failed cases", ("Every case that was graded passes.",))
    table = table_of("Failed cases, the worst first", ("case", "passed", "slices", "why"), rows)
    return Section("failed", "Failed cases", (), (table,))


def _why(outcome: CaseOutcome) -> str:
    """What the graders said of the first run that did not pass."""
    for attempt in outcome.case.attempts:
        said = [f"{one.grader}: {one.reason}" for one in attempt.grades if one.passed is False]
        if said:
            return "; ".join(said)[:LONG_REASON]
    return ""


def _errors(summary: Summary) -> Section:
    rows = [(error, times) for error, times in summary.errors]
    if not rows:
        return Section("errors", "Errors")
    says = ("An error is no failure of the agent: such a run is left out of the score.",)
    table = table_of("Errors by how often", ("error", "runs"), rows)
    return Section("errors", "Errors", says, (table,))


def _about(evaluation: Evaluation, summary: Summary) -> Iterator[str]:
    usage = summary.whole.usage
    yield f"Dataset {evaluation.dataset}@{evaluation.version}, agent {evaluation.agent_version}."
    if evaluation.branch:
        yield f"Branch {evaluation.branch}."
    if evaluation.content_fingerprint:
        yield f"Content fingerprint {evaluation.content_fingerprint}."
    if usage.input_tokens is not None or usage.output_tokens is not None:
        yield f"Tokens: {usage.input_tokens or 0:,} in, {usage.output_tokens or 0:,} out."
    if usage.seconds is not None:
        yield f"{usage.seconds:,.0f} seconds of the agent's time."
    yield from (f"{note.rstrip('.')}." for note in evaluation.notes)
