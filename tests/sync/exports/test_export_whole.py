"""An export is there whole or not at all, and replaces nothing but an export."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sync.export import Kept
from sync.exports import FORMATS
from sync.exports.whole import MARK, whole_file
from tests.sync.dying import Point, dies, start
from tests.sync.exports.golden import IDS, RECORD, Golden

FOLDERS = [name for name, form in FORMATS.items() if form.folder]


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_the_help_says_of_every_format_what_it_is(golden: Golden) -> None:
    lines = golden.run("export", "--help").stdout.splitlines()
    shown = {line.split()[0] for line in lines if len(line.split()) > 2}
    assert shown >= set(FORMATS)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_the_same_to_the_byte_each_time(
    golden: Golden, tmp_path: Path, form: str
) -> None:
    golden.export(form, tmp_path / "one")
    golden.export(form, tmp_path / "two")
    assert content(tmp_path / "one") == content(tmp_path / "two")


@pytest.mark.parametrize("form", ["jsonl", "parquet", "label_studio", "huggingface", "croissant"])
class TestAnExport:
    def test_leaves_what_exists_alone(self, golden: Golden, tmp_path: Path, form: str) -> None:
        golden.export(form, tmp_path / "out")
        before = content(tmp_path / "out")
        assert "--force" in golden.refused(form, tmp_path / "out")
        assert "--force" in golden.refused(form, tmp_path / "out", "--only-labelled")
        assert content(tmp_path / "out") == before
        assert names(tmp_path) == ["out"]

    def test_replaces_its_own_export_when_told_to(
        self, golden: Golden, tmp_path: Path, form: str
    ) -> None:
        golden.export(form, tmp_path / "out", "--tag", "orders")
        smaller = content(tmp_path / "out")
        golden.export(form, tmp_path / "out", "--force")
        assert content(tmp_path / "out") != smaller
        assert names(tmp_path) == ["out"]

    def test_a_version_that_is_not_as_it_was_leaves_nothing(
        self, golden: Golden, tmp_path: Path, form: str
    ) -> None:
        shutil.copytree(golden.folder, tmp_path / "copy")
        broken = Golden(tmp_path / "copy")
        data = broken.version / "data.jsonl"
        data.write_text(data.read_text().replace("It leaves", "It left"))
        assert "data.jsonl" in broken.refused(form, tmp_path / "out" / "here")
        assert names(tmp_path) == ["copy"] or names(tmp_path / "out") == []

    def test_that_finds_no_item_says_so_and_leaves_nothing(
        self, golden: Golden, tmp_path: Path, form: str
    ) -> None:
        assert "--tag" in golden.refused(form, tmp_path / "out", "--tag", "no such tag")
        assert names(tmp_path) == []

    def test_names_its_output_after_the_version_and_the_format(
        self, golden: Golden, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        golden.run("export", "--format", form)
        assert names(tmp_path) == [f"golden-1.0.0{FORMATS[form].ending}"]


def content(path: Path) -> dict[str, bytes]:
    """Every file at a path."""
    if path.is_file():
        return {"": path.read_bytes()}
    files = (file for file in path.rglob("*") if file.is_file())
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


def test_no_two_formats_share_a_default_name() -> None:
    assert len({form.ending for form in FORMATS.values()}) == len(FORMATS)


KILLED: dict[str, tuple[str, Point]] = {
    "in the middle of a file": ("jsonl", ("during", "sync.exports.jsonl", "selected", 4)),
    "before a file is in its place": ("csv", ("before", "sync.exports.whole", "sync_to_disk", 1)),
    "before a folder is made": ("croissant", ("before", "sync.exports.croissant", "write_json", 1)),
    "before a folder is marked": ("huggingface", ("before", "sync.exports.whole", "write_json", 1)),
    "before a folder is in its place": ("croissant", ("before", "sync.exports.whole", "_put", 1)),
}


@pytest.mark.parametrize(("form", "point"), KILLED.values(), ids=KILLED.keys())
def test_killed_it_leaves_nothing_where_the_export_goes(
    golden: Golden, tmp_path: Path, form: str, point: Point
) -> None:
    target = tmp_path / "out"
    dies(golden.folder, ("export", "--format", form, "-o", str(target)), point)
    assert not os.path.lexists(target)
    [left] = names(tmp_path)
    os.utime(tmp_path / left, (0, 0))
    golden.export(form, target)
    assert names(tmp_path) == ["out"]


def test_killed_while_it_replaces_a_file_it_leaves_the_old_one(
    golden: Golden, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    golden.export("jsonl", target, "--tag", "orders")
    before = target.read_bytes()
    again = ("export", "--format", "jsonl", "-o", str(target), "--force")
    dies(golden.folder, again, ("before", "sync.exports.whole", "sync_to_disk", 1))
    assert target.read_bytes() == before


# python -m bench killed does it a hundred times.
KILLS = 20


@pytest.mark.parametrize("form", ["label_studio", "huggingface"])
def test_killed_at_any_moment_the_export_is_whole_or_not_there(
    golden: Golden, tmp_path: Path, form: str
) -> None:
    golden.export(form, tmp_path / "whole")
    whole = content(tmp_path / "whole")
    began = time.monotonic()
    start(golden.folder, ("export", "--format", form, "-o", str(tmp_path / "timed"))).join(60)
    seconds = time.monotonic() - began
    assert content(tmp_path / "timed") == whole
    for number in range(KILLS):
        target = tmp_path / f"killed-{number}"
        process = start(golden.folder, ("export", "--format", form, "-o", str(target)))
        process.join(seconds * (number + 0.5) / KILLS)
        process.kill()
        process.join(60)
        assert not os.path.lexists(target) or content(target) == whole


def test_what_another_export_is_writing_is_left_alone(golden: Golden, tmp_path: Path) -> None:
    with whole_file(tmp_path / "theirs", force=False) as file:
        file.write_text("theirs")
        os.utime(file.parent, (0, 0))
        golden.export("jsonl", tmp_path / "ours")
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert names(tmp_path) == ["ours", "theirs"]


class TestFolders:
    @pytest.mark.parametrize("form", FOLDERS)
    def test_say_what_they_are_and_which_files_they_hold(
        self, golden: Golden, tmp_path: Path, form: str
    ) -> None:
        golden.export(form, tmp_path / "out")
        mark = json.loads((tmp_path / "out" / MARK).read_text())
        assert mark["format"] == form
        assert mark["content_fingerprint"] == golden.manifest["fingerprints"]["content"]
        assert sorted([*mark["files"], MARK]) == sorted(content(tmp_path / "out"))

    @pytest.mark.parametrize("add", ["mine.txt", "data/mine.txt", "empty/"])
    def test_with_something_else_in_them_are_never_replaced(
        self, golden: Golden, tmp_path: Path, add: str
    ) -> None:
        golden.export("huggingface", tmp_path / "out")
        added = tmp_path / "out" / add
        if add.endswith("/"):
            added.mkdir()
        else:
            added.write_text("mine")
        assert "holds more than an export" in golden.refused(
            "huggingface", tmp_path / "out", "--force"
        )
        assert added.exists()

    @pytest.mark.parametrize("form", ["jsonl", "huggingface"])
    def test_of_other_people_are_never_replaced(
        self, golden: Golden, tmp_path: Path, form: str
    ) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "thesis.txt").write_text("mine")
        golden.refused(form, tmp_path / "out", "--force")
        assert names(tmp_path / "out") == ["thesis.txt"]

    def test_a_link_to_one_is_not_replaced(self, golden: Golden, tmp_path: Path) -> None:
        golden.export("croissant", tmp_path / "real")
        (tmp_path / "out").symlink_to("real")
        golden.refused("croissant", tmp_path / "out", "--force")
        assert (tmp_path / "out").is_symlink()

    def test_are_no_place_for_a_file(self, golden: Golden, tmp_path: Path) -> None:
        golden.export("croissant", tmp_path / "out")
        assert "name a file" in golden.refused("jsonl", tmp_path / "out", "--force")


class TestWhichItems:
    def ids(self, golden: Golden, folder: Path, *asked: str) -> list[str]:
        golden.export("jsonl", folder / "out", *asked)
        lines = (folder / "out").read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["sample_id"] for line in lines]

    def test_any_of_the_tags(self, golden: Golden, tmp_path: Path) -> None:
        found = self.ids(golden, tmp_path, "--tag", "talk", "--tag", "refund")
        assert found == [one for one in IDS if {"talk", "refund"} & set(RECORD[one]["tags"])]

    def test_any_of_the_difficulties_with_the_tag(self, golden: Golden, tmp_path: Path) -> None:
        asked = ("--difficulty", "easy", "--difficulty", "hard", "--tag", "orders")
        assert self.ids(golden, tmp_path, *asked) == ["plain", "turns"]

    def test_the_export_says_which_were_asked_for(self, golden: Golden, tmp_path: Path) -> None:
        golden.export("jsonl", tmp_path / "out", "--tag", "talk", "--only-labelled")
        first = json.loads((tmp_path / "out").read_text().splitlines()[0])
        assert first["goldloop"]["kept"] == {"tags": ["talk"], "labelled": True}

    def test_lines_are_lines_to_every_reader(self, golden: Golden, tmp_path: Path) -> None:
        golden.export("jsonl", tmp_path / "out")
        text = (tmp_path / "out").read_bytes().decode()
        assert "\\u2028" in text
        assert len(text.splitlines()) == len(IDS)


@pytest.mark.parametrize("form", ["jsonl", "parquet", "label_studio", "huggingface"])
def test_on_a_full_disk_it_says_so_and_leaves_nothing(
    golden: Golden, tmp_path: Path, form: str
) -> None:
    program = "import sys; from sync.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", program, "-C", str(golden.folder), "export"]
    command += ["--format", form, "-o", str(tmp_path / "out")]
    # No file may have more than one block, so writing fails in the middle.
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"goldloop: {tmp_path / 'out'} cannot be written")
    assert len(done.stderr.splitlines()) == 1
    assert names(tmp_path) == []


def test_only_labelled_leaves_out_what_nobody_labelled() -> None:
    asked = Kept(labelled=True)
    assert {"sample_id": "a", "labels": {"verdict": "good"}} in asked
    assert {"sample_id": "b", "labels": {}} not in asked
