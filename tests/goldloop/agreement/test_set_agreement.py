from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.agreement import (
    count_table,
    jaccard,
    krippendorff_alpha,
    masi,
    mean_pair_score,
    set_alpha,
)
from goldloop.agreement.sets import SetDistance
from goldloop.errors import SettingsError

SETS = st.sets(st.sampled_from("abcd"), max_size=4).map(lambda chosen: tuple(sorted(chosen)))
ANSWERS = st.lists(st.tuples(st.integers(0, 4), SETS), max_size=20)


def by_definition(
    answers: list[tuple[int, tuple[str, ...]]], distance: SetDistance
) -> float | None:
    """Alpha from all pairs, with loops and the scores of pairs."""
    score = masi if distance == "masi" else jaccard
    units: dict[int, list[tuple[str, ...]]] = {}
    for task, chosen in answers:
        units.setdefault(task, []).append(chosen)
    units = {task: given for task, given in units.items() if len(given) > 1}
    pooled = [chosen for given in units.values() for chosen in given]
    expected = sum(1 - score(*pair) for pair in combinations(pooled, 2))
    if not expected:
        return None
    observed = sum(
        (1 - score(*pair)) / (len(given) - 1)
        for given in units.values()
        for pair in combinations(given, 2)
    )
    return 1 - (len(pooled) - 1) * observed / expected


@pytest.mark.parametrize(
    ("first", "second", "overlap", "weighted"),
    [
        ("ab", "ab", 1.0, 1.0),
        ("ab", "a", 1 / 2, 1 / 3),
        ("ab", "bc", 1 / 3, 1 / 9),
        ("ab", "cd", 0.0, 0.0),
        ("", "", 1.0, 1.0),
        ("", "a", 0.0, 0.0),
    ],
)
def test_jaccard_and_masi_by_hand(first: str, second: str, overlap: float, weighted: float) -> None:
    assert jaccard(first, second) == pytest.approx(overlap)
    assert masi(first, second) == pytest.approx(weighted)


def test_order_and_repeats_do_not_count() -> None:
    assert jaccard(["b", "a", "a"], ("a", "b")) == masi(["b", "a", "a"], ("a", "b")) == 1.0


@given(SETS, SETS)
def test_masi_is_symmetric_and_never_above_jaccard(
    first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    assert masi(first, second) == masi(second, first)
    assert 0 <= masi(first, second) <= jaccard(first, second) == jaccard(second, first) <= 1


@pytest.mark.parametrize("distance", ["masi", "jaccard"])
@given(answers=ANSWERS)
def test_alpha_of_sets_is_what_its_definition_gives(
    distance: SetDistance, answers: list[tuple[int, tuple[str, ...]]]
) -> None:
    expected = by_definition(answers, distance)
    value = set_alpha(count_table(answers), distance)
    assert value == (None if expected is None else pytest.approx(expected, abs=1e-9))


@pytest.mark.parametrize("distance", ["masi", "jaccard"])
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abc")), max_size=20))
def test_alpha_of_sets_of_one_is_nominal_alpha(
    distance: SetDistance, answers: list[tuple[int, str]]
) -> None:
    expected = krippendorff_alpha(count_table(answers))
    value = set_alpha(count_table((task, (choice,)) for task, choice in answers), distance)
    assert value == (None if expected is None else pytest.approx(expected, abs=1e-9))


def test_part_of_a_set_is_better_than_another_set() -> None:
    settled = [(2, ("c",)), (2, ("c",)), (3, ("b", "d")), (3, ("b", "d"))]
    part = set_alpha(count_table([(1, ("a",)), (1, ("a", "b")), *settled]))
    other = set_alpha(count_table([(1, ("a", "c")), (1, ("b", "d")), *settled]))
    assert part is not None
    assert other is not None
    assert part > other


@pytest.mark.parametrize(
    "answers", [[], [(1, ("a",))], [(1, ()), (1, ()), (2, ()), (2, ())]], ids=str
)
def test_one_set_or_no_pair_has_no_alpha(answers: list[tuple[int, tuple[str, ...]]]) -> None:
    assert set_alpha(count_table(answers)) is None


def test_sets_may_be_frozen_sets() -> None:
    answers = [(1, ("a",)), (1, ("a", "b")), (2, ("c",)), (2, ("c",))]
    frozen = [(task, frozenset(chosen)) for task, chosen in answers]
    assert set_alpha(count_table(frozen)) == pytest.approx(set_alpha(count_table(answers)))


def test_the_mean_over_pairs_weighs_every_task_the_same() -> None:
    table = count_table([(1, ("a",)), (1, ("a", "b")), (2, ("c",)), (2, ("c",)), (2, ("d",))])
    # Task 1: 1/2. Task 2: of three pairs one is equal, the others share nothing.
    assert mean_pair_score(table, jaccard) == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_an_unknown_distance_is_refused() -> None:
    with pytest.raises(SettingsError, match="masi or jaccard"):
        set_alpha(count_table([(1, ("a",)), (1, ("b",))]), "dice")  # type: ignore[arg-type]
