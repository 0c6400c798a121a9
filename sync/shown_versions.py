"""What verify and diff show: a version's verdict, and two versions side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from goldloop.printable import printable
from goldloop.version_diff import ABSENT, Cause, Reason, shortened
from sync import terminal
from sync.markdown import markdown_text
from sync.verify_version import VersionVerdict
from views.diff import Compared

_TABLE_ROWS = 500  # more is for --json
_PAGE_ROWS = 100  # of each kind; a pull request takes 65,536 characters
_PAGE = 60_000
_CELL = 120
_KINDS = ("Relabelled", "Changed", "Removed", "Added")

_CAUSES = {
    Cause.ANNOTATION_ADDED: "is new",
    Cause.ANNOTATION_CHANGED: "was changed",
    Cause.ANNOTATION_WITHDRAWN: "no longer counts",
}


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
    rows = [line for one in _rows(compared) for line in _lines(one)]
    headings = ("sample", "what", "old", "new", "why")
    terminal.print_table(headings, rows[:_TABLE_ROWS])
    if len(rows) > _TABLE_ROWS:
        terminal.say(f"and {len(rows) - _TABLE_ROWS} more; --json prints all")
    if moved := compared.diff.counts()["evidence"]:
        said = "1 item has" if moved == 1 else f"{moved} items have"
        terminal.say(f"{said} other evidence or weights; --json prints all")


def _lines(row: _Row) -> Iterator[tuple[str, ...]]:
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


class _Row(NamedTuple):
    """One difference in words; long texts are cut to the part that differs."""

    kind: str
    sample_id: str
    what: str
    old: str
    new: str
    why: tuple[str, ...] = ()


def _rows(compared: Compared) -> Iterator[_Row]:
    """Everything but evidence."""
    for item in compared.diff.added:
        yield _Row("Added", str(item["sample_id"]), "added", "", _asked(item))
    for item in compared.diff.removed:
        yield _Row("Removed", str(item["sample_id"]), "removed", _asked(item), "")
    for changed in compared.diff.changed:
        for one in changed.changes:
            both = shortened(_text(one.old), _text(one.new))
            yield _Row("Changed", changed.sample_id, one.path, *both)
        for label in changed.relabelled:
            both = shortened(_text(label.old), _text(label.new))
            why = tuple(reason_text(reason) for reason in label.reasons)
            yield _Row("Relabelled", changed.sample_id, f"label {label.field}", *both, why)


def _asked(item: Mapping[str, Any]) -> str:
    return _text(item.get("user_input"))[:_CELL]


def _text(value: object) -> str:
    if value is ABSENT:
        return "(none)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def reason_text(reason: Reason) -> str:
    """Why a label moved, in words.

    >>> reason_text(Reason(Cause.STATE, old="agreed", new="adjudicated"))
    'state agreed -> adjudicated'
    """
    if reason.cause in _CAUSES:
        who = reason.who or f"annotator {reason.annotator}"
        says = f", says {_text(reason.says)}" if reason.says is not None else ""
        when = f" ({reason.at[:16]})" if reason.at else ""
        return f"annotation {reason.annotation} by {who} {_CAUSES[reason.cause]}{when}{says}"
    if reason.cause is Cause.UNKNOWN:
        return "nothing recorded tells"
    named = "" if reason.cause is Cause.EVIDENCE else f"{reason.cause.value} "
    return f"{named}{reason.old} -> {reason.new}"


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
    return "\n".join([*head, _details(list(_rows(compared)), _PAGE)])


def _details(rows: Sequence[_Row], room: int) -> str:
    """A folded table for each kind of row, as far as there is room."""
    kinds = {kind: [row for row in rows if row.kind == kind] for kind in _KINDS}
    return "\n".join(_folded(kind, own, room // 4) for kind, own in kinds.items() if own)


def _folded(kind: str, rows: Sequence[_Row], room: int) -> str:
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
    return markdown_text(text, _CELL)
