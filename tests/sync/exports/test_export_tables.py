"""CSV, Parquet, Hugging Face and Croissant give back what the version holds."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from sync.exports import parquet
from sync.exports.csv_table import cell
from tests.sync.exports.golden import IDS, NESTED, RECORD, Golden
from tests.sync.test_own_interface import ANSWERS


def as_lists(value: Any) -> Any:
    """Tuples as JSON gives them back."""
    return json.loads(json.dumps(value))


class TestCsv:
    @pytest.fixture
    def rows(self, golden: Golden, tmp_path: Path) -> list[dict]:
        target = tmp_path / "out.csv"
        golden.export("csv", target)
        with target.open(encoding="utf-8-sig", newline="") as lines:
            return list(csv.DictReader(lines))

    def test_has_a_row_for_each_item(self, rows: list[dict]) -> None:
        assert [back(row["sample_id"]) for row in rows] == IDS

    def test_has_no_cell_that_a_spreadsheet_would_run(self, rows: list[dict]) -> None:
        cells = [value for row in rows for value in row.values()]
        assert not [one for one in cells if one.startswith(tuple("=+-@\t\r\n"))]
        assert [one for one in cells if one.startswith("'=")]

    def test_gives_every_value_back(self, golden: Golden, rows: list[dict]) -> None:
        for row in rows:
            item = golden.items[back(row["sample_id"])]
            for name in ("user_input", "expected_response", "difficulty", "cluster_id"):
                assert back(row[name]) == item[name]
            for name in ("conversation", "tags", "metadata", "labels"):
                assert json.loads(row[name]) == item[name]
            calls = row["expected_tool_calls"]
            assert (json.loads(calls) if calls else None) == item["expected_tool_calls"]

    def test_has_a_column_for_each_question(self, rows: list[dict]) -> None:
        assert {row["label_verdict"] for row in rows} == {"good"}
        assert json.loads(rows[0]["label_cause"]) == as_lists(ANSWERS["cause"])

    @pytest.mark.parametrize(
        "text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "'", "''=", "", "＝1", "a'b", "ok"]
    )
    def test_a_guarded_text_comes_back_by_dropping_one_apostrophe(self, text: str) -> None:
        assert back(cell(text)) == text

    def test_opens_in_pandas_without_the_byte_order_mark(
        self, golden: Golden, tmp_path: Path
    ) -> None:
        golden.export("csv", tmp_path / "out.csv")
        table = pd.read_csv(tmp_path / "out.csv", dtype={"sample_id": str})
        assert list(table["sample_id"].str.removeprefix("'")) == IDS
        assert table["weight"].dtype == float


def back(text: str) -> str | None:
    """A cell's text, by the rule that the format states."""
    return text.removeprefix("'") if text else None


class TestParquet:
    def test_names_the_version_and_its_fingerprints_in_the_schema(
        self, golden: Golden, tmp_path: Path
    ) -> None:
        golden.export("parquet", tmp_path / "out.parquet")
        said = json.loads(pq.read_schema(tmp_path / "out.parquet").metadata[b"goldloop"])
        assert said["version"] == "1.0.0"
        assert said["content_fingerprint"] == golden.manifest["fingerprints"]["content"]
        assert said["labels_fingerprint"] == golden.manifest["fingerprints"]["labels"]

    def test_gives_every_value_back(self, golden: Golden, tmp_path: Path) -> None:
        golden.export("parquet", tmp_path / "out.parquet")
        rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
        assert [row["sample_id"] for row in rows] == IDS
        for row in rows:
            item = golden.items[row["sample_id"]]
            for name in ("user_input", "expected_response", "tags", "source", "cluster_id"):
                assert row[name] == item[name]
            assert json.loads(row["metadata"]) == item["metadata"]
            assert json.loads(row["labels"]) == item["labels"] == as_lists(ANSWERS)
            assert row["weight"] == (item["selection"] or {}).get("weight")
            assert row["state"] == item["evidence"]["state"]

    def test_keeps_no_call_apart_from_nothing_said(self, golden: Golden, tmp_path: Path) -> None:
        golden.export("parquet", tmp_path / "out.parquet")
        rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
        calls = {row["sample_id"]: row["expected_tool_calls"] for row in rows}
        assert calls["no call"] == []
        assert calls["plain"] is None
        assert json.loads(calls["turns"][0]["arguments"]) == NESTED

    def test_types_each_question_by_its_answers(self, golden: Golden, tmp_path: Path) -> None:
        golden.export("parquet", tmp_path / "out.parquet")
        [row] = pq.read_table(tmp_path / "out.parquet").slice(0, 1).to_pylist()
        answers = {name: row[f"label_{name}"] for name in ANSWERS}
        assert answers == as_lists(ANSWERS)

    def test_is_written_a_group_of_rows_at_a_time(
        self, golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(parquet, "ROWS", 3)
        golden.export("parquet", tmp_path / "out.parquet")
        read = pq.ParquetFile(tmp_path / "out.parquet")
        assert read.metadata.num_row_groups == 3
        assert [row["sample_id"] for row in read.read().to_pylist()] == IDS

    def test_a_label_that_its_question_does_not_allow_is_only_among_all_labels(
        self, golden: Golden, tmp_path: Path
    ) -> None:
        item = {**golden.items["plain"], "labels": {"verdict": "odd", "gone": 1, "stars": 3}}
        parquet.write(golden.edition(item), tmp_path / "out.parquet")
        [row] = pq.read_table(tmp_path / "out.parquet").to_pylist()
        assert (row["label_verdict"], row["label_stars"]) == (None, 3)
        assert json.loads(row["labels"]) == item["labels"]


class TestHuggingFace:
    def test_loads_with_datasets_and_typed_features(
        self, golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import datasets

        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
        golden.export("huggingface", tmp_path / "set")
        loaded = datasets.load_dataset(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache"))
        assert list(loaded) == ["test"]
        test = loaded["test"]
        assert test["sample_id"][:] == IDS
        assert test.features["label_stars"].dtype == "int64"
        assert test.features["tags"] == datasets.List(datasets.Value("string"))
        [turns] = [row for row in test if row["sample_id"] == "turns"]
        assert [turn["role"] for turn in turns["conversation"]] == [
            turn["role"] for turn in RECORD["turns"]["conversation"]
        ]
        assert turns["conversation"][2]["tool_calls"][0]["name"] == "find"

    def test_has_a_card_that_names_the_data_and_the_fingerprints(
        self, golden: Golden, tmp_path: Path
    ) -> None:
        golden.export("huggingface", tmp_path / "set")
        card = (tmp_path / "set" / "README.md").read_text(encoding="utf-8")
        _, head, text = card.split("---\n", 2)
        [config] = yaml.safe_load(head)["configs"]
        assert (tmp_path / "set" / config["data_files"][0]["path"]).is_file()
        assert golden.manifest["fingerprints"]["labels"] in text
        assert f"| items | `{len(IDS)}` |" in text

    def test_the_card_names_the_licence_as_the_hub_does(
        self, golden: Golden, tmp_path: Path
    ) -> None:
        golden.export("huggingface", tmp_path / "set")
        for folder in (tmp_path / "set", golden.version):
            card = (folder / "README.md").read_text(encoding="utf-8")
            assert yaml.safe_load(card.split("---")[1])["license"] == "cc-by-4.0"
        assert "- Licence: CC-BY-4.0" in card

    def test_the_card_counts_what_was_asked_for_and_shows_it_without_harm(
        self, golden: Golden, tmp_path: Path
    ) -> None:
        golden.export("huggingface", tmp_path / "set", "--tag", "talk", "--tag", "`|<b>\n# x")
        card = (tmp_path / "set" / "README.md").read_text(encoding="utf-8")
        assert "| items | `2` |" in card
        [kept] = [line for line in card.splitlines() if line.startswith("| kept |")]
        assert kept.count("`") == 2
        assert "\\|<b>\\n# x" in kept


# rdflib, which reads JSON-LD for mlcroissant, still uses a class of its own that it deprecates.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
class TestCroissant:
    def test_is_valid_and_its_records_are_the_items(self, golden: Golden, tmp_path: Path) -> None:
        import mlcroissant

        golden.export("croissant", tmp_path / "set")
        read = mlcroissant.Dataset(jsonld=tmp_path / "set" / "croissant.json")
        assert not read.metadata.ctx.issues.errors
        assert str(read.metadata.version) == "1.0.0"
        assert read.metadata.license == ["https://spdx.org/licenses/CC-BY-4.0"]
        # mlcroissant gives a text as bytes.
        records = {one["items/sample_id"].decode(): one for one in read.records("items")}
        assert sorted(records) == IDS
        turns = records["turns"]
        assert json.loads(turns["items/labels"]) == as_lists(ANSWERS)
        assert turns["items/label_stars"] == ANSWERS["stars"]
        roles = [one["items/conversation/role"].decode() for one in turns["items/conversation"]]
        assert roles == ["developer", "user", "assistant", "tool", "assistant"]
        assert turns["items/weight"] == golden.items["turns"]["selection"]["weight"]

    def test_data_that_is_not_as_it_was_is_refused(self, golden: Golden, tmp_path: Path) -> None:
        import mlcroissant

        golden.export("croissant", tmp_path / "set")
        data = tmp_path / "set" / "data.parquet"
        data.write_bytes(data.read_bytes() + b"x")
        read = mlcroissant.Dataset(jsonld=tmp_path / "set" / "croissant.json")
        with pytest.raises(mlcroissant.GenerationError):
            list(read.records("items"))

    def test_of_a_version_s_own_folder_gives_its_items(self, golden: Golden) -> None:
        import mlcroissant

        read = mlcroissant.Dataset(jsonld=golden.version / "croissant.json")
        assert not read.metadata.ctx.issues.errors
        records = {one["items/sample_id"].decode(): one for one in read.records("items")}
        assert sorted(records) == IDS
        turns, item = records["turns"], golden.items["turns"]
        assert turns["items/label_verdict"].decode() == "good"
        assert turns["items/state"].decode() == "agreed"
        assert turns["items/weight"] == item["selection"]["weight"]
        contents = [one["items/conversation/content"] for one in turns["items/conversation"]]
        assert contents[1].decode() == RECORD["turns"]["conversation"][1]["content"]
