"""What `bench calibration` claims, with fewer repetitions."""

import pytest

from bench.calibration import error_by_design, learning_curve, novelty, saturating

# Within a fifth of the error of random labels.
NEAR = 1.2


def test_the_error_falls_with_the_labels_as_published():
    found = learning_curve(30, sizes=(100, 1000))

    assert found["raw"][100] == pytest.approx(0.144, abs=0.01)
    assert found["platt"][100] == pytest.approx(0.045, abs=0.015)
    assert found["platt"][1000] == pytest.approx(0.012, abs=0.005)
    assert found["isotonic"][100] == pytest.approx(0.072, abs=0.015)
    assert found["isotonic"][1000] == pytest.approx(0.028, abs=0.008)


@pytest.mark.slow
@pytest.mark.parametrize(("design", "size"), [("hard", 400), ("soft", 400), ("soft", 10_000)])
def test_weighted_labels_of_a_selection_are_as_good_as_random_ones_and_unweighted_are_not(
    design, size
):
    errors = error_by_design(novelty, size, repeats=120)

    assert errors[f"{design} weighted"] <= NEAR * errors["random"]
    assert errors[f"{design} unweighted"] > NEAR * errors["random"]


@pytest.mark.slow
@pytest.mark.parametrize("size", [400, 10_000])
def test_where_the_score_saturates_weighting_a_hard_selection_is_worth_it(size):
    errors = error_by_design(saturating, size, repeats=120)

    assert errors["hard weighted"] < 0.92 * errors["hard unweighted"]


@pytest.mark.slow
def test_a_hard_selection_from_a_large_pool_is_worth_its_random_part_alone():
    errors = error_by_design(novelty, 10_000, repeats=120)

    # 60 random labels instead of 200 would be sqrt(200 / 60) = 1.8 times as far off.
    assert 1.4 < errors["hard weighted"] / errors["random"] < 2.2
