"""How often the gate blocks: agents that did not change, and such that got worse.

Two runs of an agent are drawn many times over and compared by the public functions alone. A case
has a chance of its own to pass (Beta, mean 0.8, intra-class correlation 0.7, so that one case in
ten flips between two runs of the same agent); a drop takes the same share off each chance. `table`
is what is published for the rule (3,000 runs a row, standard error 0.9 points at most); its literal
rule counts drops of just 2 points too, ours only those over 2. Further rows: cases that move
together in clusters of five, where the naive test takes each for a case of its own; and whether the
drop that the gate promises to see four times in five is seen as often.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldloop.evaluation import Paired, Rules, blocked, paired, power

Floats = NDArray[np.float64]

SEED = 20261123
RUNS, QUICK = 20_000, 2_000
MEAN, CORRELATION = 0.8, 0.7
CLUSTER = 5
POLICIES = ("point", "significant", "noninferior")
POINTS = 0.01
_CLOSE = 1e-9


@dataclass(frozen=True)
class Row:
    """One row: so many cases, runs a case, and a true drop in points.

    `published` are the block rates in percent of the rules literal, significant and noninferior.
    """

    cases: int
    runs: int
    drop: float
    published: tuple[int, int, int] | None = None
    cluster: int = 1

    @property
    def name(self) -> str:
        """As it is printed."""
        together = f", clusters of {self.cluster}" if self.cluster > 1 else ""
        return f"{self.cases} cases, {self.runs} run{'s' * (self.runs > 1)}{together}"


ROWS = (
    Row(100, 1, 0, (30, 5, 83)),
    Row(100, 1, 5, (84, 38, 99)),
    Row(100, 1, 10, (98, 79, 100)),
    Row(200, 1, 0, (22, 5, 78)),
    Row(200, 1, 5, (90, 62, 100)),
    Row(200, 1, 10, (100, 97, 100)),
    Row(200, 3, 0, (7, 5, 53)),
    Row(200, 3, 2, (53, 44, 95)),
    Row(200, 3, 5, (98, 95, 100)),
    Row(500, 1, 0, (9, 5, 59)),
    Row(500, 1, 2, (52, 37, 95)),
    Row(500, 1, 5, (96, 92, 100)),
    Row(500, 3, 0, (1, 1, 20)),
    Row(500, 3, 2, (51, 51, 95)),
    Row(500, 3, 5, (100, 100, 100)),
)
CLUSTERED = tuple(
    Row(cases, runs, drop, cluster=CLUSTER)
    for cases, runs in ((100, 1), (200, 1), (500, 3))
    for drop in (0.0, 5.0)
)
PROMISES = ((200, 1), (200, 3), (500, 3))


def main(quick: bool) -> dict[str, Any]:
    """Measure all rows; rates are shares."""
    runs = QUICK if quick else RUNS
    rows = [measured(row, runs) for row in _told(ROWS)]
    clustered = [measured(row, runs) for row in _told(CLUSTERED)]
    promises = [promised(cases, times, runs) for cases, times in PROMISES]
    _show([*rows, *clustered], promises)
    return figures(rows, clustered, promises)


def _told(rows: tuple[Row, ...]) -> Iterator[Row]:
    for row in rows:
        print(f"{row.name}, drop {row.drop:g}", file=sys.stderr, flush=True)
        yield row


def draw(row: Row, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Baseline and candidate: the share of each case's runs that passed, both (cases,).

    The cases of a cluster pass and fail together in a run, but for one in five that go their own
    way.
    """
    concentration = (1.0 - CORRELATION) / CORRELATION
    groups = row.cases // row.cluster
    chance = random.beta(MEAN * concentration, (1.0 - MEAN) * concentration, groups)
    chance = np.repeat(chance, row.cluster)
    worse = chance * (1.0 - row.drop * POINTS / MEAN)
    return _passed(row, chance, random), _passed(row, worse, random)


def _passed(row: Row, chance: Floats, random: np.random.Generator) -> Floats:
    if row.cluster == 1:
        return random.binomial(row.runs, chance) / row.runs
    luck = random.random((row.runs, row.cases // row.cluster)).repeat(row.cluster, axis=1)
    alone = random.random((row.runs, row.cases)) < 0.2
    luck = np.where(alone, random.random((row.runs, row.cases)), luck)
    shares: Floats = (luck < chance).mean(axis=0)
    return shares


def measured(row: Row, runs: int) -> dict[str, Any]:
    """How often each rule blocks; `covered`: how often the 95% interval holds the true change."""
    random = np.random.default_rng([SEED, row.cases, row.runs, round(row.drop * 100), row.cluster])
    clusters = np.arange(row.cases) // row.cluster if row.cluster > 1 else None
    counts: dict[str, int] = {}
    for _ in range(runs):
        before, after = draw(row, random)
        found = paired(before, after, clusters, runs=row.runs)
        naive = found if clusters is None else paired(before, after, runs=row.runs)
        for name, holds in _answers(found, naive, row.drop):
            counts[name] = counts.get(name, 0) + holds
    rates = {name: round(count / runs, 4) for name, count in counts.items()}
    return {"row": row.name, "cases": row.cases, "drop": row.drop, "table": row.published} | rates


def _answers(found: Paired, naive: Paired, drop: float) -> Iterator[tuple[str, bool]]:
    for policy in POLICIES:
        yield policy, blocked(found, found.p, Rules(policy=policy))
    yield "literal", found.drop > 0.02 - _CLOSE
    yield "naive", blocked(naive, naive.p, Rules())
    yield "covered", found.low <= -drop * POINTS <= found.high


def promised(cases: int, times: int, runs: int) -> dict[str, Any]:
    """The drop that unchanged agents are told would be seen, and how often it then is."""
    random = np.random.default_rng([SEED, cases, times])
    row = Row(cases, times, 0.0)
    told = [power(*draw(row, random), None, Rules(), times).smallest_drop for _ in range(400)]
    drop = float(np.median([one for one in told if one is not None])) / POINTS
    return {
        "row": row.name,
        "drop": round(drop, 2),
        "seen": measured(replace(row, drop=drop), runs)["significant"],
    }


def figures(
    rows: list[dict[str, Any]], clustered: list[dict[str, Any]], promises: list[dict[str, Any]]
) -> dict[str, Any]:
    """The figures that are watched; all rates are shares."""
    unchanged = [row for row in rows if row["drop"] == 0]
    together = [row for row in clustered if row["drop"] == 0]
    by_name = {(row["row"], row["drop"]): row for row in rows}
    return {
        "false_block_max": max(row["significant"] for row in unchanged),
        "power_5pt_n200_k3": by_name["200 cases, 3 runs", 5]["significant"],
        "literal_false_block_n200": by_name["200 cases, 1 run", 0]["point"],
        "clustered_false_block_max": max(row["significant"] for row in together),
        "naive_clustered_false_block_max": max(row["naive"] for row in together),
        "coverage_min": min(row["covered"] for row in [*rows, *clustered]),
        "table_off_max": max(abs(row["significant"] - row["table"][1] / 100) for row in rows),
        "rows": rows,
        "clustered": clustered,
        "promised": promises,
    }


def _show(rows: list[dict[str, Any]], promises: list[dict[str, Any]]) -> None:
    print(
        f"{'blocked, in %':<34}{'drop':>6}{'literal':>9}{'(table)':>8}{'point':>7}"
        f"{'significant':>13}{'(table)':>8}{'noninferior':>13}{'(table)':>8}{'naive':>7}{'covered':>9}"
    )
    for row in rows:
        table = [f"({rate})" for rate in row["table"]] if row["table"] else ["", "", ""]
        naive = "" if row["table"] else f"{100 * row['naive']:.1f}"
        print(
            f"{row['row']:<34}{row['drop']:>6g}{100 * row['literal']:>9.1f}{table[0]:>8}"
            f"{100 * row['point']:>7.1f}{100 * row['significant']:>13.1f}{table[1]:>8}"
            f"{100 * row['noninferior']:>13.1f}{table[2]:>8}{naive:>7}{100 * row['covered']:>9.1f}"
        )
    for one in promises:
        print(
            f"{one['row']}: a drop of {one['drop']} points is promised to be seen in 80.0%, and was"
            f" in {100 * one['seen']:.1f}%"
        )
