from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.agreement import (
    consensus_score,
    consensus_scores,
    count_table,
    pairwise_score,
    pairwise_scores,
    token_f1,
)


@pytest.mark.parametrize(
    ("answers", "pairwise", "consensus"),
    [("AAC", 1 / 3, 2 / 3), ("ABC", 0.0, 1 / 3), ("AAA", 1.0, 1.0), ("AB", 0.0, 1 / 2)],
)
def test_scores_are_as_documented(answers: str, pairwise: float, consensus: float) -> None:
    assert pairwise_score(answers) == pytest.approx(pairwise)
    assert consensus_score(answers) == pytest.approx(consensus)


@pytest.mark.parametrize("answers", [[], ["A"], ["A", None], [None, float("nan")]])
def test_below_two_answers_there_is_no_score(answers: list[str | None]) -> None:
    assert pairwise_score(answers) is None
    assert consensus_score(answers) is None


def test_missing_answers_are_left_out() -> None:
    assert pairwise_score(["A", None, "A"]) == consensus_score(["A", None, "A"]) == 1.0


def test_choices_of_several_agree_as_sets_not_as_lists() -> None:
    answers = [tuple(sorted(chosen)) for chosen in (["A", "B"], ["B", "A"])]
    assert pairwise_score(answers) == consensus_score(answers) == 1.0


def test_two_empty_answers_agree() -> None:
    assert pairwise_score([(), ()]) == 1.0


def test_part_credit_enters_the_pairwise_score() -> None:
    assert pairwise_score(["a b", "a b", "a c"], token_f1) == pytest.approx((1 + 0.5 + 0.5) / 3)


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ABC")), max_size=30))
def test_a_table_gives_the_scores_of_its_tasks(answers: list[tuple[int, str]]) -> None:
    table = count_table(answers).paired()
    given = [[answer for task, answer in answers if task == name] for name in table.tasks]
    assert pairwise_scores(table).tolist() == pytest.approx([pairwise_score(g) for g in given])
    assert consensus_scores(table).tolist() == pytest.approx([consensus_score(g) for g in given])
