"""A dataset version is there whole or not at all, whatever happens to commit or to its files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256

import numpy as np
import pytest

from label_config.interface import builtin_interface
from label_config.results import write_result
from store.annotations import RawAnnotation, store_task_annotations
from store.database import transaction
from store.tasks import ReviewProject, mark_delivered, plan_tasks, save_review_project
from tests.sync.dying import dies, start
from tests.sync.loop import VERDICT
from views.verify_version import verify_version
from views.version_folder import checked_items

# Seconds within which a command is killed: about what it takes, so that most die at their work.
KILLS, LONGEST = 20, 0.12
WRITING = "sync.version_writing"
POINTS = {
    "before the folder is made": ("before", "sync.drafts", "tempfile.mkdtemp", 1),
    "in an empty folder": ("after", "sync.drafts", "tempfile.mkdtemp", 1),
    "among the items": ("before", WRITING, "_line", 2),
    "after the items": ("after", WRITING, "_Hashed.finish", 2),
    "after the interface": ("after", WRITING, "Draft.write", 1),
    "after the card": ("after", WRITING, "Draft.write", 2),
    "before the manifest": ("before", WRITING, "Draft.finish", 1),
    "before the rename": ("before", WRITING, "_rename", 1),
    "after the rename": ("after", WRITING, "_rename", 1),
}


@pytest.fixture
def labelled(offline):
    """A project with three samples that two people agree on, as a pull would have left it."""
    offline.fill(3)
    offline.run("select", "--batch-size", "3")
    interface = builtin_interface()
    ids = {f"s-{number:03}": number + 1 for number in range(3)}
    with offline.store() as db, transaction(db):
        save_review_project(db, ReviewProject(1, "http://127.0.0.1:9", "Test", interface.xml))
        plan_tasks(db, 1, 1, list(ids), 100)
        mark_delivered(db, 1, ids)
        for sample_id, task in ids.items():
            given = [
                annotation(10 * task + person, task, sample_id, person, VERDICT)
                for person in (1, 2)
            ]
            store_task_annotations(db, {(1, task): given})
    return offline


def annotation(number, task, sample_id, person, answers, updated_at="2026-01-01T00:00:00.000000Z"):
    return RawAnnotation(
        annotation_id=number,
        project_id=1,
        task_id=task,
        sample_id=sample_id,
        annotator_id=person,
        updated_by=person,
        result=write_result(builtin_interface(), answers),
        was_cancelled=False,
        ground_truth=False,
        lead_time=1.0,
        created_at="2026-01-01T00:00:00.000000Z",
        updated_at=updated_at,
    )


def relabel(loop, turn=0):
    """Both people change their mind about the first sample; in odd turns back again."""
    wrong = {**VERDICT, "correctness": ("incorrect", "correct")[turn % 2]}
    later = f"2026-01-02T00:00:00.{turn:06}Z"
    with loop.store() as db, transaction(db):
        given = [annotation(10 + person, 1, "s-000", person, wrong, later) for person in (1, 2)]
        store_task_annotations(db, {(1, 1): given})


def versions(loop):
    return [one["version"] for one in loop.json("versions")]


class TestCommitIsKilled:
    @pytest.mark.parametrize("point", POINTS.values(), ids=POINTS.keys())
    def test_and_the_version_is_whole_or_not_there(self, labelled, point):
        dies(labelled.folder, ("commit",), point)
        root = labelled.folder / "versions"
        there = versions(labelled)
        assert there == (["1.0.0"] if point[2] == "_rename" and point[0] == "after" else [])
        for version in there:
            assert len(list(checked_items(root, "golden", version))) == 3
        if not there:
            assert labelled.json("commit")["version"] == "1.0.0"
        assert len(list(checked_items(root, "golden", "1.0.0"))) == 3
        assert "nothing changed" in labelled.refused("commit", exit_code=3)


def kill_at_any_moment(loop, arguments, chance, longest):
    """Run a command and kill it within so many seconds; whether it had come to its end before."""
    process = start(loop.folder, arguments)
    process.join(chance.uniform(0, longest))
    process.kill()
    process.join(30)
    return process.exitcode == 0


def all_fit(loop):
    """The versions that are there, each of which is whole."""
    there = versions(loop)
    for version in there:
        found = verify_version(loop.folder / "versions" / "golden" / version, "golden", version)
        assert found.fits, found.misfits
    return there


@pytest.mark.slow
class TestKilledAtAnyMoment:
    """Twenty times here; a hundred gave nothing else."""

    def test_a_commit_leaves_its_whole_version_or_none(self, labelled):
        chance, before = np.random.default_rng(8), []
        for number in range(KILLS):
            ended = kill_at_any_moment(labelled, ("commit",), chance, LONGEST)
            there = all_fit(labelled)
            assert len(there) - len(before) in ((1,) if ended else (0, 1))
            if len(there) > len(before):
                relabel(labelled, number)
            before = there
        labelled.json("commit") if not ended else relabel(labelled, KILLS)
        assert all_fit(labelled)

    def test_an_export_leaves_its_whole_file_or_none(self, labelled):
        labelled.run("commit")
        whole, target = labelled.folder / "whole.jsonl", labelled.folder / "target.jsonl"
        labelled.run("export", "-o", str(whole))
        chance = np.random.default_rng(9)
        for _ in range(KILLS):
            target.unlink(missing_ok=True)
            kill_at_any_moment(labelled, ("export", "-o", str(target)), chance, LONGEST)
            assert not target.exists() or target.read_bytes() == whole.read_bytes()
        labelled.run("export", "-o", str(target), "--force")


class TestFullDisk:
    @pytest.fixture
    def small_disk(self, labelled) -> Iterator[None]:
        """A file system of 40 KB where the versions are to be."""
        folder = labelled.folder / "versions"
        folder.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", folder], capture_output=True
        )
        if mounted.returncode:
            pytest.skip("may not mount a small file system here")
        yield
        subprocess.run(["umount", "-l", folder], check=False)

    def test_it_commits_nothing_and_says_so_in_one_line(self, labelled, small_disk):
        said = labelled.refused("commit")
        assert "No space left on device; nothing was committed" in said
        root = labelled.folder / "versions"
        assert versions(labelled) == []
        assert list(root.iterdir()) == []
        subprocess.run(["umount", "-l", root], check=True)
        assert labelled.json("commit")["version"] == "1.0.0"
        assert all_fit(labelled) == ["1.0.0"]


class TestDraftsOfTheDead:
    def test_are_removed_by_a_later_commit_once_nobody_writes_them(self, labelled):
        dies(labelled.folder, ("commit",), POINTS["after the card"])
        [left] = (labelled.folder / "versions" / "golden").glob(".commit-*")
        labelled.run("commit")
        assert left.exists(), "it may be a moment old only"
        os.utime(left, (0, 0))
        relabel(labelled)
        labelled.run("commit")
        assert not left.exists()


class TestTwoCommitsAtOnce:
    def test_of_different_numbers_one_wins_too(self, labelled):
        """The slow one would be 2.0.0 and the quick one 1.0.1; both have the parent 1.0.0."""
        labelled.run("commit")
        relabel(labelled)
        slow = start(
            labelled.folder, ("commit",), constants=[(WRITING, "sync_to_disk", _wait_for_another)]
        )
        folder = labelled.folder / "versions" / "golden"
        _until(lambda: list(folder.glob(".commit-*/manifest.json")))
        (folder / "1.0.1").mkdir()
        slow.join(30)
        assert slow.exitcode == 1
        assert "another commit was faster" in (labelled.folder / "dying.log").read_text()
        assert not (folder / "2.0.0").exists()

    def test_one_wins_and_the_other_says_so(self, labelled):
        slow = start(
            labelled.folder,
            ("commit",),
            constants=[(WRITING, "sync_to_disk", _wait_for_a_rival)],
        )
        quick_folder = labelled.folder / "versions" / "golden"
        _until(lambda: list(quick_folder.glob(".commit-*/manifest.json")))
        assert labelled.json("commit")["version"] == "1.0.0"
        slow.join(30)
        assert slow.exitcode == 1
        assert "another commit was faster" in (labelled.folder / "dying.log").read_text()
        assert versions(labelled) == ["1.0.0"]
        assert [entry.name for entry in quick_folder.iterdir()] == ["1.0.0"]
        assert len(list(checked_items(labelled.folder / "versions", "golden", "1.0.0"))) == 3


def _wait_for_a_rival(folder):
    if folder.name.startswith("."):
        _until(lambda: (folder.parent / "1.0.0").exists())


def _wait_for_another(folder):
    if folder.name.startswith("."):
        _until(lambda: (folder.parent / "1.0.1").exists())


def _until(happened, seconds=20):
    import time

    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


class TestTampering:
    @pytest.fixture
    def committed(self, labelled):
        labelled.run("commit")
        return labelled, labelled.folder / "versions" / "golden" / "1.0.0"

    def refusal(self, loop):
        target = loop.folder / "out.jsonl"
        message = loop.refused("export", "golden@1.0.0", "-o", str(target))
        assert not target.exists()
        return message

    def test_with_an_item_is_refused_and_the_file_named(self, committed):
        loop, folder = committed
        data = folder / "data.jsonl"
        data.write_text(data.read_text().replace('"correct"', '"incorrect"', 1))
        assert f"{data} is not as it was committed" in self.refusal(loop)
        assert "data.jsonl" in loop.refused("commit")

    @pytest.mark.parametrize("name", ["data.jsonl", "interface.xml"])
    def test_a_file_that_is_missing_is_named(self, committed, name):
        loop, folder = committed
        (folder / name).unlink()
        assert str(folder / name) in self.refusal(loop)

    def test_with_the_items_and_their_hash_is_refused(self, committed):
        loop, folder = committed
        data, manifest = folder / "data.jsonl", folder / "manifest.json"
        data.write_text(data.read_text().replace('"correct"', '"incorrect"', 1))
        said = json.loads(manifest.read_text())
        said["files"]["data.jsonl"]["sha256"] = sha256(data.read_bytes()).hexdigest()
        manifest.write_text(json.dumps(said))
        assert f"{manifest} is not as it was committed" in self.refusal(loop)

    @pytest.mark.parametrize(
        "change",
        [
            {"fingerprints": {"content": "0" * 64, "labels": "0" * 64}},
            {"fingerprints": None},
            {"fingerprints": {"content": "0" * 64}},
            {"files": {}},
            {"files": {"data.jsonl": "0", "interface.xml": "0", "../../../goldloop.db": "0"}},
            {"files": {"../goldloop.db": {"sha256": "0" * 64, "bytes": 1}}},
            {"message": "another"},
            {"author": "somebody else"},
            {"manifest_sha256": "0" * 64},
            {"layout": 1},
            {"version": "1.0.1"},
            {"dataset": "silver"},
            {"items": 2},
        ],
        ids=lambda change: "-".join(f"{key} {value}"[:40] for key, value in change.items()),
    )
    def test_with_the_manifest_is_refused_and_it_is_named(self, committed, change):
        loop, folder = committed
        manifest = folder / "manifest.json"
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}))
        assert str(manifest) in self.refusal(loop)

    @pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"files": {}}', "\ufeff{}"])
    def test_a_manifest_that_is_none_is_named_by_every_command(self, committed, text):
        loop, folder = committed
        (folder / "manifest.json").write_text(text)
        assert str(folder / "manifest.json") in self.refusal(loop)
        assert "manifest.json" in loop.refused("versions")
        assert "manifest.json" in loop.refused("commit")

    def test_a_version_that_was_copied_under_another_number_is_refused(self, committed):
        loop, folder = committed
        shutil.copytree(folder, folder.with_name("1.1.0"))
        assert "manifest.json" in loop.refused("export", "golden@1.1.0", "-o", "never.jsonl")


class TestExport:
    def test_names_the_licence_that_was_set_after_the_commit_and_never_another(
        self, labelled, monkeypatch
    ):
        labelled.run("commit")
        for number, licence in enumerate(("MIT", "CC0-1.0")):
            monkeypatch.setenv("GOLDLOOP_DATASET_LICENSE", licence)
            target = labelled.folder / f"set-{number}"
            labelled.run("export", "golden@1.0.0", "--format", "huggingface", "-o", str(target))
            assert f'license: "{licence.lower()}"' in (target / "README.md").read_text()
        relabel(labelled)
        labelled.run("commit")
        monkeypatch.setenv("GOLDLOOP_DATASET_LICENSE", "MIT")
        target = labelled.folder / "set"
        labelled.run("export", "--format", "huggingface", "-o", str(target))
        assert 'license: "cc0-1.0"' in (target / "README.md").read_text()

    def test_leaves_a_file_that_exists_alone(self, labelled):
        labelled.run("commit")
        target = labelled.folder / "mine.txt"
        target.write_text("mine")
        assert "--force" in labelled.refused("export", "-o", str(target))
        assert target.read_text() == "mine"
        labelled.run("export", "-o", str(target), "--force")
        assert len(target.read_text().splitlines()) == 3

    def test_gives_an_older_version_as_it_was(self, labelled):
        labelled.run("commit")
        first = labelled.folder / "first.jsonl"
        labelled.run("export", "golden@1.0.0", "-o", str(first))
        relabel(labelled)
        labelled.run("commit")
        assert versions(labelled) == ["1.0.0", "2.0.0"]
        again = labelled.folder / "again.jsonl"
        labelled.run("export", "golden@1.0.0", "-o", str(again))
        assert again.read_bytes() == first.read_bytes()

    @pytest.mark.parametrize("reference", ["golden@9.9.9", "golden@latest", "../x@1.0.0", "silver"])
    def test_of_what_is_not_there_says_so(self, labelled, reference):
        labelled.run("commit")
        labelled.refused("export", reference, "-o", str(labelled.folder / "never.jsonl"))
