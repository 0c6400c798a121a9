from __future__ import annotations

import hashlib
import hmac

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.prn import permanent_random_number, tie_break

SECRET = b"a project's secret"


@pytest.fixture(scope="module")
def numbers() -> np.ndarray:
    return np.array([permanent_random_number(SECRET, f"sample-{i}") for i in range(20_000)])


def chi_square(counts: np.ndarray) -> float:
    expected = counts.sum() / counts.size
    return float(((counts - expected) ** 2 / expected).sum())


def test_it_is_the_first_53_bits_of_the_hmac() -> None:
    digest = hmac.new(SECRET, "é-1".encode(), hashlib.sha256).hexdigest()
    bits = bin(int(digest, 16))[2:].zfill(256)[:53]
    assert permanent_random_number(SECRET, "é-1") == int(bits, 2) / 2**53


@given(st.binary(min_size=1), st.text(st.characters(exclude_categories=["Cs"])))
def test_it_is_a_fraction_and_always_the_same(secret: bytes, sample_id: str) -> None:
    number = permanent_random_number(secret, sample_id)
    assert 0.0 <= number < 1.0
    assert number == permanent_random_number(secret, sample_id)


def test_another_secret_gives_other_numbers(numbers: np.ndarray) -> None:
    others = [permanent_random_number(b"another", f"sample-{i}") for i in range(2_000)]
    assert abs(np.corrcoef(numbers[:2_000], others)[0, 1]) < 4 / np.sqrt(2_000)


# The chi-square bounds are the 0.9999 quantiles; the numbers are fixed, so the tests are too.


def test_the_numbers_are_uniform(numbers: np.ndarray) -> None:
    assert chi_square(np.histogram(numbers, bins=100, range=(0, 1))[0]) < 160.06  # 99 degrees


def test_ids_that_follow_each_other_get_unrelated_numbers(numbers: np.ndarray) -> None:
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 4 / np.sqrt(len(numbers))


def test_tie_breaks_are_uniform(numbers: np.ndarray) -> None:
    assert chi_square(np.histogram(tie_break(numbers), bins=100, range=(0, 1))[0]) < 160.06


def test_tie_breaks_say_nothing_of_the_number_itself(numbers: np.ndarray) -> None:
    bounds = ((0, 1), (0, 1))
    table = np.histogram2d(numbers, tie_break(numbers), bins=10, range=bounds)[0]
    assert chi_square(table) < 160.06


def test_tie_breaks_are_the_lower_27_bits() -> None:
    number = (0b101 << 27 | 0b11) / 2.0**53
    assert tie_break(np.array([number])) == [0b11 / 2.0**27]
