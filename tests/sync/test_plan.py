"""plan: what is missing."""

from __future__ import annotations

import pytest

from tests.sync.cases import case, fill, label, pick
from tests.sync.loop import Loop


def test_the_plan_counts_what_is_missing_in_labels_and_minutes(offline: Loop) -> None:
    fill(offline)
    picked = pick(offline, 60)
    label(offline, picked[:50])
    made = offline.json("plan", "--half-width", "0.05", "--per-tag", "90", "--compare", "100")
    assert (made["labels"], made["waiting"], made["observed"]) == (50, 10, 0)
    assert made["compare_missing"] == 40
    assert made["compare_minutes"] == pytest.approx(40 * 2 * 60 / 60)
    for tag in made["tags"]:
        own = [one for one in picked if case(int(one[1:]))["tags"] == [tag["tag"]]]
        assert tag["labels"] + tag["waiting"] == len(own)
        assert tag["missing"] == 80 - len(own)
        assert tag["out_of_reach"] == 10
    hard, soft = made["widths"]
    assert 0 < soft["labels"] < hard["labels"] <= 180


def test_a_batch_as_large_as_planned_narrows_the_interval_as_expected(offline: Loop) -> None:
    offline.configure("selection", mode="soft", novelty_boost=0.0, near_duplicate=0.0)
    fill(offline)
    [_, soft] = offline.json("plan", "--half-width", "0.08")["widths"]
    shown = offline.json("select", "--batch-size", str(soft["labels"]), "--dry-run")
    assert shown["modes"][1]["half_width"] <= 0.08
    smaller = offline.json("select", "--batch-size", str(soft["labels"] - 1), "--dry-run")
    assert smaller["modes"][1]["half_width"] > 0.08
