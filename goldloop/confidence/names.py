"""The estimators of confidence by name, and which confidence a run gets from what they said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from goldloop.samples import Run

LOGPROB = "logprob"
AGREEMENT = "agreement"
ENTROPY = "entropy"
VERBALIZED = "verbalized"
PROCESS = "process"
REPORTED = "reported"
COMBINED = "combined"
AUTO = "auto"

# What may be asked for; how answers were compared comes before the names of the two that compare.
ESTIMATORS = (LOGPROB, AGREEMENT, ENTROPY, VERBALIZED, PROCESS)
METHODS = (AUTO, COMBINED, *ESTIMATORS, REPORTED)
# Entropy looks at the same answers as agreement: with both, they would count twice.
PARTS = (AGREEMENT, LOGPROB, PROCESS, VERBALIZED)
JUDGED, ORDERED = "judged_", "ordered_"


def comparing(estimator: str, *, judged: bool, ordered: bool) -> str:
    """The full name of `agreement` or `entropy`, which says how answers were compared: a value that
    another comparison gave is another estimate.

    >>> comparing(AGREEMENT, judged=True, ordered=False)
    'judged_agreement'
    """
    return f"{JUDGED if judged else ''}{ORDERED if ordered else ''}{estimator}"


def kind_of(name: str) -> str:
    """The estimator that a full name is of.

    >>> kind_of("judged_ordered_entropy"), kind_of("combined:agreement+process")
    ('entropy', 'combined')
    """
    return name.partition(":")[0].removeprefix(JUDGED).removeprefix(ORDERED)


def combined(estimates: Mapping[str, float]) -> tuple[float, str] | None:
    """The mean of the estimates that are there of agreement, logprob, process and verbalized, and
    the method's name, which says what was in it. None without any.

    Equal weights, fixed before any data: learned ones need labels, which calibration is for, and
    with few labels equal weights do as well (Dawes, American Psychologist 34, 1979). Over many
    tasks consistency with stated or token probability is the most reliable (CoCoA, arXiv
    2502.04964), though on one task a part of it may be better alone.

    >>> combined({"process": 0.5, "agreement": 1.0, "entropy": 0.1, "reported": 0.3})
    (0.75, 'combined:agreement+process')
    >>> combined({"reported": 0.3}) is None
    True
    """
    parts = sorted(name for name in estimates if kind_of(name) in PARTS)
    if not parts:
        return None
    mean = math.fsum(estimates[name] for name in parts) / len(parts)
    return mean, f"{COMBINED}:{'+'.join(parts)}"


def with_estimates(run: Run, found: Mapping[str, float], method: str = AUTO) -> Run:
    """The run with more estimates, and with the confidence that `method` takes of them all.

    `method` is one of `METHODS`: `auto` takes what the agent itself reported, and the combined one
    where it reported nothing. The confidence of a run that has no estimates yet is what was
    reported. Without the estimate that is asked for there is no confidence.

    >>> run = Run("s", "v", confidence=0.9, confidence_method="reported")
    >>> with_estimates(run, {PROCESS: 0.5}, COMBINED).confidence_method
    'combined:process'
    >>> with_estimates(run, {PROCESS: 0.5}).confidence
    0.9
    """
    held = {name: run.estimates[name] for name in run.estimates if kind_of(name) != COMBINED}
    if not run.estimates and run.confidence is not None:
        held[REPORTED] = run.confidence
    estimates = {**held, **found}
    if both := combined(estimates):
        estimates[both[1]] = both[0]
    name = _taken(estimates, method)
    confidence = None if name is None else estimates[name]
    return replace(run, estimates=estimates, confidence=confidence, confidence_method=name)


def _taken(estimates: Mapping[str, float], method: str) -> str | None:
    """The full name of the estimate that the method takes."""
    if method == AUTO:
        method = REPORTED if REPORTED in estimates else COMBINED
    return next((name for name in sorted(estimates) if kind_of(name) == method), None)
