from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.agreement import count_table, exact_match, mean_pair_score, token_f1


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [
        ("the cat sat", "The CAT sat!", 1.0),
        ("the cat sat", "sat the cat", 1.0),
        ("the cat sat", "the dog sat", 2 / 3),
        ("no no no", "no", 1 / 2),
        ("refund", "cancel", 0.0),
        ("", "", 1.0),
        ("", "refund", 0.0),
        ("!!!", "!!!", 1.0),
        ("!!!", "???", 0.0),
        ("ＯＫ", "ok", 1.0),
    ],
)
def test_token_f1_by_hand(first: str, second: str, score: float) -> None:
    assert token_f1(first, second) == pytest.approx(score)


@given(st.text(), st.text())
def test_token_f1_is_symmetric_bounded_and_one_for_equal_texts(first: str, second: str) -> None:
    assert token_f1(first, second) == token_f1(second, first)
    assert 0 <= token_f1(first, second) <= 1
    assert token_f1(first, first) == 1
    assert token_f1(first, second) >= exact_match(first, second)


def test_exact_match_needs_the_words_in_order() -> None:
    assert exact_match("Yes  sir", "yes sir\n") == 1.0
    assert exact_match("yes sir", "sir yes") == 0.0


def test_a_pair_that_meets_often_is_scored_once() -> None:
    scored: list[tuple[str, str]] = []

    def score(first: str, second: str) -> float:
        scored.append((first, second))
        return 0.5

    answers = [(task, text) for task in range(50) for text in ("a", "b", "b")]
    assert mean_pair_score(count_table(answers), score) == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert scored == [("a", "b")]


def test_no_pair_has_no_mean() -> None:
    assert mean_pair_score(count_table([(1, "a"), (2, "b")]), token_f1) is None
