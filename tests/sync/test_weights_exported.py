"""commit and export: what each item counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sync.commit import commit_standing
from tests.sync.cases import COUNT, fill, label, pick
from tests.sync.loop import Loop


def exported(loop: Loop) -> list[dict[str, Any]]:
    """What export writes of a version with all that stands."""
    with loop.store() as db:
        commit_standing(loop.project, db, "golden", "")
    loop.run("export", "-o", str(loop.folder / "golden.jsonl"))
    lines = (loop.folder / "golden.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_an_export_says_of_each_item_how_likely_it_was_and_what_it_counts(
    offline: Loop, mode: str
) -> None:
    offline.configure("selection", mode=mode)
    fill(offline)
    for _ in range(2):
        label(offline, pick(offline))
    by_hand = next(
        one
        for (one,) in offline.rows("SELECT sample_id FROM samples")
        if one not in {row[0] for row in offline.rows("SELECT sample_id FROM picks")}
    )
    label(offline, [by_hand])
    items = {item["sample_id"]: item for item in exported(offline)}
    hand = items.pop(by_hand)
    assert (hand["inclusion_probability"], hand["weight"]) == (None, None)
    assert hand["selection_reason"] == "manual"
    assert {one["selection_reason"] for one in items.values()} <= {"uncertain", "novel", "random"}
    assert all(
        one["weight"] * one["inclusion_probability"] == pytest.approx(1) for one in items.values()
    )
    total = sum(one["weight"] for one in items.values())
    assert total == pytest.approx(COUNT, rel=1e-9 if mode == "hard" else 0.35)


def test_the_running_maximum_is_exported_and_not_the_chance_of_the_round(offline: Loop) -> None:
    fill(offline)
    first = offline.json("select", "--batch-size", "20")["picks"]
    label(offline, [one["sample_id"] for one in first])
    label(offline, pick(offline, 100))
    final = {one["sample_id"]: one["inclusion_probability"] for one in exported(offline)}
    drawn = [one for one in first if one["reason"] == "random"]
    assert drawn
    assert all(final[one["sample_id"]] > one["inclusion_probability"] for one in drawn)
