"""What was picked, and why? Each round's scores with the picks marked, and what these cover."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from werkzeug.exceptions import NotFound

from backend.dashboard.plots import histogram
from store.database import Store
from store.rounds import Pick, get_round, get_rounds, round_picks, round_scores
from store.samples import get_samples
from views.project import Project

BINS = 20
REASONS = ("uncertain", "random", "novel")


def values(project: Project, db: Store, arguments: Mapping[str, str]) -> Mapping[str, Any]:  # noqa: ARG001
    """Every round, the newest first."""
    found = []
    for row in reversed(get_rounds(db)):
        picks = round_picks(db, row.round_id)
        found.append({"row": row, "picks": len(picks), "reasons": _reasons(picks)})
    return {"rounds": found}


def one(
    project: Project,  # noqa: ARG001
    db: Store,
    arguments: Mapping[str, str],  # noqa: ARG001
    round_id: int,
) -> Mapping[str, Any]:
    """One round: the scores that it was made from, its picks, and what these cover."""
    row = get_round(db, round_id)
    if row is None:
        raise NotFound(f"there is no round {round_id}")
    picks = round_picks(db, round_id)
    columns = round_scores(db, row, ("uncertainty", "in_pool"))
    scores = np.asarray(columns["uncertainty"], dtype=np.float64)
    pool = np.asarray(columns.get("in_pool", np.ones(len(scores))), dtype=np.bool_)
    samples = get_samples(db, [pick.sample_id for pick in picks])
    return {
        "row": row,
        "picks": picks,
        "samples": samples,
        "reasons": _reasons(picks),
        "plot": histogram(
            "uncertainty",
            {
                "in the pool": scores[pool],
                "picked": np.array([pick.uncertainty for pick in picks]),
            },
            bins=BINS,
            mark=row.cutoff,
        ),
        "tags": _by(picks, samples, lambda sample: sample.tags),
        "difficulties": _by(picks, samples, lambda sample: (sample.difficulty or "none",)),
    }


def _reasons(picks: Sequence[Pick]) -> dict[str, int]:
    """How many picks there are for each reason; novel ones are counted beside it."""
    counts = Counter(pick.reason for pick in picks)
    novel = sum(bool(pick.novel) for pick in picks)
    return {"uncertain": counts["uncertain"], "random": counts["random"], "novel": novel}


def _by(picks: Sequence[Pick], samples: Mapping[str, Any], names: Any) -> list[tuple[str, int]]:
    counts = Counter(
        name
        for pick in picks
        if pick.sample_id in samples
        for name in names(samples[pick.sample_id])
    )
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
