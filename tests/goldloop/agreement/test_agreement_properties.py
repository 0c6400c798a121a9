"""What must hold for every summary of a field, whatever the answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldloop.agreement import Estimate, FieldAgreement, annotator_pairs, field_agreement
from goldloop.fields import Field, FieldKind

OPTIONS = ("a", "b", "c")
FIELDS = {
    FieldKind.SINGLE_CHOICE: (Field("q", FieldKind.SINGLE_CHOICE, "x", OPTIONS), OPTIONS),
    FieldKind.PAIRWISE: (Field("q", FieldKind.PAIRWISE, "x"), ("left", "right")),
    FieldKind.RATING: (Field("q", FieldKind.RATING, "x", maximum=4), (1, 2, 3, 4)),
    FieldKind.NUMBER: (Field("q", FieldKind.NUMBER, "x"), (-1.5, 0.0, 0.25, 1e6)),
    FieldKind.DATE: (Field("q", FieldKind.DATE, "x"), ("2026-01-01", "2026-01-02", "2020-05-05")),
    FieldKind.MULTIPLE_CHOICE: (
        Field("q", FieldKind.MULTIPLE_CHOICE, "x", OPTIONS),
        ((), ("a",), ("a", "b"), ("b", "c")),
    ),
    FieldKind.TEXT: (Field("q", FieldKind.TEXT, "x"), ("yes", "yes please", "no", "")),
    FieldKind.TAXONOMY: (
        Field("q", FieldKind.TAXONOMY, "x"),
        ((("r", "s"),), (("r", "t"),), (("u",), ("r",)), ()),
    ),
}
KINDS = pytest.mark.parametrize("kind", list(FieldKind))


def answers(kind: FieldKind) -> st.SearchStrategy[list[tuple[int, int, Any]]]:
    """Up to 60 rows, at most one for each task and person."""
    row = st.tuples(st.integers(0, 13), st.integers(0, 4), st.sampled_from(FIELDS[kind][1]))
    return st.lists(row, max_size=60, unique_by=lambda row: row[:2])


def numbers(agreement: FieldAgreement) -> list[float | None]:
    """All values and the ends of all intervals."""
    estimates = (agreement.percent, agreement.score, agreement.ac1, agreement.ac2)
    ends = [end for e in estimates for end in (e.interval or (None, None))]
    return [*(estimate.value for estimate in estimates), *ends]


def nearly(agreement: FieldAgreement) -> Any:
    return [None if n is None else pytest.approx(n, abs=1e-9) for n in numbers(agreement)]


@KINDS
@settings(max_examples=40)
@given(data=st.data())
def test_the_order_of_rows_never_matters(kind: FieldKind, data: st.DataObject) -> None:
    field, rows = FIELDS[kind][0], data.draw(answers(kind))
    shuffled = data.draw(st.permutations(rows))
    assert field_agreement(field, shuffled, draws=50) == field_agreement(field, rows, draws=50)
    assert annotator_pairs(field, shuffled) == annotator_pairs(field, rows)


@KINDS
@settings(max_examples=40)
@given(data=st.data())
def test_the_names_of_annotators_and_tasks_never_matter(
    kind: FieldKind, data: st.DataObject
) -> None:
    field, rows = FIELDS[kind][0], data.draw(answers(kind))
    people = data.draw(st.permutations(["Zoë", "ann", "bob", "", "漢"]))
    renamed = [(f"task {9 * task % 14}", people[who], value) for task, who, value in rows]
    expected, agreement = (field_agreement(field, given, draws=50) for given in (rows, renamed))
    assert numbers(agreement) == nearly(expected)
    assert (agreement.top, agreement.warnings) == (expected.top, expected.warnings)


@settings(max_examples=60)
@given(rows=answers(FieldKind.SINGLE_CHOICE), names=st.sampled_from(list(permutations("xyz"))))
def test_the_names_of_options_never_matter(
    rows: list[tuple[int, int, str]], names: tuple[str, ...]
) -> None:
    field = FIELDS[FieldKind.SINGLE_CHOICE][0]
    name = dict(zip(OPTIONS, names, strict=True))
    renamed = [(task, who, name[value]) for task, who, value in rows]
    expected = nearly(field_agreement(field, rows, draws=0))
    assert numbers(field_agreement(replace(field, options=names), renamed, draws=0)) == expected


@settings(max_examples=60)
@given(rows=answers(FieldKind.SINGLE_CHOICE), order=st.permutations(OPTIONS))
def test_the_order_of_options_never_matters_to_choices(
    rows: list[tuple[int, int, str]], order: list[str]
) -> None:
    field = FIELDS[FieldKind.SINGLE_CHOICE][0]
    expected = nearly(field_agreement(field, rows, draws=0))
    reordered = replace(field, options=tuple(order))
    assert numbers(field_agreement(reordered, rows, draws=0)) == expected


@KINDS
@settings(max_examples=40)
@given(data=st.data())
def test_numbers_stay_in_bounds_and_are_never_nan(kind: FieldKind, data: st.DataObject) -> None:
    agreement = field_agreement(FIELDS[kind][0], data.draw(answers(kind)), draws=50)
    estimates: tuple[Estimate, ...] = (
        agreement.percent,
        agreement.score,
        agreement.ac1,
        agreement.ac2,
    )
    for value in numbers(agreement):
        assert value is None or value <= 1 + 1e-12  # not so for NaN
    for estimate in estimates:
        assert estimate.interval is None or estimate.interval.low <= estimate.interval.high
    assert agreement.percent.value is None or agreement.percent.value >= 0
    assert agreement.prevalence is None or 0 < agreement.prevalence <= 1


def exactly_one(estimate: Estimate) -> bool:
    return estimate.value == 1.0 and estimate.interval in (None, (1.0, 1.0))


@KINDS
@settings(max_examples=40)
@given(data=st.data())
def test_perfect_agreement_is_one_or_undefined(kind: FieldKind, data: st.DataObject) -> None:
    field, values = FIELDS[kind]
    truth = data.draw(st.lists(st.sampled_from(values), min_size=14, max_size=14))
    rows = [(task, who, truth[task]) for task, who, _ in data.draw(answers(kind))]
    agreement = field_agreement(field, rows, draws=50)
    doubles = [task for task, *_ in rows if sum(row[0] == task for row in rows) > 1]
    if not doubles:
        assert agreement.percent.value is None
    elif len({truth[task] for task in doubles}) > 1:
        assert exactly_one(agreement.percent)
        assert exactly_one(agreement.score)
        assert agreement.ac1.value in (None, 1.0)
    else:
        assert agreement.percent.value == 1.0
        assert agreement.ac1.value is None


WORSE: dict[FieldKind, Callable[[], tuple[Any, Any]]] = {
    kind: lambda values=values: (values[0], values[-1])  # type: ignore[misc]
    for kind, (_, values) in FIELDS.items()
}


@KINDS
def test_more_disagreement_never_looks_better(kind: FieldKind) -> None:
    field = FIELDS[kind][0]
    one, other = WORSE[kind]()
    scores = []
    for differing in range(0, 21, 4):
        rows = [
            (task, who, other if (task % 2) != (who and task < differing) else one)
            for task in range(20)
            for who in (0, 1)
        ]
        scores.append(field_agreement(field, rows, draws=0).score.value)
    known = [score for score in scores if score is not None]
    assert len(known) == len(scores)
    assert known == sorted(known, reverse=True)
    assert known[0] == 1.0 > known[-1]
