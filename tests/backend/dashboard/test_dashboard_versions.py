"""Versions, their items and reports, and two of them side by side."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import render_template_string
from flask.testing import FlaskClient

from backend.dashboard import version_folders, versions
from backend.dashboard.diff import SORTS
from sync.init import init_project
from tests.backend.dashboard.dashboard_pages import app_of, client_of, state_in
from tests.backend.dashboard.gated_store import store_evaluation
from tests.backend.dashboard.read_page import rows
from tests.sync.gating import evaluation
from tests.sync.labelled import Labelled, labelled
from tests.sync.reported import MARKDOWN, PICKED, SCRIPT
from views.diff_rows import DiffRow
from views.report import report_of_commit
from views.report_sections import glance

VERSION = "/dashboard/versions/golden/2.0.0"
DIFF = "/dashboard/diff?a=golden@1.0.0&b=golden@2.0.0"


def samples_in(page: str) -> list[str]:
    """The samples that a table names, in its order."""
    return re.findall(r'<th scope="row"><a href="/dashboard/samples/(s\d+)"', page)


def items_of(made: Labelled, version: str = "2.0.0") -> list[dict[str, Any]]:
    path = made.folder / "versions" / "golden" / version / "data.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def copied(filled: Labelled, tmp_path: Path) -> Path:
    """The same project's folder, to do things to; nobody has its store open."""
    filled.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return Path(shutil.copytree(filled.folder, tmp_path / "copied"))


def tampered(folder: Path) -> FlaskClient:
    """A browser that saw the version whole, before somebody changed a label in it."""
    client = client_of(folder)
    assert client.get(VERSION).status_code == 200
    path = folder / "versions" / "golden" / "2.0.0" / "data.jsonl"
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"incorrect"', '"correct"', 1))
    return client


class TestList:
    def test_has_the_newest_version_first_with_what_it_says_of_itself(
        self, filled: Labelled, client: FlaskClient
    ) -> None:
        page = client.get("/dashboard/versions").text
        assert re.findall(r'versions/golden/([\d.]+)">[\d.]+</a></th>', page) == ["2.0.0", "1.0.0"]
        manifest = json.loads(filled.run("versions", "--json").stdout)[1]
        assert manifest["fingerprints"]["content"][:11] in page
        assert "1 sample relabelled" in page
        assert page.count('<span class="good">yes</span>') == 2
        assert SCRIPT not in page
        page = client.get("/dashboard/versions?sort=oldest").text
        assert re.findall(r'versions/golden/([\d.]+)">[\d.]+</a></th>', page) == ["1.0.0", "2.0.0"]
        assert page.count("a=golden@1.0.0&amp;b=golden@2.0.0") == 2

    def test_names_a_version_that_is_not_as_it_was_committed(self, copied: Path) -> None:
        page = tampered(copied).get("/dashboard/versions").text
        assert page.count('<span class="good">yes</span>') == 1
        assert "is not as it was committed (its SHA-256 differs" in page
        assert str(copied) not in page

    def test_leaves_large_versions_to_be_checked_when_opened(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(versions, "CHECKED_BYTES", 10)
        page = client.get("/dashboard/versions").text
        assert page.count(">open it</span>") == 2

    def test_tells_a_project_without_versions_what_to_do(self, tmp_path: Path) -> None:
        init_project(tmp_path / "empty")
        page = client_of(tmp_path / "empty").get("/dashboard/versions").text
        assert "goldloop commit" in page


class TestItems:
    def test_are_those_of_the_version(self, filled: Labelled, client: FlaskClient) -> None:
        page = client.get(VERSION).text
        assert samples_in(page) == [item["sample_id"] for item in items_of(filled)]
        assert f"{PICKED} items" in re.sub("<[^>]+>", "", page)
        assert "both fingerprints" in page

    @pytest.mark.parametrize(
        ("query", "fits"),
        [
            ({"q": "QUESTION 8"}, lambda item: "Question 8" in item["user_input"]),
            ({"q": "the answer is 7."}, lambda item: "is 7." in item["expected_response"]),
            ({"tag": SCRIPT}, lambda item: SCRIPT in item["tags"]),
            ({"difficulty": "hard"}, lambda item: item["difficulty"] == "hard"),
            ({"source": "trace"}, lambda item: item["source"] == "trace"),
            ({"state": "agreed"}, lambda item: item["evidence"]["state"] == "agreed"),
            (
                {"tag": "refunds", "source": "manual"},
                lambda item: item["tags"] == ["refunds"] and item["source"] == "manual",
            ),
        ],
    )
    def test_are_narrowed_by_words_and_by_what_they_are(
        self, filled: Labelled, client: FlaskClient, query: dict[str, str], fits: Any
    ) -> None:
        expected = [item["sample_id"] for item in items_of(filled) if fits(item)]
        assert expected
        assert samples_in(client.get(VERSION, query_string=query).text) == expected

    def test_come_in_the_order_that_is_asked_for(
        self, filled: Labelled, client: FlaskClient
    ) -> None:
        rates = {one["sample_id"]: one["evidence"]["agreement_rate"] for one in items_of(filled)}
        found = [rates[one] for one in samples_in(client.get(f"{VERSION}?sort=agreement").text)]
        assert found == sorted(found)
        assert found[0] < found[-1]
        hard = {one["sample_id"]: one["difficulty"] for one in items_of(filled)}
        order = [hard[one] for one in samples_in(client.get(f"{VERSION}?sort=difficulty").text)]
        assert order == sorted(order, key=["hard", "medium", "easy"].index)

    def test_that_nothing_fits_is_said(self, client: FlaskClient) -> None:
        assert "No item of this version fits" in client.get(f"{VERSION}?q=nowhere").text

    @pytest.mark.parametrize(
        "query", ["difficulty=x", "source=x", "state=x", "sort=x", f"q={'x' * 201}", "page=0"]
    )
    def test_nonsense_is_refused(self, client: FlaskClient, query: str) -> None:
        assert client.get(f"{VERSION}?{query}").status_code == 400

    def test_of_a_large_version_come_a_hundred_at_a_time(self, tmp_path: Path) -> None:
        (tmp_path / "large").mkdir()
        made = labelled(tmp_path / "large", samples=130)
        with closing(made.db):
            made.label(one for n in range(130) for one in made.three(n, ["correct"] * 2))
            made.run("commit")
        client = client_of(made.folder)
        first = client.get("/dashboard/versions/golden/1.0.0?source=manual").text
        assert len(samples_in(first)) == 100
        assert "1 to 100 of 130" in first
        [link] = re.findall(r'rel="next" href="([^"]+)"', first)
        second = client.get(f"/dashboard/versions/golden/1.0.0{link.replace('&amp;', '&')}").text
        assert len(samples_in(second)) == 30
        assert not set(samples_in(first)) & set(samples_in(second))


class TestDamage:
    @pytest.mark.parametrize("path", [VERSION, f"{VERSION}/report", DIFF])
    def test_a_tampered_version_is_refused_in_words_that_name_the_item(
        self, copied: Path, path: str
    ) -> None:
        refused = tampered(copied).get(path)
        assert refused.status_code == 409
        assert "This version is not as it was committed" in refused.text
        assert re.search(r"sample &#39;s\d+&#39;, line \d+ was changed", refused.text)
        assert "versions/golden/2.0.0/data.jsonl" in refused.text
        assert str(copied) not in refused.text

    def test_a_damaged_file_beside_the_items_is_told_as_well(self, copied: Path) -> None:
        client = client_of(copied)
        open_page = client.get("/dashboard/versions").text
        path = copied / "versions" / "golden" / "2.0.0" / "item_hashes.jsonl"
        path.chmod(0o644)
        path.write_text("{}\n")
        looked_again = client.get("/dashboard/versions", headers={"X-State": state_in(open_page)})
        assert "item_hashes.jsonl is not as it was committed" in looked_again.text
        assert [client.get(one).status_code for one in (VERSION, DIFF)] == [409, 409]

    def test_what_an_older_manifest_lacks_is_a_dash(self, copied: Path) -> None:
        with app_of(copied).app_context():
            shown = render_template_string("{{ quality.spot_checked | count }}", quality={})
        assert shown == "–"

    def test_a_manifest_that_cannot_be_read_hides_no_other_version(self, copied: Path) -> None:
        path = copied / "versions" / "golden" / "1.0.0" / "manifest.json"
        path.chmod(0o644)
        path.write_text("{")
        client = client_of(copied)
        page = client.get("/dashboard/versions").text
        assert "is no manifest" in page
        assert client.get(VERSION).status_code == 200
        assert client.get("/dashboard/versions/golden/1.0.0").status_code == 409

    def test_a_name_that_leads_out_of_the_folder_is_not_found(self, client: FlaskClient) -> None:
        for name in (".git", "%2e%2e", "a b", "x" * 300):
            assert client.get(f"/dashboard/versions/{name}/1.0.0").status_code == 404
        for reference in ("../golden@1.0.0", "golden@../1.0.0", "nowhere", "golden@x"):
            query = {"a": reference, "b": "golden"}
            assert client.get("/dashboard/diff", query_string=query).status_code == 404


class TestReport:
    def test_tells_the_figures_of_the_command(self, filled: Labelled, client: FlaskClient) -> None:
        told = json.loads(filled.run("report", "golden@2.0.0", "--json").stdout)
        page = client.get(f"{VERSION}/report").text
        for what, much, _ in glance(told):
            assert f'<span class="what">{what}</span><b>{much}</b>' in page
        assert page.count("<b>To do:</b>") == len(told["warnings"])
        assert "With the answers as they stand now" in page
        assert 'viewBox="0 0 100 14"' in page

    def test_of_a_large_version_is_that_of_the_commit(
        self, filled: Labelled, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(versions, "LIVE_ITEMS", 10)
        page = client.get(f"{VERSION}/report").text
        assert "As it was written with the version" in page
        written = filled.folder / "versions" / "golden" / "2.0.0" / "quality_report.json"
        told = json.loads(written.read_text())
        assert report_of_commit(filled.project, "golden", "2.0.0") == told
        assert "Ann Lee" not in page

    def test_a_large_version_is_checked_by_its_hashes(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(version_folders, "WORKED_OUT", 10)
        assert "goldloop verify golden@2.0.0" in client.get(VERSION).text


class TestDiff:
    def test_has_what_the_command_has_and_why_a_label_moved(
        self, filled: Labelled, client: FlaskClient
    ) -> None:
        told = json.loads(filled.run("diff", "1.0.0", "2.0.0", "--json").stdout)
        page = client.get(DIFF).text
        assert samples_in(page) == [
            one["sample_id"] for one in told["changed"] if one["relabelled"]
        ]
        assert '<del dir="auto">correct</del>' in page
        assert '<ins dir="auto">incorrect</ins>' in page
        assert "annotation 1 by Ann Lee was changed" in page
        counts = dict(re.findall(r'many items"[^>]*>(\w+) <span class="note">(\d+)</span>', page))
        assert counts["Relabelled"] == "1"
        assert counts["Evidence"] == str(told["counts"]["evidence"])

    def test_shows_one_kind_of_change_and_refuses_one_that_there_is_not(
        self, client: FlaskClient
    ) -> None:
        evidence = client.get(f"{DIFF}&kind=Evidence").text
        assert "evidence." in evidence
        assert "label correctness" not in evidence
        assert "Nothing of this kind differs." in client.get(f"{DIFF}&kind=Removed").text
        assert client.get(f"{DIFF}&kind=odd").status_code == 400

    def test_has_its_rows_in_the_order_and_with_the_words_that_are_asked_for(
        self, client: FlaskClient
    ) -> None:
        def what(query: str) -> list[str]:
            found = rows(client.get(f"{DIFF}&kind=Evidence{query}").text, "Differences")
            return [row[1] for row in found]

        both = [DiffRow("Changed", "s2", "tags", "", ""), DiffRow("Removed", "s1", "z", "", "")]
        for name, first in {"kind": "s2", "sample": "s1", "what": "s2"}.items():
            assert sorted(both, key=SORTS[name][1])[0].sample_id == first
        assert what("&sort=what") == sorted(what(""))
        word = what("")[0].upper()
        assert what(f"&q={word}") == [one for one in what("") if one.upper() == word]
        assert "q=label&amp;kind=Evidence" in client.get(f"{DIFF}&q=label").text
        nothing = client.get(f"{DIFF}&q=nowhere to be found").text
        assert "Nothing that differs fits these filters." in nothing

    def test_offers_the_two_newest_where_none_are_named(self, client: FlaskClient) -> None:
        page = client.get("/dashboard/diff").text
        assert '<option value="golden@1.0.0" selected>' in page.split('name="b"')[0]
        assert '<option value="golden@2.0.0" selected>' in page.split('name="b"')[1]

    def test_takes_a_number_for_a_version_of_the_usual_dataset(self, client: FlaskClient) -> None:
        assert "label correctness" in client.get("/dashboard/diff?a=1.0.0&b=golden").text

    def test_asks_for_two_versions_where_there_are_none(self, tmp_path: Path) -> None:
        init_project(tmp_path / "empty")
        page = client_of(tmp_path / "empty").get("/dashboard/diff").text
        assert "It takes two versions to compare" in page


@pytest.fixture
def alone(filled: Labelled, tmp_path: Path) -> Iterator[Labelled]:
    """Another project beside the versions of the filled one."""
    (tmp_path / "alone").mkdir()
    made = labelled(tmp_path / "alone", samples=2)
    shutil.copytree(filled.folder / "versions", made.folder / "versions", dirs_exist_ok=True)
    with closing(made.db):
        yield made


class TestLineage:
    def test_has_everything_that_happened_in_the_order_of_time(self, client: FlaskClient) -> None:
        page = client.get("/dashboard/samples/s0").text
        steps = re.findall(r'<p class="when">([\d :–-]+) <span class="note">([^<]+)</span>', page)
        assert [when for when, _ in steps] == sorted(when for when, _ in steps)
        assert {section for _, section in steps} == {
            "where it came from",
            "runs",
            "selection",
            "annotations",
            "consensus",
            "versions",
        }
        assert len([one for one in steps if one[1] == "annotations"]) == 6
        assert "label correctness: correct -&gt; incorrect" in page
        assert 'href="/dashboard/rounds/1"' in page
        assert 'href="/dashboard/versions/golden/2.0.0"' in page

    def test_leads_to_the_dispute_of_a_sample_that_is_held_back(self, client: FlaskClient) -> None:
        assert 'href="/dashboard/disputes/s4"' in client.get("/dashboard/samples/s4").text

    def test_leads_to_how_each_evaluation_graded_it(self, alone: Labelled) -> None:
        made = evaluation("v2", (0,), 1)
        store_evaluation(alone.db, replace(made, cases=(replace(made.cases[0], sample_id="s0"),)))
        page = client_of(alone.folder).get("/dashboard/samples/s0").text
        assert "evaluation 1 of v2 on golden@1.0.0" in page
        assert 'href="/dashboard/evaluations/1/s0"' in page
        assert "the call refund is missing" in page

    def test_of_a_sample_that_only_a_version_knows_is_told_from_there(
        self, alone: Labelled
    ) -> None:
        page = client_of(alone.folder).get("/dashboard/samples/s7").text
        assert "the store does not know it" in page
        assert "golden@2.0.0" in page

    def test_names_a_damaged_version_and_tells_the_rest(self, alone: Labelled) -> None:
        path = alone.folder / "versions" / "golden" / "1.0.0" / "data.jsonl"
        path.chmod(0o644)
        path.write_text(path.read_text() + "{}\n")
        page = client_of(alone.folder).get("/dashboard/samples/s0").text
        assert "golden@1.0.0 cannot be read" in page
        assert str(alone.folder) not in page
        assert "golden@2.0.0" in page

    def test_of_nobody_names_the_nearest(self, client: FlaskClient) -> None:
        refused = client.get("/dashboard/samples/s-5")
        assert refused.status_code == 404
        assert "the nearest are" in refused.text

    def test_markup_in_an_item_is_text(self, client: FlaskClient) -> None:
        page = client.get("/dashboard/samples/s4").text
        assert SCRIPT not in page
        assert MARKDOWN.split()[0] in page
