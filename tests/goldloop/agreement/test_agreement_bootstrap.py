from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from goldloop.agreement import (
    ac1_draws,
    alpha_draws,
    bootstrap_interval,
    count_columns,
    count_matrix,
    fleiss_kappa_draws,
    krippendorff_alpha,
    mean_interval,
    percent_draws,
)
from goldloop.agreement.alpha import Level
from goldloop.agreement.bootstrap import Statistic, weighted_interval
from goldloop.agreement.counts import CountTable, FloatArray, IntArray
from goldloop.errors import SettingsError

Z = 1.959964


def simulated(
    random: np.random.Generator, tasks: int, right: float = 0.8, people: int = 3
) -> CountTable:
    """Two options, each person right by chance `right`."""
    truth = random.integers(2, size=(tasks, 1))
    answers = np.where(random.random((tasks, people)) < right, truth, 1 - truth)
    return count_matrix(np.stack([(answers == 0).sum(axis=1), (answers == 1).sum(axis=1)], axis=1))


def test_the_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    table = simulated(np.random.default_rng(3), 60)
    first = bootstrap_interval(table, alpha_draws)
    assert first == bootstrap_interval(table, alpha_draws, seed=0)
    assert first != bootstrap_interval(table, alpha_draws, seed=1)


def test_the_order_and_the_names_of_tasks_do_not_move_the_interval() -> None:
    random = np.random.default_rng(4)
    tasks, answers = np.repeat(np.arange(50), 3), random.integers(4, size=150)
    moved = random.permutation(150)
    renamed = np.array([f"task {(task * 7) % 50}" for task in tasks])
    expected = bootstrap_interval(count_columns(tasks, answers), alpha_draws)
    assert bootstrap_interval(count_columns(tasks[moved], answers[moved]), alpha_draws) == expected
    assert bootstrap_interval(count_columns(renamed, answers), alpha_draws) == expected


@pytest.mark.parametrize("tasks", [9, 10])
def test_ten_doubly_labelled_tasks_are_the_fewest(tasks: int) -> None:
    counts = [[1, 1], [2, 0]] * 5 + [[1, 0]] * 50
    table = count_matrix(counts[10 - tasks :])
    assert (bootstrap_interval(table, percent_draws) is None) == (tasks < 10)


@pytest.mark.parametrize("distinct", [False, True], ids=["drawn by kind", "drawn by task"])
def test_the_interval_of_a_mean_is_that_of_the_normal_law(distinct: bool) -> None:
    random = np.random.default_rng(8)
    scores = random.random(400)
    scores = scores if distinct else scores.round(1)
    half = Z * scores.std() / np.sqrt(400)
    interval = mean_interval(scores, draws=4000)
    assert interval == pytest.approx((scores.mean() - half, scores.mean() + half), abs=0.003)


@pytest.mark.parametrize("copies", [[30, 70], [1] * 100])
def test_every_draw_holds_as_many_tasks_as_there_are(copies: list[int]) -> None:
    seen: list[FloatArray] = []

    def record(weights: FloatArray) -> FloatArray:
        seen.append(weights)
        return np.zeros(len(weights))

    weighted_interval(record, np.array(copies), draws=50, width=500_000)
    weights = np.concatenate(seen)
    assert weights.shape == (50, len(copies))
    assert (weights.sum(axis=1) == 100).all()
    assert (weights.sum(axis=0) > 0).all()
    assert len(seen) == 13  # in parts, so that memory stays bounded


def test_whole_tasks_are_drawn_not_answers() -> None:
    # Half of 40 tasks unanimous, half evenly split: more people a task tell nothing new.
    def width(people: int) -> float:
        table = count_matrix([[people, 0], [people // 2, people // 2]] * 20)
        shares = np.tile([1.0, (people // 2 - 1) / (people - 1)], 20)
        interval = bootstrap_interval(table, percent_draws)
        assert interval is not None
        assert interval.high - interval.low == pytest.approx(
            2 * Z * shares.std() / np.sqrt(40), rel=0.15
        )
        return (interval.high - interval.low) / float(shares.std())

    assert width(200) == pytest.approx(width(4), rel=0.1)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_draws_without_a_second_option_are_left_out_while_they_are_few(level: Level) -> None:
    common = count_matrix([[2, 0]] * 100 + [[0, 2]] * 4, options=[0.1, 0.7])
    rare = count_matrix([[2, 0]] * 100 + [[0, 2]], options=[0.1, 0.7])
    statistic = partial(alpha_draws, level=level)
    assert bootstrap_interval(common, statistic) == (1.0, 1.0)
    assert bootstrap_interval(rare, statistic) is None


def test_no_draws_give_no_interval() -> None:
    assert bootstrap_interval(count_matrix([[1, 1]] * 20), percent_draws, draws=0) is None


def test_a_wider_level_gives_a_wider_interval() -> None:
    table = simulated(np.random.default_rng(1), 50)
    wide = bootstrap_interval(table, alpha_draws, level=0.99)
    narrow = bootstrap_interval(table, alpha_draws, level=0.5)
    assert wide is not None
    assert narrow is not None
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(("draws", "level"), [(-1, 0.95), (10, 0.0), (10, 1.0), (10, 95.0)])
def test_draws_and_level_must_make_sense(draws: int, level: float) -> None:
    with pytest.raises(SettingsError, match="draws"):
        mean_interval(np.arange(20.0), draws=draws, level=level)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_weights_mean_copies_of_tasks(level: Level) -> None:
    random = np.random.default_rng(2)
    counts: IntArray = random.integers(4, size=(12, 4))
    counts[:, 0] += 2
    weights = random.integers(4, size=12)
    drawn = alpha_draws(count_matrix(counts), weights[None].astype(float), level)
    expected = krippendorff_alpha(count_matrix(np.repeat(counts, weights, axis=0)), level)
    assert drawn[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    "statistic",
    [alpha_draws, fleiss_kappa_draws, ac1_draws, percent_draws],
    ids=["alpha", "fleiss", "ac1", "percent"],
)
def test_ninety_five_percent_intervals_hold_the_truth_about_that_often(
    statistic: Statistic,
) -> None:
    random = np.random.default_rng(11)
    everything = simulated(random, 200_000)
    truth = statistic(everything, np.ones((1, 200_000)))[0]
    held = 0
    for seed in range(400):
        interval = bootstrap_interval(simulated(random, 100), statistic, seed=seed)
        assert interval is not None
        held += interval.low <= truth <= interval.high
    assert 0.92 <= held / 400 <= 0.98
