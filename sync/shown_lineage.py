"""What `show` prints: one item's whole story, a section at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goldloop.printable import printable
from sync import terminal
from views.story import LONGER, story


def show_lineage(found: Mapping[str, Any]) -> None:
    """Every section that has something, in the order in which it came about."""
    terminal.result(printable(found["sample_id"]))
    for title, steps in story(found).items():
        if not steps:
            continue
        terminal.result(f"\n{title}")
        for step in steps:
            terminal.result(f"  {printable(step.says, LONGER)}")
            for detail in step.details:
                terminal.result(f"    {printable(detail, LONGER)}")
