"""Versions that older Goldloops wrote stay readable: 1.0.0 is of layout 1, 2.0.0 of layout 2."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.labelled import Labelled, labelled
from views.version_folder import checked_items, read_manifest

WRITTEN = Path(__file__).with_name("fixtures") / "versions"
CONTENT = {
    "1.0.0": "b25fb94b3d9ae6ba1decfbc63e3787b3bd6cc87be10ef32d6c2c40ffa531858b",
    "2.0.0": "4cd372d8cdcd946b8f7490f6eca4dcf3b17b6828aafcfa49f192e242479aa542",
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Labelled]:
    """A project that has taken over the old versions."""
    made = labelled(tmp_path / "project", 12)
    shutil.copytree(WRITTEN, made.folder / "versions")
    yield made
    made.db.close()


@pytest.mark.parametrize("version", CONTENT)
def test_they_are_verified(project: Labelled, version: str) -> None:
    found = json.loads(project.run("verify", f"golden@{version}", "--json").stdout)
    assert (found["fits"], found["content"]) == (True, CONTENT[version])
    assert found["unknown_files"] == []


@pytest.mark.parametrize(("version", "count"), [("1.0.0", 8), ("2.0.0", 10)])
def test_they_are_read(version: str, count: int) -> None:
    items = list(checked_items(WRITTEN, "golden", version))
    assert items == list(checked_items(WRITTEN, "golden", version))
    assert len(items) == read_manifest(WRITTEN, "golden", version)["items"] == count


def test_the_parent_of_an_older_layout_is_still_recognised(project: Labelled) -> None:
    found = json.loads(project.run("verify", "golden", "--json").stdout)
    assert "the parent 1.0.0" in found["checked"]
    manifest = project.folder / "versions" / "golden" / "1.0.0" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("first golden", "last golden"))
    found = json.loads(project.run("verify", "golden", "--json", exit_code=1).stdout)
    assert "1.0.0 is no longer the version" in found["misfits"][0]["problem"]


def test_they_are_compared(project: Labelled) -> None:
    found = json.loads(project.run("diff", "1.0.0", "2.0.0", "--json").stdout)
    assert [one["sample_id"] for one in found["added"]] == ["s8", "s9"]
    [moved] = [one for one in found["changed"] if one["relabelled"]]
    assert moved["sample_id"] == "s1"


def test_they_are_listed_and_exported(project: Labelled) -> None:
    assert len(json.loads(project.run("versions", "--json").stdout)) == 2
    target = project.folder / "old.jsonl"
    project.run("export", "golden@1.0.0", "-o", str(target))
    assert len(target.read_text().splitlines()) == 8


def test_they_are_the_parents_of_new_ones(project: Labelled) -> None:
    project.label(one for n in range(10) for one in project.three(n, ("correct", "correct")))
    project.run("commit")
    made = read_manifest(project.folder / "versions", "golden", "3.0.0")
    assert made["parent"] == "2.0.0"
    assert made["changes"]["relabelled"] == {"s1": ["correctness"]}


def test_an_item_of_layout_1_that_changed_is_refused(project: Labelled) -> None:
    data = project.folder / "versions" / "golden" / "1.0.0" / "data.jsonl"
    data.write_text(data.read_text().replace('"3?"', '"4?"'))
    assert "data.jsonl" in project.run("diff", "1.0.0", "2.0.0", exit_code=1).stderr
    found = json.loads(project.run("verify", "golden@1.0.0", "--json", exit_code=1).stdout)
    assert {one["file"] for one in found["misfits"]} == {"data.jsonl", "manifest.json"}
