"""OpenAI evals, Braintrust and LangSmith: their own types take what is exported for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from sync.exports import braintrust, langsmith
from tests.sync.exports.golden import IDS, NESTED, RECORD, Golden

FORMATS = ("openai_evals", "openai_evals_hosted", "braintrust", "langsmith")


def lines(golden: Golden, form: str, folder: Path) -> list[dict[str, Any]]:
    """What is exported, one record a line."""
    golden.export(form, folder / form)
    return [json.loads(line) for line in (folder / form).read_text(encoding="utf-8").splitlines()]


def facts_in(record: dict[str, Any]) -> dict[str, Any]:
    return record["item"] if "item" in record else record["metadata"]


@pytest.mark.parametrize("form", FORMATS)
def test_gold_weights_slices_and_fingerprints_travel_with_each_item(
    golden: Golden, tmp_path: Path, form: str
) -> None:
    found = {facts_in(one)["sample_id"]: facts_in(one) for one in lines(golden, form, tmp_path)}
    known, item = found["turns"], golden.items["turns"]
    assert known["labels"] == item["labels"]
    assert known["expected_tool_calls"][0]["arguments"] == NESTED
    assert (known["state"], known["difficulty"]) == ("agreed", "hard")
    assert known["slices"] == ["difficulty:hard", "tag:orders", "tag:refund"]
    assert known["inclusion_probability"] == item["selection"]["inclusion_probability"]
    assert known["selection_reason"] == item["selection"]["reason"]
    assert known["content_fingerprint"] == golden.manifest["fingerprints"]["content"]
    assert known["labels_fingerprint"] == golden.manifest["fingerprints"]["labels"]
    assert known["metadata"] == item["metadata"]


@pytest.mark.parametrize("form", FORMATS)
def test_conversations_are_messages_that_the_chat_api_takes(
    golden: Golden, tmp_path: Path, form: str
) -> None:
    from openai.types.chat import ChatCompletionMessageParam

    chat = TypeAdapter(list[ChatCompletionMessageParam])
    for record in lines(golden, form, tmp_path):
        given = record.get("item") or record.get("inputs") or record["input"]
        messages = given if isinstance(given, list) else given["messages"]
        chat.validate_python(messages)
        assert messages[-1]["content"] == RECORD[facts_in(record)["sample_id"]]["user_input"]


class TestOpenAI:
    def test_the_repository_s_form_has_the_items_with_a_response_alone(
        self, golden: Golden, tmp_path: Path
    ) -> None:
        records = lines(golden, "openai_evals", tmp_path)
        expected = [RECORD[one]["expected_response"] for one in IDS if _answered(one)]
        assert [one["ideal"] for one in records] == expected

    def test_it_says_how_many_are_left_out(self, golden: Golden, tmp_path: Path) -> None:
        said = golden.export("openai_evals", tmp_path / "out.jsonl")
        assert said["items"] + sum(said["left_out"].values()) == len(IDS)
        told = golden.run("export", "--format", "openai_evals", "-o", str(tmp_path / "again.jsonl"))
        assert "3 items are left out" in told.stderr

    def test_the_hosted_form_fits_the_api_s_own_type(self, golden: Golden, tmp_path: Path) -> None:
        from openai.types.evals.create_eval_jsonl_run_data_source_param import (
            SourceFileContentContent,
        )

        content = TypeAdapter(SourceFileContentContent)
        records = lines(golden, "openai_evals_hosted", tmp_path)
        assert [content.validate_python(one)["item"]["sample_id"] for one in records] == IDS


def _answered(sample_id: str) -> bool:
    return "expected_response" in RECORD[sample_id]


class TestBraintrust:
    def test_every_line_is_a_case(self, golden: Golden, tmp_path: Path) -> None:
        from braintrust import EvalCase

        cases = [EvalCase(**one) for one in lines(golden, "braintrust", tmp_path)]
        assert [case.id for case in cases] == IDS
        assert {case.id: case.tags for case in cases}["turns"] == ["orders", "refund"]

    def test_what_nobody_said_is_kept_apart_from_no_call(
        self, golden: Golden, tmp_path: Path
    ) -> None:
        cases = {one["id"]: one["expected"] for one in lines(golden, "braintrust", tmp_path)}
        assert cases["nothing expected"] is None
        assert cases["no call"] == {"response": None, "tool_calls": []}
        assert cases["plain"] == {"response": "It leaves tomorrow.", "tool_calls": None}

    def test_an_item_that_nobody_labelled_says_so(self, golden: Golden, tmp_path: Path) -> None:
        item = {**golden.items["plain"], "labels": {}, "evidence": {}, "selection": None}
        braintrust.write(golden.edition(item), tmp_path / "out.jsonl")
        known = json.loads((tmp_path / "out.jsonl").read_text())["metadata"]
        assert (known["state"], known["weight"]) == ("unverified", None)


class TestLangSmith:
    def test_every_line_is_an_example(self, golden: Golden, tmp_path: Path) -> None:
        from langsmith.schemas import ExampleCreate

        for one in lines(golden, "langsmith", tmp_path):
            example = ExampleCreate(**_renamed(one))
            assert example.split == langsmith.SPLIT
            assert example.inputs == one["inputs"]

    def test_ids_are_the_same_for_the_same_version_and_no_two_alike(
        self, golden: Golden, tmp_path: Path
    ) -> None:
        first = [one["id"] for one in lines(golden, "langsmith", tmp_path)]
        (tmp_path / "again").mkdir()
        assert [one["id"] for one in lines(golden, "langsmith", tmp_path / "again")] == first
        assert len(set(first)) == len(IDS)


def _renamed(example: dict[str, Any]) -> dict[str, Any]:
    """The example by the newer name of its outputs."""
    return {("reference_outputs" if k == "outputs" else k): v for k, v in example.items()}
