"""What judge shows: how far judges agree with people, as tables for a person."""

from __future__ import annotations

from typing import Any

from goldloop.printable import printable
from sync import terminal
from sync.judge_check import Checked, Judged

MOST_SHOWN = 10
_HEADINGS = ("judge", "version", "model", "cases", "agreement", "kappa", "95%", "may block")
_SLICES = ("slice", "cases", "agreement", "kappa")
_CONFUSION = ("", "people: right", "people: wrong")
_DIFFERENCES = ("sample", "people", "judge", "the judge's reason")
_VERDICTS = {True: "right", False: "wrong"}


def show_judged(found: Judged) -> None:
    """Every judge on a line, then each by itself, and what to do about those that are unproven."""
    title = f"judges of {found.dataset} against {found.field} of {found.cases} labelled runs"
    terminal.print_table(_HEADINGS, map(_row, found.judges), title)
    for one in found.judges:
        _show_one(one)
    terminal.say(f"written: {found.path}; commit it with the versions, for gates to go by")


def _row(one: Checked) -> tuple[Any, ...]:
    check = one.check
    between = None if check.low is None else f"{check.low:.3f} to {check.high:.3f}"
    proven = "no, unproven" if one.unproven else "yes"
    start = (check.grader, check.version, check.model, check.cases)
    return (*start, check.agreement, check.kappa, between, proven)


def _show_one(one: Checked) -> None:
    check = one.check
    counts = check.confusion
    rows = [
        ("judge: right", counts["judge_pass_people_pass"], counts["judge_pass_people_fail"]),
        ("judge: wrong", counts["judge_fail_people_pass"], counts["judge_fail_people_fail"]),
    ]
    terminal.print_table(_CONFUSION, rows, f"\n{check.grader}")
    slices = [(name, part.cases, part.agreement, part.kappa) for name, part in check.slices.items()]
    terminal.print_table(_SLICES, slices)
    differences = [
        (row.sample_id, _VERDICTS[row.people], _VERDICTS[row.judge], row.reason)
        for row in one.disagreements[:MOST_SHOWN]
    ]
    terminal.print_table(_DIFFERENCES, differences)
    for text in _notes(one):
        terminal.say(printable(f"{check.grader}: {text}", 1_000))


def _notes(one: Checked) -> list[str]:
    notes = []
    if len(one.disagreements) > MOST_SHOWN:
        notes.append(f"{len(one.disagreements) - MOST_SHOWN} more differences: --json")
    if one.errors:
        notes.append(f"no verdict on {one.errors} cases, which are left out: {one.error}")
    notes += one.notes
    cost = "" if one.usd is None else f", {one.usd} USD"
    known = one.check.cases + one.errors - one.asked
    notes.append(f"{one.asked} verdicts asked for now{cost}, {known} known from before")
    if one.unproven:
        notes.append(f"it {one.unproven}, so it cannot block alone; {one.advice}")
    return notes
