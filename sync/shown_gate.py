"""What `gate` prints for a person: the verdict, the figures, then the flipped cases."""

from __future__ import annotations

from dataclasses import replace

from goldloop.evaluation import Flip
from goldloop.printable import printable
from sync import terminal
from sync.gate import Gated
from sync.gate_sections import SLICES, glance, sections, warnings
from sync.shown_tables import LONG, show_sections
from views.flips import DIRECTIONS, address_of, in_order, shown_side
from views.page_values import Section, Table

MOST_FLIPS, MOST_ROWS = 5, 10
_ALL = "goldloop gate with -o gate.html, or --json"


def show_gate(gated: Gated) -> None:
    """The verdict and its reasons."""
    terminal.result(printable(gated.verdict.sentence, LONG))
    terminal.print_table(("figure", "value", "note"), glance(gated))
    for warning in warnings(gated):
        terminal.result(printable(f"! {warning}", LONG))
    show_sections(map(_short, sections(gated)), _ALL)
    flips = in_order(gated.verdict.flips)
    if flips:
        terminal.result("\nFlipped cases")
    for flip in flips[:MOST_FLIPS]:
        _show_flip(flip)
    if len(flips) > MOST_FLIPS:
        terminal.result(f"and {len(flips) - MOST_FLIPS:,} more: {_ALL}")
    if flips and gated.gate_id is not None:
        run = gated.candidate.evaluation_id
        terminal.say(f"to let annotators decide on them: goldloop push --from-gate {run}")


def _short(section: Section) -> Section:
    """A section as far as a terminal shows it: of slices the changes alone, of a table the top."""
    tables = section.tables[:1] if section.name == SLICES else section.tables
    return replace(section, tables=tuple(map(_top, tables)))


def _top(table: Table) -> Table:
    left_out = max(len(table.rows) - MOST_ROWS, 0)
    return replace(table, rows=table.rows[:MOST_ROWS], more=table.more + left_out)


def _show_flip(flip: Flip) -> None:
    link = address_of(flip)
    said = f"{flip.sample_id} {DIRECTIONS.get(flip.direction, '')}" + (f" {link}" if link else "")
    terminal.result(printable(f"  {said}", LONG))
    for title, side in (("baseline", flip.baseline), ("candidate", flip.candidate)):
        shown = shown_side(title, side)
        terminal.result(printable(f"    {shown.title}: {shown.output}", LONG))
        for reason in shown.reasons:
            terminal.result(printable(f"      {reason}", LONG))
