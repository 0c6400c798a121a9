from __future__ import annotations

from typing import Any

import pytest

from goldloop.agreement import (
    agreement_by_slice,
    agreement_over_time,
    annotator_pairs,
    cohen_kappa,
    field_agreement,
    option_alphas,
)
from goldloop.errors import RecordError, SettingsError
from goldloop.fields import Field, FieldKind

VERDICT = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad"))
QUALITY = Field("quality", FieldKind.RATING, "run")
ISSUES = Field("issues", FieldKind.MULTIPLE_CHOICE, "run", ("tone", "facts", "format"))
REASON = Field("reason", FieldKind.TEXT, "run")


def timed(*tasks: str) -> list[tuple[int, str, str, str]]:
    """Task n is answered at minute n by ann and at hour 1, minute n by bob: "gb" is good, bad."""
    names = {"g": "good", "b": "bad"}
    return [
        (task, person, names[answer], f"2026-01-01T0{hour}:{task:02}:00Z")
        for task, answers in enumerate(tasks)
        for hour, (person, answer) in enumerate(zip(("ann", "bob"), answers, strict=False))
    ]


def test_each_pair_is_compared_on_the_tasks_it_shares() -> None:
    answers = [
        *((task, "ann", "good" if task % 2 else "bad") for task in range(8)),
        *((task, "bob", "good" if task % 2 else "bad") for task in range(4)),
        *((task, "cat", "good") for task in range(6, 8)),
        *((task, "dan", "good") for task in range(90, 99)),
    ]
    pairs = {(pair.first, pair.second): pair for pair in annotator_pairs(VERDICT, answers)}
    assert list(pairs) == [("ann", "bob"), ("ann", "cat")]
    assert pairs["ann", "bob"].tasks == 4
    assert pairs["ann", "bob"].percent.value == pairs["ann", "bob"].kappa.value == 1.0
    assert pairs["ann", "cat"].percent.value == 0.5
    assert pairs["ann", "cat"].kappa.value == 0.0


def test_ratings_get_quadratic_weights_at_the_distance_of_the_ratings() -> None:
    ratings = [(1, 1), (2, 2), (9, 9), (1, 2), (2, 9)]
    answers = [(t, who, pair[i]) for t, pair in enumerate(ratings) for i, who in enumerate("ab")]
    (pair,) = annotator_pairs(QUALITY, answers)
    confusion = [[1, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert pair.kappa.value == cohen_kappa(confusion, "quadratic", positions=[1, 2, 9])
    assert pair.kappa.value != cohen_kappa(confusion, "quadratic")


def test_texts_have_no_kappa() -> None:
    answers = [(1, "ann", "A b"), (1, "bob", "a  B"), (2, "ann", "x"), (2, "bob", "y")]
    (pair,) = annotator_pairs(REASON, answers)
    assert pair.percent.value == 0.5
    assert pair.kappa.value is None


def test_two_people_with_one_answer_have_percent_and_no_kappa() -> None:
    answers = [(task, who, "good") for task in range(20) for who in ("ann", "bob")]
    (pair,) = annotator_pairs(VERDICT, answers, draws=100)
    assert (pair.percent.value, pair.kappa.value, pair.kappa.interval) == (1.0, None, None)


def test_pairs_have_intervals_when_asked_for() -> None:
    answers = timed(*["gg", "bb", "gb", "gg", "bb"] * 4)
    (plain,) = annotator_pairs(VERDICT, answers)
    (pair,) = annotator_pairs(VERDICT, answers, draws=200)
    assert plain.kappa.interval is plain.percent.interval is None
    for estimate in (pair.percent, pair.kappa):
        assert estimate.value is not None
        assert estimate.interval is not None
        assert estimate.interval.low < estimate.value < estimate.interval.high


def test_one_annotator_has_no_pair() -> None:
    assert annotator_pairs(VERDICT, [(1, "ann", "good"), (2, "ann", "bad")]) == ()


def test_a_task_counts_in_each_of_its_slices() -> None:
    answers = timed("gg", "gb", "bb", "bg")
    slices: dict[Any, Any] = {
        0: ["easy"],
        1: ("hard", "long"),
        2: {"easy"},
        99: ["never"],
        3: "hard",
    }
    by_slice = agreement_by_slice(VERDICT, answers, slices)
    assert list(by_slice) == ["easy", "hard", "long"]
    assert [part.tasks for part in by_slice.values()] == [2, 2, 1]
    assert [part.percent.value for part in by_slice.values()] == [1.0, 0.0, 0.0]


def test_a_slice_of_everything_is_the_whole() -> None:
    answers = timed(*["gg", "bb", "gb", "gg", "bb"] * 4)
    slices = dict.fromkeys(range(20), ("all",))
    assert agreement_by_slice(VERDICT, answers, slices)["all"] == field_agreement(VERDICT, answers)


def test_periods_hold_equally_many_tasks_in_the_order_of_their_completion() -> None:
    answers = timed("gb", "bg", "gb", "gg", "bb", "gg", "bb")
    periods = agreement_over_time(VERDICT, answers[::-1], periods=2)
    assert [period.agreement.tasks for period in periods] == [4, 3]
    assert [period.agreement.percent.value for period in periods] == [0.25, 1.0]
    assert periods[0].start == "2026-01-01T01:00:00+00:00"
    assert periods[1].end == "2026-01-01T01:06:00+00:00"


def test_fewer_tasks_than_periods_give_fewer_periods() -> None:
    assert len(agreement_over_time(VERDICT, timed("gg", "gb"), periods=5)) == 2
    assert agreement_over_time(VERDICT, timed("g", "b")) == ()


def test_over_time_needs_times_and_a_period() -> None:
    with pytest.raises(RecordError, match="task 1 has an answer without a time"):
        agreement_over_time(VERDICT, [(1, "ann", "good"), (1, "bob", "good")])
    with pytest.raises(SettingsError, match="at least 1"):
        agreement_over_time(VERDICT, [], periods=0)


def test_each_option_of_several_has_its_own_alpha() -> None:
    answers = [
        (1, "ann", ("tone",)),
        (1, "bob", ("tone", "facts")),
        (2, "ann", ("facts",)),
        (2, "bob", ()),
        (3, "ann", ("other",)),
        (3, "bob", ("other",)),
        (4, "ann", ("facts",)),
    ]
    alphas = option_alphas(ISSUES, answers)
    assert list(alphas) == ["tone", "facts", "format", "other"]
    assert alphas["tone"] == alphas["other"] == 1.0
    # facts: two of three pairs differ, two ticks and four blanks: 1 - 5 x 4 / 16.
    assert alphas["facts"] == pytest.approx(1 - 5 * 4 / 16)
    assert alphas["format"] is None


def test_option_alphas_are_for_choices_of_several_only() -> None:
    with pytest.raises(SettingsError, match="verdict is no choice of several"):
        option_alphas(VERDICT, [])
