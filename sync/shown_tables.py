"""How the tables and sections of a report look in the terminal: as they are, without plots."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from goldloop.printable import printable
from sync import terminal
from views.page_values import (
    Bar,
    Section,
    Span,
    Table,
)

LONG = 400


def show_sections(sections: Iterable[Section], command: str) -> None:
    """Each section under its title; `command` prints what a table leaves out."""
    for section in sections:
        terminal.result(f"\n{section.title}")
        for text in section.says:
            terminal.result(f"  {printable(text, LONG)}")
        for table in section.tables:
            show_table(table, command)


def show_table(table: Table, command: str) -> None:
    """A table under its caption."""
    kept = [place for place, heading in enumerate(table.headings) if heading]
    rows = [[_text(row[place]) for place in kept] for row in table.rows]
    terminal.result("")
    title = printable(table.caption)
    terminal.print_table([table.headings[place] for place in kept], rows, title)
    if table.more:
        terminal.result(f"and {table.more:,} more: {command}")


def _text(cell: Any) -> Any:
    return None if isinstance(cell, (Bar, Span)) else cell
