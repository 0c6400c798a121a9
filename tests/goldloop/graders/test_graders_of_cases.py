"""Which graders a case has, and what is remembered of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from goldloop.errors import SettingsError
from goldloop.graders import GraderSet, case_graders, expected_graders, read_graders
from goldloop.graders.facts import facts_of, facts_of_cases
from goldloop.samples import Sample, ToolCall

CASE = Sample("case-1", "Hello", tags=("refund",), difficulty="hard", source="trace")
FULL = replace(CASE, expected_response="Hi", expected_tool_calls=(ToolCall("find", {}),))


def graders(*records: dict[str, Any]) -> GraderSet:
    return read_graders({"graders": list(records)}, "graders.toml")


def names(found: GraderSet, sample: Sample) -> list[str]:
    return [grader.name for grader in case_graders(found, sample)]


def own(*records: dict[str, Any]) -> Sample:
    return replace(FULL, metadata={"graders": list(records)})


REGEX = {"name": "r", "kind": "regex", "pattern": "a"}
JUDGE = {"name": "j", "kind": "judge", "model": "model-1", "criteria": ["It is polite."]}
ALONE = {**JUDGE, "reference": False}


@pytest.mark.parametrize(
    ("when", "applies"),
    [
        ({}, True),
        ({"tags": ["refund", "other"]}, True),
        ({"tags": ["other"]}, False),
        ({"difficulty": ["hard"], "source": ["trace"]}, True),
        ({"difficulty": ["hard"], "source": ["manual"]}, False),
        ({"difficulty": ["easy"]}, False),
    ],
)
def test_a_grader_is_for_the_cases_that_when_names(when: dict[str, Any], applies: bool) -> None:
    assert names(graders({**REGEX, "when": when}), CASE) == (["r"] if applies else [])


def test_what_compares_with_an_expectation_is_left_out_where_the_case_has_none() -> None:
    found = graders(
        {"name": "tools", "kind": "tool_calls"},
        {"name": "exact", "kind": "exact"},
        {"name": "value", "kind": "exact", "value": "Hi"},
        {"name": "texts", "kind": "contains", "from_metadata": "expected_outputs"},
        {"name": "pair", "kind": "judge_pair"},
        JUDGE,
        {**ALONE, "name": "alone"},
    )
    assert names(found, CASE) == ["value", "alone"]
    assert names(found, FULL) == ["tools", "exact", "value", "pair", "j", "alone"]
    outputs: dict[str, Any] = {"expected_outputs": ["327"]}
    assert "texts" in names(found, replace(CASE, metadata=outputs))
    assert "texts" not in names(found, replace(CASE, metadata={"expected_outputs": []}))
    assert "texts" not in names(found, replace(CASE, metadata={"expected_outputs": 7}))


def test_to_expect_no_call_is_an_expectation() -> None:
    assert names(expected_graders(), replace(CASE, expected_tool_calls=())) == ["tool_calls"]
    assert names(expected_graders(), CASE) == []


def test_without_a_file_a_judge_grades_responses_only_where_there_is_a_model() -> None:
    assert names(expected_graders(), FULL) == ["tool_calls"]
    found = expected_graders("model-1")
    assert names(found, FULL) == ["tool_calls", "response"]
    assert facts_of(found.graders[1]).model == "model-1"


def test_a_case_may_bring_graders_which_replace_those_of_their_name() -> None:
    sample = own({**REGEX, "pattern": "b"}, {**REGEX, "name": "more"})
    found = case_graders(graders(REGEX, JUDGE), sample)
    assert [grader.name for grader in found] == ["r", "j", "more"]
    assert found[0].settings["pattern"] == "b"


def test_a_case_s_grader_has_the_weight_of_the_one_that_it_replaces() -> None:
    found = graders({**REGEX, "weight": 3})
    assert case_graders(found, own(REGEX))[0].weight == 3.0
    assert case_graders(found, own({**REGEX, "weight": 2}))[0].weight == 2.0


def test_a_case_s_judge_asks_the_model_of_the_file_s_judge_of_its_name_or_the_first() -> None:
    found = graders(JUDGE, {**JUDGE, "name": "k", "model": "model-2"})
    rubric = {"kind": "judge", "criteria": ["It names the order."]}
    sample = own({"name": "k", **rubric}, {"name": "rubric", **rubric})
    models = {one.name: one.settings["model"] for one in case_graders(found, sample)}
    assert models == {"j": "model-1", "k": "model-2", "rubric": "model-1"}


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            {"name": "p", "kind": "python", "target": "os:system"},
            "is of kind python; write it into",
        ),
        ({**ALONE, "name": "own"}, "may name no model"),
        ({"name": "r", "kind": "exact"}, "'r' is of kind regex in the graders' file"),
        ({"name": "x", "kind": "regex", "pattern": "("}, r"\[0\].pattern is no regular"),
        ({"name": "x", "kind": "regex", "patern": "("}, "did you mean pattern"),
    ],
)
def test_what_a_case_may_not_bring_is_refused_by_the_name_of_its_sample(
    record: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=rf"^sample case-1: metadata\.graders.*{said}"):
        case_graders(graders(REGEX, JUDGE), own(record))


def test_a_case_s_judge_needs_one_in_the_file() -> None:
    judge = {"name": "own", "kind": "judge", "criteria": ["a"]}
    with pytest.raises(SettingsError, match="needs a judge in the graders' file"):
        case_graders(graders(REGEX), own(judge))


@pytest.mark.parametrize("given", ["regex", {}, [], 7, [REGEX, REGEX]])
def test_what_is_no_list_of_graders_under_a_case_s_graders_is_refused(given: Any) -> None:
    with pytest.raises(SettingsError, match=r"^sample case-1: metadata\.graders"):
        case_graders(graders(REGEX), replace(CASE, metadata={"graders": given}))


def test_facts_are_those_of_the_set_and_then_those_that_only_cases_have() -> None:
    found = graders(REGEX, JUDGE)
    facts = facts_of_cases(found, [CASE, own({**REGEX, "name": "more"}), FULL])
    assert [one.name for one in facts] == ["r", "j", "more"]
    assert facts[:2] == tuple(facts_of(grader) for grader in found.graders)


def test_a_name_with_several_definitions_has_a_version_of_its_own() -> None:
    found = graders(REGEX)
    samples = [own({**REGEX, "pattern": "b"}), own({**REGEX, "pattern": "c"})]
    mixed = facts_of_cases(found, samples)[0].version
    assert mixed == facts_of_cases(found, samples[::-1])[0].version
    assert mixed != facts_of_cases(found, samples[:1])[0].version
    assert mixed != facts_of(found.graders[0]).version


def test_graders_of_one_name_must_have_one_weight() -> None:
    with pytest.raises(SettingsError, match=r"case-1.*'r' differs in kind or weight"):
        facts_of_cases(graders(REGEX), [own({**REGEX, "weight": 7})])
