"""report: from a version's folder and its store to tables, Markdown, JSON and files."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sync.init import init_project
from sync.report_page import html_page, markdown_page
from tests.sync.labelled import Labelled
from tests.sync.reported import IMAGE, MARKDOWN, NAMES, PICKED, SCRIPT, STEERING, reported
from views.report import NO_ANSWERS, NO_STORE, version_report
from views.version_folder import checked_items, interface_of, read_manifest


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    """Two versions for the tests that change nothing."""
    with reported(tmp_path_factory.mktemp("report") / "project") as made:
        yield made


@pytest.fixture
def copied(shared: Labelled, tmp_path: Path) -> Path:
    """The same project's folder, to do things to; nobody has its store open."""
    shared.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    folder = tmp_path / "copied"
    shutil.copytree(shared.folder, folder)
    return folder


def record(made: Labelled, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made.run("report", *arguments, "--json").stdout)
    return found


def at(folder: Path) -> Labelled:
    """The project of a folder, for its commands."""
    return Labelled(folder, None, None)  # type: ignore[arg-type]


class TestFigures:
    def test_cover_the_version_and_the_store_beside_it(self, shared: Labelled) -> None:
        found = record(shared, "golden@1.0.0")
        assert found["composition"]["items"] == PICKED
        assert found["composition"]["unique_tags"] == 4
        [agreement] = [one for one in found["agreement"] if one["field"] == "correctness"]
        low, high = agreement["score"]["interval"]
        assert 0 < low < agreement["score"]["value"] < high <= 1
        assert [one["name"] for one in found["annotators"]] == [name for _, _, name in NAMES]
        assert found["selection"]["weighted"] == PICKED
        assert found["missing"] == {}
        tools = {one["tool"]: one for one in found["tools"]}
        assert tools[IMAGE]["expected"] == 0
        assert tools[IMAGE]["called"] > 0

    def test_the_newest_version_is_the_usual_one_and_says_what_changed(
        self, shared: Labelled
    ) -> None:
        found = record(shared)
        assert found["about"]["version"] == "2.0.0"
        assert found["changes"]["parent"] == "1.0.0"
        assert found["changes"]["relabelled"]["first"] == ["s0"]

    def test_anonymous_leaves_the_names_out(self, shared: Labelled) -> None:
        text = json.dumps(record(shared, "--anonymous"))
        assert "Ann Lee" not in text
        assert "ann@example.org" not in text
        assert '"annotator_id": 1' in text

    def test_are_the_same_again(self, shared: Labelled) -> None:
        assert record(shared) == record(shared)


class TestWithoutAStore:
    def test_the_report_that_was_written_with_the_version_is_taken(self, copied: Path) -> None:
        (copied / "goldloop.db").unlink()
        found = record(at(copied), "golden@2.0.0")
        written = copied / "versions" / "golden" / "2.0.0" / "quality_report.json"
        assert found == json.loads(written.read_text())
        assert found["agreement"]
        assert {one["name"] for one in found["annotators"]} == {None}

    def test_a_version_of_before_there_were_reports_says_what_is_unknown(
        self, copied: Path
    ) -> None:
        (copied / "goldloop.db").unlink()
        turn_old(copied / "versions" / "golden" / "1.0.0")
        made = at(copied)
        found = record(made, "golden@1.0.0")
        assert found["agreement"] is None
        assert found["missing"]["agreement"] == NO_STORE
        assert f"Not known: {NO_STORE}." in made.run("report", "golden@1.0.0").stdout
        page = html_page(found)
        assert NO_STORE in page
        assert "Agreement by field" not in page

    def test_a_store_of_other_samples_knows_nothing_of_the_version(
        self, copied: Path, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        other.mkdir()
        init_project(other)
        shutil.copy(other / "goldloop.db", copied / "goldloop.db")
        written = copied / "versions" / "golden" / "1.0.0" / "quality_report.json"
        assert record(at(copied), "golden@1.0.0") == json.loads(written.read_text())
        turn_old(written.parent)
        found = record(at(copied), "golden@1.0.0")
        assert found["missing"]["agreement"] == NO_ANSWERS
        assert found["annotators"] is None


def turn_old(version: Path) -> None:
    """Make a version what the first Goldloop wrote: no report, and a hash for each of two files."""
    manifest = json.loads((version / "manifest.json").read_text())
    names = ("schema", "dataset", "version", "parent", "reason", "created_at", "items")
    older = {name: manifest[name] for name in (*names, "fingerprints")}
    files = manifest["files"]
    older["files"] = {name: files[name]["sha256"] for name in ("data.jsonl", "interface.xml")}
    (version / "manifest.json").write_text(json.dumps(older))


class TestWrittenWithAVersion:
    def test_names_nobody_and_reads_the_items_once(self, shared: Labelled) -> None:
        root = shared.folder / "versions"
        readings = []

        def items() -> Iterator[Any]:
            readings.append(1)
            return checked_items(root, "golden", "1.0.0")

        manifest = read_manifest(root, "golden", "1.0.0")
        found = version_report(manifest, items, interface_of(root, "golden", "1.0.0"))
        assert readings == [1]
        assert found["agreement"] is None
        assert found["missing"].keys() == {"agreement", "annotators", "held_back", "called"}
        assert found["composition"]["items"] == PICKED

    def test_an_interface_that_nobody_can_read_leaves_the_labels_unknown(
        self, shared: Labelled
    ) -> None:
        found = version_report({}, lambda: checked_items(shared.folder / "versions", "golden",
                                                         "1.0.0"), "<View><Nonsense")  # fmt: skip
        assert found["balance"] is None
        report = html_page({**found, "about": {**found["about"], "dataset": "d", "version": "1"}})
        assert "its labelling interface cannot be read" in report


class _Tags(HTMLParser):
    """The tags of a page, its texts, and every attribute that could ask for something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.asks: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        asking = ("src", "href", "action", "style", "srcset", "data", "ping")
        self.asks += [one for one in attrs if one[0] in asking or one[0].startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def tags_of(page: str) -> _Tags:
    found = _Tags()
    found.feed(page)
    return found


class TestPage:
    def test_has_no_script_and_asks_for_nothing(self, shared: Labelled) -> None:
        found = tags_of(html_page(record(shared)))
        assert not {"script", "img", "iframe", "link", "object", "form"} & set(found.tags)
        assert all(name == "href" and str(where).startswith("#") for name, where in found.asks)

    def test_shows_hostile_texts_as_they_are(self, shared: Labelled) -> None:
        page = html_page(record(shared))
        text = tags_of(page).text
        for hostile in (SCRIPT, IMAGE, MARKDOWN):
            assert hostile in text
        assert "\x1b" not in page
        assert "\u202e" not in page

    def test_every_table_has_a_caption_and_headings_with_a_scope(self, shared: Labelled) -> None:
        page = html_page(record(shared))
        assert page.count("<table>") == page.count("<caption>") > 10
        assert re.findall(r"<th\b(?! scope=(?:row|col))", page) == []
        assert page.count("<svg ") == page.count("<svg role=img aria-label=") > 10

    def test_a_value_that_ends_an_attribute_does_not(self, shared: Labelled) -> None:
        found = record(shared)
        found["balance"][0]["field"] = "x' onmouseover='alert(1)"
        assert tags_of(html_page(found)).asks == tags_of(html_page(record(shared))).asks

    def test_thousands_of_tags_are_cut_and_counted(self, shared: Labelled) -> None:
        found = record(shared)
        found["capabilities"] *= 500
        page = html_page(found)
        assert "and 1,950 more" in page
        assert len(page) < 100_000


class TestMarkdown:
    def test_hostile_texts_end_no_cell_and_start_no_link(self, shared: Labelled) -> None:
        page = markdown_page(record(shared))
        assert "<script" not in page
        assert "**bold**" not in page
        assert "[link](" not in page
        assert "@somebody" not in page

    def test_every_row_of_a_table_has_as_many_cells_as_its_head(self, shared: Labelled) -> None:
        page = shared.run("report", "--markdown").stdout
        blocks = re.findall(r"(?:^\|.*\n)+", page, flags=re.MULTILINE)
        assert len(blocks) > 10
        for block in blocks:
            widths = {line.count("|") for line in block.splitlines()}
            assert len(widths) == 1, block


class TestCommand:
    def test_prints_warnings_with_what_to_do_and_no_steering(self, shared: Labelled) -> None:
        output = shared.run("report").stdout
        assert "! 40 items are too few" in output
        assert "-> select and label 160 more: goldloop push" in output
        assert "\x1b" not in output
        assert STEERING not in output

    @pytest.mark.parametrize(
        ("name", "start"), [("r.html", "<!doctype"), ("r.md", "# Quality"), ("r.json", "{")]
    )
    def test_writes_the_form_that_the_ending_says(
        self, shared: Labelled, tmp_path: Path, name: str, start: str
    ) -> None:
        shared.run("report", "-o", str(tmp_path / "deep" / name))
        assert (tmp_path / "deep" / name).read_text().startswith(start)
        assert [one.name for one in (tmp_path / "deep").iterdir()] == [name]

    def test_replaces_a_file_only_when_forced(self, shared: Labelled, tmp_path: Path) -> None:
        target = tmp_path / "r.html"
        target.write_text("mine")
        refused = shared.run("report", "-o", str(target), exit_code=1)
        assert "--force" in refused.stderr
        assert target.read_text() == "mine"
        shared.run("report", "-o", str(target), "--force")
        assert target.read_text().startswith("<!doctype")

    def test_refuses_an_ending_that_it_cannot_write(self, shared: Labelled, tmp_path: Path) -> None:
        refused = shared.run("report", "-o", str(tmp_path / "r.pdf"), exit_code=1)
        assert "must end in .html, .md, .json" in refused.stderr

    def test_refuses_two_forms_at_once(self, shared: Labelled) -> None:
        assert (
            "exclude each other" in shared.run("report", "--json", "--markdown", exit_code=2).stderr
        )

    def test_refuses_a_version_that_is_not_there(self, shared: Labelled) -> None:
        refused = shared.run("report", "golden@9.0.0", exit_code=1).stderr
        assert "there is no golden@9.0.0; there are: 1.0.0, 2.0.0" in refused

    def test_refuses_a_version_that_was_tampered_with(self, copied: Path) -> None:
        data = copied / "versions" / "golden" / "1.0.0" / "data.jsonl"
        data.write_text(data.read_text().replace("Question 1 ", "Question 2 "))
        refused = at(copied).run("report", "golden@1.0.0", exit_code=1).stderr
        assert "is not as it was committed" in refused
