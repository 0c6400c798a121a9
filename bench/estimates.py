"""Whether the estimates are right for the whole pool, from sets picked to find failures.

Pools of which every outcome is known are selected from and estimated many times over, by the public
functions alone: calibrated binormal scores of a given AUROC, with other noise in every round
(10,000 items, 80% right, 500 labels, 70% by uncertainty, unless a row says otherwise), and recorded
runs and labels with many secrets. Bias, RMSE and half-width are in points. `equivalent` is how many
labels of a simple random sample have that RMSE; `ratio` compares it with published figures for the
same design. `naive` is the plain mean of what a hard selection labels. `failures` are those found.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench._pools import (
    Floats,
    RecordedPool,
    latent_scores,
    noisy_confidences,
    outcomes,
    recorded_pools,
)
from goldloop.estimates import Estimate, estimate_pool
from goldloop.selection import Design, Round, design, hard_round, interest, soft_round

SHARE, ACCURACY = 0.7, 0.8
CHUNK, WORKERS, SEED = 20, 2, 6
# Between rounds, in standard deviations of the score: so much that the naive mean of ten rounds is
# as far off as published for the same design (27.9 points).
NOISE = 0.7
REAL_REPETITIONS, QUICK_REAL_REPETITIONS = 500, 60
HARD, PRECISION, FAILURES = "hard", "soft precision", "soft failures"
PPI, NAIVE = " + ppi", "naive"
ONE_ROUND = (HARD, HARD + PPI, PRECISION + PPI, FAILURES + PPI)
TEN_ROUNDS = (HARD, HARD + PPI, FAILURES, FAILURES + PPI)


@dataclass(frozen=True)
class Case:
    """A pool that grows from `start` to `items` over the rounds, while new items get harder from
    the first to the last accuracy. `equivalent` and `rmse` (points) are the figures to reproduce.
    Without `quick_runs` it is left out of a quick run.
    """

    name: str
    runs: int
    quick_runs: int
    items: int = 10_000
    start: int = 10_000
    accuracies: tuple[float, float] = (ACCURACY, ACCURACY)
    auroc: float = 0.75
    noise: float = 0.0
    rounds: int = 1
    labels: int = 500
    share: float = SHARE
    equivalent: Mapping[str, float] = field(default_factory=dict)
    rmse: Mapping[str, float] = field(default_factory=dict)


def _one(name: str, figures: tuple[int, int, int, int], **settings: Any) -> Case:
    equivalent = dict(zip(ONE_ROUND, figures, strict=True))
    return Case(
        **{"name": name, "runs": 3_000, "quick_runs": 280, **settings}, equivalent=equivalent
    )


def _variant(name: str, figures: tuple[int, int, int, int], **settings: Any) -> Case:
    return _one(f"one round, {name}", figures, runs=3_000, quick_runs=0, **settings)


def _ten(name: str, figures: tuple[float, float, float, float], **settings: Any) -> Case:
    rmse = dict(zip(TEN_ROUNDS, figures, strict=True))
    return Case(name, 4_000, 120, rounds=10, rmse=rmse, noise=NOISE, **settings)


CASES = (
    _one("one round", (165, 183, 600, 576)),
    _one("one round, AUROC .60", (164, 165, 504, 505), auroc=0.60),
    _one("one round, AUROC .85", (182, 231, 801, 753), auroc=0.85),
    _one("one round, AUROC .95", (190, 377, 1591, 1206), auroc=0.95),
    _one("one round, pool of 1,000", (443, 452, 569, 561), items=1_000, start=1_000),
    _variant("hard share 50%", (275, 300, 613, 636), share=0.5),
    _variant("hard share 30%", (380, 420, 604, 602), share=0.3),
    _variant("pool of 2,000", (272, 285, 597, 572), items=2_000, start=2_000),
    _variant("pool of 100,000", (136, 164, 567, 610), items=100_000, start=100_000),
    _ten("ten rounds", (3.2, 3.0, 1.74, 1.63)),
    _ten("ten rounds, growing", (3.2, 3.0, 1.76, 1.61), start=5_500, accuracies=(0.85, 0.65)),
    _ten("ten rounds, pool of 1,000", (1.7, 1.7, 1.24, 1.15), items=1_000, start=1_000),
)


@dataclass(frozen=True)
class Outcome:
    """What one estimate came to."""

    error: float
    covered: bool
    half_width: float
    failures: int
    spread: float


def main(quick: bool) -> dict[str, Any]:
    """Reproduce the cases, then the recorded pools; a row for each case and estimator."""
    with ProcessPoolExecutor(WORKERS) as workers:
        cases = [case for case in CASES if case.quick_runs or not quick]
        rows = [row for case in cases for row in _case_rows(case, quick, workers)]
    _table(rows)
    if quick:
        print("few runs: coverage is known to ± 4 points, equivalent labels to ± 25%")
    repetitions = QUICK_REAL_REPETITIONS if quick else REAL_REPETITIONS
    real = [row for pool in recorded_pools() for row in _recorded_rows(pool, repetitions)]
    if real:
        _table(real)
    else:
        print("skipped: there are no recorded runs or labels in ../shared/data")
    return _figures([row for row in rows + real if row["estimator"] != NAIVE]) | {
        "rows": rows,
        "recorded": real,
    }


def _figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    ratios = [row["ratio"] for row in rows if row["ratio"] is not None]
    coverages = [row["coverage"] for row in rows]
    return {
        "worst_bias_points": max((row["bias"] for row in rows), key=abs),
        "coverage_min": min(coverages),
        "coverage_max": max(coverages),
        "effective_labels_worst_ratio": max(ratios, key=lambda ratio: max(ratio, 1 / ratio)),
        "aims_missed": [
            f"{row['case']}, {row['estimator']}: {miss}" for row in rows for miss in missed(row)
        ],
    }


def missed(row: dict[str, Any]) -> Iterator[str]:
    """What of a row is outside the aims: bias, coverage, labels within 10% of the published."""
    if abs(row["bias"]) >= 0.3:
        yield f"bias {row['bias']:.2f} ± {row['bias_error']:.2f}"
    if not 0.93 <= row["coverage"] <= 0.97:
        yield f"coverage {row['coverage']:.3f}"
    if row["ratio"] is not None and not 0.9 <= row["ratio"] <= 1.1:
        yield f"{row['equivalent']:.0f} equivalent labels, not {row['table']:.0f}"


def _case_rows(case: Case, quick: bool, workers: ProcessPoolExecutor) -> list[dict[str, Any]]:
    runs = case.quick_runs if quick else case.runs
    print(f"{case.name}: {runs} runs", file=sys.stderr, flush=True)
    chunks = workers.map(_chunk, [case] * (runs // CHUNK), range(runs // CHUNK))
    found: dict[str, list[Outcome]] = defaultdict(list)
    for chunk in chunks:
        for name, results in chunk.items():
            found[name] += results
    return [summary(case.name, name, results, case.items, case) for name, results in found.items()]


def _chunk(case: Case, number: int) -> dict[str, list[Outcome]]:
    """Some runs of a case, by estimator; each chunk has a seed of its own."""
    random = np.random.default_rng([SEED, number])
    found: dict[str, list[Outcome]] = defaultdict(list)
    for _ in range(CHUNK):
        for name, result in simulated(case, random):
            found[name].append(result)
    return dict(found)


def simulated(case: Case, random: np.random.Generator) -> Iterator[tuple[str, Outcome]]:
    """One pool, selected from by every design; yields what each estimator made of it."""
    cohorts = _cohorts(case)
    right = np.concatenate([outcomes(random, items, rate) for items, rate in cohorts])
    prn = random.random(case.items)
    seen = np.cumsum([items for items, _ in cohorts])
    latent = latent_scores(random, right, case.auroc)
    sizes = [seen[min(t, len(seen) - 1)] for t in range(case.rounds)]
    scores = [
        noisy_confidences(random, right[:size], latent[:size], case.auroc, case.noise)
        for size in sizes
    ]
    for name in (HARD, PRECISION, FAILURES):
        yield from outcomes_of(name, right, prn, scores, case.labels // case.rounds, case.share)


def _cohorts(case: Case) -> list[tuple[int, float]]:
    """How many items come before each round, and how often the agent is right on them."""
    if case.start == case.items:
        return [(case.items, case.accuracies[0])]
    arrivals = (case.items - case.start) // (case.rounds - 1)
    rates = np.linspace(*case.accuracies, case.rounds).tolist()
    return [(case.start, rates[0]), *((arrivals, rate) for rate in rates[1:])]


def outcomes_of(
    name: str, right: Floats, prn: Floats, scores: list[Floats], batch: int, share: float = SHARE
) -> Iterator[tuple[str, Outcome]]:
    """Rounds of one design, a batch by each of `scores` (which grow with the pool), and what the
    estimators make of the labels, without and with the last scores as control.
    """
    sample = design(prn[: len(scores[0])])
    for confidence in scores:
        sample = sample.joined(prn[len(sample) : len(confidence)])
        sample = one_round(name, sample, confidence, batch, share).design
    outcome = np.where(sample.labelled, right, np.nan)
    plain = estimate_pool(outcome, sample)
    yield name, _outcome(plain, right, sample)
    yield name + PPI, _outcome(estimate_pool(outcome, sample, scores[-1]), right, sample)
    if name == HARD:
        yield NAIVE, _naive(plain, right, sample)


def one_round(
    name: str, sample: Design, confidence: Floats, batch: int, share: float = SHARE
) -> Round:
    """The next batch by a design of that name."""
    if name == HARD:
        return hard_round(sample, 1.0 - confidence, batch, share)
    aim = "precision" if name == PRECISION else "failures"
    learnt = interest(confidence, np.zeros(len(confidence), dtype=np.bool_), 0.0, aim)
    return soft_round(sample, learnt, batch, share)


def _outcome(found: Estimate, right: Floats, sample: Design) -> Outcome:
    assert found.value is not None, "nothing was labelled"
    truth = float(right.mean())
    return Outcome(
        error=found.value - truth,
        covered=found.low <= truth <= found.high,
        half_width=found.half_width,
        failures=int((1.0 - right[sample.labelled]).sum()),
        spread=truth * (1.0 - truth),
    )


def _naive(found: Estimate, right: Floats, sample: Design) -> Outcome:
    """The plain mean, with the interval of a simple random sample."""
    assert found.naive is not None, "nothing was labelled"
    truth, labels = float(right.mean()), int(sample.labelled.sum())
    half = 1.96 * (found.naive * (1.0 - found.naive) / labels) ** 0.5
    error = found.naive - truth
    failures = int((1.0 - right[sample.labelled]).sum())
    return Outcome(error, abs(error) <= half, half, failures, truth * (1.0 - truth))


def _recorded_rows(pool: RecordedPool, repetitions: int) -> list[dict[str, Any]]:
    """Three rounds that label a quarter of the pool, by as many secrets."""
    found: dict[str, list[Outcome]] = defaultdict(list)
    batch = len(pool.ids) // 12
    print(f"{pool.name}: {repetitions} secrets", file=sys.stderr, flush=True)
    for secret in range(repetitions):
        prn = pool.prn(secret)
        for name in (HARD, PRECISION, FAILURES):
            for estimator, result in outcomes_of(
                name, pool.right, prn, [pool.confidence] * 3, batch
            ):
                found[estimator].append(result)
    name = f"{pool.name}, {3 * batch} of {len(pool.ids)}"
    return [summary(name, one, results, len(pool.ids), None) for one, results in found.items()]


def summary(
    name: str, estimator: str, results: list[Outcome], items: int, case: Case | None
) -> dict[str, Any]:
    """One row of the table; `case` has the figures to compare with."""
    errors = np.array([one.error for one in results])
    spread = float(np.mean([one.spread for one in results]))
    equivalent = _equivalent(float((errors**2).mean()), spread, items)
    table = _table_figure(estimator, spread, items, case)
    return {
        "case": name,
        "estimator": estimator,
        "runs": len(results),
        "bias": round(100.0 * float(errors.mean()), 3),
        "bias_error": round(100.0 * float(errors.std() / len(errors) ** 0.5), 3),
        "rmse": round(100.0 * float((errors**2).mean() ** 0.5), 3),
        "coverage": round(float(np.mean([one.covered for one in results])), 4),
        "half_width": round(100.0 * float(np.mean([one.half_width for one in results])), 2),
        "equivalent": round(equivalent, 1),
        "table": None if table is None else round(table, 1),
        "ratio": None if table is None else round(equivalent / table, 3),
        "failures": round(float(np.mean([one.failures for one in results])), 1),
    }


def _equivalent(square_error: float, spread: float, items: int) -> float:
    """How many labels of a simple random sample have this mean square error."""
    return spread / (square_error + spread / items)


def _table_figure(estimator: str, spread: float, items: int, case: Case | None) -> float | None:
    if case is None:
        return None
    if estimator in case.rmse:
        return _equivalent((case.rmse[estimator] / 100.0) ** 2, spread, items)
    return case.equivalent.get(estimator)


def _table(rows: list[dict[str, Any]]) -> None:
    print(
        f"{'case':<27}{'estimator':<22}{'runs':>6}{'bias':>8}{'RMSE':>7}{'cover':>7}{'±':>7}"
        f"{'equivalent':>12}{'ratio':>7}{'failures':>10}"
    )
    for row in rows:
        ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
        print(
            f"{row['case']:<27}{row['estimator']:<22}{row['runs']:>6}{row['bias']:>8.2f}"
            f"{row['rmse']:>7.2f}{row['coverage']:>7.3f}{row['half_width']:>7.2f}"
            f"{row['equivalent']:>12.0f}{ratio:>7}{row['failures']:>10.0f}"
        )
