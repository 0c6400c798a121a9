"""Did the agent regress? Evaluations over time on the same cases, and what gates said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from hashlib import sha256
from typing import Any

from backend.dashboard.choices import choice, counted_options, options, words
from backend.dashboard.graded import money
from backend.dashboard.kept import kept, kept_as
from backend.dashboard.numbers import line
from backend.dashboard.paging import page_of
from backend.dashboard.plots import Plot
from goldloop.evaluation import Part, summarise
from store.database import Store
from store.evaluations import StoredEvaluation, count_evaluations, get_evaluation, list_evaluations
from store.gates import count_gates, list_gates
from views import gate_words
from views.evaluations import Listed, kind_of, with_changes
from views.project import Project

SIZE = 50
MOST_RUNS = 200
MOST_OPTIONS = 100
PLOTTED, MOST_LINES = 100, 5
FEW_GATES = 5
STATES = {"finished": "finished", "unfinished": "unfinished"}
LINES = {"branch": "branch", "agent": "agent version", "none": "all as one line"}
_SORTS: Mapping[str, tuple[str, Callable[[Listed], Any]]] = {
    "newest": ("newest", lambda one: -one.stored.evaluation_id),
    "oldest": ("oldest", lambda one: one.stored.evaluation_id),
    "worst": ("lowest score", lambda one: _or_last(one.whole.mean)),
    "best": ("highest score", lambda one: _or_last(one.whole.mean, -1.0)),
    "fallen": ("fell the most", lambda one: _or_last(one.change)),
    "errors": ("most errors", lambda one: -one.whole.errors),
    "dearest": ("dearest", lambda one: -Decimal(one.whole.usage.usd or 0)),
}
SORTS = {name: says for name, (says, _) in _SORTS.items()}
USUAL_SORT = "newest"


def _or_last(value: float | None, sign: float = 1.0) -> tuple[bool, float]:
    return value is None, sign * (value or 0.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query asks for; empty where it does not say. A dataset is named with or without its
    version.
    """

    dataset: str = ""
    agent: str = ""
    branch: str = ""
    state: str = ""
    sort: str = USUAL_SORT


def values(project: Project, db: Store, arguments: Mapping[str, str]) -> Mapping[str, Any]:
    """The evaluations that the query asks for, a plot of those on the same cases, and gates."""
    every = all_runs(project, db)
    asked, by = _read_query(arguments), choice(arguments, "by", LINES, "branch")
    found = sorted((one for one in every if _fits(one, asked)), key=_SORTS[asked.sort][1])
    cases = choice(arguments, "cases", {case_set(one.stored) for one in every})
    pages = page_of(arguments, len(found), SIZE)
    plotted, same = _on_same_cases(found, cases)
    return {
        "rows": found[pages.rows],
        "table": pages,
        "total": len(every),
        "is_cut": len(every) < sum(count_evaluations(db)),
        "asked": asked,
        "by": by,
        "cases": plotted[0] if plotted else "",
        "plotted": plotted[1] if plotted else None,
        "plot": _plot(same, by),
        "same": same,
        "most_lines": MOST_LINES,
        **_options(every, found),
        "gates": list_gates(db, most=FEW_GATES),
        "all_gates": count_gates(db),
        "words": gate_words,
        "money": money,
    }


def _read_query(arguments: Mapping[str, str]) -> Asked:
    return Asked(
        words(arguments, "dataset"),
        words(arguments, "agent"),
        words(arguments, "branch"),
        choice(arguments, "state", STATES),
        choice(arguments, "sort", SORTS, USUAL_SORT),
    )


def _fits(one: Listed, asked: Asked) -> bool:
    stored = one.stored
    return (
        (not asked.dataset or asked.dataset in (stored.dataset, _of(stored)))
        and (not asked.agent or asked.agent == stored.agent_version)
        and (not asked.branch or asked.branch == stored.branch)
        and (not asked.state or (asked.state == "finished") == (stored.finished_at is not None))
    )


def _of(stored: StoredEvaluation) -> str:
    return f"{stored.dataset}@{stored.version}"


def all_runs(project: Project, db: Store) -> Sequence[Listed]:
    """The newest evaluations with how each scored, the oldest first."""
    return kept(project, "evaluations", lambda: _all_runs(project, db))


def _all_runs(project: Project, db: Store) -> list[Listed]:
    found = list_evaluations(db)[-MOST_RUNS:]
    # A finished evaluation never changes, so its figures are worked out once in a process's life.
    done: dict[tuple[int, str], Part] = kept_as("finished", (project.folder, "figures"), dict)
    rows = []
    for one in found:
        key = (one.evaluation_id, one.created_at)
        figures = done.get(key) or _figures(db, one)
        if figures is not None:
            rows.append((one, figures))
            if one.finished_at is not None:
                done[key] = figures
    return with_changes(rows)


def _figures(db: Store, stored: StoredEvaluation) -> Part | None:
    evaluation = get_evaluation(db, stored.evaluation_id)
    return None if evaluation is None else summarise(evaluation).whole


def case_set(stored: StoredEvaluation) -> str:
    """A short name of the cases, labels and graders, which evaluations that compare share."""
    return sha256(repr(kind_of(stored)).encode()).hexdigest()[:12]


def _on_same_cases(
    found: Sequence[Listed], asked: str
) -> tuple[tuple[str, StoredEvaluation] | None, list[Listed]]:
    """The set of cases that is asked for, else that of the newest evaluation, with the newest
    finished evaluations on it, oldest first.
    """
    done = sorted(
        (one for one in found if one.stored.finished_at and one.whole.mean is not None),
        key=lambda one: one.stored.evaluation_id,
    )
    sets = {case_set(one.stored): one.stored for one in done}
    chosen = asked or (case_set(done[-1].stored) if done else "")
    if chosen not in sets:
        return None, []
    same = [one for one in done if case_set(one.stored) == chosen]
    return (chosen, sets[chosen]), same[-PLOTTED:]


def _plot(same: Sequence[Listed], by: str) -> Plot | None:
    """A line for each branch or agent version, with the interval of every evaluation."""
    if len(same) < 2:
        return None
    names = [_name(one, by) for one in same]
    lines = [name for name, _ in Counter(reversed(names)).most_common(MOST_LINES)]
    shown = [(name, one) for name, one in zip(names, same, strict=True) if name in lines]
    parts = [one.whole for _, one in shown]
    return Plot(
        "lines",
        "evaluation",
        "cases that pass",
        [one.stored.evaluation_id for _, one in shown],
        {line: [one.whole.mean if name == line else None for name, one in shown] for line in lines},
        bands={
            line: (
                [one.whole.low if name == line else None for name, one in shown],
                [one.whole.high if name == line else None for name, one in shown],
            )
            for line in lines
        },
        y_range=_room([part.low for part in parts], [part.high for part in parts]),
        joined=True,
    )


def _name(one: Listed, by: str) -> str:
    if by == "none":
        return "passed"
    name = one.stored.agent_version if by == "agent" else one.stored.branch
    return line(name, 60) if name else "no branch"


def _room(lows: Sequence[float | None], highs: Sequence[float | None]) -> tuple[float, float]:
    """Where the axis ends, so that every interval is seen whole."""
    low, high = min(v for v in lows if v is not None), max(v for v in highs if v is not None)
    return max(low - 0.02, 0.0), min(high + 0.02, 1.0)


def _options(every: Sequence[Listed], found: Sequence[Listed]) -> dict[str, Any]:
    """What there is to choose from, each with how many evaluations have it."""
    counted = partial(counted_options, most=MOST_OPTIONS)
    stored = [one.stored for one in every]
    sets = Counter(case_set(one.stored) for one in found if one.stored.finished_at)
    newest = {case_set(one.stored): one.stored for one in found}
    return {
        "datasets": counted(one.dataset for one in stored) + counted(map(_of, stored)),
        "agents": counted(one.agent_version for one in stored),
        "branches": counted(one.branch for one in stored if one.branch),
        "states": options(STATES),
        "sorts": options(SORTS),
        "lines": options(LINES),
        "sets": [(name, _of(newest[name]), many) for name, many in sets.most_common(MOST_OPTIONS)],
    }
