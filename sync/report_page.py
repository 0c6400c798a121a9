"""report_page: the quality report as Markdown, and as one HTML file that asks nobody for anything.

What users, models and annotators wrote is escaped, and the page forbids itself every script,
request and frame, so that what slips through can do nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from goldloop.errors import VersionError
from goldloop.printable import printable
from sync.markdown import markdown_text
from sync.report_style import STYLE
from views.report_sections import (
    UNKNOWN,
    Bar,
    Cell,
    Section,
    Span,
    Table,
    glance,
    is_numeric,
    place_of,
    said,
    sections,
    warnings_of,
)

LONG = 200
SENTENCE = 500
# From so many rows on, a table has the whole width: beside others it would leave a hole.
LONG_TABLE = 14
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
Record = Mapping[str, Any]


def write_report(target: Path, report: Record, *, force: bool = False) -> None:
    """Write a report in the form that the file's ending says, whole or not at all.

    Raises VersionError for another ending, a file that exists (without `force`) and one that cannot
    be written.
    """
    if target.suffix not in _FORMS:
        raise VersionError(f"{target} must end in {', '.join(_FORMS)}")
    if target.exists() and not force:
        raise VersionError(f"{target} exists; choose another name, or replace it with --force")
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(_FORMS[target.suffix](report), encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise VersionError(f"{target} cannot be written: {error.strerror}") from error


def _json(report: Record) -> str:
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"


def markdown_page(report: Record) -> str:
    """The report as Markdown, for a pull request or a card; without the plots."""
    return "\n".join(_markdown(report)) + "\n"


def _markdown(report: Record) -> Iterator[str]:
    about = report["about"]
    yield f"# Quality of {_md(about['dataset'])}@{_md(about['version'])}"
    yield ""
    if about["message"]:
        yield f"{_md(about['message'], SENTENCE)}\n"
    yield f"{_md(_subtitle(about), SENTENCE)}\n"
    figures = Table("", ("figure", "value", "note"), tuple(glance(report)))
    yield from _markdown_table(figures)
    yield "\n## Warnings\n"
    for says, do, named in warnings_of(report):
        about_whom = f" ({_md(named)})" if named else ""
        yield f"- {_md(says, SENTENCE)}. **To do:** {_md(do, SENTENCE)}{about_whom}"
    if not report["warnings"]:
        yield "None."
    for section in sections(report):
        yield f"\n## {section.title}\n"
        for text in section.says:
            yield f"{_md(text, SENTENCE)}\n"
        for table in section.tables:
            yield from _markdown_table(table)


def _markdown_table(table: Table) -> Iterator[str]:
    kept = [place for place, heading in enumerate(table.headings) if heading]
    if table.caption:
        yield f"**{_md(table.caption)}**\n"
    yield _line(table.headings[place] for place in kept)
    yield _line("---:" if is_numeric(table, place) else "---" for place in kept)
    for row in table.rows:
        yield _line(_md(said(row[place])) for place in kept)
    if table.more:
        yield f"\nand {table.more:,} more"
    yield ""


def _line(cells: Iterator[str] | Any) -> str:
    return f"| {' | '.join(cells)} |"


def _md(text: object, limit: int = LONG) -> str:
    return markdown_text(text, limit)


def html_page(report: Record) -> str:
    """The report as one HTML file: readable in light, in dark and on paper."""
    about, parts = report["about"], sections(report)
    title = f"Quality of {about['dataset']}@{about['version']}"
    names = [("warnings", "Warnings"), *((part.name, part.title) for part in parts)]
    body = [
        f"<header><p class=kicker>Quality report</p><h1>{_in(about['dataset'])}<span>@"
        f"{_in(about['version'])}</span></h1>"
        + (f"<p class=message>{_in(about['message'], SENTENCE)}</p>" if about["message"] else "")
        + f"<p class=sub>{_in(_subtitle(about), SENTENCE)}</p>{_prints(about)}</header>",
        _tiles(report),
        "<nav aria-label='Sections'><ul>"
        + "".join(f"<li><a href='#{name}'>{_in(says)}</a></li>" for name, says in names)
        + "</ul></nav>",
        _warnings(report),
        *map(_section, parts),
        "<footer>Made by goldloop from the files of the version. Nothing on this page comes from "
        "elsewhere.</footer>",
    ]
    return (
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
        f'<meta http-equiv=Content-Security-Policy content="{POLICY}">\n'
        "<meta name=viewport content='width=device-width, initial-scale=1'>\n"
        "<meta name=color-scheme content='light dark'>\n<meta name=robots content=noindex>\n"
        f"<title>{_in(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def _subtitle(about: Record) -> str:
    """When, by whom and after which, as far as the version says."""
    parts = [
        about["created_at"] and f"committed {about['created_at'][:19].replace('T', ' ')}",
        about["author"] and f"by {about['author']}",
        about["parent"] and f"after {about['parent']}",
    ]
    return ", ".join(str(part) for part in parts if part)


def _prints(about: Record) -> str:
    found = about["fingerprints"]
    rows = (
        f"<dt>{_in(key)}</dt><dd><code>{_in(value)}</code></dd>" for key, value in found.items()
    )
    return f"<dl class=prints>{''.join(rows)}</dl>" if found else ""


def _tiles(report: Record) -> str:
    tiles = (
        f"<li><span class=what>{_in(what)}</span><b{' class=unknown' if much == UNKNOWN else ''}>"
        f"{_in(much)}</b><span class=note>{_in(note)}</span></li>"
        for what, much, note in glance(report)
    )
    return f"<ul class=tiles aria-label='The figures to look at first'>{''.join(tiles)}</ul>"


def _warnings(report: Record) -> str:
    found = [
        f"<li><p class=says>{_in(says, SENTENCE)}</p><p class=do><b>To do</b> {_in(do, SENTENCE)}"
        + (f"<span class=about>{_in(named, SENTENCE)}</span>" if named else "")
        + "</p></li>"
        for says, do, named in warnings_of(report)
    ]
    listed = f"<ol class=warnings>{''.join(found)}</ol>" if found else "<p>None.</p>"
    return f"<section id=warnings><h2>Warnings</h2>{listed}</section>"


def _section(section: Section) -> str:
    says = "".join(f"<p>{_in(text, SENTENCE)}</p>" for text in section.says)
    tables = "".join(map(_table, section.tables))
    grid = f"<div class=tables>{tables}</div>" if tables else ""
    return f"<section id={section.name}><h2>{section.title}</h2>{says}{grid}</section>"


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    numeric = [is_numeric(table, place) for place in range(len(table.headings))]
    heads = "".join(
        f"<th scope=col{_css(numeric[place], table, place)}>{_in(heading) or _HIDDEN}</th>"
        for place, heading in enumerate(table.headings)
    )
    rows = "".join(f"<tr>{_row(table, row, numeric)}</tr>" for row in table.rows)
    more = f"<p class=more>and {table.more:,} more, which the JSON has</p>" if table.more else ""
    size = " wide" if len(table.headings) > 4 else " long" if len(table.rows) > LONG_TABLE else ""
    return (
        f"<figure class='table{size}'><div class=scroll tabindex=0 role=region "
        f"aria-label='{_in(table.caption)}'><table><caption>{_in(table.caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{more}</figure>"
    )


_HIDDEN = "<span class=hidden>plot</span>"


def _css(numeric: bool, table: Table, place: int) -> str:
    if not table.headings[place]:
        return " class=plot"
    return " class=number" if numeric else ""


def _row(table: Table, row: Sequence[Cell], numeric: Sequence[bool]) -> str:
    first, *rest = row
    cells = [f"<th scope=row>{_in(said(first))}</th>"]
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
    return _in(said(cell))


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
    return _plot(says, whisker + dot, span.mark)


def _plot(says: str, shapes: str, mark: float | None) -> str:
    """A plot that fills its cell; its numbers stand in the cells beside it."""
    line = "" if mark is None else f"<rect class=mark x={place_of(mark):.1f} width=0.8 height=14 />"
    return (
        f"<svg role=img aria-label='{says}' viewBox='0 0 100 14' preserveAspectRatio=none>"
        f"<rect class=ground width=100 y=3 height=8 rx=1 />{shapes}{line}</svg>"
    )


def _in(text: object, limit: int = LONG) -> str:
    """Text as it is safe between tags and in quotes: one line, bounded, without markup."""
    return escape(printable(str(text), limit), quote=True)


_FORMS = {".html": html_page, ".md": markdown_page, ".json": _json}
