"""One fit of Dawid and Skene's model in a process of its own, so that its peak memory is its own.

`python -m bench._dawid_skene_fit PEER ANSWERS REPEATS ITERATIONS` prints one JSON object, with at
most so many iterations. PEER is `goldloop`, `crowd-kit`, or `pandas` for a plain implementation
with groupby, which stands in for crowd-kit where that is not installed.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldloop.consensus.annotator_model import model_of, update_task
from goldloop.consensus.dawid_skene import LEAST, TOLERANCE, dawid_skene
from goldloop.consensus.hierarchical import hierarchical
from goldloop.consensus.votes import CodedVotes, Votes

CLASSES = 5
PER_TASK = 3
ANSWERS_EACH = 500
SEED = 20240

Codes = NDArray[np.int64]
Fit = Callable[[int], tuple[Codes, int]]


@dataclass(frozen=True)
class Answers:
    """Synthetic answers in shuffled rows, as integer codes, and the true labels."""

    tasks: Codes
    annotators: Codes
    labels: Codes
    truth: Codes
    n_annotators: int


def synthetic(answers: int) -> Answers:
    """Answers from the model itself: matrices with 0.35 to 0.95 right and errors of all sorts."""
    rng = np.random.default_rng(SEED)
    n_tasks = answers // PER_TASK
    n_annotators = max(answers // ANSWERS_EACH, 2 * PER_TASK)
    truth = rng.integers(0, CLASSES, n_tasks)
    right = rng.uniform(0.35, 0.95, n_annotators)
    matrices = rng.dirichlet(np.ones(CLASSES), (n_annotators, CLASSES)) * (1 - right)[:, None, None]
    matrices[:, range(CLASSES), range(CLASSES)] += right[:, None]
    tasks = np.repeat(np.arange(n_tasks), PER_TASK)
    first = rng.integers(0, n_annotators, n_tasks)
    step = rng.integers(1, n_annotators // PER_TASK, n_tasks)
    annotators = (first[:, None] + step[:, None] * np.arange(PER_TASK)).ravel() % n_annotators
    reached = matrices[annotators, truth[tasks]].cumsum(axis=1)
    labels = (rng.random(len(tasks))[:, None] > reached).sum(axis=1).clip(0, CLASSES - 1)
    order = rng.permutation(len(tasks))
    return Answers(tasks[order], annotators[order], labels[order], truth, n_annotators)


def fit_of(peer: str, answers: Answers) -> Fit:
    """A function that fits once and gives the most probable label of each task and iterations."""
    if peer == "goldloop":
        return partial(_goldloop, answers)
    pandas = importlib.import_module("pandas")
    columns = {"task": answers.tasks, "worker": answers.annotators, "label": answers.labels}
    frame = pandas.DataFrame(columns)
    if peer == "pandas":
        return partial(_pandas, frame)
    aggregation = importlib.import_module("crowdkit.aggregation")
    return partial(_crowd_kit, aggregation, frame)


def measure(peer: str, answers: Answers, repeats: int, most: int) -> dict[str, Any]:
    """The best time, peak memory growth, accuracy and iterations of one peer."""
    fit = fit_of(peer, answers)
    before = _reset_peak()
    start = time.perf_counter()
    labels, iterations = fit(most)
    seconds = time.perf_counter() - start
    growth = _peak() - before
    for _ in range(repeats - 1):
        start = time.perf_counter()
        fit(most)
        seconds = min(seconds, time.perf_counter() - start)
    accuracy = float((labels == answers.truth).mean())
    figures: dict[str, Any] = {"peer": peer, "seconds": seconds, "peak_mb": growth / 2**20}
    figures |= {"accuracy": accuracy, "iterations": iterations}
    return figures | (_ours(answers) if peer == "goldloop" else {})


def _votes(answers: Answers) -> Votes:
    return Votes(
        answers.tasks,
        answers.annotators,
        answers.labels,
        len(answers.truth),
        answers.n_annotators,
        CLASSES,
    )


def _goldloop(answers: Answers, most: int) -> tuple[Codes, int]:
    result = dawid_skene(_votes(answers), max_iterations=most)
    return result.posterior.argmax(axis=1), result.iterations


def _crowd_kit(aggregation: Any, frame: Any, most: int) -> tuple[Codes, int]:
    model = aggregation.DawidSkene(n_iter=most, tol=TOLERANCE).fit(frame)
    return model.labels_.sort_index().to_numpy(), len(model.loss_history_)


def _pandas(frame: Any, most: int) -> tuple[Codes, int]:
    """The same model, start and stopping rule in plain groupby and join, as one would write it."""
    pandas = importlib.import_module("pandas")
    chosen = pandas.get_dummies(frame.label, dtype=float)
    posterior = chosen.groupby(frame.task).mean()
    bound, iterations, grown = -np.inf, 0, True
    while grown and iterations < most:
        prior, errors = posterior.mean(), _errors(frame, posterior)
        scores = frame.join(np.log(errors), on=["worker", "label"])
        scores = scores.groupby("task")[list(prior.index)].sum() + np.log(prior.clip(lower=LEAST))
        powers = np.exp(scores.sub(scores.max(axis=1), axis=0))
        posterior = powers.div(powers.sum(axis=1), axis=0)
        new = _bound(frame, posterior) / len(frame)
        grown, bound, iterations = new - bound >= TOLERANCE, new, iterations + 1
    return posterior.sort_index().to_numpy().argmax(axis=1), iterations


def _errors(frame: Any, posterior: Any) -> Any:
    joined = frame.join(posterior, on="task")
    counts = joined.groupby(["worker", "label"])[list(posterior.columns)].sum().clip(lower=LEAST)
    return counts / counts.groupby("worker").transform("sum")


def _bound(frame: Any, posterior: Any) -> float:
    prior, errors = posterior.mean().clip(lower=LEAST), _errors(frame, posterior)
    joint = frame.join(np.log(errors), on=["worker", "label"])[list(prior.index)] + np.log(prior)
    expected = (joint.to_numpy() * posterior.loc[frame.task].to_numpy()).sum()
    shares = posterior.clip(lower=LEAST)
    return float(expected - (shares * np.log(shares)).to_numpy().sum())


def _ours(answers: Answers) -> dict[str, Any]:
    """The default's full fit, and one task's update with its stored model."""
    votes = _votes(answers)
    start = time.perf_counter()
    result = hierarchical(votes)
    seconds = time.perf_counter() - start
    who, options = tuple(range(votes.n_annotators)), tuple(range(CLASSES))
    model = model_of(result, CodedVotes(votes, (), who, options), "")
    given = dict(zip(votes.annotators[:PER_TASK].tolist(), votes.labels.tolist(), strict=False))
    times = []
    for _ in range(200):
        start = time.perf_counter()
        update_task(model, given)
        times.append(time.perf_counter() - start)
    accuracy = float((result.posterior.argmax(axis=1) == answers.truth).mean())
    return {
        "hierarchical_seconds": seconds,
        "hierarchical_accuracy": accuracy,
        "update_task_ms": 1000 * float(np.median(times)),
    }


def _reset_peak() -> int:
    """Forget the peak so far where Linux lets us; the resident bytes, or the peak, as of now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _peak()
    return _status("VmRSS") or _peak()


def _peak() -> int:
    peak = _status("VmHWM")
    return peak if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _status(name: str) -> int:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), 0)


if __name__ == "__main__":
    who_fits, (how_many, how_often, limit) = sys.argv[1], map(int, sys.argv[2:5])
    print(json.dumps(measure(who_fits, synthetic(how_many), how_often, limit)))
