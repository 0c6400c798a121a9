"""A real Label Studio takes the tasks back, with the same labels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from goldloop.errors import VersionError
from label_config.interface import read_interface
from label_config.results import read_result
from sync.exports import label_studio
from tests.conftest import LabelStudio
from tests.sync.exports.golden import IDS, RECORD, Golden
from tests.sync.test_own_interface import ANSWERS, EVERY_KIND

INTERFACE = read_interface(EVERY_KIND)


@pytest.fixture
def api(label_studio: LabelStudio) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Token {label_studio.admin.token}"}
    with httpx.Client(base_url=label_studio.url, headers=headers, timeout=60) as client:
        yield client


def imported(api: httpx.Client, path: Path) -> list[dict[str, Any]]:
    """The tasks that a new project has after the file was imported."""
    made = api.post("/api/projects/", json={"title": "Again", "label_config": EVERY_KIND})
    project = made.raise_for_status().json()["id"]
    try:
        with path.open("rb") as file:
            sent = api.post(f"/api/projects/{project}/import", files={"file": (path.name, file)})
        assert sent.raise_for_status().json()["task_count"] == len(IDS)
        tasks = api.get("/api/tasks/", params={"project": project, "fields": "all"})
        return tasks.raise_for_status().json()["tasks"]
    finally:
        api.delete(f"/api/projects/{project}/").raise_for_status()


@pytest.mark.labelstudio
@pytest.mark.parametrize(
    ("form", "key"), [("label_studio", "annotations"), ("label_studio_predictions", "predictions")]
)
def test_tasks_come_back_with_their_labels(
    golden: Golden, api: httpx.Client, tmp_path: Path, form: str, key: str
) -> None:
    golden.export(form, tmp_path / "out.json")
    tasks = {task["data"]["sample_id"]: task for task in imported(api, tmp_path / "out.json")}
    assert sorted(tasks) == IDS
    for sample_id, task in tasks.items():
        [given] = task[key]
        assert read_result(INTERFACE, given["result"]) == (ANSWERS, ())
        assert task["data"]["user_input"] == RECORD[sample_id]["user_input"]
        assert len(task["annotations"]) + len(task["predictions"]) == 1
        known = json.loads(task["meta"]["goldloop"])
        assert known["labels_fingerprint"] == golden.manifest["fingerprints"]["labels"]
        assert known["slices"] == label_slices(sample_id)
        assert known["weight"] == (golden.items[sample_id]["selection"] or {}).get("weight")


def label_slices(sample_id: str) -> list[str]:
    record = RECORD[sample_id]
    hard = [f"difficulty:{record['difficulty']}"] if "difficulty" in record else []
    return hard + [f"tag:{tag}" for tag in sorted(record["tags"])]


def test_gold_is_marked_as_the_ground_truth_and_has_no_task_id(
    golden: Golden, tmp_path: Path
) -> None:
    golden.export("label_studio", tmp_path / "out.json")
    tasks = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert all(task["annotations"][0]["ground_truth"] for task in tasks)
    assert not [task for task in tasks if "id" in task or "id" in task["annotations"][0]]


def test_an_item_without_labels_is_a_task_without_annotations(
    golden: Golden, tmp_path: Path
) -> None:
    item = {**golden.items["plain"], "labels": {}}
    label_studio.FORMAT.write(golden.edition(item), tmp_path / "out.json")
    [task] = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert task["data"]["sample_id"] == "plain"
    assert "annotations" not in task


def test_a_label_that_the_interface_refuses_is_named_with_its_sample(
    golden: Golden, tmp_path: Path
) -> None:
    item = {**golden.items["plain"], "labels": {"verdict": "odd"}}
    with pytest.raises(VersionError, match=r"sample plain: .*verdict"):
        label_studio.FORMAT.write(golden.edition(item), tmp_path / "out.json")


@pytest.mark.parametrize(("mean", "stars"), [(4.66559, 5), (2.5, 3), (7.2, 7), (3, 3)])
def test_a_mean_rating_is_shown_as_the_nearest_stars_and_stays_among_the_facts(
    golden: Golden, tmp_path: Path, mean: float, stars: int
) -> None:
    item = {**golden.items["plain"], "labels": {"stars": mean}}
    label_studio.FORMAT.write(golden.edition(item), tmp_path / "out.json")
    [task] = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert read_result(INTERFACE, task["annotations"][0]["result"]) == ({"stars": stars}, ())
    assert json.loads(task["meta"]["goldloop"])["labels"] == {"stars": mean}
