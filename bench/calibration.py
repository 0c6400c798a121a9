"""What calibration costs in labels, and what weighting is worth, by simulation.

First table: an overconfident score of AUROC 0.75 (binormal, accuracy 0.8), whose error is known;
Platt scaling and isotonic regression, fitted on random labels. The link is logistic, so Platt is
favoured.

Second table: 200 labels from a 70/30 selection against 200 random ones. The error is the mean
absolute distance of the calibrated score from the true probability over the whole pool, and the
ratio is to the fit on random labels. Two worlds, in both of which a novel tool path (15% of the
runs) fails more often than others of the same score and is boosted by the selection: in `novelty`
the score has a logistic link otherwise; in `saturating` it also promises more at the top than it
keeps. `hard` takes the 140 most uncertain and 60 at random, as select does. `soft` gives every run
an inclusion probability, 70% by g and 30% evenly, with g = sqrt(p(1-p)).
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goldloop.calibration import fit_isotonic, fit_platt, labelled_scores, stratum_weights
from goldloop.selection import select, uncertainty

Floats = NDArray[np.float64]
SIZES = (50, 100, 200, 1000)
POOLS = (400, 2_000, 10_000)
LABELS = 200
SHARE = 0.7
BOOST = 0.2
NOVEL = 0.15
ACCURACY = 0.8
# The distance of the two normal curves that have an AUROC of 0.75.
APART = 0.9539


class Pool(NamedTuple):
    """Runs: the score, its true probability of being right, novelty, and whether each is right."""

    score: Floats
    truth: Floats
    novel: NDArray[np.bool_]
    right: Floats


class Labels(NamedTuple):
    """Which runs of a pool are labelled, and what each stands for."""

    chosen: NDArray[np.intp]
    weight: Floats


def main(quick: bool) -> dict[str, Any]:
    """Both tables; the figures of the second by world, design and size of the pool."""
    repeats = 40 if quick else 400
    curve = learning_curve(repeats)
    ratios = {name: _ratios(world, repeats) for name, world in WORLDS.items()}
    _show(curve, ratios)
    return {
        "repeats": repeats,
        **{f"{kind}_error": found for kind, found in curve.items()},
        "weighted_error_ratio": {name: one["weighted"] for name, one in ratios.items()},
        "unweighted_error_ratio": {name: one["unweighted"] for name, one in ratios.items()},
    }


def learning_curve(repeats: int, sizes: tuple[int, ...] = SIZES) -> dict[str, dict[int, float]]:
    """The mean absolute error of the raw score, of Platt and of isotonic, by number of labels."""
    random = np.random.default_rng(1)
    found: dict[str, dict[int, float]] = {"raw": {}, "platt": {}, "isotonic": {}}
    for size in sizes:
        print(f"calibrators of {size} labels", file=sys.stderr, flush=True)
        errors = defaultdict(list)
        for _ in range(repeats):
            pool, own = binormal(random, 4000), binormal(random, size)
            labels = labelled_scores(own.score, own.right)
            errors["raw"].append(error(pool, pool.score))
            errors["platt"].append(error(pool, fit_platt(labels).apply(pool.score)))
            errors["isotonic"].append(error(pool, fit_isotonic(labels).apply(pool.score)))
        for kind, values in errors.items():
            found[kind][size] = round(float(np.mean(values)), 4)
    return found


def binormal(random: np.random.Generator, size: int) -> Pool:
    """Scores that rank with an AUROC of 0.75 and promise too much."""
    right = (random.random(size) < ACCURACY).astype(np.float64)
    logit = _true_logit(random.normal(size=size) + APART * right)
    return Pool(_sigmoid(2 * logit + 1), _sigmoid(logit), np.zeros(size, np.bool_), right)


def novelty(random: np.random.Generator, size: int) -> Pool:
    """A logistic link, but for the novel runs, which fail more often."""
    logit = _true_logit(random.normal(size=size) + APART * (random.random(size) < ACCURACY))
    return _with_novelty(random, _sigmoid(2 * logit + 1), logit)


def saturating(random: np.random.Generator, size: int) -> Pool:
    """Beyond a point, surer runs are hardly more often right."""
    raw = 2 + 2.2 * random.normal(size=size)
    kept = 0.25 + 0.68 * _sigmoid(1.6 * (raw - 1))
    return _with_novelty(random, _sigmoid(raw), np.log(kept / (1 - kept)))


WORLDS: dict[str, Callable[[np.random.Generator, int], Pool]] = {
    "novelty": novelty,
    "saturating": saturating,
}


def _with_novelty(random: np.random.Generator, score: Floats, logit: Floats) -> Pool:
    novel = random.random(len(score)) < NOVEL
    usual, rare = _sigmoid(logit), _sigmoid(logit - 1.5)
    right = random.random(len(score)) < np.where(novel, rare, usual)
    truth = (1 - NOVEL) * usual + NOVEL * rare
    return Pool(np.clip(score, 0.0, 1.0), truth, novel, right.astype(np.float64))


def _true_logit(shown: Floats) -> Floats:
    start = float(np.log(ACCURACY / (1 - ACCURACY))) - APART**2 / 2
    return start + APART * shown


def _sigmoid(x: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-x))


def error(pool: Pool, calibrated: Floats) -> float:
    """The mean absolute distance from the true probability."""
    return float(np.abs(calibrated - pool.truth).mean())


def at_random(prn: Floats) -> Labels:
    """The labels of a simple random sample."""
    return Labels(np.argsort(prn)[:LABELS], np.ones(LABELS))


def hard(pool: Pool, prn: Floats) -> Labels:
    """The most uncertain, and a random sample of the rest."""
    picked = select(uncertainty(pool.score, pool.novel, BOOST), prn, LABELS, SHARE)
    chosen = np.concatenate([picked.uncertain, picked.random])
    certain = np.arange(LABELS) < len(picked.uncertain)
    rest = len(prn) - len(picked.uncertain)
    return Labels(chosen, stratum_weights(certain, len(picked.uncertain), rest))


def soft(pool: Pool, prn: Floats) -> Labels:
    """Poisson sampling by permanent random numbers: u <= min(1, a (0.7 q + 0.3 / N))."""
    p = np.clip(uncertainty(pool.score, pool.novel, BOOST), 0.001, 0.999)
    spread = np.sqrt(p * (1 - p))
    share = SHARE * spread / spread.sum() + (1 - SHARE) / len(prn)
    scale = np.sort(prn / share)[LABELS - 1]
    probability = np.minimum(1.0, scale * share)
    chosen = np.flatnonzero(prn <= probability)
    return Labels(chosen, 1.0 / probability[chosen])


def _ratios(
    world: Callable[[np.random.Generator, int], Pool], repeats: int
) -> dict[str, dict[str, float]]:
    """By kind of fit: the error over that of random labels, by design and size of the pool."""
    found: dict[str, dict[str, float]] = {"weighted": {}, "unweighted": {}}
    for size in POOLS:
        print(f"{world.__name__}, {size} runs", file=sys.stderr, flush=True)
        errors = error_by_design(world, size, repeats)
        for design in ("hard", "soft"):
            for kind in found:
                ratio = errors[f"{design} {kind}"] / errors["random"]
                found[kind][f"{design} of {size}"] = round(ratio, 3)
    return found


def error_by_design(
    world: Callable[[np.random.Generator, int], Pool], size: int, repeats: int, seed: int = 2
) -> dict[str, float]:
    """The mean error of each design's fits: "random", "hard weighted", "hard unweighted", ..."""
    random = np.random.default_rng(seed)
    errors = defaultdict(list)
    for _ in range(repeats):
        pool, prn = world(random, size), random.random(size)
        errors["random"].append(_fit_error(pool, at_random(prn), weighted=False))
        for name, design in (("hard", hard), ("soft", soft)):
            labels = design(pool, prn)
            errors[f"{name} weighted"].append(_fit_error(pool, labels, weighted=True))
            errors[f"{name} unweighted"].append(_fit_error(pool, labels, weighted=False))
    return {name: float(np.mean(values)) for name, values in errors.items()}


def _fit_error(pool: Pool, labels: Labels, *, weighted: bool) -> float:
    chosen = labels.chosen
    weights = labels.weight if weighted else None
    fitted = fit_platt(labelled_scores(pool.score[chosen], pool.right[chosen], weights))
    return error(pool, fitted.apply(pool.score))


def _show(
    curve: dict[str, dict[int, float]], ratios: dict[str, dict[str, dict[str, float]]]
) -> None:
    print("mean absolute error of the probability, fitted on random labels")
    print(f"{'labels':>8}" + "".join(f"{kind:>10}" for kind in curve))
    for size in SIZES:
        print(f"{size:>8}" + "".join(f"{curve[kind][size]:>10.3f}" for kind in curve))
    print(f"\n{LABELS} labels from a 70/30 selection: error over that of {LABELS} random labels")
    print(f"{'world':<12}{'selection':<16}{'weighted':>10}{'unweighted':>12}")
    for world, kinds in ratios.items():
        for design, ratio in kinds["weighted"].items():
            plain = kinds["unweighted"][design]
            print(f"{world:<12}{design:<16}{ratio:>10.2f}{plain:>12.2f}")
