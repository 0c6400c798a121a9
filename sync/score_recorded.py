"""run, for recorded runs: what they say of their own confidence, and of each other's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeAlias

from goldloop.confidence import (
    AGREEMENT,
    ENTROPY,
    PROCESS,
    REPORTED,
    Answer,
    answer_of,
    comparing,
    entropy_confidence,
    kind_of,
    process_estimate,
    share_agreeing,
    with_estimates,
)
from goldloop.samples import Run, own_turns
from goldloop.settings import ConfidenceSettings
from store.database import Store
from store.run_estimates import estimated_runs, set_estimates
from store.runs import get_runs
from store.samples import get_samples

# What can be estimated of a run without asking anybody.
_MADE = (AGREEMENT, ENTROPY, PROCESS)
# With more runs in a cluster, each is compared with as many, drawn by permanent random number.
MOST_OTHERS = 19
_CHUNK = 500


# A sample, and what is the same for all samples of its cluster.
_Member: TypeAlias = tuple[str, tuple[str | None, str]]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is needed of a run once it was read: a trace takes a hundred times the memory."""

    sample_id: str
    answer: Answer
    process: float | None


def score_recorded(
    db: Store, version: str, settings: ConfidenceSettings | None = None
) -> Counter[str]:
    """Estimate the recorded runs of a version, and give those that came without a confidence one.

    Agreement (and entropy) is with the other runs of the sample's cluster (`cluster_id`), what the
    same agent did when it was asked the same thing again, and never with the run itself. A
    confidence that came with a run stands, and is among its estimates as `reported`. Repeating it
    changes nothing; a cluster that got new runs is estimated anew. All is written in one
    transaction. Returns how many runs were given a confidence, and how many are without.
    """
    settings = settings or ConfidenceSettings()
    held = estimated_runs(db, version)
    fresh = dict(_estimates(db, version, _to_estimate(held, settings), settings))
    scored = [(run, _scored(run, fresh.get(run.sample_id, {}), settings)) for run, _ in held]
    set_estimates(db, (after for before, after in scored if after != before))
    given = sum(_confidence(after) != _confidence(before) for before, after in scored)
    without = sum(after.confidence is None for _, after in scored)
    return Counter(scored=given, without_confidence=without)


def _confidence(run: Run) -> tuple[float | None, str | None]:
    return run.confidence, run.confidence_method


def _scored(run: Run, fresh: Mapping[str, float], settings: ConfidenceSettings) -> Run:
    """The run with what was estimated anew in the place of what was estimated before."""
    came_with = REPORTED in run.estimates or (not run.estimates and run.confidence is not None)
    asked = {*settings.estimators, settings.method}
    gone = {kind_of(name) for name in fresh} | {kind for kind in _MADE if kind not in asked}
    kept = {name: run.estimates[name] for name in run.estimates if kind_of(name) not in gone}
    if came_with and run.confidence is not None:
        kept[REPORTED] = run.confidence
    bare = replace(run, estimates=kept, confidence=None)
    scored = with_estimates(bare, fresh, settings.method)
    if not came_with:
        return scored
    return replace(scored, confidence=run.confidence, confidence_method=run.confidence_method)


def _to_estimate(
    held: Iterable[tuple[Run, str | None]], settings: ConfidenceSettings
) -> list[_Member]:
    """The members of every cluster with a run that is not estimated as the settings say, cluster by
    cluster; a sample without a cluster is one of its own.
    """
    names = _names(settings)
    found: list[_Member] = []
    for _, group in groupby(held, key=lambda one: _cluster_of(*one)):
        members = list(group)
        if any(_stale(run, names) for run, _ in members):
            found += [(run.sample_id, _cluster_of(run, cluster)) for run, cluster in members]
    return found


def _cluster_of(run: Run, cluster: str | None) -> tuple[str | None, str]:
    return (None, run.sample_id) if cluster is None else (cluster, "")


def _names(settings: ConfidenceSettings) -> set[str]:
    """The full names of the estimates that are to be made."""
    asked = {*settings.estimators, settings.method}
    compared = asked & {AGREEMENT, ENTROPY}
    full = {comparing(name, judged=False, ordered=settings.ordered_calls) for name in compared}
    return full | asked & {PROCESS}


def _stale(run: Run, names: set[str]) -> bool:
    """Whether a run was not estimated yet, or not by all of these and only these."""
    made = {name for name in run.estimates if kind_of(name) in _MADE}
    compared = made - {PROCESS}
    return not run.estimates or bool(made - names or (compared and names - {PROCESS} - compared))


def _estimates(
    db: Store, version: str, members: Sequence[_Member], settings: ConfidenceSettings
) -> Iterator[tuple[str, dict[str, float]]]:
    """What is estimated of each member's run, by sample."""
    seen = _seen(db, version, [sample_id for sample_id, _ in members], settings)
    pairs = zip(members, seen, strict=True)
    for _, group in groupby(pairs, key=lambda pair: pair[0][1]):
        yield from _estimated([one for _, one in group], settings)


def _seen(
    db: Store, version: str, ids: Sequence[str], settings: ConfidenceSettings
) -> Iterator[_Seen]:
    """The runs on these samples, in their order, however many there are."""
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        samples, runs = get_samples(db, chunk), get_runs(db, chunk, version)
        for sample_id in chunk:
            sample, run = samples[sample_id], runs[sample_id]
            turns = own_turns(sample, run.messages)
            answer = answer_of(run, ordered=settings.ordered_calls)
            yield _Seen(sample_id, answer, process_estimate(turns, run.stop_reason))


def _estimated(
    cluster: Sequence[_Seen], settings: ConfidenceSettings
) -> Iterator[tuple[str, dict[str, float]]]:
    """The estimates of the runs of one cluster, each compared with those that follow it, and after
    the last one with the first ones.
    """
    names = _names(settings)
    answers = [one.answer for one in cluster]
    around, others = [*answers, *answers], min(len(answers) - 1, MOST_OTHERS)
    for place, one in enumerate(cluster):
        compared = around[place + 1 : place + 1 + others]
        found = {
            AGREEMENT: share_agreeing(one.answer, compared),
            ENTROPY: entropy_confidence([one.answer, *compared]),
        }
        ordered = settings.ordered_calls
        full = {comparing(name, judged=False, ordered=ordered): found[name] for name in found}
        made = {**full, PROCESS: one.process}
        known = {name: value for name, value in made.items() if value is not None}
        yield one.sample_id, {name: value for name, value in known.items() if name in names}
