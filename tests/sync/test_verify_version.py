"""goldloop verify: a version worked out again, and everything that is not as it was committed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from goldloop.versions import fingerprints
from tests.sync.labelled import Labelled, labelled
from views.version_folder import manifest_hash

FILES = [
    "CHANGELOG.md",
    "README.md",
    "croissant.json",
    "data.jsonl",
    "interface.xml",
    "item_hashes.jsonl",
    "quality_report.json",
    "schema.json",
    "selection/rounds.jsonl",
]


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    """A project with two versions: 1.0.0 of six samples, 2.0.0 with one relabelled."""
    made = labelled(tmp_path_factory.mktemp("verify") / "project", 6)
    made.label(one for n in range(6) for one in made.three(n, ("correct", "correct")))
    made.run("commit", "-m", "the first | *golden* <b>set</b>")
    made.label(made.three(0, ("correct", "incorrect", "incorrect")))
    made.run("commit")
    yield made
    made.db.close()


@pytest.fixture
def copy(committed: Labelled, tmp_path: Path) -> Path:
    """A copy of all versions, to tamper with; the folder of 2.0.0."""
    shutil.copytree(committed.folder / "versions" / "golden", tmp_path / "golden")
    return tmp_path / "golden" / "2.0.0"


def verdict(committed: Labelled, reference: object, exit_code: int = 0) -> dict[str, Any]:
    done = committed.run("verify", str(reference), "--json", exit_code=exit_code)
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["fits"] == (exit_code == 0)
    return found


def problems(committed: Labelled, folder: Path) -> list[tuple[str, int | None, str | None]]:
    found = verdict(committed, folder, exit_code=1)["misfits"]
    return [(one["file"], one["line"], one["sample_id"]) for one in found]


def lines_of(folder: Path) -> list[str]:
    return (folder / "data.jsonl").read_text().splitlines(keepends=True)


def write(folder: Path, lines: list[str]) -> None:
    (folder / "data.jsonl").write_text("".join(lines))


def resealed(folder: Path, **changes: Any) -> None:
    """Change the manifest and give it its own hash again, as somebody who knows how would."""
    manifest = json.loads((folder / "manifest.json").read_text()) | changes
    manifest["manifest_sha256"] = manifest_hash(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("reference", ["golden", "golden@1.0.0", "2.0.0"])
def test_a_version_as_it_was_committed_fits(committed: Labelled, reference: str) -> None:
    found = verdict(committed, reference)
    assert (found["items"], found["misfits"], found["unknown_files"]) == (6, [], [])
    assert "both fingerprints" in found["checked"]


def test_a_folder_is_verified_by_its_path_and_needs_no_project(copy: Path) -> None:
    from click.testing import CliRunner

    from sync.cli import main

    done = CliRunner().invoke(main, ["-C", str(copy.parent), "verify", "./2.0.0"])
    assert done.exit_code == 0, done.output
    assert "golden@2.0.0 is as it was committed: 6 items" in done.output


def test_the_word_version_may_be_said(committed: Labelled) -> None:
    assert "as it was committed" in committed.run("verify", "version", "golden@1.0.0").output


def test_an_unknown_version_is_an_error(committed: Labelled) -> None:
    for reference in ("golden@9.9.9", "silver", "golden@../..", "./nowhere"):
        done = committed.run("verify", reference, exit_code=1)
        assert done.stderr.startswith("goldloop: "), reference


def test_the_folder_holds_what_its_manifest_lists_and_nothing_else(committed: Labelled) -> None:
    folder = committed.folder / "versions" / "golden" / "2.0.0"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert sorted(manifest["files"]) == FILES
    there = [one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()]
    assert sorted(there) == sorted([*FILES, "manifest.json"])
    for name, said in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert said == {"sha256": sha256(content).hexdigest(), "bytes": len(content)}


def test_the_fingerprints_are_those_of_the_items(committed: Labelled) -> None:
    items = [json.loads(line) for line in lines_of(committed.folder / "versions/golden/2.0.0")]
    found, expected = verdict(committed, "golden@2.0.0"), fingerprints(items)
    assert (found["content"], found["labels"]) == (expected.content, expected.labels)


def test_every_item_follows_the_schema_beside_it(committed: Labelled) -> None:
    folder = committed.folder / "versions" / "golden" / "2.0.0"
    schema = json.loads((folder / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for line in lines_of(folder):
        jsonschema.validate(json.loads(line), schema)
    wrong = json.loads(lines_of(folder)[0]) | {"labels": {"correctness": "maybe"}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


def test_ids_of_any_script_stand_in_the_order_of_their_code_points(tmp_path: Path) -> None:
    made = labelled(tmp_path / "project", 1)
    ids = ["\u00e9a", "f", "\U0001f600", "\uffee", "F"]
    path = made.folder / "more.jsonl"
    path.write_text("\n".join(json.dumps({"sample_id": one, "user_input": "?"}) for one in ids))
    made.run("import", str(path))
    made.label(
        replace(one, sample_id=sample_id)
        for number, sample_id in enumerate(ids)
        for one in made.three(number, ("correct", "correct"))
    )
    made.run("commit")
    made.db.close()
    assert verdict(made, "1.0.0")["items"] == 5
    there = [
        json.loads(one)["sample_id"] for one in lines_of(made.folder / "versions/golden/1.0.0")
    ]
    assert there == ["F", "f", "\u00e9a", "\uffee", "\U0001f600"]


def test_what_people_wrote_is_no_markup_in_card_and_changelog(committed: Labelled) -> None:
    newest, first = (committed.folder / "versions/golden" / one for one in ("2.0.0", "1.0.0"))
    for text in ((newest / "CHANGELOG.md").read_text(), (first / "README.md").read_text()):
        assert "the first &#124; &#42;golden&#42; &lt;b&gt;set" in text
        assert "<b>" not in text


def test_the_changelog_goes_back_to_the_first_version(committed: Labelled) -> None:
    text = (committed.folder / "versions/golden/2.0.0/CHANGELOG.md").read_text()
    assert text.index("## 2.0.0") < text.index("## 1.0.0")
    assert "relabelled: 1 (s0" in text


class TestTamperedWith:
    def test_an_item_that_changed_is_named_with_its_line(
        self, committed: Labelled, copy: Path
    ) -> None:
        lines = lines_of(copy)
        lines[2] = lines[2].replace('"2?"', '"3?"')
        write(copy, lines)
        assert ("data.jsonl", 3, "s2") in problems(committed, copy)
        assert (
            "sample 's2', line 3 was changed"
            in committed.run("verify", str(copy), exit_code=1).stdout
        )

    def test_an_item_that_is_gone_is_named_and_no_other(
        self, committed: Labelled, copy: Path
    ) -> None:
        lines = lines_of(copy)
        write(copy, lines[:1] + lines[2:])
        named = [one for one in problems(committed, copy) if one[2]]
        assert named == [("data.jsonl", 2, "s1")]

    def test_an_item_that_was_put_in_is_named(self, committed: Labelled, copy: Path) -> None:
        lines = lines_of(copy)
        write(copy, [*lines, lines[0].replace('"s0"', '"t0"')])
        assert ("data.jsonl", 7, "t0") in problems(committed, copy)

    def test_a_file_that_was_cut_off_is_named_with_the_item(
        self, committed: Labelled, copy: Path
    ) -> None:
        content = (copy / "data.jsonl").read_bytes()
        (copy / "data.jsonl").write_bytes(content[:-40])
        assert ("data.jsonl", 6, "s5") in problems(committed, copy)

    @pytest.mark.parametrize("name", FILES)
    def test_any_file_that_changed_or_is_missing_is_named(
        self, committed: Labelled, copy: Path, name: str
    ) -> None:
        with (copy / name).open("ab") as file:
            file.write(b" ")
        assert name in [file for file, *_ in problems(committed, copy)]
        (copy / name).unlink()
        assert name in [file for file, *_ in problems(committed, copy)]

    @pytest.mark.parametrize("change", [{"message": "x"}, {"items": 5}, {"parent": None}])
    def test_a_manifest_that_changed_is_named(
        self, committed: Labelled, copy: Path, change: dict[str, Any]
    ) -> None:
        manifest = json.loads((copy / "manifest.json").read_text())
        (copy / "manifest.json").write_text(json.dumps(manifest | change))
        assert problems(committed, copy) == [("manifest.json", None, None)]

    @pytest.mark.parametrize(
        "change",
        [{"items": 5}, {"fingerprints": {"content": "0" * 64, "labels": "0" * 64}}],
        ids=["items", "fingerprints"],
    )
    def test_a_manifest_with_a_new_hash_still_has_to_describe_the_items(
        self, committed: Labelled, copy: Path, change: dict[str, Any]
    ) -> None:
        resealed(copy, **change)
        assert {file for file, *_ in problems(committed, copy)} == {"manifest.json"}

    @pytest.mark.parametrize(
        "change",
        [{"version": "../../x"}, {"dataset": "\x1b[31mgolden"}, {"dataset": None}, {"files": {}}],
    )
    def test_a_manifest_that_no_commit_writes_is_refused_whatever_its_hash(
        self, committed: Labelled, copy: Path, change: dict[str, Any]
    ) -> None:
        resealed(copy, **change)
        assert problems(committed, copy) == [("manifest.json", None, None)]
        assert "\x1b" not in committed.run("verify", str(copy), exit_code=1).output

    def test_a_parent_that_was_replaced_is_named(self, committed: Labelled, copy: Path) -> None:
        resealed(copy.with_name("1.0.0"), message="another")
        assert verdict(committed, copy.with_name("1.0.0"))["fits"]
        [misfit] = verdict(committed, copy, exit_code=1)["misfits"]
        assert "1.0.0 is no longer the version that this one was made from" in misfit["problem"]

    def test_a_parent_that_is_not_there_is_said_not_to_be_checked(
        self, committed: Labelled, copy: Path
    ) -> None:
        shutil.rmtree(copy.with_name("1.0.0"))
        assert "the parent 1.0.0" in verdict(committed, copy)["unchecked"][0]

    def test_files_that_are_no_part_of_it_are_named_and_do_not_count(
        self, committed: Labelled, copy: Path
    ) -> None:
        (copy / "notes.txt").write_text("mine")
        (copy / "selection" / "more.jsonl").symlink_to("nowhere")
        found = verdict(committed, copy)
        assert found["unknown_files"] == ["notes.txt", "selection/more.jsonl"]

    def test_a_manifest_of_a_newer_layout_says_to_upgrade(
        self, committed: Labelled, copy: Path
    ) -> None:
        resealed(copy, layout=3)
        [misfit] = verdict(committed, copy, exit_code=1)["misfits"]
        assert "newer Goldloop" in misfit["problem"]

    def test_many_misfits_are_counted_and_not_all_kept(self, tmp_path: Path, copy: Path) -> None:
        from views.verify_version import MOST, verify_version

        lines = lines_of(copy)
        write(copy, lines + [lines[0].replace('"s0"', f'"t{n}"') for n in range(2 * MOST)])
        found = verify_version(copy)
        assert (len(found.misfits), found.more > MOST / 2) == (MOST, True)


def test_no_command_reads_a_version_that_was_tampered_with(
    committed: Labelled, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(committed.folder, folder)
    data = folder / "versions" / "golden" / "2.0.0" / "data.jsonl"
    data.write_text(data.read_text().replace('"incorrect"', '"correct"'))
    there = Labelled(folder, committed.db, committed.interface)
    target = str(tmp_path / "out.jsonl")
    for command in (("commit",), ("diff", "1.0.0", "2.0.0"), ("export", "golden", "-o", target)):
        said = there.run(*command, exit_code=1).stderr
        assert "sample 's0', line 1 was changed" in said, command
    assert not Path(target).exists()
