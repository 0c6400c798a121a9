"""jsonl: every item as the version holds it, one a line, with its weight and where it came from."""

from __future__ import annotations

from pathlib import Path

from goldloop.verification import verified_by
from sync.exports.case import selected, slices
from sync.exports.form import Edition, Format, write_lines


def write(edition: Edition, target: Path) -> None:
    """One item a line, each naming the version that it comes from, how it was selected, and which
    people stand behind it (`verified_by`, empty for nobody).
    """
    source = edition.origin
    write_lines(
        target,
        (
            {
                **item,
                **selected(item),
                "verified_by": verified_by(item),
                "slices": slices(item),
                "goldloop": source,
            }
            for item in edition.items
        ),
    )


FORMAT = Format("every item with all that is known of it", ".jsonl", write)
