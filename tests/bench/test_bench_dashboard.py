"""What the benchmark of the dashboard is made of."""

from contextlib import closing

import pytest

from bench import dashboard
from bench._large_store import large_project
from store.database import open_store
from store.rounds import pick_counts
from store.summary import summarise


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return large_project(tmp_path_factory.mktemp("bench") / "project", 500, 5_000)


def test_the_store_holds_what_it_is_to_hold_at_every_step_of_the_loop(folder):
    with closing(open_store(folder / "goldloop.db")) as db:
        found, picks = summarise(db), pick_counts(db)

    assert (found.samples, found.pool, found.rounds) == (500, 50, 5)
    assert found.annotations + found.skips + found.deleted == 5_000
    assert min(found.annotations, found.skips, found.deleted) > 0
    assert sum(found.consensus.values()) == found.tasks["delivered"] == 450
    assert {one["picks"] for one in picks.values()} == {90}
    assert len(found.annotators) == 50


def test_every_page_is_measured_beside_a_plain_one(folder):
    figures = dashboard.measured(folder, 1)

    names = ("plain_page", "first_page", "next_page", "unchanged")
    assert min(figures[f"{name}_ms"] for name in names) > 0
    assert figures["rss_mb"] > figures["plain_rss_mb"] > 10
    assert "/dashboard/rounds" in figures["pages_ms"]
    assert min(figures["pages_ms"].values()) > 0


def test_a_page_that_fails_is_no_measurement(folder):
    with (
        dashboard._plain(folder) as server,
        pytest.raises(RuntimeError, match="/nowhere answered 404"),
    ):
        dashboard._milliseconds(server, "/nowhere")
