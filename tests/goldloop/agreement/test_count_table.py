from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.agreement import count_columns, count_matrix, count_table
from goldloop.errors import RecordError

MATRICES = st.integers(1, 4).flatmap(
    lambda options: st.lists(
        st.lists(st.integers(0, 3), min_size=options, max_size=options), min_size=1, max_size=8
    )
)


def test_counts_are_people_by_task_and_option() -> None:
    table = count_table([("t2", "no"), ("t1", "yes"), ("t2", "yes"), ("t2", "no")])
    assert table.tasks == ("t1", "t2")
    assert table.options == ("no", "yes")
    assert table.dense().tolist() == [[0, 1], [2, 1]]


def test_missing_answers_are_left_out() -> None:
    table = count_table([(1, None), (1, float("nan")), (1, np.datetime64("NaT")), (1, 2.0)])
    assert table.options == (2.0,)
    assert table.dense().tolist() == [[1]]


def test_declared_options_come_first_and_others_follow() -> None:
    table = count_table([(1, "c"), (1, "x"), (1, "a")], options=["c", "b", "a"])
    assert table.options == ("c", "b", "a", "x")
    assert table.dense().tolist() == [[1, 0, 1, 1]]


def test_numbers_and_texts_may_stand_side_by_side() -> None:
    assert count_table([(1, "a"), ("x", 3), (1, 2)]).options == (2, 3, "a")


def test_sets_may_be_answers_in_any_order() -> None:
    one, other = frozenset("ab"), frozenset("c")
    rows = [(1, one), (1, other), (2, one)]
    assert count_table(rows).dense().tolist() == count_table(rows[::-1]).dense().tolist()


def test_data_frames_columns_are_taken_as_they_are() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed; it is only for tests")
    frame = pandas.DataFrame(
        {"task": ["a", "a", "b"], "answer": pandas.array([1, None, 2], dtype="Int64")}
    )
    table = count_columns(frame["task"], frame["answer"])
    assert table.dense().tolist() == [[1, 0], [0, 1]]
    assert table.options == (1, 2)


def test_arrays_and_lists_give_the_same_table() -> None:
    arrays = count_columns(np.array([1, 1, 2]), np.array([3.0, np.nan, 3.0]))
    lists = count_columns([1, 1, 2], [3, None, 3])
    assert arrays.tasks == lists.tasks
    assert arrays.dense().tolist() == lists.dense().tolist()


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(RecordError, match="2 tasks and 1 answers"):
        count_columns([1, 2], ["a"])


@pytest.mark.parametrize(
    "counts", [[1, 2], [[1.5]], [[-1, 2]], [["a"]]], ids=["line", "fraction", "negative", "text"]
)
def test_a_matrix_that_holds_no_counts_is_refused(counts: list[object]) -> None:
    with pytest.raises(RecordError, match="whole numbers from 0 up"):
        count_matrix(counts)  # type: ignore[arg-type]


def test_names_that_do_not_fit_the_columns_are_refused() -> None:
    with pytest.raises(RecordError, match="2 options are named; expected 3"):
        count_matrix([[1, 2, 3]], options=["a", "b"])


def test_an_empty_table_has_no_tasks_and_no_options() -> None:
    table = count_table([])
    assert table.dense().shape == (0, 0)
    assert table.paired().tasks == ()


@given(MATRICES)
def test_a_matrix_survives_the_sparse_form(counts: list[list[int]]) -> None:
    table = count_matrix(counts)
    assert table.dense().tolist() == counts
    assert table.sizes().tolist() == [sum(row) for row in counts]


@given(MATRICES)
def test_only_tasks_with_two_answers_are_paired(counts: list[list[int]]) -> None:
    paired = count_matrix(counts).paired()
    assert paired.dense().tolist() == [row for row in counts if sum(row) >= 2]
    assert paired.tasks == tuple(index for index, row in enumerate(counts) if sum(row) >= 2)


@given(MATRICES)
def test_patterns_are_the_distinct_rows_with_their_number(counts: list[list[int]]) -> None:
    patterns, copies = count_matrix(counts).patterns()
    rows = [tuple(row) for row in counts]
    found = {tuple(row): n for row, n in zip(patterns.dense().tolist(), copies, strict=True)}
    assert found == {row: rows.count(row) for row in rows}


@given(MATRICES, st.integers(0, 99))
def test_option_sums_are_the_weighted_columns(counts: list[list[int]], seed: int) -> None:
    table = count_matrix(counts)
    weights = np.random.default_rng(seed).random((3, len(counts)))
    assert np.allclose(table.option_sums(weights, table.count), weights @ table.dense())


@given(MATRICES)
def test_cell_pairs_are_all_pairs_within_a_task(counts: list[list[int]]) -> None:
    table = count_matrix(counts)
    left, right = table.cell_pairs()
    cells = range(len(table.task))
    expected = [(a, b) for a in cells for b in cells if a < b and table.task[a] == table.task[b]]
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == expected


def test_moments_may_be_answers() -> None:
    moments = [datetime(2026, 1, day) for day in (2, 1)]
    assert count_table((1, moment) for moment in moments).options == tuple(sorted(moments))
