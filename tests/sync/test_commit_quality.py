"""commit: what of a version people stand behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from store.database import Store
from store.synthesis import KEPT, accept_batch, decide_candidate, judge_candidates
from tests.store.synthetic import stored_batch
from tests.sync.labelled import Labelled, labelled

AGREED = ("correct", "correct", "correct")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Labelled]:
    """Six samples of production, of which three people labelled two."""
    found = labelled(tmp_path, 6)
    with closing(found.db):
        for number in (0, 1):
            found.label(found.three(number, AGREED))
        yield found


def accepted(db: Store, count: int) -> None:
    """A batch in the pool, of which a person saw the first sample."""
    batch = stored_batch(db, count)
    judge_candidates(db, batch, [(index, 1, KEPT, None) for index in range(count)])
    decide_candidate(db, batch, "syn-0-1", good=True)
    accept_batch(db, batch)


def items_of(project: Labelled) -> dict[str, dict[str, Any]]:
    """The newest version as it is exported, by sample."""
    target = project.folder / "golden.jsonl"
    project.run("export", "-o", str(target), "--force")
    return {item["sample_id"]: item for item in map(json.loads, target.read_text().splitlines())}


def test_gold_leaves_out_what_nobody_labelled(project: Labelled) -> None:
    accepted(project.db, 3)
    project.run("commit")
    assert sorted(items_of(project)) == ["s0", "s1"]


def test_unverified_samples_come_in_marked_and_without_labels(project: Labelled) -> None:
    accepted(project.db, 3)
    project.run("commit", "--unverified")
    items = items_of(project)
    assert sorted(items) == ["s0", "s1", "syn-0-1", "syn-1-1", "syn-2-1"]
    seen, unseen = items["syn-0-1"], items["syn-1-1"]
    assert (unseen["evidence"]["state"], unseen["labels"]) == ("unverified", {})
    assert (unseen["verified_by"], unseen["selection_reason"]) == ([], None)
    assert (seen["evidence"]["state"], seen["verified_by"]) == ("spot_checked", ["spot_check"])
    assert items["s0"]["verified_by"] == ["annotators"]


def test_what_nobody_labelled_does_not_hide_gold_that_is_to_be_committed(
    project: Labelled,
) -> None:
    accepted(project.db, 3)
    project.run("commit", "--unverified")
    assert "goldloop commit" not in commands_of(project)
    project.label(project.three(2, AGREED))
    project.run("consensus")
    assert "goldloop commit" in commands_of(project)


def commands_of(project: Labelled) -> list[str]:
    """What status says to do next."""
    return [one["command"] for one in json.loads(project.run("status", "--json").stdout)["next"]]


def test_a_labelled_synthetic_sample_says_who_verified_it(project: Labelled) -> None:
    accepted(project.db, 2)
    for number, sample_id in ((2, "syn-0-1"), (3, "syn-1-1")):
        answers = [replace(one, sample_id=sample_id) for one in project.three(number, AGREED)]
        project.db.execute(
            "UPDATE tasks SET sample_id = ? WHERE task_id = ?", [sample_id, number + 1]
        )
        project.db.conn.commit()
        project.label(answers)
    project.run("commit")
    items = items_of(project)
    assert items["syn-0-1"]["source"] == "synthetic"
    assert items["syn-0-1"]["evidence"]["verified_by"] == ["annotators", "spot_check"]
    assert items["syn-1-1"]["evidence"]["verified_by"] == ["annotators"]
    assert "verified_by" not in items["s0"]["evidence"]


def test_the_manifest_counts_and_commit_warns_below_30_percent(project: Labelled) -> None:
    accepted(project.db, 5)
    done = project.run("commit", "--unverified", "--json")
    manifest = json.loads(done.stdout)
    warning = manifest["quality"].pop("warnings")[0]
    assert manifest["quality"] == {
        "items": 7,
        "human_labelled": 2,
        "spot_checked": 1,
        "synthetic": 5,
        "unverified": 4,
    }
    assert warning.startswith("only 2 of 7 items (29%) are labelled by annotators")
    assert warning in done.stderr


def test_commit_does_not_warn_from_30_percent_on(project: Labelled) -> None:
    accepted(project.db, 4)
    done = project.run("commit", "--unverified")
    assert "warning" not in done.stderr
    assert "2 labelled by annotators, 4 synthetic" in done.stdout


def test_a_project_with_nothing_but_synthetic_samples_is_told_how_to_take_them(
    tmp_path: Path,
) -> None:
    found = labelled(tmp_path, 1)
    with closing(found.db):
        accepted(found.db, 2)
        refused = found.run("commit", exit_code=1)
    assert "(2 accepted synthetic samples: --unverified)" in refused.stderr
