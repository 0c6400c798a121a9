"""A judge against people: how far a model that grades agrees with the labels that stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from goldloop.agreement import cohen_kappa, cohen_kappa_interval, confusion_matrix
from goldloop.errors import RecordError
from goldloop.evaluation.rules import Rules
from goldloop.evaluation.values import GraderFacts
from goldloop.json_values import (
    Object,
    count_at,
    identifier_at,
    number_at,
    object_at,
    refuse_unknown,
    time_at,
)

# What the judge says first, and what people say after it.
CELLS = (
    "judge_pass_people_pass",
    "judge_pass_people_fail",
    "judge_fail_people_pass",
    "judge_fail_people_fail",
)
MOST_SLICES = 1_000


@dataclass(frozen=True, slots=True)
class SliceKappa:
    """How far a judge agrees with people within a slice; `kappa` is None where chance explains all
    (both used one option only).
    """

    cases: int
    agreement: float
    kappa: float | None


@dataclass(frozen=True, slots=True)
class JudgeCheck:
    """A judge compared with people on the `cases` that both decided.

    `agreement` is the share of equal verdicts, None without a case. `kappa` is Cohen's, None where
    both used one option only; `low` and `high` are its 95% bootstrap interval over cases, None
    below 10 cases and where hardly any draw has two options. `confusion` has the `CELLS`.
    """

    grader: str
    version: str
    model: str | None
    dataset: str
    cases: int
    agreement: float | None
    kappa: float | None
    low: float | None
    high: float | None
    confusion: Mapping[str, int]
    slices: Mapping[str, SliceKappa] = field(default_factory=dict)
    checked_at: str | None = None

    def record(self) -> dict[str, Any]:
        """As JSON values, which `read_judge_check` reads back."""
        return asdict(self)


def check_judge(
    grader: GraderFacts,
    verdicts: Mapping[str, bool],
    labels: Mapping[str, bool],
    slices: Mapping[str, Sequence[str]] | None = None,
    *,
    dataset: str,
    checked_at: str | None = None,
) -> JudgeCheck:
    """Compare a judge's verdicts with people's labels, both by sample id, True for a pass.

    Cases that only one of them decided are left out. `slices` names those of each sample.
    """
    both = sorted(verdicts.keys() & labels.keys())
    matrix = _matrix(both, verdicts, labels)
    interval = cohen_kappa_interval(matrix)
    return JudgeCheck(
        grader=grader.name,
        version=grader.version,
        model=grader.model,
        dataset=dataset,
        cases=len(both),
        agreement=_agreement(matrix),
        kappa=cohen_kappa(matrix),
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        confusion=dict(zip(CELLS, matrix.ravel().tolist(), strict=True)),
        slices={
            name: _slice_kappa(members, verdicts, labels)
            for name, members in _members(both, slices or {}).items()
        },
        checked_at=checked_at,
    )


def _matrix(ids: Sequence[str], verdicts: Mapping[str, bool], labels: Mapping[str, bool]) -> Any:
    """Counts with the judge's verdicts as rows and people's as columns, pass first."""
    judge = {one: bool(verdicts[one]) for one in ids}
    return confusion_matrix(judge, {one: bool(labels[one]) for one in ids}, options=[True, False])


def _agreement(matrix: Any) -> float | None:
    total = int(matrix.sum())
    return float(matrix.trace() / total) if total else None


def _members(ids: Sequence[str], slices: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {}
    for one in ids:
        for name in slices.get(one, ()):
            members.setdefault(name, []).append(one)
    return dict(sorted(members.items()))


def _slice_kappa(
    ids: Sequence[str], verdicts: Mapping[str, bool], labels: Mapping[str, bool]
) -> SliceKappa:
    matrix = _matrix(ids, verdicts, labels)
    return SliceKappa(len(ids), _agreement(matrix) or 0.0, cohen_kappa(matrix))


def unproven(check: JudgeCheck | None, rules: Rules) -> str | None:
    """Why a judge cannot block by itself, in words that follow "it"; None where it can."""
    if check is None:
        return "has not been compared with people's labels (goldloop judge)"
    if check.cases < rules.judge_cases:
        return (
            f"was compared with people on {check.cases} cases only; {rules.judge_cases} are needed"
        )
    if check.low is None:
        return "was compared on cases that are nearly all of one verdict, so kappa cannot be told"
    if check.low < rules.judge_kappa:
        return (
            f"agrees too little with people: the lower bound of its kappa is {check.low:.2f};"
            f" {rules.judge_kappa:.2f} is needed"
        )
    return None


def read_judge_check(record: object, where: str) -> JudgeCheck:
    """The check of a judge from its record, which may have been tampered with.

    Raises RecordError that names the place for what is missing, unknown or out of range.
    """
    if not isinstance(record, Mapping):
        raise RecordError(f"{where} must be an object, the record of a judge's check")
    refuse_unknown(record, JudgeCheck.__slots__, where)
    confusion = object_at(record, "confusion", where)
    counts = {cell: _needed(count_at(confusion, cell, where), cell, where) for cell in CELLS}
    cases = _needed(count_at(record, "cases", where), "cases", where)
    if sum(counts.values()) != cases:
        raise RecordError(f"{where}.confusion must add up to the {cases} cases")
    return JudgeCheck(
        grader=_needed(identifier_at(record, "grader", where), "grader", where),
        version=_needed(identifier_at(record, "version", where), "version", where),
        model=identifier_at(record, "model", where),
        dataset=_needed(identifier_at(record, "dataset", where), "dataset", where),
        cases=cases,
        agreement=number_at(record, "agreement", 0, 1, where),
        kappa=number_at(record, "kappa", -1, 1, where),
        low=number_at(record, "low", -1, 1, where),
        high=number_at(record, "high", -1, 1, where),
        confusion=counts,
        slices=_read_slices(object_at(record, "slices", where), f"{where}.slices"),
        checked_at=time_at(record, "checked_at", where),
    )


def _read_slices(record: Object, where: str) -> dict[str, SliceKappa]:
    if len(record) > MOST_SLICES:
        raise RecordError(f"{where} has {len(record)} slices; at most {MOST_SLICES} are read")
    return {
        name: _read_slice(object_at(record, name, where), f"{where}.{name:.80}") for name in record
    }


def _read_slice(record: Object, where: str) -> SliceKappa:
    return SliceKappa(
        cases=_needed(count_at(record, "cases", where), "cases", where),
        agreement=_needed(number_at(record, "agreement", 0, 1, where), "agreement", where),
        kappa=number_at(record, "kappa", -1, 1, where),
    )


def _needed(value: Any, key: str, where: str) -> Any:
    if value is None:
        raise RecordError(f"{where}.{key} is missing")
    return value
