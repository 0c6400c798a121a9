"""estimate: what can be said of the whole pool."""

from __future__ import annotations

import json

import pytest

from tests.sync.cases import COUNT, case, fill, is_right, label, pick
from tests.sync.loop import Loop


def test_without_a_round_nothing_can_be_estimated(offline: Loop) -> None:
    assert "no sample has a successful run" in offline.refused(
        "estimate", "--version", "v1", exit_code=3
    )
    fill(offline, 20)
    assert "no round has picked" in offline.refused("estimate", exit_code=3)


def test_without_a_label_nothing_can_be_estimated(offline: Loop) -> None:
    fill(offline, 20)
    pick(offline, 5)
    assert "goldloop pull" in offline.refused("estimate", exit_code=3)


@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_the_estimate_holds_where_the_labelled_mean_is_far_off(offline: Loop, mode: str) -> None:
    offline.configure("selection", mode=mode, soft_aim="failures")
    fill(offline)
    for _ in range(2):
        label(offline, pick(offline))
    truth = sum(is_right(f"c{n:04}") for n in range(COUNT)) / COUNT
    found = offline.json("estimate")["estimate"]
    assert found["labels"] == 80
    assert found["low"] < truth < found["high"]
    assert found["naive"] < found["value"]
    assert found["pool"] == COUNT


def test_a_pool_that_is_labelled_whole_is_counted(offline: Loop) -> None:
    fill(offline, 30)
    label(offline, pick(offline, 30))
    found = offline.json("estimate")["estimate"]
    assert found["value"] == pytest.approx(sum(is_right(f"c{n:04}") for n in range(30)) / 30)
    assert found["low"] == found["high"] == found["value"]


def test_what_was_drawn_and_repeats_a_labelled_sample_counts_like_it(offline: Loop) -> None:
    offline.configure("selection", uncertain_share=0.0)
    copies = [case(number, user_input="Where is my order?") for number in range(10)]
    offline.run("import", str(offline.write("copies.jsonl", copies)))
    fill(offline, 10, first=10)
    batch = offline.json("select", "--batch-size", "11")
    wait = len(batch["held"])
    assert wait > 2
    label(offline, [one["sample_id"] for one in batch["picks"]])
    found = offline.json("estimate")
    assert found["by_likeness"] == wait
    assert found["estimate"]["missing"] == 0
    assert found["estimate"]["labels"] == 11 + wait
    assert any("nearly repeat labelled ones" in note for note in found["notes"])
    # Their own answer counts as soon as there is one.
    again = pick(offline, 1)
    assert set(again) <= batch["held"].keys()
    label(offline, again)
    assert offline.json("estimate")["by_likeness"] == wait - 1


def test_slices_are_estimated_each_by_itself(offline: Loop) -> None:
    fill(offline)
    label(offline, pick(offline, 90))
    by_tag = offline.json("estimate", "--by", "tag")["slices"]
    assert {name: one["pool"] for name, one in by_tag.items()} == dict.fromkeys(
        ("login", "orders", "refund"), 80
    )
    assert sum(one["labels"] for one in by_tag.values()) == 90
    by_difficulty = offline.json("estimate", "--by", "difficulty")["slices"]
    assert list(by_difficulty) == ["easy", "hard"]


def test_the_table_marks_the_labelled_mean_as_biased(offline: Loop) -> None:
    fill(offline, 60)
    label(offline, pick(offline, 20))
    assert "labelled set (biased)" in offline.run("estimate").stdout


def test_labels_speak_for_the_version_that_was_shown_and_for_runs_that_are_the_same(
    offline: Loop,
) -> None:
    offline.configure("agent", version="v1")
    fill(offline, 60)
    label(offline, pick(offline, 30))
    again = [case(n, "v2") for n in range(60)]
    for number, record in enumerate(again):
        if number % 2:
            record["run"]["response"] = f"v1 says {number}"
    offline.run("import", str(offline.write("v2.jsonl", again)))
    found = offline.json("estimate", "--version", "v2")
    shown = offline.rows("SELECT sample_id FROM picks")
    same = sum(int(one[1:]) % 2 for (one,) in shown)
    assert found["estimate"]["labels"] == same
    assert found["elsewhere"] == 30 - same
    assert any("--grades" in note for note in found["notes"])


def test_another_version_needs_grades_of_its_own(offline: Loop) -> None:
    offline.configure("agent", version="v1")
    fill(offline, 60)
    picked = pick(offline, 30)
    label(offline, picked)
    fill(offline, 60, version="v2")
    assert "--grades" in offline.refused("estimate", "--version", "v2", exit_code=3)
    graded = offline.write("g.jsonl", [{"sample_id": one, "correct": True} for one in picked])
    found = offline.json("estimate", "--version", "v2", "--grades", str(graded))
    assert found["estimate"]["value"] == pytest.approx(1.0)
    assert found["estimate"]["labels"] == 30


@pytest.mark.parametrize(
    "line", ['{"sample_id": "c0000"}', '{"sample_id": "c0000", "score": 2}', "[1]", "{"]
)
def test_a_grade_that_says_nothing_is_refused_with_its_line(offline: Loop, line: str) -> None:
    fill(offline, 20)
    label(offline, pick(offline, 5))
    path = offline.folder / "g.jsonl"
    path.write_text(f'{{"sample_id": "c0001", "correct": true}}\n{line}\n')
    assert "g.jsonl:2" in offline.refused("estimate", "--grades", str(path))


def test_labels_by_hand_are_kept_out_and_counted(offline: Loop) -> None:
    fill(offline, 60)
    picked = pick(offline, 20)
    label(offline, picked)
    before = offline.json("estimate")["estimate"]
    by_hand = [f"c{n:04}" for n in range(60) if f"c{n:04}" not in picked][:5]
    label(offline, by_hand)
    found = offline.json("estimate")
    assert found["by_hand"] == 5
    assert found["estimate"]["labels"] == before["labels"] == 20
    assert found["estimate"]["naive"] == before["naive"]


def test_missing_labels_are_warned_about_above_one_in_twenty(offline: Loop) -> None:
    fill(offline, 60)
    picked = pick(offline, 20)
    label(offline, picked[:19])
    assert offline.json("estimate")["notes"] == []
    with offline.store() as db, db.conn:
        db.execute("DELETE FROM consensus WHERE sample_id = ?", [picked[0]])
    found = offline.json("estimate")
    assert found["estimate"]["missing"] == 2
    assert any("2 of 20" in note for note in found["notes"])


def test_arrivals_after_the_last_round_are_counted(offline: Loop) -> None:
    fill(offline, 60)
    label(offline, pick(offline, 20))
    fill(offline, 15, first=60)
    found = offline.json("estimate")
    assert found["unseen"] == 15
    assert any("no chance" in note for note in found["notes"])


def test_the_field_and_its_answers_are_checked(offline: Loop) -> None:
    fill(offline, 20)
    label(offline, pick(offline, 5))
    assert "single choice" in offline.refused("estimate", "--field", "notes", exit_code=2)
    assert "none of them" in offline.refused("estimate", "--correct", "perfect", exit_code=2)


@pytest.mark.parametrize("command", [["estimate"], ["plan"], ["verify", "round"], ["select"]])
def test_every_command_shows_an_example(offline: Loop, command: list[str]) -> None:
    assert "Example: goldloop" in " ".join(offline.run(*command, "--help").stdout.split())


def test_json_is_json(offline: Loop) -> None:
    fill(offline, 20)
    label(offline, pick(offline, 5))
    for command in (["estimate"], ["plan"], ["verify", "round", "1"]):
        assert json.loads(offline.run(*command, "--json").stdout)


def test_the_numbers_come_from_what_people_answer_in_label_studio(loop: Loop) -> None:
    tasks = loop.pushed(6)
    skipped, wrong = "s-005", "s-000"
    for sample_id, task_id in tasks.items():
        for person in (0, 1):
            verdict = "incorrect" if sample_id == wrong else "correct"
            answers = {"correctness": verdict, "tool_use": "right"}
            if sample_id == skipped:
                loop.answer(person, task_id, {}, was_cancelled=True)
            else:
                loop.answer(person, task_id, answers)
    loop.run("pull")
    found = loop.json("estimate", "--by", "tag")
    assert found["outcomes"]["answered"] == 5
    assert found["outcomes"]["skipped"] == 1
    assert found["estimate"]["missing"] == 1
    assert found["estimate"]["naive"] == pytest.approx(4 / 5)
    assert any("1 skipped" in note for note in found["notes"])
    assert found["slices"]["orders"]["labels"] == 5
    made = loop.json("plan", "--compare", "10")
    assert (made["observed"], made["seconds"]) == (10, 9.5)
    assert made["compare_minutes"] == pytest.approx(made["compare_missing"] * 2 * 9.5 / 60)
