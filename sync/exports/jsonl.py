"""jsonl: every item as the version holds it, one a line, with its weight and where it came from."""

from __future__ import annotations

from pathlib import Path

from sync.exports.case import selected, slices
from sync.exports.form import Edition, Format, write_lines


def write(edition: Edition, target: Path) -> None:
    """One item a line, each naming the version that it comes from, and how it was selected."""
    source = edition.origin
    write_lines(
        target,
        (
            {**item, **selected(item), "slices": slices(item), "goldloop": source}
            for item in edition.items
        ),
    )


FORMAT = Format("every item with all that is known of it", ".jsonl", write)
