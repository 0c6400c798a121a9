"""The decisions of the loop on tables, for a notebook: consensus, agreement, batch, estimate, gate.

A table is anything whose columns `table[name]` gives: a pandas or Polars data frame, a mapping of
lists or arrays, a structured array. What comes back is a mapping of columns, or a value object.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goldloop.agreement import FieldAgreement, field_agreement
from goldloop.columns import (
    Table,
    column,
    given_back,
    names,
    numbers,
    refuse_count,
    refuse_other_order,
    refuse_outside,
    spelled,
    values,
)
from goldloop.consensus.by_kind import fit_field
from goldloop.consensus.choice_of_method import AUTO, MethodSettings
from goldloop.errors import RecordError, SettingsError
from goldloop.estimates import Estimate, estimate_pool
from goldloop.evaluation import Paired, Power, Rules, blocked, paired, power
from goldloop.evaluation.clusters import cluster_codes
from goldloop.evaluation.rules import POLICIES
from goldloop.fields import Field, FieldKind
from goldloop.prn import permanent_random_number
from goldloop.selection import Design, design, hard_round, interest, soft_round, uncertainty

MODES = ("hard", "soft")
_CHOSEN = (FieldKind.SINGLE_CHOICE, FieldKind.MULTIPLE_CHOICE, FieldKind.PAIRWISE)


def consensus(
    table: Table,
    *,
    task: str = "task",
    annotator: str = "annotator",
    label: str = "label",
    kind: str = "single_choice",
    options: Sequence[str] = (),
    gold: Mapping[Hashable, Any] | None = None,
    method: str = AUTO,
) -> dict[str, list[Any]]:
    """The label of every task, from one row an answer.

    Columns of the result, one row a task in the order of the tasks' names: `task`, `label` (None
    where none stands), `probability`, `answers`, `agreement` (share of equal pairs of answers,
    None below two), `method`. `kind` is that of the question (single_choice, multiple_choice,
    rating, number, text, ...), `gold` are known labels by task, and `method` as in [consensus].
    Rows without a label are no answers; of several by one person to one task the last counts. A
    label may be true or a number where options are chosen from; "True" and "1" are its options.
    Raises RecordError, SettingsError.

    >>> given = {"task": [1, 1, 1, 2, 2], "annotator": ["ann", "bob", "cem", "ann", "bob"],
    ...     "label": ["yes", "yes", "no", "no", "no"]}
    >>> consensus(given, options=["yes", "no"])["label"]
    ['yes', 'no']
    """
    field = _field(label, kind, options)
    tasks: dict[str, Hashable] = {}
    answers: dict[str, dict[Any, Any]] = {}
    labels: dict[str, Any] = {}
    for one, who, value in _rows(table, task, annotator, label):
        tasks.setdefault(str(one), one)
        answers.setdefault(str(one), {})[_code(who)] = _form(field, value, labels)
    known = {
        str(one): _form(field, value, labels)
        for one, value in zip(names(gold or (), "gold"), (gold or {}).values(), strict=True)
    }
    found = fit_field(field, answers, MethodSettings(method), known).outcomes
    return {
        "task": [tasks[one] for one in found],
        "label": [given_back(outcome.value, labels) for outcome in found.values()],
        "probability": [outcome.confidence for outcome in found.values()],
        "answers": [outcome.votes for outcome in found.values()],
        "agreement": [outcome.agreement for outcome in found.values()],
        "method": [outcome.method for outcome in found.values()],
    }


def agreement(
    table: Table,
    *,
    task: str = "task",
    annotator: str = "annotator",
    label: str = "label",
    kind: str = "single_choice",
    options: Sequence[str] = (),
    draws: int = 1_000,
) -> FieldAgreement:
    """How far people agree, from one row an answer: percent, alpha, AC1, with 95% intervals.

    Without `options` they are the labels that occur. Raises RecordError, SettingsError.
    """
    refuse_count(draws, "draws", 0)
    field, labels = _field(label, kind, options), dict[str, Any]()
    rows = [
        (one, who, _form(field, value, labels))
        for one, who, value in _rows(table, task, annotator, label)
    ]
    seen = field.options or tuple(labels) or tuple(dict.fromkeys(str(row[2]) for row in rows))
    return field_agreement(replace(field, options=seen), rows, draws=draws)


def batch(
    table: Table,
    size: int,
    *,
    secret: str,
    sample_id: str = "sample_id",
    confidence: str = "confidence",
    mode: str = "hard",
    uncertain_share: float = 0.7,
    after: Design | None = None,
) -> tuple[dict[str, list[Any]], Design]:
    """The next batch to label, from one row an item of the whole pool, and the design after it.

    Columns of the batch, in its order: `sample_id`, `reason` (uncertain or random), `probability`
    (the chance that the item had to be labelled by now; its weight in an estimate is 1 over it).
    A confidence of None or NaN counts as 0.5. Random choices come from `secret` and the ids alone,
    so the same call gives the same batch; keep the secret. For a further batch of the same table
    give the design of the one before as `after`. Raises RecordError, SettingsError.

    >>> pool = {"sample_id": ["a", "b", "c", "d"], "confidence": [0.2, 0.9, 0.8, 0.7]}
    >>> picked, sampled = batch(pool, 2, secret="keep me", uncertain_share=0.5)
    >>> picked["sample_id"][0], picked["reason"], int(sampled.labelled.sum())
    ('a', ['uncertain', 'random'], 2)
    """
    if mode not in MODES:
        raise SettingsError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    if not isinstance(secret, str):
        raise SettingsError(f"secret must be a text, not of the type {type(secret).__name__}")
    refuse_count(size, "size", 1)
    refuse_outside(uncertain_share, "uncertain_share", 0.0, 1.0)
    given = names(column(table, sample_id), sample_id)
    ids = list(map(str, given))
    if len(set(ids)) < len(ids):
        raise RecordError(f"{sample_id} names an item twice; each row must be another item")
    before = design([permanent_random_number(secret.encode(), one) for one in ids])
    before = before if after is None else after
    sure = numbers(column(table, confidence), confidence)
    if len(sure) != len(ids):
        raise RecordError(f"the columns must be as long ({len(ids)} ids, {len(sure)} numbers)")
    nothing = np.zeros(len(ids), dtype=np.bool_)
    if mode == "soft":
        found = soft_round(before, interest(sure, nothing, 0.0), size, uncertain_share)
    else:
        found = hard_round(before, uncertainty(sure, nothing, 0.0), size, uncertain_share)
    places = found.picks.tolist()
    rows = {
        "sample_id": [given[place] for place in places],
        "reason": list(found.reasons),
        "probability": found.inclusion_probability[found.picks].tolist(),
    }
    return rows, found.design


def pool_estimate(
    outcome: Iterable[Any], sample: Design, confidence: Iterable[Any] | None = None
) -> Estimate:
    """How good the agent is on the whole pool: `goldloop.estimates.estimate_pool` on columns in
    the order of the table that `batch` was given; None and NaN where nothing is labelled.

    >>> _, sampled = batch({"sample_id": ["a", "b"], "confidence": [0.1, 0.9]}, 2, secret="s")
    >>> pool_estimate([1, 0], sampled).value
    0.5
    """
    known = None if confidence is None else numbers(confidence, "confidence")
    return estimate_pool(numbers(outcome, "outcome"), sample, known)


@dataclass(frozen=True, slots=True)
class Gated:
    """Whether the candidate is blocked, on what evidence, and what could have been seen.

    `left_out` cases have no value in one of the two.
    """

    blocks: bool
    change: Paired
    power: Power
    left_out: int


def gate(
    baseline: Iterable[Any],
    candidate: Iterable[Any],
    cluster: Iterable[Any] | None = None,
    *,
    runs: int = 1,
    policy: str = "significant",
    margin: float = 0.02,
    alpha: float = 0.05,
) -> Gated:
    """Whether an agent has got worse: what two versions came to on the same cases, in one order.

    A value is in [0, 1]: passed or not, a score, or the mean of `runs` runs; None and NaN (an error
    is no failure) leave the case out. `cluster` names what a case shares with others. The rules are
    those of `goldloop gate`. Raises RecordError, also for columns of pandas whose indexes differ,
    and SettingsError.

    >>> found = gate([1, 1, 1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 1, None, 0])
    >>> found.blocks, round(found.change.change, 3), found.change.worse, found.left_out
    (True, -0.714, 5, 1)
    """
    if policy not in POLICIES:
        raise SettingsError(f"policy must be one of {', '.join(POLICIES)}, not {policy!r}")
    refuse_count(runs, "runs", 1)
    refuse_outside(margin, "margin", 0.0, 1.0)
    refuse_outside(alpha, "alpha", 0.0001, 0.5)
    before, after = numbers(baseline, "baseline"), numbers(candidate, "candidate")
    shared = [None] * len(before) if cluster is None else values(cluster, "cluster")
    if not len(before) == len(after) == len(shared):
        raise RecordError(
            f"both must have the same cases (baseline: {len(before)}, candidate: {len(after)}, "
            f"cluster: {len(shared)})"
        )
    refuse_other_order(baseline=baseline, candidate=candidate, cluster=cluster)
    whole = ~(np.isnan(before) | np.isnan(after))
    if not whole.any():
        raise RecordError("no case has a value in both, so there is nothing to compare")
    before, after = before[whole], after[whole]
    if min(before.min(), after.min()) < 0.0 or max(before.max(), after.max()) > 1.0:
        raise RecordError("a case's value must be from 0 to 1")
    together = cluster_codes([_cluster(shared[place]) for place in np.flatnonzero(whole)])
    rules = Rules(policy=policy, margin=margin, alpha=alpha)
    found = paired(before, after, together, alpha=alpha, runs=runs)
    seen = power(before, after, together, rules, runs)
    return Gated(blocked(found, found.p, rules), found, seen, int((~whole).sum()))


def _cluster(name: Any) -> str | None:
    return None if name is None else str(name)


def _field(name: str, kind: str, options: Sequence[str]) -> Field:
    try:
        return Field(name, FieldKind(kind), name, spelled(tuple(options), {}))
    except ValueError:
        kinds = ", ".join(one.value for one in FieldKind)
        raise SettingsError(f"kind must be one of {kinds}, not {kind!r}") from None


def _rows(table: Table, *headings: str) -> list[tuple[Any, ...]]:
    """The rows of three columns that have a label. Raises RecordError for one that has no task."""
    columns = [column(table, name) for name in headings]
    if len({len(one) for one in columns}) > 1:
        lengths = ", ".join(f"{n}: {len(c)}" for n, c in zip(headings, columns, strict=True))
        raise RecordError(f"the columns must be as long ({lengths})")
    found = [row for row in zip(*columns, strict=True) if row[-1] is not None]
    names([row[0] for row in found], f"{headings[0]} of the rows with a label,")
    return found


def _form(field: Field, value: Any, labels: dict[str, Any]) -> Any:
    """A label as its kind has it; `labels` gets what an option was before."""
    return spelled(value, labels) if field.kind in _CHOSEN else value


def _code(who: Any) -> Any:
    return who if isinstance(who, int | str) else str(who)
