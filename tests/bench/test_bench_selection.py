"""What `bench selection` measures, on small pools."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from bench import selection
from bench._selection_run import KINDS, measure, ours
from bench.selection import filled, main, requests


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "pool.db", 300)


def test_the_floor_picks_what_select_picks(store):
    from bench._selection_run import _pick

    with closing(sqlite3.connect(store)) as connection:
        picked = _pick(connection, 40)
    ours(store, 40, 0.0, 0.0)

    with closing(sqlite3.connect(store)) as connection:
        recorded = {row[0] for row in connection.execute("SELECT sample_id FROM picks")}
    assert set(picked) == recorded


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_does_its_work_and_says_what_it_took(store, kind):
    ours(store, 30, 0.0, 0.0)

    found = measure(kind, store, 50)

    assert found["picked"] == (300 if kind == "scikit-learn" else 50)
    assert found["seconds"] > 0
    assert found["peak_mb"] > 10


def test_requests_are_as_many_as_asked_for_and_of_all_kinds():
    made = list(requests(np.random.default_rng(1), 1500))

    assert len(made) == 1500
    assert len({text.split()[0] for text in made}) == 4


def test_the_figures_are_those_of_the_largest_pools(monkeypatch, capsys):
    monkeypatch.setattr(selection, "SIZES", {600: 1, 10**9: 1})
    monkeypatch.setattr(selection, "NOVELTY_SIZES", {600: 1})

    figures = main(quick=True)

    assert (figures["pool"], figures["novelty_pool"]) == (600, 600)
    for key in ("time_ratio", "memory_ratio", "writing_time_ratio", "novelty_time_ratio"):
        assert figures[key] > 0
    assert "floor that writes" in capsys.readouterr().out
