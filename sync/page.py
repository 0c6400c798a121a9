"""page: reports as Markdown, and as one HTML file that asks nobody for anything.

What users, models and annotators wrote is escaped, and the page forbids itself every script,
request and frame, so that what slips through can do nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from html import escape
from pathlib import Path

from goldloop.errors import VersionError
from goldloop.printable import printable
from sync.markdown import markdown_text
from sync.report_style import STYLE
from views.page_values import (
    UNKNOWN,
    Bar,
    Cell,
    Section,
    Span,
    Table,
    is_numeric,
    place_of,
    said,
)

LONG = 200
SENTENCE = 500
# From so many rows on, a table has the whole width: beside others it would leave a hole.
LONG_TABLE = 14
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_HIDDEN = "<span class=hidden>plot</span>"


def refuse_existing(target: Path, *, force: bool) -> None:
    """Raise VersionError for a file that exists, unless it may be replaced."""
    if target.exists() and not force:
        raise VersionError(f"{target} exists; choose another name, or replace it with --force")


def write_whole(target: Path, content: str) -> None:
    """Write a file, whole or not at all. Raises VersionError when it cannot be written."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(content, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        raise VersionError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def markdown_table(table: Table) -> Iterator[str]:
    """A table as lines of Markdown, without its plots."""
    kept = [place for place, heading in enumerate(table.headings) if heading]
    if table.caption:
        yield f"**{md(table.caption)}**\n"
    yield _line(table.headings[place] for place in kept)
    yield _line("---:" if is_numeric(table, place) else "---" for place in kept)
    for row in table.rows:
        yield _line(md(said(row[place])) for place in kept)
    if table.more:
        yield f"\nand {table.more:,} more"
    yield ""


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def md(text: object, limit: int = LONG) -> str:
    """Text as it is safe in Markdown: one line, bounded."""
    return markdown_text(text, limit)


def shell(title: str, body: Iterable[str]) -> str:
    """A whole page around its parts, which are HTML already."""
    return (
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
        f'<meta http-equiv=Content-Security-Policy content="{POLICY}">\n'
        "<meta name=viewport content='width=device-width, initial-scale=1'>\n"
        "<meta name=color-scheme content='light dark'>\n<meta name=robots content=noindex>\n"
        f"<title>{inline(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def navigation(names: Iterable[tuple[str, str]]) -> str:
    """Links to the sections, each by its name and its title."""
    links = (f"<li><a href='#{name}'>{inline(says)}</a></li>" for name, says in names)
    return f"<nav aria-label='Sections'><ul>{''.join(links)}</ul></nav>"


def tiles_html(figures: Iterable[tuple[str, str, str]]) -> str:
    """The figures to look at first: what, how much, and a word on it."""
    tiles = (
        f"<li><span class=what>{inline(what)}</span>"
        f"<b{' class=unknown' if much == UNKNOWN else ''}>{inline(much)}</b>"
        f"<span class=note>{inline(note)}</span></li>"
        for what, much, note in figures
    )
    return f"<ul class=tiles aria-label='The figures to look at first'>{''.join(tiles)}</ul>"


def section_html(section: Section) -> str:
    """A section: its sentences, and its tables side by side where there is room."""
    says = "".join(f"<p>{inline(text, SENTENCE)}</p>" for text in section.says)
    tables = "".join(map(table_html, section.tables))
    grid = f"<div class=tables>{tables}</div>" if tables else ""
    return f"<section id={section.name}><h2>{inline(section.title)}</h2>{says}{grid}</section>"


def table_html(table: Table) -> str:
    """A table with its plots; nothing where it has no row."""
    if not table.rows:
        return ""
    numeric = [is_numeric(table, place) for place in range(len(table.headings))]
    heads = "".join(
        f"<th scope=col{_css(numeric[place], table, place)}>{inline(heading) or _HIDDEN}</th>"
        for place, heading in enumerate(table.headings)
    )
    rows = "".join(f"<tr>{_row(table, row, numeric)}</tr>" for row in table.rows)
    more = f"<p class=more>and {table.more:,} more, which the JSON has</p>" if table.more else ""
    size = " wide" if len(table.headings) > 4 else " long" if len(table.rows) > LONG_TABLE else ""
    return (
        f"<figure class='table{size}'><div class=scroll tabindex=0 role=region "
        f"aria-label='{inline(table.caption)}'><table><caption>{inline(table.caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{more}</figure>"
    )


def _css(numeric: bool, table: Table, place: int) -> str:
    if not table.headings[place]:
        return " class=plot"
    return " class=number" if numeric else ""


def _row(table: Table, row: Sequence[Cell], numeric: Sequence[bool]) -> str:
    first, *rest = row
    cells = [f"<th scope=row>{inline(said(first))}</th>"]
    for place, cell in enumerate(rest, start=1):
        cells.append(f"<td{_css(numeric[place], table, place)}>{_cell(cell)}</td>")
    return "".join(cells)


def _cell(cell: Cell) -> str:
    if isinstance(cell, Bar):
        return _bar(cell)
    if isinstance(cell, Span):
        return _span(cell)
    if cell is None:
        return f"<span class=unknown>{UNKNOWN}</span>"
    return inline(said(cell))


def _bar(bar: Bar) -> str:
    width = place_of(bar.value)
    return _plot(
        f"{bar.value:.0%}", f"<rect class=fill width={width:.1f} y=3 height=8 rx=1 />", bar.mark
    )


def _span(span: Span) -> str:
    value, says, whisker = place_of(span.value), f"{span.value:.2f}", ""
    if span.low is not None and span.high is not None:
        low, high = place_of(span.low), place_of(span.high)
        says += f", from {span.low:.2f} to {span.high:.2f}"
        whisker = f"<rect class=range x={low:.1f} width={max(high - low, 0.5):.1f} y=5 height=4 />"
    dot = f"<rect class=fill x={max(value - 1.2, 0):.1f} width=2.4 y=2 height=10 />"
    return _plot(inline(span.says or says), whisker + dot, span.mark)


def _plot(says: str, shapes: str, mark: float | None) -> str:
    """A plot that fills its cell; its numbers stand in the cells beside it."""
    line = "" if mark is None else f"<rect class=mark x={place_of(mark):.1f} width=0.8 height=14 />"
    return (
        f"<svg role=img aria-label='{says}' viewBox='0 0 100 14' preserveAspectRatio=none>"
        f"<rect class=ground width=100 y=3 height=8 rx=1 />{shapes}{line}</svg>"
    )


def inline(text: object, limit: int = LONG) -> str:
    """Text as it is safe between tags and in quotes: one line, bounded, without markup."""
    return escape(printable(str(text), limit), quote=True)
