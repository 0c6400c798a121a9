"""`bench sync` measures what it says, on a real Label Studio."""

import json

import pytest

from bench import sync_speed
from bench.__main__ import names
from bench._label_studio import what_is_missing
from bench.sync_speed import Times


def test_it_goes_by_the_name_that_its_file_cannot_have():
    assert "sync" in names()
    assert "sync_speed" not in names()


def test_the_smallest_time_counts_and_the_worst_repeat_is_told():
    times = Times(taken={"push": [3.0, 2.0], "pull": [1.0, 4.0]})

    assert (times.best("push"), times.best("pull")) == (2.0, 1.0)
    assert times.spread() == 4.0


def test_bodies_are_joined_to_one_list():
    bodies = [json.dumps(part).encode() for part in ([1, {"a": 2}], [3])]

    assert json.loads(sync_speed._joined(bodies)) == [1, {"a": 2}, 3]


def test_it_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(sync_speed, "what_is_missing", lambda: "no Label Studio")

    assert sync_speed.main(quick=True) == {"skipped": "no Label Studio"}


@pytest.mark.labelstudio
@pytest.mark.usefixtures("label_studio_template")
def test_what_was_pushed_and_pulled_is_what_label_studio_has(monkeypatch):
    monkeypatch.setattr(sync_speed, "QUICK", 30)
    assert what_is_missing() == ""

    figures = sync_speed.main(quick=True)

    assert (figures["tasks"], figures["changed"]) == (30, 1)
    ratios = [value for name, value in figures.items() if name.endswith("_ratio")]
    assert len(ratios) == 4
    assert all(value > 0 for value in ratios)
