"""Measures of diversity against values worked out by hand and published ones."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import block_diag

from goldloop.errors import RecordError
from goldloop.synthesis.diversity import MOST, compared, distinct, vendi_score

WORDS = "alpha bravo carol delta echo fox golf hotel india juliet kilo lima mike nora oscar".split()  # noqa: SIM905


def sentences(count, words, seed=0, length=12):
    random = np.random.default_rng(seed)
    return [
        " ".join(words[place] for place in random.integers(len(words), size=length))
        for _ in range(count)
    ]


@pytest.mark.parametrize("n", [1, 2, 7, 50])
def test_copies_count_as_one_and_strangers_as_many(n):
    assert vendi_score(np.ones((n, n))) == pytest.approx(1.0)
    assert vendi_score(np.eye(n)) == pytest.approx(n)


def test_the_values_of_the_authors_readme_are_reproduced():
    """github.com/vertaix/Vendi-Score: 2.1573, and 2.9999 for 0, 0, 10, 10, 20, 20."""
    assert vendi_score([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]]) == pytest.approx(2.1573, abs=1e-4)
    points = np.array([0, 0, 10, 10, 20, 20])
    kernel = np.exp(-np.abs(points[:, None] - points))
    assert vendi_score(kernel) == pytest.approx(2.9999, abs=2e-4)


def test_groups_of_copies_count_by_the_entropy_of_their_sizes():
    """Of 4 texts 3 copies and a stranger: exp(-3/4 ln 3/4 - 1/4 ln 1/4) = 4 / 3 ** 0.75."""
    kernel = block_diag(np.ones((3, 3)), np.ones((1, 1)))
    assert vendi_score(kernel) == pytest.approx(4 / 3**0.75, abs=1e-6)


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 99))
def test_the_score_is_between_one_and_the_number_of_texts(n, d, seed):
    rows = np.random.default_rng(seed).normal(size=(n, d))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert 1.0 <= vendi_score(rows @ rows.T) <= min(n, d) + 1e-6


@pytest.mark.parametrize(
    "kernel", [[[1, 0]], [[1, 2], [0, 1]], [[1, math.nan], [math.nan, 1]], [[0.5]], [1.0, 2.0]]
)
def test_what_is_no_kernel_is_an_error(kernel):
    with pytest.raises(RecordError):
        vendi_score(kernel)


def test_nothing_has_no_diversity():
    assert vendi_score(np.zeros((0, 0))) == 0.0
    empty = compared([])
    assert empty.n == 0
    assert empty.batch.vendi is empty.batch.nearest is empty.batch.distinct_1 is None


def test_distinct_counts_runs_over_pieces_of_one_size():
    same, other = ["a", "b", "a"], ["c", "d", "e"]
    assert distinct([same, other], 1, 1) == pytest.approx((2 / 3 + 1) / 2, abs=1e-6)
    assert distinct([same, other], 1, 2) == pytest.approx(5 / 6, abs=1e-6)
    assert distinct([same, same], 2, 2) == 0.5
    assert distinct([same, other, same], 1, 2) == pytest.approx(5 / 6, abs=1e-6)
    assert distinct([same], 1, 2) is None


def test_longer_texts_are_not_the_less_diverse_for_it():
    words = WORDS * 20
    short, long = sentences(300, words, 1, 10), sentences(300, words, 2, 60)
    found = compared(short, long)
    assert found.pool is not None
    assert found.batch.distinct_1 == pytest.approx(found.pool.distinct_1, rel=0.05)
    assert found.batch.distinct_2 == pytest.approx(found.pool.distinct_2, rel=0.05)


def test_a_batch_of_few_words_is_the_less_diverse():
    found = compared(
        sentences(60, WORDS[:4], 3), sentences(60, [w + x for w in WORDS for x in WORDS], 4)
    )
    assert found.n == 60
    assert found.batch.distinct_2 < found.pool.distinct_2
    assert found.batch.nearest > found.pool.nearest
    assert found.batch.vendi < found.pool.vendi
    assert found.nearest_in_pool < found.batch.nearest


def test_both_sides_are_measured_on_equally_many_texts():
    """The pool's first ten are copies; what comes after them is not looked at."""
    pool = ["one and the same text of ten words as you see"] * 10 + sentences(50, WORDS)
    found = compared(sentences(10, WORDS, 9), pool)
    assert found.n == 10
    assert found.pool.lexical_texts == 10
    assert found.pool.distinct_1 == 0.1


def test_texts_that_are_too_short_are_left_out_of_the_words():
    found = compared(["too short", *sentences(4, WORDS)])
    assert (found.batch.lexical_texts, found.n, found.pool) == (4, 5, None)
    assert compared(["too short", "as well"]).batch.distinct_1 is None


def test_an_embedding_may_take_the_place_of_words():
    axes = {"a": [1.0, 0.0, 0.0], "b": [0.0, 1.0, 0.0], "c": [0.0, 0.0, 2.0], "nothing": [0.0] * 3}
    found = compared(["a", "b", "a", "c"], ["c"], lambda texts: [axes[text] for text in texts])
    assert found.nearest_in_pool == 0.25
    whole = compared(["a", "b", "a", "c"], (), lambda texts: [axes[text] for text in texts])
    assert whole.batch.nearest == 0.5
    assert whole.batch.vendi == pytest.approx(2 * math.sqrt(2), abs=1e-5)


def test_texts_without_a_word_count_as_one_and_the_same():
    vectors = {"x": [1.0, 0.0], "": [0.0, 0.0]}
    found = compared(["", "", "x"], (), lambda texts: [vectors[text] for text in texts])
    assert found.batch.vendi == pytest.approx(3 / 2 ** (2 / 3), abs=1e-5)


def test_no_more_than_the_most_are_measured():
    found = compared(["x"] * (MOST + 5), (), lambda texts: np.ones((len(texts), 1)))
    assert found.n == MOST
