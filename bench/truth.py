"""How often each method is right, and how well it knows, with two and three annotators a task.

The sets with known truth in `../shared/data/annotators` are cut at random to two and to three
answers a task. Ties are scored as expected accuracy, the Brier score is summed over the classes,
probabilities are clipped at 1e-4 for the log loss, and the calibration error has ten bins. Every
set and cut counts the same.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldloop.consensus.choice_of_method import choose_method, infer
from goldloop.consensus.dawid_skene import dawid_skene
from goldloop.consensus.hierarchical import CONVERGED, hierarchical
from goldloop.consensus.majority_posterior import majority_posterior
from goldloop.consensus.votes import Floats, Votes, code_votes
from goldloop.consensus.weighted_vote import weighted_vote

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "annotators"
CUTS = (2, 3)
SEEDS, QUICK_SEEDS = 20, 3
MOST_OPTIONS = 100
TIE = 1e-9
MEASURES = ("accuracy", "brier", "log_loss", "ece")
METHODS: dict[str, Callable[[Votes], Floats]] = {
    "default": lambda votes: infer(votes)[0].posterior,
    "majority": lambda votes: majority_posterior(votes).posterior,
    "weighted_vote": lambda votes: weighted_vote(votes).posterior,
    "dawid_skene": lambda votes: dawid_skene(votes).posterior,
    "hierarchical": lambda votes: hierarchical(votes).posterior,
    "hierarchical_100": lambda votes: hierarchical(votes, max_iterations=CONVERGED).posterior,
}


@dataclass(frozen=True)
class TruthSet:
    """One data set: its answers, and the true option of each task or -1, (T,)."""

    name: str
    votes: Votes
    truth: NDArray[np.int64]


def main(quick: bool) -> dict[str, Any]:
    """Score every method on every set and cut; `default` is what `choose_method` picks."""
    sets = list(truth_sets(DATA)) if DATA.is_dir() else []
    if not sets:
        print(f"skipped: there are no data sets with truth in {DATA}")
        return {"skipped": f"no data sets with truth in {DATA}"}
    seeds = QUICK_SEEDS if quick else SEEDS
    cells = [(one, cut) for one in sets for cut in CUTS]
    scores: dict[tuple[str, int, str], Floats] = {}
    picked: Counter[str] = Counter()
    for one, cut in cells:
        print(f"{one.name}, {cut} a task: {seeds} seeds", file=sys.stderr, flush=True)
        votes = [cut_votes(one.votes, cut, seed) for seed in range(seeds)]
        picked.update(choose_method(each)[0] for each in votes)
        for method, fit in METHODS.items():
            rows = [score(fit(each), one.truth, each) for each in votes]
            scores[one.name, cut, method] = np.mean(rows, axis=0)
    _table(cells, scores)
    return _figures(cells, scores) | {"seeds": seeds, "default_picks": dict(picked)}


def truth_sets(folder: Path) -> Iterator[TruthSet]:
    """The sets in a folder that have a truth.csv, by name; without those of very many options."""
    for path in sorted(folder.glob("*/truth.csv")):
        rows = _rows(path.with_name("labels.csv"))
        truth = {row["task_id"]: row["label"] for row in _rows(path)}
        options = sorted({row["label"] for row in rows} | set(truth.values()))
        if len(options) > MOST_OPTIONS:
            print(f"{path.parent.name}: left out, {len(options)} options", file=sys.stderr)
            continue
        kept = {(row["task_id"], row["annotator_id"]): row["label"] for row in rows}
        coded = code_votes([t for t, _ in kept], [a for _, a in kept], list(kept.values()), options)
        codes = {option: code for code, option in enumerate(options)}
        known = [codes[truth[str(t)]] if t in truth else -1 for t in coded.tasks]
        yield TruthSet(path.parent.name, coded.votes, np.array(known, dtype=np.int64))


def cut_votes(votes: Votes, most: int, seed: int) -> Votes:
    """At most so many answers a task, drawn at random."""
    order = np.lexsort((np.random.default_rng(seed).random(len(votes)), votes.tasks))
    tasks = votes.tasks[order]
    kept = order[np.arange(len(tasks)) - np.searchsorted(tasks, tasks) < most]
    present, annotators = np.unique(votes.annotators[kept], return_inverse=True)
    return Votes(
        votes.tasks[kept],
        annotators,
        votes.labels[kept],
        votes.n_tasks,
        len(present),
        votes.n_options,
    )


def score(posterior: Floats, truth: NDArray[np.int64], votes: Votes) -> Floats:
    """Accuracy, Brier score, log loss and calibration error, over answered tasks with truth."""
    answered = np.bincount(votes.tasks, minlength=votes.n_tasks) > 0
    judged = answered & (truth >= 0)
    chance, label = posterior[judged], truth[judged]
    place = np.arange(len(label))
    top = chance >= chance.max(axis=1, keepdims=True) - TIE
    right = top[place, label] / top.sum(axis=1)
    certain = np.zeros_like(chance)
    certain[place, label] = 1.0
    brier = ((chance - certain) ** 2).sum(axis=1).mean()
    loss = -np.log(np.clip(chance[place, label], 1e-4, 1.0)).mean()
    return np.array([right.mean(), brier, loss, _calibration_error(chance.max(axis=1), right)])


def _calibration_error(confidence: Floats, right: Floats) -> float:
    bins = np.minimum((confidence * 10).astype(int), 9)
    gaps = np.bincount(bins, weights=confidence - right, minlength=10)
    return float(np.abs(gaps).sum() / len(right))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _table(cells: list[tuple[TruthSet, int]], scores: dict[tuple[str, int, str], Floats]) -> None:
    head = "".join(f"{measure:>10}" for measure in MEASURES)
    print(f"{'set':<18}{'a task':>6}  {'method':<17}{head}")
    for one, cut in cells:
        for method in METHODS:
            _line(one.name, str(cut), method, scores[one.name, cut, method])
    for method in METHODS:
        _line("mean", "all", method, _mean(cells, scores, method))


def _line(name: str, cut: str, method: str, row: Floats) -> None:
    print(f"{name:<18}{cut:>6}  {method:<17}" + "".join(f"{value:>10.4f}" for value in row))


def _mean(
    cells: list[tuple[TruthSet, int]], scores: dict[tuple[str, int, str], Floats], method: str
) -> Floats:
    mean: Floats = np.mean([scores[one.name, cut, method] for one, cut in cells], axis=0)
    return mean


def _figures(
    cells: list[tuple[TruthSet, int]], scores: dict[tuple[str, int, str], Floats]
) -> dict[str, Any]:
    mean = partial(_mean, cells, scores)
    figures = {
        f"{method}_{measure}": round(float(value), 4)
        for method in METHODS
        for measure, value in zip(MEASURES, mean(method), strict=True)
    }
    worse = [
        f"{one.name} at {cut}"
        for one, cut in cells
        if scores[one.name, cut, "default"][0] < scores[one.name, cut, "majority"][0]
    ]
    return {**figures, "sets": len({one.name for one, _ in cells}), "less_accurate_on": worse}
