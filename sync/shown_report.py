"""What `report` prints for a person: the figures, the warnings, and a table for each section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goldloop.printable import printable
from sync import terminal
from views.report_sections import Bar, Span, Table, glance, sections, warnings_of

LONG = 400


def show_report(report: Mapping[str, Any]) -> None:
    """The whole report, without its plots."""
    about = report["about"]
    terminal.result(f"{about['dataset']}@{about['version']}")
    terminal.print_table(("figure", "value", "note"), glance(report))
    for says, do, named in warnings_of(report):
        terminal.result(printable(f"! {says}", LONG))
        terminal.result(printable(f"  -> {do}" + (f" ({named})" if named else ""), LONG))
    for section in sections(report):
        terminal.result(f"\n{section.title}")
        for text in section.says:
            terminal.result(f"  {printable(text, LONG)}")
        for table in section.tables:
            _show(table)


def _show(table: Table) -> None:
    kept = [place for place, heading in enumerate(table.headings) if heading]
    rows = [[_text(row[place]) for place in kept] for row in table.rows]
    terminal.result("")
    title = printable(table.caption)
    terminal.print_table([table.headings[place] for place in kept], rows, title)
    if table.more:
        terminal.result(f"and {table.more:,} more: goldloop report --json")


def _text(cell: Any) -> Any:
    return None if isinstance(cell, (Bar, Span)) else cell
