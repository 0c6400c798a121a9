from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.agreement import path_credit, taxonomy_credit

Paths = tuple[tuple[str, ...], ...]
PATH = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map(tuple)
PATHS = st.sets(PATH, max_size=3).map(lambda paths: tuple(sorted(paths)))


@pytest.mark.parametrize(
    ("first", "second", "credit"),
    [
        ("abc", "abc", 1.0),
        ("abc", "abd", 2 / 3),
        ("abc", "ab", 2 / 3),
        ("abc", "a", 1 / 3),
        ("abc", "xbc", 0.0),
        ("", "", 1.0),
        ("", "a", 0.0),
    ],
)
def test_a_path_is_credited_from_the_root(first: str, second: str, credit: float) -> None:
    assert path_credit(first, second) == path_credit(second, first) == pytest.approx(credit)


@pytest.mark.parametrize(
    ("first", "second", "credit"),
    [
        ((("a", "b"),), (("a", "c"),), 1 / 2),
        ((("a", "b"), ("x",)), (("a", "b"),), 2 / 3),
        ((("a",), ("b",)), (("b",), ("c",)), 1 / 2),
        ((), (), 1.0),
        ((), (("a",),), 0.0),
    ],
)
def test_choices_of_several_paths_are_matched_both_ways(
    first: Paths, second: Paths, credit: float
) -> None:
    assert taxonomy_credit(first, second) == pytest.approx(credit)


@given(PATHS, PATHS)
def test_credit_is_symmetric_bounded_and_one_only_for_equal_choices(
    first: Paths, second: Paths
) -> None:
    credit = taxonomy_credit(first, second)
    assert credit == pytest.approx(taxonomy_credit(second, first))
    assert 0 <= credit <= 1
    assert (credit == 1) == (first == second)
