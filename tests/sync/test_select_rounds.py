"""select: what is picked, and why."""

from __future__ import annotations

import numpy as np
import pytest

from store.designs import final_probabilities
from store.rounds import (
    get_round,
    get_rounds,
    round_near_duplicates,
    round_picks,
    round_scores,
)
from tests.sync.cases import COUNT, case, fill, label, pick
from tests.sync.loop import Loop


def test_a_dry_run_writes_nothing_and_shows_both_modes_side_by_side(offline: Loop) -> None:
    fill(offline)
    shown = offline.json("select", "--batch-size", "40", "--dry-run")
    assert [mode["mode"] for mode in shown["modes"]] == ["hard", "soft"]
    hard, soft = shown["modes"]
    assert hard["picks"] == soft["picks"] == 40
    assert hard["failures"] > soft["failures"] > 40 * 0.5
    assert 0 < soft["half_width"] < hard["half_width"] < 0.5
    with offline.store() as db:
        assert get_rounds(db) == []
    picked = [one["sample_id"] for one in shown["picks"]]
    assert pick(offline) == picked


def test_a_dry_run_counts_what_is_covered_by_tag_and_difficulty(offline: Loop) -> None:
    fill(offline)
    pick(offline, 30)
    shown = offline.json("select", "--batch-size", "24", "--dry-run")
    tags = {one["name"]: one for one in shown["coverage"] if one["slice"] == "tag"}
    assert {name: one["samples"] for name, one in tags.items()} == {
        "login": 80,
        "orders": 80,
        "refund": 80,
    }
    assert sum(one["before"] for one in tags.values()) == 30
    assert sum(one["picked"] for one in tags.values()) == 24
    hard = [one["picked"] for one in shown["coverage"] if one["name"] == "hard"]
    assert hard == [sum(int(one["sample_id"][1:]) % 2 for one in shown["picks"])]


def test_a_soft_round_draws_exactly_whose_number_is_within_their_chance(offline: Loop) -> None:
    offline.configure("selection", mode="soft", novelty_boost=0.0)
    fill(offline)
    picked = set(pick(offline))
    with offline.store() as db:
        chances = final_probabilities(db)
        numbers = dict(db.execute("SELECT sample_id, prn FROM samples").fetchall())
    assert picked == {one for one, chance in chances.items() if numbers[one] <= chance}
    assert len(picked) == 40


def test_near_duplicates_are_left_out_and_named(offline: Loop) -> None:
    offline.configure("selection", uncertain_share=1.0)
    import_copies(offline)
    batch = offline.json("select", "--batch-size", "2")
    assert [one["sample_id"] for one in batch["picks"]] == ["c0000", "c0002"]
    assert batch["near_duplicates"] == {"c0001": "c0000"}
    with offline.store() as db:
        assert round_near_duplicates(db, 1) == {"c0001": "c0000"}
    assert offline.json("verify", "round", "1")["fits"]


@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_a_near_duplicate_that_is_drawn_waits_for_the_next_batch(offline: Loop, mode: str) -> None:
    offline.configure("selection", mode=mode)
    import_copies(offline)
    batch = offline.json("select", "--batch-size", "4")
    assert len(batch["picks"]) == 3
    assert batch["near_duplicates"] == {}
    [(held, like)] = batch["held"].items()
    assert {held, like} == {"c0000", "c0001"}
    assert held not in [one["sample_id"] for one in batch["picks"]]
    again = offline.json("select", "--batch-size", "4")
    assert [one["sample_id"] for one in again["picks"]] == [held]
    assert all(offline.json("verify", "round", str(number))["fits"] for number in (1, 2))


def import_copies(loop: Loop) -> None:
    """Four samples, the surest at the end; the first two ask the same."""
    cases = [case(number) for number in range(4)]
    for number, one in enumerate(cases):
        one["run"]["confidence"] = 0.1 + 0.2 * number
    cases[0]["user_input"], cases[1]["user_input"] = "Where is  my ORDER?", "where is my order?"
    loop.run("import", str(loop.write("copies.jsonl", cases)))


def test_a_tag_gets_its_minimum_from_the_random_part(offline: Loop) -> None:
    offline.configure("selection", min_per_tag=6, uncertain_share=0.5)
    records = [case(n, tags=["rare" if n < 10 else "common"]) for n in range(200)]
    offline.run("import", str(offline.write("c.jsonl", records)))
    batch = offline.json("select", "--batch-size", "40")
    rare = [one for one in batch["picks"] if int(one["sample_id"][1:]) < 10]
    assert len(rare) >= 6
    assert batch["short"] == {}


def test_a_run_on_a_new_tool_path_is_picked_for_being_novel(offline: Loop) -> None:
    offline.configure("selection", text_novelty=False)
    fill(offline)
    pick(offline)
    new = case(COUNT)
    new["run"] |= {
        "confidence": 0.75,
        "tool_calls": [{"name": "delete_account", "arguments": {}}],
    }
    offline.run("import", str(offline.write("new.jsonl", [new])))
    batch = offline.json("select", "--batch-size", "200")
    [found] = [one for one in batch["picks"] if one["sample_id"] == new["sample_id"]]
    assert found["novel"]
    assert "delete_account" in batch["new_paths"][str(new["sample_id"])]


def test_a_calibrator_learns_from_soft_rounds_what_the_whole_pool_is_like(offline: Loop) -> None:
    offline.configure("selection", mode="soft", near_duplicate=0.0)
    fill(offline, 400)
    label(offline, pick(offline, 120))
    [outcome] = offline.json("calibrate", exit_code=0)["outcomes"]
    assert (outcome["state"], outcome["labels"]) == ("fitted", 120)
    # Every run says how likely it is right, and is: the calibrated confidence stays near it.
    offline.run("select", "--batch-size", "10")
    with offline.store() as db:
        row = get_round(db, 2)
        assert row is not None
        columns = round_scores(db, row, ("raw_confidence", "confidence"))
    apart = np.abs(columns["raw_confidence"] - columns["confidence"])
    assert apart.mean() < 0.12
    assert offline.json("verify", "round", "2")["fits"]


def test_an_embedding_is_found_in_the_projects_folder_and_says_what_is_novel(
    offline: Loop,
) -> None:
    fill(offline)
    known = set(pick(offline, 5))
    unlike = sorted({f"c{number:04}" for number in range(COUNT)} - known)[:40]
    numbers = [str(int(one[1:])) for one in unlike]
    made = (
        "import numpy as np\n"
        "def embed(texts):\n"
        f"    return np.array([[1.0, text.split()[-1] in {numbers}] for text in texts], float)\n"
    )
    (offline.folder / "vectors_of_ours.py").write_text(made)
    offline.configure("selection", embedding="vectors_of_ours:embed", novelty_floor=0.1)
    pick(offline, 20)
    with offline.store() as db:
        novel = {one.sample_id for one in round_picks(db, 2) if one.novel}
    assert novel
    assert novel <= set(unlike)


def test_an_embedding_that_cannot_be_had_is_refused_by_its_setting(offline: Loop) -> None:
    fill(offline)
    offline.configure("selection", embedding="no_such_module:embed")
    said = offline.refused("select", exit_code=2)
    assert "[selection] embedding 'no_such_module:embed' cannot be imported" in said
