"""Confusions and biases of annotators, worked out by hand."""

import math
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.annotators import Bias, annotator_reports
from goldloop.consensus import Annotation
from goldloop.fields import Field, FieldKind

VERDICT = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad"))
FAULTS = Field("faults", FieldKind.MULTIPLE_CHOICE, "run", ("x", "y", "z"))
STARS = Field("stars", FieldKind.RATING, "run", maximum=5)
PRICE = Field("price", FieldKind.NUMBER, "run")
SIDE = Field("side", FieldKind.PAIRWISE, "run")
_ids = count(1)


def tasks_of(field, *tasks, truths=()):
    """Tasks from {person: answer}; `truths` are the people whose answers are the ground truth."""
    return {
        f"t{number}": [
            Annotation(
                next(_ids),
                person,
                {field.name: value},
                "2026-01-01T00:00:00Z",
                ground_truth=person in truths,
            )
            for person, value in answers.items()
        ]
        for number, answers in enumerate(tasks)
    }


def errors(field, *tasks, truths=()):
    """By person, what was found of the field; None for nobody to compare with."""
    found = annotator_reports([field], tasks_of(field, *tasks, truths=truths))
    return {one.annotator_id: one.fields[0] if one.fields else None for one in found}


class TestChoiceOfOne:
    TASKS = (
        {1: "good", 2: "good", 3: "bad"},
        {1: "bad", 2: "bad", 3: "bad"},
        {1: "good", 2: "bad", 3: "bad"},
    )

    def test_rows_are_the_majority_of_the_others_and_columns_the_person(self):
        found = errors(VERDICT, *self.TASKS)
        # For 1 the first task is a tie; for 3 the last.
        assert found[1].confusions[0].options == ("good", "bad")
        assert found[1].confusions[0].counts == ((0, 0), (1, 1))
        assert found[3].confusions[0].counts == ((0, 1), (0, 1))

    def test_bias_is_how_much_more_often_than_the_reference(self):
        one = errors(VERDICT, *self.TASKS)[1]
        # On two tasks the person says good once and the reference never: differences 1 and 0.
        assert one.biases == (Bias("good", 0.5, 0.5, 2), Bias("bad", -0.5, 0.5, 2))

    def test_who_always_says_one_thing_where_the_others_say_the_other(self):
        found = errors(VERDICT, *[{1: "good", 2: "bad", 3: "bad"}] * 4)
        assert found[1].biases == (Bias("good", 1.0, 0.0, 4), Bias("bad", -1.0, 0.0, 4))
        assert found[2] is None

    def test_one_task_gives_no_standard_error(self):
        [good, _] = errors(VERDICT, {1: "good", 2: "bad"})[1].biases
        assert good == Bias("good", 1.0, None, 1)

    def test_the_ground_truth_of_somebody_else_goes_before_the_majority(self):
        task = {1: "good", 2: "good", 3: "good", 9: "bad"}
        found = errors(VERDICT, task, truths=[9])
        assert found[1].confusions[0].counts == ((0, 0), (1, 0))
        assert found[9].confusions[0].counts == ((0, 1), (0, 0))

    def test_an_answer_that_nobody_can_be_compared_with_is_not_counted(self):
        assert errors(VERDICT, {1: "good"}) == {1: None}

    def test_an_answer_beyond_the_options_follows_them(self):
        found = errors(VERDICT, {1: "fair", 2: "good"})
        assert found[1].confusions[0].options == ("good", "bad", "fair")
        assert found[1].confusions[0].counts == ((0, 0, 1), (0, 0, 0), (0, 0, 0))

    def test_of_very_many_options_only_those_that_occur_stand_in_the_matrix(self):
        many = Field("many", FieldKind.SINGLE_CHOICE, "run", tuple(f"o{n}" for n in range(5_000)))
        [matrix] = errors(many, {1: "o7", 2: "o4000"})[1].confusions
        assert (matrix.options, matrix.counts) == (("o7", "o4000"), ((0, 0), (1, 0)))

    def test_two_sides_are_options_too(self):
        [matrix] = errors(SIDE, {1: "left", 2: "right"})[1].confusions
        assert (matrix.options, matrix.counts) == (("left", "right"), ((0, 0), (1, 0)))

    @given(
        st.lists(st.dictionaries(st.integers(1, 5), st.sampled_from(["good", "bad"])), max_size=8)
    )
    def test_the_matrix_holds_what_counting_by_hand_gives(self, tasks):
        expected = {}
        for answers in tasks:
            for person, own in answers.items():
                others = [value for who, value in answers.items() if who != person]
                good, bad = others.count("good"), others.count("bad")
                if good != bad:
                    row = expected.setdefault(person, [[0, 0], [0, 0]])[0 if good > bad else 1]
                    row[0 if own == "good" else 1] += 1
        found = {who: e.confusions[0].counts for who, e in errors(VERDICT, *tasks).items() if e}
        assert found == {who: tuple(map(tuple, rows)) for who, rows in expected.items()}


class TestChoiceOfSeveral:
    def test_every_option_is_compared_with_the_ticks_of_the_others(self):
        found = errors(FAULTS, {1: ("x",), 2: ("x", "y"), 3: ("x", "y")})
        one = {matrix.option: matrix.counts for matrix in found[1].confusions}
        # Rows: the others did not, did; columns: the person did not, did.
        assert one == {"x": ((0, 0), (0, 1)), "y": ((0, 0), (1, 0)), "z": ((1, 0), (0, 0))}
        # The others of 2 are split on y, which is left out.
        assert [matrix.option for matrix in found[2].confusions] == ["x", "z"]

    def test_bias_is_by_option(self):
        found = errors(FAULTS, {1: ("x", "z"), 2: ("x",)}, {1: ("z",), 2: ("x",)})
        assert {bias.option: bias.difference for bias in found[1].biases} == {
            "x": -0.5,
            "y": 0.0,
            "z": 1.0,
        }

    def test_nothing_chosen_is_an_answer(self):
        found = errors(FAULTS, {1: (), 2: ("x",)})
        assert {bias.option: bias.difference for bias in found[1].biases}["x"] == -1.0

    def test_of_very_many_options_only_those_that_somebody_chose_are_compared(self):
        many = Field("many", FieldKind.MULTIPLE_CHOICE, "run", tuple(f"o{n}" for n in range(5_000)))
        found = errors(many, {1: ("o7",), 2: ("o7", "o40")})
        assert [bias.option for bias in found[1].biases] == ["o7", "o40"]

    def test_the_ground_truth_decides_every_option(self):
        task = {1: ("x",), 2: ("x",), 9: ("y",)}
        one = errors(FAULTS, task, truths=[9])[1]
        assert {b.option: b.difference for b in one.biases} == {"x": 1.0, "y": -1.0, "z": 0.0}


class TestRatingsAndNumbers:
    def test_bias_is_the_mean_difference_from_the_mean_of_the_others(self):
        found = errors(STARS, {1: 5, 2: 3, 3: 4}, {1: 2, 2: 1}, {1: 5})
        # 5 - 3.5 and 2 - 1; nobody else rated the third.
        assert found[1].biases == (Bias(None, 1.25, pytest.approx(0.25), 2),)
        assert found[1].confusions == ()

    def test_the_standard_error_is_the_deviation_over_the_root_of_the_tasks(self):
        found = errors(PRICE, {1: 1.0, 2: 0.0}, {1: 2.0, 2: 0.0}, {1: 6.0, 2: 0.0})
        [bias] = found[1].biases
        # Differences 1, 2 and 6: mean 3, variance 7.
        assert (bias.difference, bias.tasks) == (pytest.approx(3.0), 3)
        assert bias.standard_error == pytest.approx(math.sqrt(7 / 3))

    def test_the_largest_numbers_do_no_harm(self):
        found = errors(PRICE, {1: 1.7e308, 2: -1.7e308, 3: 1.7e308}, {1: 2.0, 2: 1.0, 3: 1.0})
        assert found[2].biases[0] == Bias(None, -0.5, None, 1)
        assert all(math.isfinite(one.biases[0].difference) for one in found.values())

    def test_everybody_alike_has_no_bias(self):
        assert errors(STARS, {1: 4, 2: 4}, {1: 2, 2: 2})[1].biases == (Bias(None, 0.0, 0.0, 2),)


def test_texts_have_neither_confusion_nor_bias():
    wording = Field("wording", FieldKind.TEXT, "run")
    assert errors(wording, {1: "yes", 2: "no"}) == {1: None, 2: None}
