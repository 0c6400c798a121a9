"""Pools whose every outcome is known: binormal models of an agent, and recorded runs and labels."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri

from bench.confidence import DATA as TRAJECTORIES
from bench.confidence import read_trials, scored
from bench.truth import DATA as ANNOTATORS
from bench.truth import TruthSet, truth_sets
from goldloop.prn import permanent_random_number

Floats = NDArray[np.float64]
SETS = ("rte", "web")
CONFIDENCE = "combined:agreement+process"


def separation(auroc: float) -> float:
    """How far apart the scores of right and wrong runs are, in standard deviations."""
    return float(np.sqrt(2.0) * ndtri(auroc))


def outcomes(random: np.random.Generator, items: int, accuracy: float) -> Floats:
    """Right (1) or wrong (0), (items,)."""
    return (random.random(items) < accuracy).astype(np.float64)


def latent_scores(random: np.random.Generator, outcome: Floats, auroc: float) -> Floats:
    """Scores that are normal around 0 for wrong runs, around the separation for right ones."""
    found: Floats = random.normal(size=len(outcome)) + separation(auroc) * outcome
    return found


def confidences(outcome: Floats, score: Floats, apart: float) -> Floats:
    """The chance of being right by scores of variance 1 that are so far apart: calibrated on this
    pool.
    """
    odds = logit(np.clip(outcome.mean(), 0.001, 0.999)) + apart * score - apart**2 / 2.0
    found: Floats = expit(odds)
    return found


def noisy_confidences(
    random: np.random.Generator, outcome: Floats, score: Floats, auroc: float, noise: float
) -> Floats:
    """What a scoring run makes of the latent scores: calibrated, but less sure."""
    scale = (1.0 + noise**2) ** 0.5
    seen = (score + noise * random.normal(size=len(score))) / scale
    return confidences(outcome, seen, separation(auroc) / scale)


@dataclass(frozen=True)
class RecordedPool:
    """Items by id, whether the agent was right on each, and a confidence in it; both (items,)."""

    name: str
    ids: list[str]
    right: Floats
    confidence: Floats

    def prn(self, secret: int) -> Floats:
        """The permanent random numbers under one of many secrets."""
        key = hashlib.sha256(str(secret).encode()).digest()
        return np.array([permanent_random_number(key, one) for one in self.ids])


def recorded_pools() -> Iterator[RecordedPool]:
    """Those of `../shared/data` that are there."""
    if TRAJECTORIES.is_file():
        yield _trajectories(TRAJECTORIES)
    if ANNOTATORS.is_dir():
        yield from (_of_annotators(one) for one in truth_sets(ANNOTATORS) if one.name in SETS)
    else:
        print(f"left out: there are no labels in {ANNOTATORS}", file=sys.stderr)


def _trajectories(path: Path) -> RecordedPool:
    """The agent of tau-airline, with its reward for the truth."""
    trials = read_trials(path)
    return RecordedPool(
        "tau-airline",
        [one.run.sample_id for one in trials],
        np.array([one.right for one in trials], dtype=np.float64),
        np.array(scored(trials)[CONFIDENCE]),
    )


def _of_annotators(one: TruthSet) -> RecordedPool:
    """Each task's first answer for the agent's; the share of the others that agree, smoothed, for
    its confidence.
    """
    votes = one.votes
    tasks, first = np.unique(votes.tasks, return_index=True)
    answer = np.zeros(votes.n_tasks, dtype=np.int64)
    answer[tasks] = votes.labels[first]
    agrees = votes.labels == answer[votes.tasks]
    others = np.bincount(votes.tasks, minlength=votes.n_tasks) - 1
    alike = np.bincount(votes.tasks, weights=agrees, minlength=votes.n_tasks) - 1
    kept = tasks[one.truth[tasks] >= 0]
    return RecordedPool(
        one.name,
        [f"{one.name}-{task}" for task in kept],
        (answer[kept] == one.truth[kept]).astype(np.float64),
        (alike[kept] + 1.0) / (others[kept] + 2.0),
    )
