"""How well each estimator of confidence tells an agent's right runs from its wrong ones.

The runs of tau-airline in `../shared/data`, four trials a scenario, with `reward` as the truth. A
trial is scored from itself and the other three alone. AUROC counts ties half; its interval is a
bootstrap over scenarios, since the trials of one are not independent. `length` is the floor: the
number of turns, fewer being surer. Only estimators that recorded runs allow can be here.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from goldloop.confidence import (
    AGREEMENT,
    ENTROPY,
    PROCESS,
    agreement,
    answer_of,
    combined,
    comparing,
    entropy_confidence,
    process_confidence,
    process_features,
)
from goldloop.discrimination import auroc, auroc_interval
from goldloop.records import read_record
from goldloop.samples import Run, Sample, own_turns

DATA = (
    Path(__file__).resolve().parents[2] / "shared" / "data" / "tau-airline" / "trajectories.jsonl"
)
REPETITIONS, QUICK_REPETITIONS = 2_000, 200
SEED = 20
ORDERED = comparing(AGREEMENT, judged=False, ordered=True)


@dataclass(frozen=True)
class Trial:
    """One run of a scenario, and whether it was right."""

    scenario: str
    sample: Sample
    run: Run
    right: bool


def main(quick: bool) -> dict[str, Any]:
    """Score every trial by every estimator; the figures are by estimator."""
    if not DATA.is_file():
        print(f"skipped: there are no recorded runs in {DATA}")
        return {"skipped": f"no recorded runs in {DATA}"}
    trials = read_trials(DATA)
    repetitions = QUICK_REPETITIONS if quick else REPETITIONS
    scores = scored(trials)
    right = [trial.right for trial in trials]
    clusters = [trial.scenario for trial in trials]
    rows = {}
    for name, values in scores.items():
        interval = auroc_interval(
            values, right, clusters=clusters, seed=SEED, repetitions=repetitions
        )
        rows[name] = (auroc(values, right), interval, len(set(values)), tied_share(values, right))
    _table(rows)
    names = ("auroc", "auroc_interval", "levels", "tied_share")
    figures = {what: {name: row[n] for name, row in rows.items()} for n, what in enumerate(names)}
    counts = {"runs": len(trials), "scenarios": len(set(clusters)), "right": sum(right)}
    return {**_rounded(figures), **counts, "repetitions": repetitions}


def read_trials(path: Path) -> list[Trial]:
    """The trials of a file of trajectories, one a line, each a run with a `reward`."""
    trials = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            sample, run = read_record(record)
            assert run is not None, f"{record['id']} holds no run"
            trials.append(Trial(record["scenario_id"], sample, run, record["reward"] == 1.0))
    return trials


def scored(trials: Sequence[Trial]) -> dict[str, list[float]]:
    """By estimator, the score of every trial, in order."""
    by_scenario: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        by_scenario[trial.scenario].append(trial)
    estimates = [
        _estimates(
            trial, [other.run for other in by_scenario[trial.scenario] if other is not trial]
        )
        for trial in trials
    ]
    return {name: [one[name] for one in estimates] for name in estimates[0]}


def _estimates(trial: Trial, others: Sequence[Run]) -> dict[str, float]:
    turns = own_turns(trial.sample, trial.run.messages)
    both = _known(agreement, trial.run, others)
    process = process_confidence(process_features(turns, trial.run.stop_reason))
    mean = combined({AGREEMENT: both, PROCESS: process})
    assert mean is not None
    return {
        AGREEMENT: both,
        ORDERED: _known(lambda *runs: agreement(*runs, ordered=True), trial.run, others),
        ENTROPY: _known(
            lambda run, rest: entropy_confidence([answer_of(one) for one in (run, *rest)]),
            trial.run,
            others,
        ),
        PROCESS: process,
        mean[1]: mean[0],
        "length": -float(len(turns)),
    }


def _known(
    estimator: Callable[[Run, Sequence[Run]], float | None], run: Run, others: Sequence[Run]
) -> float:
    value = estimator(run, others)
    assert value is not None, f"{run.sample_id}: there is no other trial of its scenario"
    return value


def tied_share(scores: Sequence[float], right: Sequence[bool]) -> float:
    """The share of pairs of a right and a wrong run whose scores are the same."""
    values, won = np.array(scores), np.array(right)
    return float((values[won][:, None] == values[~won][None, :]).mean())


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def _table(rows: dict[str, tuple[float | None, tuple[float, float] | None, int, float]]) -> None:
    print(f"{'estimator':<28}{'AUROC':>7}{'95% interval':>18}{'levels':>8}{'tied':>7}")
    for name, (area, interval, levels, tied) in rows.items():
        shown = "-" if area is None else f"{area:.3f}"
        bounds = "-" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
        print(f"{name:<28}{shown:>7}{bounds:>18}{levels:>8}{tied:>7.1%}")
