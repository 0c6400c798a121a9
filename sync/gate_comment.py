"""A gate as Markdown: the comment on a pull request, short on top and with its details folded.

The hidden first line lets a workflow find the comment and replace it. GitHub takes 65,536
characters, so flipped cases that do not fit are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from goldloop.evaluation import Flip
from sync.gate import Gated
from sync.gate_sections import sections, sides_table, warnings
from sync.page import SENTENCE, markdown_table, md
from views.flips import DIRECTIONS, address_of, in_order, shown_side
from views.gate_words import TITLES, chance, counted, points, points_between, rules_said

MARKER = "<!-- goldloop-gate -->"
LONGEST = 65_536
_ROOM = 60_000  # for everything; what is left is for the closing lines
_FOLDED = ("slices", "graders", "errors", "notes")
_OUTPUT = 700


def gate_markdown(gated: Gated) -> str:
    """The whole comment, of at most 65,536 characters."""
    top = "\n".join(_top(gated))
    folded = "\n".join(_details(gated))
    if len(top) + len(folded) > _ROOM:
        folded = "The details do not fit into a comment; they are in the other reports.\n"
    left = _ROOM - len(top) - len(folded)
    return f"{top}\n{_flips(gated, left)}\n{folded}"[:LONGEST]


def _top(gated: Gated) -> Iterator[str]:
    verdict, paired = gated.verdict, gated.verdict.paired
    yield MARKER
    dataset = md(f"{gated.candidate.dataset}@{gated.candidate.version}")
    yield f"### {TITLES.get(verdict.status, md(verdict.status))} on {dataset}\n"
    yield f"{md(verdict.sentence, SENTENCE)}\n"
    yield from markdown_table(sides_table(gated))
    if paired is not None:
        yield (
            f"Change: **{md(points(paired.change))} points** (95% interval "
            f"{md(points_between(paired.low, paired.high))}, one-sided p {md(chance(paired.p))}), "
            f"{counted(paired.worse, 'case', 'cases')} worse, {paired.better:,} better.\n"
        )
    yield f"{md(rules_said(verdict.rules), SENTENCE)}\n"
    yield from (f"- {md(one, SENTENCE)}" for one in warnings(gated))
    yield ""


def _details(gated: Gated) -> Iterator[str]:
    for section in sections(gated):
        lines = [f"{md(text, SENTENCE)}\n" for text in section.says]
        if section.name in _FOLDED:
            for table in section.tables:
                lines += markdown_table(table) if table.rows else []
        title = "How sure this is" if section.name == "scores" else section.title
        yield from folded(title, lines)


def folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines that are seen when their title is clicked on."""
    yield f"<details><summary>{md(title)}</summary>\n"
    yield from lines
    yield "\n</details>\n"


def _flips(gated: Gated, room: int) -> str:
    """As many flipped cases as there is room for, those that went wrong first."""
    flips = in_order(gated.verdict.flips)
    if not flips:
        return "No case went from right to wrong or back.\n"
    regressed = sum(one.direction == "regressed" for one in flips)
    title = f"{regressed:,} went from right to wrong, {len(flips) - regressed:,} back"
    kept: list[str] = []
    for flip in flips:
        said = "\n".join(_flip(flip))
        if len(said) + 500 > room:
            break
        room -= len(said) + 1
        kept.append(said)
    if len(kept) < len(flips):
        kept.append(f"and {len(flips) - len(kept):,} more, which the other reports have\n")
    return "\n".join(folded(title, kept))


def _flip(flip: Flip) -> Iterator[str]:
    address = address_of(flip)
    # In angle brackets, so that no sign of the address ends the link.
    link = f" ([task](<{address}>))" if address else ""
    yield f"**{md(flip.sample_id)}** {DIRECTIONS.get(flip.direction, '')}{link}\n"
    if flip.user_input:
        yield f"> {md(flip.user_input, 300)}\n"
    for title, side in (("baseline", flip.baseline), ("candidate", flip.candidate)):
        shown = shown_side(title, side)
        yield f"- {md(shown.title)}: {md(shown.output, _OUTPUT)}"
        yield from (f"  - {md(reason, 300)}" for reason in shown.reasons)
    yield ""
