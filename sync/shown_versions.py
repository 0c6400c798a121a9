"""What verify and diff show: a version's verdict, and two versions side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from goldloop.printable import printable
from sync import terminal
from sync.markdown import markdown_text
from views.diff import Compared
from views.diff_rows import CELL, KINDS, DiffRow, diff_rows
from views.verify_version import VersionVerdict

_TABLE_ROWS = 500  # more is for --json
_PAGE_ROWS = 100  # of each kind; a pull request takes 65,536 characters
_PAGE = 60_000


def show_version_verdict(verdict: VersionVerdict) -> None:
    """Whether a version is as it was committed, and else what is not."""
    if verdict.fits:
        terminal.result(
            f"{verdict.name} is as it was committed: {verdict.items} items, "
            f"{', '.join(verdict.checked)}\ncontent {verdict.content}\nlabels  {verdict.labels}"
        )
    else:
        count = len(verdict.misfits) + verdict.more
        said = "1 thing does" if count == 1 else f"{count} things do"
        terminal.result(f"{verdict.name} is NOT as it was committed; {said} not fit. Restore it.")
        for one in verdict.misfits:
            terminal.result(f"  {printable(f'{one.file}: {one.problem}', 300)}")
        if verdict.more:
            terminal.result(f"  and {verdict.more} more")
    for note in verdict.unchecked:
        terminal.say(f"not checked: {printable(note, 300)}")
    for name in verdict.unknown_files[:20]:
        terminal.say(f"no part of the version: {printable(name)}")


def show_diff(compared: Compared) -> None:
    """What differs, as a table: a row for every value."""
    terminal.result(_headline(compared))
    rows = [line for one in diff_rows(compared) for line in _lines(one)]
    headings = ("sample", "what", "old", "new", "why")
    terminal.print_table(headings, rows[:_TABLE_ROWS])
    if len(rows) > _TABLE_ROWS:
        terminal.say(f"and {len(rows) - _TABLE_ROWS} more; --json prints all")
    if moved := compared.diff.counts()["evidence"]:
        said = "1 item has" if moved == 1 else f"{moved} items have"
        terminal.say(f"{said} other evidence or weights; --json prints all")


def _lines(row: DiffRow) -> Iterator[tuple[str, ...]]:
    """A line of the table for the row, and one more for every further reason."""
    first, *more = row.why or ("",)
    yield (row.sample_id, row.what, row.old, row.new, first)
    yield from (("", "", "", "", why) for why in more)


def _headline(compared: Compared) -> str:
    counts = compared.diff.counts()
    said = ", ".join(f"{counts[kind]} {kind}" for kind in ("added", "removed", "changed"))
    guidelines = "; the labelling interface changed" if compared.diff.guidelines else ""
    return (
        f"{compared.parent.name} -> {compared.child.name}: {said}, "
        f"{counts['relabelled']} relabelled{guidelines}"
    )


def markdown_diff(compared: Compared) -> str:
    """What differs, as Markdown for a pull request: counts, then details that fold.

    Bounded to what GitHub takes in one comment; what is left out is counted.
    """
    counts = compared.diff.counts()
    head = [
        f"### Dataset {_md(compared.parent.name)} → {_md(compared.child.name)}",
        "",
        "| added | removed | changed | relabelled | other evidence |",
        "| ---: | ---: | ---: | ---: | ---: |",
        "| " + " | ".join(str(count) for count in counts.values()) + " |",
        "",
    ]
    if compared.diff.guidelines:
        head += ["**The labelling interface changed.**", ""]
    return "\n".join([*head, _details(list(diff_rows(compared)), _PAGE)])


def _details(rows: Sequence[DiffRow], room: int) -> str:
    """A folded table for each kind of row, as far as there is room."""
    kinds = {kind: [row for row in rows if row.kind == kind] for kind in KINDS}
    return "\n".join(_folded(kind, own, room // 4) for kind, own in kinds.items() if own)


def _folded(kind: str, rows: Sequence[DiffRow], room: int) -> str:
    shown, used = [], 0
    for row in rows[:_PAGE_ROWS]:
        cells = [_md(cell) for cell in row[1:5]] + ["<br>".join(_md(why) for why in row.why[:5])]
        line = f"| {' | '.join(cells)} |"
        used += len(line) + 1
        if used > room:
            break
        shown.append(line)
    more = f"\nand {len(rows) - len(shown)} more\n" if len(shown) < len(rows) else ""
    return "\n".join(
        [
            f"<details><summary>{kind} ({len(rows)})</summary>",
            "",
            "| sample | what | old | new | why |",
            "| --- | --- | --- | --- | --- |",
            *shown,
            more,
            "</details>",
            "",
        ]
    )


def _md(text: str) -> str:
    return markdown_text(text, CELL)
