"""How `bench estimates` measures, and that the published tables come out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from bench import estimates
from bench._pools import RecordedPool, latent_scores, noisy_confidences, recorded_pools
from bench.estimates import CASES, HARD, NAIVE, PPI, Outcome, main, missed, simulated, summary
from goldloop.discrimination import auroc


def rows(case: estimates.Case, runs: int) -> dict[str, dict]:
    found = defaultdict(list)
    random = np.random.default_rng(1)
    for _ in range(runs):
        for name, result in simulated(case, random):
            found[name].append(result)
    return {
        name: summary(case.name, name, results, case.items, case) for name, results in found.items()
    }


def test_scores_tell_right_from_wrong_as_well_as_asked_and_are_calibrated():
    random = np.random.default_rng(2)
    right = (random.random(40_000) < 0.8).astype(float)
    latent = latent_scores(random, right, 0.85)
    clear = noisy_confidences(random, right, latent, 0.85, 0.0)
    noisy = noisy_confidences(random, right, latent, 0.85, 0.7)
    assert auroc(clear, right) == pytest.approx(0.85, abs=0.01)
    assert auroc(noisy, right) == pytest.approx(0.80, abs=0.01)
    for confidence in (clear, noisy):
        middle = (confidence > 0.6) & (confidence < 0.7)
        assert right[middle].mean() == pytest.approx(confidence[middle].mean(), abs=0.03)


def test_equivalent_labels_are_those_of_a_simple_random_sample_with_that_error():
    # The exact RMSE of 500 of 10,000 at 80%: 1.744 points.
    results = [Outcome(sign * 0.017436, True, 0.03, 0, 0.16) for sign in (-1, 1)]
    row = summary("", HARD, results, 10_000, None)
    assert row["equivalent"] == pytest.approx(500, abs=0.2)
    assert (row["bias"], row["rmse"], row["ratio"]) == (0.0, 1.744, None)


def test_what_misses_an_aim_is_named():
    good = {"bias": 0.1, "bias_error": 0.1, "coverage": 0.95, "ratio": 1.0}
    bad = {"bias": -0.4, "coverage": 0.9, "ratio": 0.8, "equivalent": 80, "table": 100}
    assert list(missed(good)) == []
    assert list(missed(good | bad)) == [
        "bias -0.40 ± 0.10",
        "coverage 0.900",
        "80 equivalent labels, not 100",
    ]


@pytest.mark.slow
def test_the_published_figures_of_one_round_come_out_within_their_noise():
    found = rows(CASES[0], 300)
    assert found[NAIVE]["bias"] == pytest.approx(-31.0, abs=0.5)
    assert found[HARD]["half_width"] == pytest.approx(5.95, rel=0.05)
    assert found[HARD]["failures"] == pytest.approx(255, rel=0.02)
    assert found["soft precision" + PPI]["half_width"] == pytest.approx(3.05, rel=0.05)
    for name, row in found.items():
        if name != NAIVE:
            assert abs(row["bias"]) < 4 * row["bias_error"]
            # The standard error of the coverage is 0.0126.
            assert row["coverage"] == pytest.approx(0.95, abs=0.05)


@pytest.mark.slow
def test_ten_rounds_over_a_growing_pool_keep_bias_and_coverage():
    growing = next(one for one in CASES if one.name == "ten rounds, growing")
    found = rows(replace(growing, items=4_000, start=2_200, labels=250), 120)
    assert found[NAIVE]["bias"] < -20
    for name, row in found.items():
        if name != NAIVE:
            assert abs(row["bias"]) < 4 * row["bias_error"]
            assert row["coverage"] > 0.95 - 4 * 0.02


def test_recorded_pools_have_a_random_number_for_each_secret_and_item(shared_data):
    found = {pool.name: pool for pool in recorded_pools()}
    assert set(found) == {"tau-airline", "rte", "web"}
    assert {name: len(pool.ids) for name, pool in found.items()}["tau-airline"] == 200
    for pool in found.values():
        assert len(pool.ids) == len(pool.right) == len(pool.confidence) == len(set(pool.ids))
        assert auroc(pool.confidence, pool.right) > 0.55
    airline = found["tau-airline"]
    assert (airline.prn(1) != airline.prn(2)).all()
    assert (airline.prn(1) == airline.prn(1)).all()


def test_it_prints_every_row_and_gives_the_figures(monkeypatch, capsys):
    small = replace(CASES[0], name="small", items=400, start=400, labels=60, quick_runs=20)
    recorded = RecordedPool(
        "recorded",
        [str(n) for n in range(120)],
        np.arange(120) % 4 / 3 > 0.3,
        np.linspace(0, 1, 120),
    )
    monkeypatch.setattr(estimates, "CASES", (small,))
    monkeypatch.setattr(estimates, "QUICK_REAL_REPETITIONS", 3)
    monkeypatch.setattr(estimates, "recorded_pools", lambda: iter([recorded]))
    figures = main(quick=True)
    printed = capsys.readouterr().out
    assert {"worst_bias_points", "coverage_min", "coverage_max", "aims_missed"} <= set(figures)
    assert figures["effective_labels_worst_ratio"] is not None
    assert len(figures["rows"]) == len(figures["recorded"]) == 7
    assert printed.count("\n") == 17
    assert "naive" in printed
