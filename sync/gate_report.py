"""A gate written as a file: .json, .md, .xml (JUnit) or .html, by its ending."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from goldloop.errors import VersionError
from sync.gate import Gated
from sync.gate_comment import gate_markdown
from sync.gate_page import gate_page
from sync.junit import gate_junit
from sync.page import refuse_existing, write_whole


def check_targets(targets: Sequence[Path], *, force: bool) -> None:
    """Raise VersionError for a file that could not be written, before anything is compared."""
    for target in targets:
        if target.suffix not in FORMS:
            raise VersionError(f"{target} must end in {', '.join(FORMS)}")
        refuse_existing(target, force=force)


def write_gate(target: Path, gated: Gated) -> None:
    """Write a report, whole or not at all. Raises VersionError when it cannot be written."""
    write_whole(target, FORMS[target.suffix](gated))


def _json(gated: Gated) -> str:
    return json.dumps(gated.record(), ensure_ascii=False, indent=2, default=list) + "\n"


def _junit(gated: Gated) -> str:
    return gate_junit(gated.verdict, gated.baseline, gated.candidate)


FORMS: Mapping[str, Callable[[Gated], str]] = {
    ".html": gate_page,
    ".json": _json,
    ".md": gate_markdown,
    ".xml": _junit,
}
