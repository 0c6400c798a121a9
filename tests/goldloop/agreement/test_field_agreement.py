from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from goldloop.agreement import FieldAgreement, field_agreement
from goldloop.agreement.field import NOTHING
from goldloop.errors import RecordError
from goldloop.fields import Field, FieldKind

VERDICT = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad"))
PREFERENCE = Field("preference", FieldKind.PAIRWISE, "pair")
QUALITY = Field("quality", FieldKind.RATING, "run", maximum=5)
AMOUNT = Field("amount", FieldKind.NUMBER, "run")
DAY = Field("day", FieldKind.DATE, "run")
ISSUES = Field("issues", FieldKind.MULTIPLE_CHOICE, "run", ("tone", "facts", "format"))
REASON = Field("reason", FieldKind.TEXT, "run")
TOPIC = Field("topic", FieldKind.TAXONOMY, "run")

Rows = list[tuple[int, str, Any]]


def rows(*tasks: Sequence[Any]) -> Rows:
    """One sequence of answers a task; the first is ann's, the second bob's, the third cat's."""
    people = ("ann", "bob", "cat")
    return [
        (task, person, answer)
        for task, answers in enumerate(tasks)
        for person, answer in zip(people, answers, strict=False)
    ]


def warned(agreement: FieldAgreement, *words: str) -> bool:
    return any(all(word in warning for word in words) for warning in agreement.warnings)


@pytest.mark.parametrize(
    ("field", "tasks", "measure", "percent", "score"),
    [
        # Nominal: Do 1/4 over four pairs, De 1 - 2 (4 x 3) / (8 x 7) = 4/7.
        (VERDICT, ["gg", "gg", "bb", "gb"], "alpha (nominal)", 3 / 4, 1 - 2 / 8 * 56 / 30),
        (PREFERENCE, ["ll", "rr", "lr"], "alpha (nominal)", 2 / 3, 1 - 2 / 6 * 30 / 18),
        (AMOUNT, [(0, 0), (1, 1), (0, 1)], "alpha (interval)", 2 / 3, 1 - 2 / 6 * 30 / 18),
        (REASON, [("a b", "A  b"), ("a b", "a c")], "token F1", 1 / 2, 3 / 4),
        (TOPIC, [([["a", "b"]], [["a", "c"]])], "path credit", 0, 1 / 2),
    ],
    ids=["single choice", "pairwise", "number", "text", "taxonomy"],
)
def test_each_kind_gets_its_measure(
    field: Field, tasks: list[Any], measure: str, percent: float, score: float
) -> None:
    names = {"g": "good", "b": "bad", "l": "left", "r": "right"}
    spelled = [
        [names[c] for c in task] if isinstance(task, str) else task  # "gb" is good, bad
        for task in tasks
    ]
    agreement = field_agreement(field, rows(*spelled))
    assert agreement.measure == measure
    assert agreement.percent.value == pytest.approx(percent)
    assert agreement.score.value == pytest.approx(score)


def test_ratings_are_ordinal_and_a_near_miss_costs_less() -> None:
    near = field_agreement(QUALITY, rows((1, 2), (5, 5), (1, 1), (4, 4)))
    far = field_agreement(QUALITY, rows((1, 5), (5, 5), (1, 1), (4, 4)))
    assert near.measure == "alpha (ordinal)"
    assert near.percent == far.percent
    assert near.score.value is not None
    assert far.score.value is not None
    assert near.score.value > far.score.value
    assert near.ac2.value is not None
    assert far.ac2.value is not None
    assert near.ac2.value > far.ac2.value


def test_a_rating_beyond_the_scale_takes_its_place_in_the_order() -> None:
    inside = field_agreement(QUALITY, rows((1, 2), (3, 3), (4, 5)))
    shifted = field_agreement(QUALITY, rows((0, 1), (2, 2), (3, 4)))
    assert shifted.score == inside.score


def test_dates_are_compared_as_moments() -> None:
    agreement = field_agreement(
        DAY,
        rows(
            ("2026-01-01T12:00:00Z", "2026-01-01T14:00:00+02:00"),
            ("2026-03-01", "2026-03-01T00:00:00Z"),
            ("2026-06-01", "2026-06-02"),
        ),
    )
    assert agreement.measure == "alpha (interval)"
    assert agreement.percent.value == pytest.approx(2 / 3)
    assert agreement.score.value == pytest.approx(1.0, abs=1e-3)


def test_several_choices_are_compared_as_sets_with_part_credit() -> None:
    given = rows((("tone", "facts"), ["facts", "tone", "tone"]), (("tone",), ("tone", "format")))
    agreement = field_agreement(ISSUES, given)
    assert agreement.measure == "alpha (MASI)"
    assert agreement.percent.value == 0.5
    # Two {facts, tone}, one {tone}, one {format, tone}. MASI distances: 2/3 from {tone} to both,
    # 8/9 between the other two. Do = (2/3) / 2; De over six pairs = (2 x 2/3 + 2 x 8/9 + 2/3) / 6.
    assert agreement.score.value == pytest.approx(1 - (1 / 3) / ((4 / 3 + 16 / 9 + 2 / 3) / 6))


def test_numbers_have_neither_ac1_nor_ac2_and_choices_no_ac2() -> None:
    number = field_agreement(AMOUNT, rows((1, 2), (3, 3)))
    choice = field_agreement(VERDICT, rows(("good", "bad"), ("good", "good")))
    assert number.ac1 == number.ac2 == choice.ac2 == NOTHING
    assert choice.ac1.value is not None


def test_everybody_is_counted_and_only_doubles_are_measured() -> None:
    agreement = field_agreement(
        VERDICT, [*rows(("good", "good")), (7, "cat", "bad"), (8, "cat", "bad")]
    )
    assert (agreement.tasks, agreement.answers, agreement.annotators) == (1, 4, 3)
    assert (agreement.top, agreement.prevalence) == ("good", 1.0)


def test_an_answer_of_none_is_no_answer() -> None:
    agreement = field_agreement(VERDICT, rows(("good", None), ("good", "bad", float("nan"))))
    assert (agreement.tasks, agreement.answers) == (1, 3)


def test_of_two_answers_by_one_person_the_later_counts_whatever_the_order() -> None:
    given = [
        (1, "ann", "bad", "2026-01-01T12:00:00.5Z"),
        (1, "ann", "good", "2026-01-01T12:00:00Z"),
        (1, "bob", "bad", None),
    ]
    for order in (given, given[::-1]):
        agreement = field_agreement(VERDICT, order)
        assert (agreement.percent.value, agreement.answers) == (1.0, 2)


@pytest.mark.parametrize("times", [(), ("2026-01-01",)], ids=["no time", "the same time"])
def test_two_different_answers_by_one_person_are_refused_when_no_time_tells(
    times: tuple[str, ...],
) -> None:
    with pytest.raises(RecordError, match="answered task 1 twice, differently"):
        field_agreement(VERDICT, [(1, "ann", "good", *times), (1, "ann", "bad", *times)])


def test_the_same_answer_twice_counts_once() -> None:
    agreement = field_agreement(VERDICT, [(1, "ann", "good"), (1, "ann", "good")])
    assert (agreement.answers, agreement.tasks) == (1, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (VERDICT, 3),
        (QUALITY, "five"),
        (AMOUNT, float("inf")),
        (AMOUNT, 10**400),
        (ISSUES, "tone"),
        (TOPIC, ["a", "b"]),
        (REASON, ["text"]),
        (DAY, 20260101),
    ],
)
def test_a_value_that_the_field_cannot_have_is_refused_with_task_and_annotator(
    field: Field, value: object
) -> None:
    with pytest.raises(RecordError, match="task 1, annotator 'ann'"):
        field_agreement(field, [(1, "ann", value)])


def test_a_date_or_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(RecordError, match="ISO 8601"):
        field_agreement(DAY, [(1, "ann", "yesterday")])
    with pytest.raises(RecordError, match="annotator 'ann': the time"):
        field_agreement(VERDICT, [(1, "ann", "good", "noon")])
    with pytest.raises(RecordError, match="expected ISO 8601"):
        field_agreement(VERDICT, [(1, "ann", "good", 12)])


@pytest.mark.parametrize("row", [(1, "ann"), (1, "ann", "good", None, 5), "abc", {"task": 1}])
def test_a_row_of_another_shape_is_refused(row: Any) -> None:
    with pytest.raises(RecordError, match=r"expected \(task, annotator, value\)"):
        field_agreement(VERDICT, [row])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "no annotator"),
        ([(1, "ann", "good"), (2, "ann", "bad")], "1 annotator"),
        ([(1, "ann", "good"), (2, "bob", "bad")], "no task has two answers"),
    ],
)
def test_without_a_second_answer_everything_is_none_and_it_says_why(
    given: Rows, words: str
) -> None:
    agreement = field_agreement(VERDICT, given)
    assert agreement.percent == agreement.score == agreement.ac1 == NOTHING
    assert agreement.prevalence is None
    assert warned(agreement, words)


def test_one_category_leaves_percent_alone_and_warns() -> None:
    agreement = field_agreement(VERDICT, rows(*[("good", "good")] * 60))
    assert agreement.percent.value == 1.0
    assert agreement.percent.interval == (1.0, 1.0)
    assert agreement.score == agreement.ac1 == NOTHING
    assert warned(agreement, "all answers are 'good'", "undefined")


def test_skewed_prevalence_warns_and_points_to_ac1() -> None:
    tasks = [("good", "good")] * 96 + [("good", "bad")] * 4
    agreement = field_agreement(VERDICT, rows(*tasks))
    assert agreement.prevalence == pytest.approx(0.98)
    assert agreement.score.value == pytest.approx(-0.015, abs=0.001)
    assert agreement.ac1.value == pytest.approx(0.958, abs=0.001)
    assert warned(agreement, "98%", "'good'", "mislead", "AC1")


def test_a_balanced_field_with_enough_tasks_warns_of_nothing() -> None:
    tasks = [("good", "good"), ("bad", "bad"), ("good", "bad")] * 20
    assert field_agreement(VERDICT, rows(*tasks)).warnings == ()


@pytest.mark.parametrize(("tasks", "has_interval"), [(9, False), (10, True), (49, True)])
def test_few_tasks_warn_and_very_few_have_no_interval(tasks: int, has_interval: bool) -> None:
    agreement = field_agreement(
        VERDICT, rows(*([("good", "bad"), ("good", "good"), ("bad", "bad")] * 17)[:tasks])
    )
    assert warned(agreement, f"({tasks}, better 50)")
    assert (agreement.score.interval is not None) == has_interval
    assert (agreement.percent.interval is not None) == has_interval


def test_hostile_answers_do_not_flood_the_warnings() -> None:
    agreement = field_agreement(VERDICT, rows(*[("x" * 10_000, "x" * 10_000)] * 60))
    assert all(len(warning) < 300 for warning in agreement.warnings)


def test_a_scale_of_millions_is_not_laid_out() -> None:
    huge = Field("huge", FieldKind.RATING, "run", maximum=1e12)
    assert field_agreement(huge, rows((1, 2), (3, 3))).ac2.value is not None


def test_without_draws_there_are_values_and_no_intervals() -> None:
    tasks = [("good", "good"), ("bad", "bad"), ("good", "bad")] * 20
    agreement = field_agreement(VERDICT, rows(*tasks), draws=0)
    assert agreement.score.value is not None
    assert agreement.score.interval is agreement.percent.interval is agreement.ac1.interval is None


def test_the_intervals_hold_their_values() -> None:
    tasks = [("good", "good"), ("bad", "bad"), ("good", "bad")] * 20
    agreement = field_agreement(VERDICT, rows(*tasks))
    for estimate in (agreement.percent, agreement.score, agreement.ac1):
        assert estimate.value is not None
        assert estimate.interval is not None
        assert estimate.interval.low < estimate.value < estimate.interval.high
