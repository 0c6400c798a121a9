"""What led to an item? Everything that happened to a sample, in the order of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from werkzeug.exceptions import NotFound

from backend.dashboard.choices import choice
from backend.dashboard.kept import kept
from backend.dashboard.links import named_sample
from backend.dashboard.run_shown import run_shown
from store.consensus import stored_consensus
from store.database import Store
from store.samples import get_sample
from views.lineage import UnknownSampleError, lineage
from views.project import Project
from views.story import ASKED, DECIDED, Step, story

# What stands in the timeline already, or above it.
_ELSEWHERE = (ASKED, DECIDED)


def values(
    project: Project, db: Store, arguments: Mapping[str, str], sample_id: str
) -> Mapping[str, Any]:
    """The whole story of one sample, what it asks, and what the agent did."""
    sample_id = named_sample(sample_id, arguments)
    whole = choice(arguments, "all", ("1",)) == "1"
    try:
        found = kept(project, ("lineage", sample_id), lambda: lineage(project, db, sample_id))
    except UnknownSampleError as error:
        raise NotFound(str(error)) from None
    sample = get_sample(db, sample_id)
    holding = [one for one in found["versions"] if one["holds_it"]]
    return {
        "sample_id": sample_id,
        "sample": sample,
        "consensus": next(iter(stored_consensus(db, sample_ids=[sample_id])), None),
        "holding": holding,
        "timeline": _timeline(found, project.folder),
        **(run_shown(db, sample, whole) if sample is not None else {}),
    }


def _timeline(found: Mapping[str, Any], folder: Path) -> list[tuple[str, Step]]:
    """Every step with its section, by time; those of one second in the order of the sections, and
    those without a time at the end. Paths are as they are seen from the project's folder.
    """
    steps = [
        (section, replace(step, says=step.says.replace(f"{folder}/", "")))
        for section, steps in story(found).items()
        if section not in _ELSEWHERE
        for step in steps
    ]
    return sorted(steps, key=lambda one: (one[1].when is None, (one[1].when or "")[:19]))
