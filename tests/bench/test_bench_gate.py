"""How `bench gate` measures, and that the published block rates come out."""

from __future__ import annotations

import numpy as np
import pytest

from bench import gate as bench_gate
from bench.gate import CLUSTERED, ROWS, Row, draw, main, measured, promised


def row(cases: int, runs: int, drop: float) -> Row:
    return next(one for one in ROWS if (one.cases, one.runs, one.drop) == (cases, runs, drop))


def test_two_runs_of_one_agent_differ_in_one_case_of_ten():
    random = np.random.default_rng(1)
    before, after = draw(Row(60_000, 1, 0.0), random)
    assert before.mean() == pytest.approx(0.8, abs=0.01)
    assert (before != after).mean() == pytest.approx(0.096, abs=0.006)
    before, after = draw(Row(60_000, 3, 5.0), random)
    assert (before - after).mean() == pytest.approx(0.05, abs=0.005)


def test_cases_of_a_cluster_move_together():
    before, after = draw(Row(30_000, 1, 0.0, cluster=5), np.random.default_rng(2))
    change = (after - before).reshape(-1, 5)
    assert change.sum(axis=1).var() > 3 * 5 * change.var()


@pytest.mark.slow
@pytest.mark.parametrize(("cases", "runs"), [(100, 1), (200, 1), (200, 3), (500, 1)])
def test_an_agent_that_did_not_change_is_seldom_blocked(cases, runs):
    found = measured(row(cases, runs, 0), 800)
    # The standard error of 5 in 100 is 0.8.
    assert found["significant"] < 0.07
    assert found["literal"] == pytest.approx(found["table"][0] / 100, abs=0.06)
    assert found["noninferior"] == pytest.approx(found["table"][2] / 100, abs=0.08)
    assert found["covered"] > 0.93


@pytest.mark.slow
@pytest.mark.parametrize(("cases", "runs", "drop"), [(200, 3, 5), (200, 1, 5), (100, 1, 10)])
def test_a_true_drop_is_caught_as_often_as_published(cases, runs, drop):
    found = measured(row(cases, runs, drop), 500)
    assert found["significant"] == pytest.approx(found["table"][1] / 100, abs=0.07)


@pytest.mark.slow
def test_clusters_fool_the_naive_test_and_not_the_clustered_one():
    found = measured(next(one for one in CLUSTERED if one.cases == 200 and not one.drop), 500)
    assert found["significant"] < 0.08
    assert found["naive"] > 0.14


@pytest.mark.slow
def test_the_drop_that_is_promised_to_be_seen_is_seen_as_often():
    found = promised(200, 3, 500)
    assert found["seen"] == pytest.approx(0.8, abs=0.08)


def test_it_prints_every_row_and_gives_the_figures(monkeypatch, capsys):
    monkeypatch.setattr(bench_gate, "QUICK", 10)
    monkeypatch.setattr(bench_gate, "PROMISES", ((200, 3),))
    figures = main(quick=True)
    printed = capsys.readouterr().out
    assert {"false_block_max", "power_5pt_n200_k3", "literal_false_block_n200"} <= set(figures)
    assert len(figures["rows"]) == 15
    assert len(figures["clustered"]) == 6
    assert printed.count("\n") == 1 + 15 + 6 + 1
    assert "literal" in printed
