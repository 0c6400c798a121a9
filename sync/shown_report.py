"""What `report` prints for a person: the figures, the warnings, and a table for each section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goldloop.printable import printable
from sync import terminal
from sync.shown_tables import LONG, show_sections
from views.report_sections import glance, sections, warnings_of


def show_report(report: Mapping[str, Any]) -> None:
    """The whole report, without its plots."""
    about = report["about"]
    terminal.result(f"{about['dataset']}@{about['version']}")
    terminal.print_table(("figure", "value", "note"), glance(report))
    for says, do, named in warnings_of(report):
        terminal.result(printable(f"! {says}", LONG))
        terminal.result(printable(f"  -> {do}" + (f" ({named})" if named else ""), LONG))
    show_sections(sections(report), "goldloop report --json")
