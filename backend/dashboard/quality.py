"""How good is the agent? The estimate for the whole pool, its slices, its rounds, and what the
agent's confidence is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.dashboard.choices import choice, options
from backend.dashboard.kept import kept
from backend.dashboard.paging import page_of
from backend.dashboard.plots import Plot
from backend.dashboard.reliability import calibrations
from goldloop.errors import SettingsError
from goldloop.estimates import Estimate
from store.database import Store
from store.labelled_runs import versions_shown
from store.runs import agent_versions, named_version
from views.estimate import (
    SLICES,
    NothingToEstimateError,
    PoolEstimate,
    estimate_from,
    question_of,
    sampled,
)
from views.estimate_over_rounds import RoundEstimate, estimate_over_rounds
from views.project import Project

SIZE = 50
BIASED = "labelled set (biased)"
ESTIMATE = "estimate"
OUTCOME_WORDS = {
    "answered": "a label stands",
    "disputed": "people answered, and no label stands",
    "skipped": "all who saw it gave it back without an answer",
    "waiting": "too few answers yet",
    "deleted": "no longer in Label Studio",
}
# How slices may stand, and by what; those without an estimate come last.
SORTS: Mapping[str, tuple[str, Callable[[tuple[str, Estimate]], Any]]] = {
    "name": ("by name", lambda row: row[0]),
    "worst": ("worst first", lambda row: (row[1].value is None, row[1].value or 0.0)),
    "best": ("best first", lambda row: (row[1].value is None, -(row[1].value or 0.0))),
    "unsure": ("widest interval first", lambda row: row[1].low - row[1].high),
    "large": ("most samples first", lambda row: -row[1].pool),
}


def values(project: Project, db: Store, arguments: Mapping[str, str]) -> Mapping[str, Any]:
    """The estimate for one agent version, or why there is none, and its calibrators."""
    runs = agent_versions(db)
    if not runs:
        return {"version": None}
    version = choice(arguments, "version", runs, _usual(project, db, runs))
    by = choice(arguments, "by", SLICES, SLICES[0])
    sort = choice(arguments, "sort", SORTS, "name")
    made = kept(project, ("quality", version), lambda: _estimated(project, db, version))
    return {
        "version": version,
        "versions": [(name, name, count) for name, count in runs.items()],
        "by": by,
        "bys": options(SLICES),
        "sort": sort,
        "sorts": options({name: says for name, (says, _) in SORTS.items()}),
        "calibrations": calibrations(db, version),
        "biased": BIASED,
        "outcome_words": OUTCOME_WORDS,
        **({"nothing": made} if isinstance(made, str) else _shown(made, by, sort, arguments)),
    }


def _usual(project: Project, db: Store, runs: Mapping[str, int]) -> str:
    """The version that the settings mean; where they leave a choice, the one last shown."""
    try:
        named = named_version(db, project.settings.agent)
    except SettingsError:
        named = ""
    shown = [one for one in versions_shown(db) if one in runs]
    return named if named in runs else shown[-1] if shown else max(runs, key=lambda one: runs[one])


@dataclass(frozen=True, slots=True)
class _Estimated:
    """The estimate of a version in each kind of slices, and after each round."""

    sliced: Mapping[str, PoolEstimate]
    rounds: Sequence[RoundEstimate]


def _estimated(project: Project, db: Store, version: str) -> _Estimated | str:
    """What there is to show of a version, or why there is nothing."""
    try:
        pool = sampled(db, version, question_of(project, db, None, ()))
        sliced = {by: estimate_from(db, pool, by=by) for by in SLICES}
    except (NothingToEstimateError, SettingsError) as error:
        return str(error)
    return _Estimated(sliced, estimate_over_rounds(db, pool))


def _shown(made: _Estimated, by: str, sort: str, arguments: Mapping[str, str]) -> dict[str, Any]:
    found = made.sliced[by]
    rows = sorted(found.slices.items(), key=SORTS[sort][1])
    table = page_of(arguments, len(rows), SIZE)
    return {
        "found": found,
        "notes": list(dict.fromkeys(found.notes)),
        "slices": rows[table.rows],
        "table": table,
        "rounds": made.rounds,
        "plot": _plot(made.rounds),
    }


def _plot(rounds: Sequence[RoundEstimate]) -> Plot:
    numbers: list[float | None] = [one.round_id for one in rounds]
    each = [one.estimate for one in rounds]
    first, last = (numbers[0], numbers[-1]) if numbers else (0, 0)
    return Plot(
        "lines",
        "round",
        "share right",
        numbers,
        {ESTIMATE: [one.value for one in each], BIASED: [one.naive for one in each]},
        bands={ESTIMATE: ([one.low for one in each], [one.high for one in each])},
        x_range=((first or 0) - 0.5, (last or 0) + 0.5),
        y_range=(0.0, 1.0),
    )
