"""What was picked, and why? Each round's scores with the picks marked, and what these cover."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from werkzeug.exceptions import NotFound

from backend.dashboard.choices import choice, counted_options, options, words
from backend.dashboard.kept import kept
from backend.dashboard.paging import page_of
from backend.dashboard.plots import Plot, histogram
from goldloop.samples import DIFFICULTIES
from store.database import Store
from store.rounds import (
    Pick,
    StoredRound,
    get_round,
    get_rounds,
    pick_counts,
    round_frame,
    round_picks,
    round_scores,
)
from store.samples import Slices, get_samples, slices_of_samples
from views.project import Project

BINS = 20
REASONS: Mapping[str, Callable[[Pick], bool]] = {
    "all": lambda _: True,
    # Also where only the boost for what is novel made it uncertain enough.
    "uncertain": lambda pick: pick.reason != "random",
    "random": lambda pick: pick.reason == "random",
    "novel": lambda pick: pick.novel,
}
NO_PICKS = {"picks": 0, "uncertain": 0, "random": 0, "novel": 0}
MOST_OPTIONS = 200

# How rounds and picks may stand, and by what; a round without a cutoff comes last.
ROUNDS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Any]]] = {
    "newest": ("newest first", lambda one: -one["row"].round_id),
    "oldest": ("oldest first", lambda one: one["row"].round_id),
    "pool": ("largest pool first", lambda one: -one["row"].pool_size),
    "picked": ("most picks first", lambda one: -one["picks"]),
    "novel": ("most novel picks first", lambda one: -one["novel"]),
    "cutoff": ("highest cutoff first", lambda one: -(one["row"].cutoff or 0.0)),
}
PICKS: Mapping[str, tuple[str, Callable[[Pick], Any]]] = {
    "rank": ("as they were picked", lambda pick: pick.rank),
    "uncertain": ("most uncertain first", lambda pick: -pick.uncertainty),
    "certain": ("least uncertain first", lambda pick: pick.uncertainty),
    "unlikely": ("least probable first", lambda pick: pick.inclusion_probability),
    "sample": ("by sample", lambda pick: pick.sample_id),
}
USUAL = {"why": "all", "tag": "", "sort": "rank"}

Share = tuple[str, int, int]


def values(project: Project, db: Store, arguments: Mapping[str, str]) -> Mapping[str, Any]:  # noqa: ARG001
    """The rounds that the query asks for, the newest first where it asks for no other order."""
    counts, rows = pick_counts(db), get_rounds(db)
    agent, sort = words(arguments, "agent"), choice(arguments, "sort", ROUNDS, "newest")
    found = [
        {"row": row, **counts.get(row.round_id, NO_PICKS)}
        for row in rows
        if not agent or row.agent_version == agent
    ]
    found.sort(key=ROUNDS[sort][1])
    pages = page_of(arguments, len(found))
    return {
        "rounds": found[pages.rows],
        "total": len(rows),
        "agent": agent,
        "agents": counted_options((row.agent_version for row in rows), MOST_OPTIONS),
        "sort": sort,
        "sorts": options({name: says for name, (says, _) in ROUNDS.items()}),
        "table": pages,
    }


def one(
    project: Project,
    db: Store,
    arguments: Mapping[str, str],
    round_id: int,
) -> Mapping[str, Any]:
    """One round: the scores that it was made from, its picks, and what these cover."""
    row = get_round(db, round_id)
    if row is None:
        raise NotFound(f"there is no round {round_id}")
    picks, (scores, pool) = round_picks(db, round_id), _scores(db, row)
    coverage = kept(project, ("coverage", round_id), lambda: _coverage(db, row, picks, pool))
    tags_of = coverage["tags_of"]
    tags = counted_options((tag for own in tags_of.values() for tag in own), MOST_OPTIONS)
    asked = _read_query(arguments, [name for name, _, _ in tags])
    tagged = [
        one for one in picks if not asked["tag"] or asked["tag"] in tags_of.get(one.sample_id, ())
    ]
    shown = sorted(filter(REASONS[asked["why"]], tagged), key=PICKS[asked["sort"]][1])
    pages = page_of(arguments, len(shown))
    return {
        "row": row,
        "total": len(picks),
        "counts": _counts(picks),
        "tagged": _counts(tagged),
        "asked": asked,
        "query": {name: value for name, value in asked.items() if value != USUAL[name]},
        "tag_options": tags,
        "sorts": options({name: says for name, (says, _) in PICKS.items()}),
        "picks": shown[pages.rows],
        "table": pages,
        "samples": get_samples(db, [pick.sample_id for pick in shown[pages.rows]]),
        "plot": _plot(row, picks, scores[pool]),
        **coverage,
    }


def _read_query(arguments: Mapping[str, str], tags: Sequence[str]) -> dict[str, str]:
    allowed = {"why": REASONS, "tag": tags, "sort": PICKS}
    return {name: choice(arguments, name, of, USUAL[name]) for name, of in allowed.items()}


def _counts(picks: Sequence[Pick]) -> dict[str, int]:
    return {name: sum(map(fits, picks)) for name, fits in REASONS.items()}


def _scores(db: Store, row: StoredRound) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The uncertainty of every sample of the frame, and which of them could be picked."""
    columns = round_scores(db, row, ("uncertainty", "in_pool"))
    scores = np.asarray(columns["uncertainty"], dtype=np.float64)
    return scores, np.asarray(columns.get("in_pool", np.ones(len(scores))), dtype=np.bool_)


def _plot(row: StoredRound, picks: Sequence[Pick], pool: NDArray[np.float64]) -> Plot:
    groups = {"in the pool": pool}
    for name, fits in list(REASONS.items())[1:]:
        groups[name] = np.array([pick.uncertainty for pick in picks if fits(pick)])
    return histogram("uncertainty", groups, bins=BINS, mark=row.cutoff)


def _coverage(
    db: Store, row: StoredRound, picks: Sequence[Pick], pool: NDArray[np.bool_]
) -> dict[str, Any]:
    """By tag and by difficulty: how many were picked, and of how many in the pool; and the tags of
    each pick.
    """
    frame = round_frame(db, row)
    slices = slices_of_samples(db, frame)
    picked = {pick.sample_id for pick in picks}
    could = [slices[place] for place in np.flatnonzero(pool).tolist()]
    of_pick = {
        sample_id: one for sample_id, one in zip(frame, slices, strict=True) if sample_id in picked
    }
    were = list(of_pick.values())
    tags = _shares(could, were, lambda one: one.tags)
    hard = _shares(could, were, lambda one: (one.difficulty or "none",))
    order = (*DIFFICULTIES, "none")
    return {
        "tags": tags,
        "difficulties": sorted(hard, key=lambda share: order.index(share[0])),
        "tags_of": {sample_id: one.tags for sample_id, one in of_pick.items()},
    }


def _shares(
    could: Iterable[Slices], were: Iterable[Slices], names: Callable[[Slices], Iterable[str]]
) -> list[Share]:
    """For each name: picked and in the pool, the most picked first."""
    of, picked = _counted(could, names), _counted(were, names)
    found = [(name, picked[name], number) for name, number in of.items()]
    return sorted(found, key=lambda share: (-share[1], -share[2], share[0]))


def _counted(some: Iterable[Slices], names: Callable[[Slices], Iterable[str]]) -> Counter[str]:
    # Samples alike share one object, and a pool has few different ones.
    alike: dict[int, Slices] = {}
    numbers: Counter[int] = Counter()
    for one in some:
        alike[id(one)] = one
        numbers[id(one)] += 1
    found: Counter[str] = Counter()
    for key, number in numbers.items():
        for name in dict.fromkeys(names(alike[key])):
            found[name] += number
    return found
