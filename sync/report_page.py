"""report_page: the quality report as Markdown, and as one HTML file that needs no other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from goldloop.errors import VersionError
from sync.page import (
    SENTENCE,
    inline,
    markdown_table,
    md,
    navigation,
    refuse_existing,
    section_html,
    shell,
    tiles_html,
    write_whole,
)
from views.page_values import Table
from views.report_sections import glance, sections, warnings_of

Record = Mapping[str, Any]


def write_report(target: Path, report: Record, *, force: bool = False) -> None:
    """Write a report in the form that the file's ending says, whole or not at all.

    Raises VersionError for another ending, a file that exists (without `force`) and one that cannot
    be written.
    """
    if target.suffix not in _FORMS:
        raise VersionError(f"{target} must end in {', '.join(_FORMS)}")
    refuse_existing(target, force=force)
    write_whole(target, _FORMS[target.suffix](report))


def _json(report: Record) -> str:
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"


def markdown_page(report: Record) -> str:
    """The report as Markdown, for a pull request or a card; without the plots."""
    return "\n".join(_markdown(report)) + "\n"


def _markdown(report: Record) -> Iterator[str]:
    about = report["about"]
    yield f"# Quality of {md(about['dataset'])}@{md(about['version'])}"
    yield ""
    if about["message"]:
        yield f"{md(about['message'], SENTENCE)}\n"
    yield f"{md(_subtitle(about), SENTENCE)}\n"
    figures = Table("", ("figure", "value", "note"), tuple(glance(report)))
    yield from markdown_table(figures)
    yield "\n## Warnings\n"
    for says, do, named in warnings_of(report):
        about_whom = f" ({md(named)})" if named else ""
        yield f"- {md(says, SENTENCE)}. **To do:** {md(do, SENTENCE)}{about_whom}"
    if not report["warnings"]:
        yield "None."
    for section in sections(report):
        yield f"\n## {section.title}\n"
        for text in section.says:
            yield f"{md(text, SENTENCE)}\n"
        for table in section.tables:
            yield from markdown_table(table)


def html_page(report: Record) -> str:
    """The report as one HTML file: readable in light, in dark and on paper."""
    about, parts = report["about"], sections(report)
    names = [("warnings", "Warnings"), *((part.name, part.title) for part in parts)]
    body = [
        f"<header><p class=kicker>Quality report</p><h1>{inline(about['dataset'])}<span>@"
        f"{inline(about['version'])}</span></h1>"
        + (f"<p class=message>{inline(about['message'], SENTENCE)}</p>" if about["message"] else "")
        + f"<p class=sub>{inline(_subtitle(about), SENTENCE)}</p>{_prints(about)}</header>",
        tiles_html(glance(report)),
        navigation(names),
        _warnings(report),
        *map(section_html, parts),
        "<footer>Made by goldloop from the files of the version. Nothing on this page comes from "
        "elsewhere.</footer>",
    ]
    return shell(f"Quality of {about['dataset']}@{about['version']}", body)


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
        f"<dt>{inline(key)}</dt><dd><code>{inline(value)}</code></dd>"
        for key, value in found.items()
    )
    return f"<dl class=prints>{''.join(rows)}</dl>" if found else ""


def _warnings(report: Record) -> str:
    found = [
        f"<li><p class=says>{inline(says, SENTENCE)}</p><p class=do><b>To do</b> "
        f"{inline(do, SENTENCE)}"
        + (f"<span class=about>{inline(named, SENTENCE)}</span>" if named else "")
        + "</p></li>"
        for says, do, named in warnings_of(report)
    ]
    listed = f"<ol class=warnings>{''.join(found)}</ol>" if found else "<p>None.</p>"
    return f"<section id=warnings><h2>Warnings</h2>{listed}</section>"


_FORMS = {".html": html_page, ".md": markdown_page, ".json": _json}
