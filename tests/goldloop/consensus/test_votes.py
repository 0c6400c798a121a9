"""Votes: integer codes that do not depend on the order of the rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_votes import any_votes

from goldloop.consensus.votes import (
    Votes,
    chosen_options,
    code_votes,
    gold_codes,
    vote_counts,
    votes_per_task,
)
from goldloop.errors import RecordError


@given(any_votes(least=0), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(votes, random):
    order = list(range(len(votes)))
    random.shuffle(order)
    shuffled = Votes(
        votes.tasks[order],
        votes.annotators[order],
        votes.labels[order],
        votes.n_tasks,
        votes.n_annotators,
        votes.n_options,
    )
    for name in ("tasks", "annotators", "labels"):
        assert getattr(shuffled, name).tolist() == getattr(votes, name).tolist()


def test_names_get_their_codes_in_sorted_order_with_numbers_before_text():
    coded = code_votes(["b", "a"], ["x", 9], ["yes", "no"])

    assert coded.tasks == ("a", "b")
    assert coded.annotators == (9, "x")
    assert coded.options == ("no", "yes")
    assert coded.votes.labels.tolist() == [0, 1]


def test_options_keep_the_order_of_the_field_and_may_be_unchosen():
    coded = code_votes(["a"], [1], ["good"], options=["good", "bad", "ugly"])

    assert coded.options == ("good", "bad", "ugly")
    assert vote_counts(coded.votes).tolist() == [[1, 0, 0]]


def test_tasks_that_nobody_answered_are_kept_when_named():
    coded = code_votes(["b"], [1], ["x"], all_tasks=["a", "b", "c"])

    assert votes_per_task(coded.votes).tolist() == [0, 1, 0]


def test_the_arrays_cannot_be_changed_afterwards():
    votes = Votes([0], [0], [0], 1, 1, 1)

    with pytest.raises(ValueError, match="read-only"):
        votes.labels[0] = 1


def test_votes_do_not_change_the_arrays_that_they_were_made_of():
    tasks = np.array([1, 0])

    Votes(tasks, [0, 0], [0, 0], 2, 1, 1)

    tasks[0] = 0
    assert tasks.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("tasks", "annotators", "labels", "expected"),
    [
        ([0, 1], [0], [0], "as long"),
        ([2], [0], [0], "codes from 0 to 1"),
        ([-1], [0], [0], "codes from 0 to 1"),
        ([0], [3], [0], "codes from 0 to 2"),
        ([0.5], [0], [0], "whole numbers"),
        ([[0]], [0], [0], "whole numbers"),
        ([0, 0], [1, 1], [0, 1], "two answers by one annotator"),
    ],
)
def test_rows_that_make_no_sense_are_refused(tasks, annotators, labels, expected):
    with pytest.raises(RecordError, match=expected):
        Votes(tasks, annotators, labels, 2, 3, 2)


def test_a_label_that_is_no_option_is_refused():
    with pytest.raises(RecordError, match="'maybe' is not among"):
        code_votes(["a"], [1], ["maybe"], options=["yes", "no"])


def test_an_option_named_twice_is_refused():
    with pytest.raises(RecordError, match="different names"):
        code_votes([], [], [], options=["yes", "yes"])


def test_gold_is_coded_by_task_and_unknown_tasks_are_left_out():
    coded = code_votes(["a", "b"], [1, 1], ["no", "yes"])

    assert gold_codes(coded, {"b": "no", "elsewhere": "yes"}).tolist() == [-1, 0]


def test_gold_that_is_no_option_is_refused():
    coded = code_votes(["a"], [1], ["no"])

    with pytest.raises(RecordError, match="gold label of task 'a'"):
        gold_codes(coded, {"a": "maybe"})


def test_a_table_that_would_not_fit_the_memory_is_refused():
    votes = Votes([0], [0], [0], 100_000, 1, 10_000)

    with pytest.raises(RecordError, match="too many for one table"):
        vote_counts(votes)


def test_options_that_nobody_chose_can_be_left_out():
    votes, old = chosen_options(Votes([0, 1], [0, 0], [9_999, 5], 2, 1, 10_000))

    assert (votes.n_options, votes.labels.tolist(), old.tolist()) == (2, [1, 0], [5, 9_999])
