"""A synthetic sample as people check it: the data of its task, and what their answers say.

Everything that a model wrote is shown escaped. Nothing of what the model thinks of its own sample
is filled in, so that nobody leans on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from goldloop.samples import DIFFICULTIES, Message
from goldloop.synthesis.consistency import Solution
from goldloop.synthesis.spot_check import Verdict
from goldloop.synthesis.values import Candidate, Rejection
from label_config.interface import Interface, builtin_interface
from label_config.results import read_result
from label_config.tasks import check_task_data
from label_config.trace import (
    BORDER,
    LABEL_STYLE,
    render_text,
    render_tool_calls,
    render_trace,
    show_hidden,
)

POINTS_LIMIT = 50
POINT_LIMIT = 2_000
CELL_LIMIT = 200
REASON_LIMIT = 2_000
_ANSWERS = {"yes": True, "no": False}
_CHIP = (
    f"display:inline-block;border:1px solid {BORDER};border-radius:10px;padding:1px 9px;"
    "font-size:12.5px;line-height:1.5;overflow-wrap:anywhere"
)
_SOLUTION = f"border:1px solid {BORDER};border-radius:8px;padding:8px 12px;min-width:0"


def spot_check_interface() -> Interface:
    """The labelling interface that people check synthetic samples with."""
    return builtin_interface("spot_check")


def spot_check_data(
    name: str,
    candidate: Candidate,
    found: Rejection | None = None,
    solutions: Sequence[Solution] = (),
) -> dict[str, Any]:
    """The data of a candidate's task; `name` is its own among all tasks of the project.

    `found` is why the consistency filter kept it back, and `solutions` what it saw: both are shown
    only to the people who decide about such a sample.
    """
    sample = candidate.sample
    asked = (*sample.conversation, Message("user", sample.user_input))
    data = {
        # By this key push and pull know the task again.
        "sample_id": name,
        "difficulty": sample.difficulty,
        "capability": _line(candidate.slot.cell.capability),
        "intent": _line(candidate.slot.cell.intent),
        "user_input": _line(sample.user_input),
        "cell_html": render_cell(candidate),
        "trace_html": render_trace(asked),
        "expected_html": render_text(sample.expected_response, "No text is expected."),
        "key_points_html": render_points(candidate.key_points),
        "expected_tool_calls_html": render_tool_calls(sample.expected_tool_calls or ()),
        "found_html": "" if found is None else render_found(found, solutions),
    }
    check_task_data(spot_check_interface(), data)
    return data


def render_cell(candidate: Candidate) -> str:
    """What the sample was asked to be: its difficulty first, then the rest of its cell."""
    cell = candidate.slot.cell
    named = {
        "difficulty": candidate.sample.difficulty,
        "intent": cell.intent.replace("_", " "),
        "capability": cell.capability,
        "persona": cell.persona,
        "style": cell.style,
    }
    shown = "".join(
        f'<span style="{_CHIP}">{name}: <b>{_line(value, escaped=True)}</b></span>'
        for name, value in named.items()
        if value
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:4px 6px">{shown}</div>'


def render_points(points: Sequence[str]) -> str:
    """What an answer has to say, point by point."""
    if not points:
        return render_text(None, "None are listed.")
    shown = "".join(f"<li>{_cut(point)}</li>" for point in points[:POINTS_LIMIT])
    more = len(points) - POINTS_LIMIT
    left_out = f"<li>{more:,} more are not shown.</li>" if more > 0 else ""
    return (
        '<ul style="margin:0;padding-left:20px;list-style:disc outside;font-size:14px;'
        f'line-height:1.5;overflow-wrap:anywhere">{shown}{left_out}</ul>'
    )


def render_found(found: Rejection, solutions: Sequence[Solution]) -> str:
    """Why a sample waits for a person: what the filter found, and what it saw."""
    shown = "".join(
        f'<div style="{_SOLUTION}"><div style="{LABEL_STYLE}">Solution {number}</div>'
        f"{_solution(one)}</div>"
        for number, one in enumerate(solutions, 1)
    )
    columns = "grid-template-columns:repeat(auto-fit,minmax(260px,1fr))"
    reason = escape(found.reason.replace("_", " "))
    return (
        '<div class="gl-found-note">'
        '<div style="font-size:15px;font-weight:600;line-height:1.4;margin:0 0 6px">'
        f"Kept back by the consistency filter: {reason}</div>"
        f"{render_text(found.said, 'It did not say more.')}"
        f'<div style="display:grid;{columns};gap:12px;margin-top:10px">{shown}</div></div>'
    )


def _solution(solved: Solution) -> str:
    if solved.error is not None:
        return render_text(f"Not solved: {solved.error}", "Not solved.")
    text = render_text(solved.response, "Said nothing.")
    return f'{text}<div style="margin-top:8px">{render_tool_calls(solved.calls)}</div>'


def _cut(text: str) -> str:
    return escape(show_hidden(text[:POINT_LIMIT])) + ("…" if len(text) > POINT_LIMIT else "")


def _line(text: str, *, escaped: bool = False) -> str:
    """One line of text, short, with nothing hidden in it."""
    flat = show_hidden(" ".join(text[: CELL_LIMIT * 2].split()))[:CELL_LIMIT]
    return escape(flat) if escaped else flat


def read_verdict(
    interface: Interface, result: object, difficulty: str
) -> tuple[Verdict, tuple[str, ...]]:
    """What one annotation says of a sample whose stated difficulty this is, and what in it could
    not be read, in words. Label Studio checks nothing, so nothing is taken on trust.
    """
    answers, problems = read_result(interface, result)
    said = {name: _text(answers.get(name)) for name in answers}
    real = said.get("difficulty")
    reason = said.get("reason") or ""
    verdict = Verdict(
        _ANSWERS.get(said.get("realistic") or ""),
        _ANSWERS.get(said.get("answer_right") or ""),
        _ANSWERS.get(said.get("calls_right") or ""),
        real if real in DIFFICULTIES and real != difficulty else None,
        reason[:REASON_LIMIT],
    )
    return verdict, problems


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
