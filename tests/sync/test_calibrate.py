from __future__ import annotations

import json
from pathlib import Path

import pytest

from store.tasks import ReviewProject, mark_delivered, plan_tasks, save_review_project
from sync.calibrate import calibrate
from sync.refresh_scores import refresh_due, refresh_scores
from tests.sync.calibrated import WORDS, is_right, label_in_store, say
from tests.sync.loop import Loop

COUNT = 150


def test_enough_labels_make_a_calibrator_that_is_reported(offline: Loop) -> None:
    label_in_store(offline, COUNT, 80)
    done = offline.json("calibrate")
    (one,) = done["outcomes"]
    assert (one["state"], one["kind"], one["labels"]) == ("fitted", "platt", 80)
    assert one["correct"] == sum(is_right(int(i[2:]), COUNT) for i in _labelled(offline))
    before, after = one["report"]["before"], one["report"]["after"]
    assert after["brier"] < before["brier"]
    assert before["auroc_low"] < before["auroc"] < before["auroc_high"]
    assert after["ece_null"] > 0
    assert (done["agent_version"], done["model_version"]) == ("agent-1", "agent-1+calibrated.1")


def test_the_table_shows_the_calibration_error_beside_its_null_value(offline: Loop) -> None:
    label_in_store(offline, COUNT, 80)
    shown = offline.run("calibrate").stdout
    assert "platt (new)" in shown
    assert "if perfect)" in shown


def test_fitting_again_on_the_same_data_makes_no_new_calibrator(offline: Loop) -> None:
    label_in_store(offline, COUNT, 80)
    first, second = offline.json("calibrate"), offline.json("calibrate")
    assert second["outcomes"][0]["state"] == "unchanged"
    assert second["model_version"] == first["model_version"]
    assert second["outcomes"][0]["report"] == first["outcomes"][0]["report"]
    assert offline.rows("SELECT count(*) FROM calibrators") == [(1,)]


def test_a_changed_label_makes_a_new_calibrator_and_the_old_one_is_kept(offline: Loop) -> None:
    ids = label_in_store(offline, COUNT, 80)
    offline.run("calibrate")
    say(offline, {ids[0]: WORDS[not is_right(int(ids[0][2:]), COUNT)]})
    assert offline.json("calibrate")["model_version"] == "agent-1+calibrated.2"
    assert offline.rows("SELECT number FROM calibrators ORDER BY 1") == [(1,), (2,)]


def test_too_few_labels_end_with_3_and_say_what_is_missing(offline: Loop) -> None:
    label_in_store(offline, COUNT, 49)
    done = offline.run("calibrate", exit_code=3)
    assert "too few to learn from: 49 of 50 labels" in done.stderr
    machine = offline.json("calibrate", exit_code=3)
    assert machine["outcomes"][0]["missing"] == 1
    assert machine["model_version"] == "agent-1"
    assert offline.rows("SELECT count(*) FROM calibrators") == [(0,)]


def test_nothing_labelled_ends_with_3_and_says_where_to_start(offline: Loop) -> None:
    offline.fill(3)
    assert "goldloop push" in offline.run("calibrate", exit_code=3).stderr


def test_a_score_that_tells_nothing_is_refused_and_the_older_calibrator_stays(
    offline: Loop,
) -> None:
    ids = label_in_store(offline, COUNT, 80)
    offline.run("calibrate")
    say(offline, {one: WORDS[int(one[2:]) < COUNT // 4] for one in ids})
    done = offline.run("calibrate")
    assert "carries no information" in done.stderr
    assert "the calibrator that was fitted before stays in use" in done.stderr
    assert "the one from before" in done.stdout


def test_a_dry_run_shows_everything_and_keeps_nothing(offline: Loop) -> None:
    label_in_store(offline, COUNT, 80)
    assert "platt (new)" in offline.run("calibrate", "--dry-run").stdout
    assert offline.rows("SELECT count(*) FROM calibrators") == [(0,)]
    assert offline.json("calibrate", "--dry-run")["outcomes"][0]["state"] == "fitted"


def test_the_report_does_not_depend_on_the_order_of_arrival(offline: Loop, tmp_path: Path) -> None:
    label_in_store(offline, COUNT, 80)
    first = offline.json("calibrate", "--dry-run")
    with offline.store() as db, db.conn:
        db.execute("CREATE TABLE turned AS SELECT * FROM field_consensus ORDER BY sample_id DESC")
        db.execute("DELETE FROM field_consensus")
        db.execute("INSERT INTO field_consensus SELECT * FROM turned")
    assert offline.json("calibrate", "--dry-run") == first


def test_labels_of_every_version_teach_that_version_alone(offline: Loop) -> None:
    label_in_store(offline, COUNT, 80)
    offline.run("calibrate")
    offline.configure("agent", version="agent-2")
    done = offline.json("calibrate", exit_code=3)
    assert done["model_version"] == "agent-2"
    assert [(one["agent_version"], one["state"]) for one in done["outcomes"]] == [
        ("agent-1", "unchanged")
    ]


# What is wrong is said


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"field": "verdict"}, "field = 'verdict' must be a single choice"),
        ({"field": "failure_modes"}, "must be a single choice"),
        ({"correct": ["right"]}, "'right' is none of them"),
        ({"correct": []}, "some, and not all, must mean right"),
        (
            {"correct": ["correct", "partially_correct", "incorrect"]},
            "some, and not all, must mean right",
        ),
    ],
)
def test_settings_that_do_not_fit_the_interface_are_refused(
    offline: Loop, settings: dict[str, object], says: str
) -> None:
    label_in_store(offline, COUNT, 80)
    offline.configure("calibration", **settings)
    refused = offline.refused("calibrate", exit_code=2)
    assert "goldloop.toml: [calibration]" in refused
    assert says in refused
    assert offline.rows("SELECT count(*) FROM calibrators") == [(0,)]


def test_a_question_that_is_not_voted_on_is_refused(offline: Loop) -> None:
    offline.configure("consensus", unvoted=["correctness"])
    assert "is not voted on" in offline.refused("calibrate", exit_code=2)


def test_which_answers_are_right_is_a_setting(offline: Loop) -> None:
    ids = label_in_store(offline, COUNT, 80)
    say(offline, dict.fromkeys(ids[:20], "partially_correct"))
    strict = offline.json("calibrate", "--dry-run")["outcomes"][0]["correct"]
    offline.configure("calibration", correct=["correct", "partially_correct"])
    assert offline.json("calibrate", "--dry-run")["outcomes"][0]["correct"] == strict + 20


def test_labels_of_the_uncertain_alone_are_told_to_be_so(offline: Loop) -> None:
    offline.configure("selection", uncertain_share=1.0)
    label_in_store(offline, COUNT, 80)
    (one,) = offline.json("calibrate")["outcomes"]
    assert "70 runs that were not sure to be picked" in one["notes"][0]


def test_what_was_fitted_is_kept_and_shown_when_label_studio_is_away(offline: Loop) -> None:
    ids = label_in_store(offline, COUNT, 80)
    with offline.store() as db:
        xml = offline.project.interface().xml
        save_review_project(db, ReviewProject(1, offline.server.url, "Review", xml))
        plan_tasks(db, 1, 1, ids, 1000)
        mark_delivered(db, 1, {one: number for number, one in enumerate(ids)})
    done = offline.run("calibrate", exit_code=1)
    assert "platt (new)" in done.stdout
    assert "is it running" in done.stderr
    assert "Traceback" not in done.stderr
    assert offline.rows("SELECT count(*) FROM calibrators") == [(1,)]
    with offline.store() as db:
        assert refresh_due(offline.project, db)


def test_before_the_first_push_there_is_nothing_to_refresh(offline: Loop) -> None:
    label_in_store(offline, COUNT, 80)
    offline.run("calibrate")
    with offline.store() as db, offline.project.client() as client:
        assert not refresh_due(offline.project, db)
        assert refresh_scores(offline.project, db, client) is None
        assert calibrate(offline.project, db, client).refreshed is None


def test_plots_are_written_for_what_was_calibrated(offline: Loop, tmp_path: Path) -> None:
    label_in_store(offline, COUNT, 80)
    folder = tmp_path / "plots" / "of today"
    done = offline.json("calibrate", "--plot", str(folder))
    assert [Path(one).name for one in done["plots"]] == [
        "reliability-agent-1-recorded.png",
        "reliability-agent-1-recorded.svg",
    ]
    assert {str(path) for path in folder.iterdir()} == set(done["plots"])


def test_a_folder_for_plots_that_cannot_be_made_is_refused(offline: Loop, tmp_path: Path) -> None:
    label_in_store(offline, COUNT, 80)
    (tmp_path / "file").write_text("")
    assert "cannot be written" in offline.refused("calibrate", "--plot", str(tmp_path / "file/x"))


def _labelled(loop: Loop) -> list[str]:
    return [row[0] for row in loop.rows("SELECT sample_id FROM field_consensus")]


def test_selecting_says_that_methods_were_compared_by_rank(offline: Loop) -> None:
    lines = [
        {
            "sample_id": f"m-{number}",
            "user_input": "question",
            "run": {
                "agent_version": "agent-1",
                "response": "answer",
                "confidence": number / 10,
                "confidence_method": "ab"[number % 2],
            },
        }
        for number in range(6)
    ]
    offline.run("import", str(offline.write("mixed.jsonl", lines)))
    done = offline.run("select", "--batch-size", "2")
    assert "compared by their rank among the runs by the same method" in done.stderr
    ((settings,),) = offline.rows("SELECT settings FROM rounds")
    assert json.loads(settings)["compared_by"] == "mid_rank"
