"""What calibrate shows to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync import terminal
from sync.calibrate import Calibration, Outcome
from sync.refresh_scores import Refreshed

# Before and after calibration, the latter out of fold.
_HEADINGS = (
    "agent version",
    "method",
    "calibrator",
    "labels",
    "correct",
    "Brier",
    "skill",
    "AUROC (95%)",
    "ECE",
)


def show_calibration(done: Calibration, *, dry_run: bool) -> None:
    """The table of calibrators, why there is none where there is none, and what was refreshed."""
    title = "dry run, nothing kept" if dry_run else ""
    terminal.print_table(_HEADINGS, map(_row, done.outcomes), title)
    for one in done.outcomes:
        for text in (one.why, *one.notes):
            if text:
                terminal.say(f"{one.agent_version}, {one.method or 'no method'}: {text}")
        if one.why and one.calibrator_id is not None:
            terminal.say("the calibrator that was fitted before stays in use")
    if not done.outcomes:
        terminal.say(
            f"no run by {done.agent_version} with a confidence was given to people yet; start with:"
            " goldloop push"
        )


def _row(one: Outcome) -> tuple[Any, ...]:
    made = "none" if one.kind is None else f"{one.kind} ({_STATES[one.state]})"
    start = (one.agent_version, one.method or None, made, one.labels, one.correct)
    if one.report is None:
        return (*start, *[None] * (len(_HEADINGS) - len(start)))
    before, after = one.report["before"], one.report["after"]
    return (
        *start,
        f"{before['brier']:.3f} -> {after['brier']:.3f}",
        f"{_number(before['skill'])} -> {_number(after['skill'])}",
        _auroc(before),
        f"{before['ece']:.3f} -> {after['ece']:.3f} ({after['ece_null']:.3f} if perfect)",
    )


_STATES = {"fitted": "new", "unchanged": "unchanged", "none": "the one from before"}


def _auroc(side: Mapping[str, Any]) -> str:
    if side["auroc_low"] is None:
        return _number(side["auroc"])
    return f"{side['auroc']:.3f} ({side['auroc_low']:.3f} to {side['auroc_high']:.3f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def show_refreshed(refreshed: Refreshed) -> None:
    """What was brought up to date in Label Studio."""
    if refreshed.created or refreshed.found:
        terminal.result(
            f"{refreshed.created} predictions refreshed in Label Studio, {refreshed.found} found "
            f"there from an earlier try, {refreshed.doubles_removed} doubles removed"
        )
    if refreshed.shown:
        terminal.result(f"the queue goes by the scores of {refreshed.model_version}")
