"""A gate as one HTML file: the verdict, the plots, and the flipped cases side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from goldloop.evaluation import Flip
from sync.gate import Gated
from sync.gate_sections import glance, sections, warnings
from sync.page import SENTENCE, inline, navigation, section_html, shell, tiles_html
from views.flips import DIRECTIONS, Shown, address_of, in_order, shown_side
from views.gate_words import TITLES, counted

MOST_FLIPS = 200
_FOOT = (
    "<footer>Made by goldloop from two evaluations. Nothing on this page comes from elsewhere."
    "</footer>"
)


def gate_page(gated: Gated) -> str:
    """The whole page."""
    verdict, parts = gated.verdict, sections(gated)
    title = f"{TITLES.get(verdict.status, verdict.status)}: {gated.candidate.name}"
    names = [*((part.name, part.title) for part in parts), ("flips", "Flipped cases")]
    warned = warnings(gated)
    if warned:
        names.insert(0, ("warnings", "Warnings"))
    body = [
        f"<header class='verdict {_css(verdict.status)}'><p class=kicker>Gate</p>"
        f"<h1>{inline(TITLES.get(verdict.status, verdict.status))}<span> on "
        f"{inline(gated.candidate.dataset)}@{inline(gated.candidate.version)}</span></h1>"
        f"<p class=message>{inline(verdict.sentence, SENTENCE)}</p>"
        f"<p class=sub>{inline(gated.candidate.agent_version)} against "
        f"{inline(gated.baseline.agent_version)}, policy {inline(verdict.rules.policy)}"
        "</p></header>",
        tiles_html(glance(gated)[1:]),
        navigation(names),
        warnings_html(warned),
        *map(section_html, parts),
        _flips(in_order(verdict.flips)),
        _FOOT,
    ]
    return shell(title, body)


def _css(status: str) -> str:
    return status.replace("_", "-") if status in TITLES else "unknown"


def warnings_html(found: Iterable[str]) -> str:
    """Warnings, one below the other; nothing where there is none."""
    items = "".join(f"<li><p class=says>{inline(one, SENTENCE)}</p></li>" for one in found)
    if not items:
        return ""
    return f"<section id=warnings><h2>Warnings</h2><ol class=warnings>{items}</ol></section>"


def _flips(flips: Sequence[Flip]) -> str:
    if not flips:
        says = "<p>No case went from right to wrong or back.</p>"
        return f"<section id=flips><h2>Flipped cases</h2>{says}</section>"
    regressed = sum(one.direction == "regressed" for one in flips)
    says = (
        f"<p>{counted(regressed, 'case', 'cases')} went from right to wrong, "
        f"{len(flips) - regressed:,} from wrong to right.</p>"
    )
    cards = "".join(map(_card, flips[:MOST_FLIPS]))
    left = len(flips) - MOST_FLIPS
    more = f"<p class=more>and {left:,} more, which the JSON has</p>" if left > 0 else ""
    return (
        f"<section id=flips><h2>Flipped cases</h2>{says}<div class=flips>{cards}</div>{more}"
        "</section>"
    )


def _card(flip: Flip) -> str:
    address = address_of(flip)
    link = (
        f" <a href='{escape(address, quote=True)}' rel='noopener noreferrer'>task</a>"
        if address
        else ""
    )
    slices = f"<p class=sub>{inline(', '.join(flip.slices), SENTENCE)}</p>" if flip.slices else ""
    css = "regressed" if flip.direction == "regressed" else "recovered"
    return (
        f"<details class='flip {css}'><summary><b>{inline(flip.sample_id)}</b> "
        f"{DIRECTIONS.get(flip.direction, '')}</summary>{slices}"
        f"<p class=asked>{inline(flip.user_input, SENTENCE)}{link}</p><div class=sides>"
        f"{_side(shown_side('Baseline', flip.baseline))}"
        f"{_side(shown_side('Candidate', flip.candidate))}</div></details>"
    )


def _side(shown: Shown) -> str:
    reasons = "".join(f"<li>{inline(one, SENTENCE)}</li>" for one in shown.reasons)
    listed = f"<ul class=reasons>{reasons}</ul>" if reasons else ""
    return f"<div><h3>{inline(shown.title)}</h3><pre>{block(shown.output)}</pre>{listed}</div>"


def block(text: str) -> str:
    """Text of several lines as it is safe between tags; nothing in it steers or reorders."""
    lines = ("".join(c if c.isprintable() else " " for c in line) for line in text.split("\n"))
    return escape("\n".join(lines), quote=True)
