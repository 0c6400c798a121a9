"""An evaluation's report: .md, .xml (JUnit) or .html, by the file's ending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from goldloop.errors import VersionError
from goldloop.evaluation import Evaluation, Summary
from sync.evaluation_sections import glance, sections
from sync.gate_comment import LONGEST, folded
from sync.junit import evaluation_junit
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

_FOOT = (
    "<footer>Made by goldloop from one evaluation. Nothing on this page comes from elsewhere."
    "</footer>"
)


def write_evaluation_report(
    path: Path, evaluation: Evaluation, summary: Summary, *, force: bool = False
) -> None:
    """Write a report, whole or not at all.

    Raises VersionError for another ending, a file that exists (without `force`) and one that cannot
    be written.
    """
    if path.suffix not in _FORMS:
        raise VersionError(f"{path} must end in {', '.join(_FORMS)}")
    refuse_existing(path, force=force)
    write_whole(path, _FORMS[path.suffix](evaluation, summary))


def evaluation_markdown(evaluation: Evaluation, summary: Summary) -> str:
    """The report as Markdown of at most 65,536 characters; what does not fit is left out."""
    figures = Table("", ("figure", "value", "note"), tuple(glance(evaluation, summary)))
    text = f"### Evaluation of {md(evaluation.name)}\n\n" + "\n".join(markdown_table(figures))
    for section in sections(evaluation, summary):
        lines = [f"{md(says, SENTENCE)}\n" for says in section.says]
        for table in section.tables:
            lines += markdown_table(table) if table.rows else []
        part = "\n" + "\n".join(folded(section.title, lines))
        if len(text) + len(part) < LONGEST:
            text += part
    return text


def evaluation_page(evaluation: Evaluation, summary: Summary) -> str:
    """The report as one HTML file."""
    parts = sections(evaluation, summary)
    body = [
        f"<header><p class=kicker>Evaluation {inline(evaluation.evaluation_id)}</p>"
        f"<h1>{inline(evaluation.agent_version)}<span> on {inline(evaluation.dataset)}@"
        f"{inline(evaluation.version)}</span></h1>"
        f"<p class=sub>{inline(evaluation.created_at or '')}</p></header>",
        tiles_html(glance(evaluation, summary)),
        navigation((part.name, part.title) for part in parts),
        *map(section_html, parts),
        _FOOT,
    ]
    return shell(f"Evaluation of {evaluation.name}", body)


_FORMS: Mapping[str, Callable[[Evaluation, Summary], str]] = {
    ".html": evaluation_page,
    ".md": evaluation_markdown,
    ".xml": evaluation_junit,
}
