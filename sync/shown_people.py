"""What agreement and annotators show: results as tables for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.markup import escape

from goldloop.agreement import FieldAgreement, Interval, PairAgreement, PeriodAgreement
from goldloop.annotators import AnnotatorReport, Bias, Confusion, Drift, FieldErrors
from goldloop.gold_checks import CheckScore
from goldloop.printable import printable
from sync import terminal
from views.gold_checks import Checked

NOBODY = "nobody has answered yet"
DOUBTFUL = 10
MOST_WARNINGS = 10

_AGREEMENT = ("field", "tasks", "people", "percent", "measure", "score", "95%", "AC1")

# One column a line; a value is a number, a text, a truth or None.
_COLUMNS: tuple[tuple[str, Callable[[AnnotatorReport], Any]], ...] = (
    ("answers", lambda one: one.answers),
    ("skips", lambda one: one.skips),
    ("as the others", lambda one: one.with_others),
    ("of", lambda one: one.compared),
    ("as the truth", lambda one: one.with_truth),
    ("of", lambda one: one.checked),
    ("median seconds", lambda one: one.median_seconds),
    ("hasty", lambda one: one.hasty),
    ("confidence", lambda one: one.mean_confidence),
    ("change", lambda one: one.drift.change),
    ("drifted", lambda one: one.drift.drifted),
)


def show_agreement(fields: Sequence[FieldAgreement]) -> None:
    """The agreement on every field, with its warnings."""
    terminal.print_table(_AGREEMENT, map(_cells, fields), "" if fields else NOBODY)
    _say_warnings([(one.field, one) for one in fields])


def show_slices(by: str, slices: Sequence[tuple[str, FieldAgreement]], without: int) -> None:
    """The agreement on every field in every slice; `without` counts the samples that are in none.

    `by` is what the samples are sliced by.
    """
    rows = [(name, *_cells(one)) for name, one in slices]
    terminal.print_table((by, *_AGREEMENT), rows, "" if rows else f"no answered sample has a {by}")
    if without:
        terminal.say(f"{without} samples have no {by} and are left out")
    _say_warnings([(f"{by} {name}, {one.field}", one) for name, one in slices])


def show_periods(periods: Sequence[PeriodAgreement]) -> None:
    """The agreement on every field, period by period."""
    headings = ("from", "to", *_AGREEMENT)
    rows = [(_when(one.start), _when(one.end), *_cells(one.agreement)) for one in periods]
    terminal.print_table(headings, rows, "" if rows else "no task has two answers yet")
    _say_warnings([(f"{_when(o.start)}, {o.agreement.field}", o.agreement) for o in periods])


def show_pairs(pairs: Iterable[tuple[str, PairAgreement]], names: Mapping[Any, str]) -> None:
    """The agreement of every two people on every field."""
    headings = ("field", "first", "second", "tasks", "percent", "95%", "kappa", "95%")
    rows = [
        (
            field,
            names.get(pair.first, pair.first),
            names.get(pair.second, pair.second),
            pair.tasks,
            pair.percent.value,
            _interval(pair.percent.interval),
            pair.kappa.value,
            _interval(pair.kappa.interval),
        )
        for field, pair in pairs
    ]
    terminal.print_table(headings, rows, "" if rows else "no two people answered one task yet")


def show_annotators(
    reports: Sequence[AnnotatorReport], names: Mapping[int, str], checked: Checked
) -> None:
    """How each person answers, on gold checks too."""
    _show_rows(reports, names, checked, "" if reports else NOBODY)
    _say_how_many(reports)
    if checked.doubtful:
        terminal.say(
            "most of those who were checked on them contradict the label that stands; look at: "
            f"{', '.join(printable(one) for one in checked.doubtful[:DOUBTFUL])}"
        )


def _show_rows(
    reports: Sequence[AnnotatorReport], names: Mapping[int, str], checked: Checked, title: str
) -> None:
    headings = ("annotator", *(heading for heading, _ in _COLUMNS), "gold checks", "of")
    rows = [
        (
            _name(one, names),
            *(value(one) for _, value in _COLUMNS),
            *_score(checked.scores.get(one.annotator_id)),
        )
        for one in reports
    ]
    terminal.print_table(headings, rows, title)


def _score(score: CheckScore | None) -> tuple[float | None, int]:
    return (score.right / score.answers, score.answers) if score and score.answers else (None, 0)


def show_annotator(
    report: AnnotatorReport,
    reports: Sequence[AnnotatorReport],
    names: Mapping[int, str],
    checked: Checked,
) -> None:
    """One person: the row of the table, then confusions and biases by field, then drift.

    `reports` has everybody: how many were looked at says what a drift is worth.
    """
    who = printable(_name(report, names))
    _show_rows([report], names, checked, f"{who} (annotator {report.annotator_id})")
    for errors in report.fields:
        _show_errors(errors)
    _show_drift(report.drift)
    if report.drift.drifted is not None:
        _say_how_many(reports)


def _show_errors(errors: FieldErrors) -> None:
    name = printable(errors.field)
    for matrix in errors.confusions:
        if matrix.option is None:
            _show_matrix(name, matrix)
    several = [matrix for matrix in errors.confusions if matrix.option is not None]
    if several:
        headings = ("option", "both", "only this person", "only the reference", "neither")
        terminal.print_table(headings, map(_ticks, several), f"\n{name}: who chose what")
    _show_biases(name, errors.biases)


def _show_matrix(name: str, matrix: Confusion) -> None:
    options = [printable(str(option)) for option in matrix.options]
    headings = ("reference", *(escape(option) for option in options))
    rows = [(option, *row) for option, row in zip(options, matrix.counts, strict=True)]
    terminal.print_table(headings, rows, f"\n{name}: the reference (rows), this person (columns)")


def _ticks(matrix: Confusion) -> tuple[Any, ...]:
    (neither, person), (reference, both) = matrix.counts
    return matrix.option, both, person, reference, neither


def _show_biases(name: str, biases: Sequence[Bias]) -> None:
    headings = ["option", "says it more often by", "standard error", "tasks"]
    what, first = "as a share of the tasks", 0
    if all(bias.option is None for bias in biases):
        headings[1], what, first = "above the others by", "against the mean of the others", 1
    rows = [(b.option, b.difference, b.standard_error, b.tasks)[first:] for b in biases]
    terminal.print_table(headings[first:], rows, f"\n{name}: bias, {what}")


def _show_drift(drift: Drift) -> None:
    rows = [
        (_when(one.start), _when(one.end), one.answers, one.share, _interval(one.interval))
        for one in drift.periods
    ]
    title = "\nagreement with the others over time (a task counts once, all its questions together)"
    headings = ("from", "to", "tasks", "as the others", "95%")
    terminal.print_table(headings, rows, title if rows else "")
    if drift.change is None:
        terminal.result("\ntoo few answers to compare with the others' to tell of drift (under 20)")
        return
    verdict = "drifted" if drift.drifted else "no drift found"
    terminal.result(
        f"\nlater half less earlier half: {drift.change:+.3f} ({_interval(drift.interval)}): "
        f"{verdict}"
    )


def _say_how_many(reports: Sequence[AnnotatorReport]) -> None:
    looked_at = sum(one.drift.drifted is not None for one in reports)
    if looked_at > 1:
        terminal.say(
            f"drift was looked for in {looked_at} annotators, each at 95%: the chance that one "
            f"shows it and has not drifted is about {1 - 0.95**looked_at:.0%}; tasks that grew "
            "harder look like drift as well"
        )


def _cells(one: FieldAgreement) -> tuple[Any, ...]:
    return (
        one.field,
        one.tasks,
        one.annotators,
        one.percent.value,
        one.measure,
        one.score.value,
        _interval(one.score.interval),
        one.ac1.value,
    )


def _say_warnings(found: Sequence[tuple[str, FieldAgreement]]) -> None:
    """Every warning under its name; beyond ten only how many there are."""
    warnings = [(name, warning) for name, one in found for warning in one.warnings]
    for name, warning in warnings[:MOST_WARNINGS]:
        terminal.say(f"{printable(name)}: {printable(warning, 300)}")
    if len(warnings) > MOST_WARNINGS:
        terminal.say(f"and {len(warnings) - MOST_WARNINGS} more warnings; --json has them all")


def _interval(interval: Interval | None) -> str:
    return "-" if interval is None else f"{interval.low:.3f} to {interval.high:.3f}"


def _when(time: str) -> str:
    """An ISO 8601 time to the minute."""
    return time[:16].replace("T", " ")


def _name(report: AnnotatorReport, names: Mapping[int, str]) -> str:
    return names.get(report.annotator_id, str(report.annotator_id))
