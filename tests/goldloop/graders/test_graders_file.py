"""A graders file: what is read, filled in and refused."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from goldloop.errors import SettingsError
from goldloop.graders import KINDS, When, grade_run, read_graders
from goldloop.samples import Run, Sample

LEAST: dict[str, dict[str, Any]] = {
    "contains": {"values": ["a"]},
    "exact": {},
    "regex": {"pattern": "a"},
    "json_schema": {"schema": {}},
    "tool_calls": {},
    "judge": {"criteria": ["It is polite."]},
    "judge_pair": {},
    "python": {"target": "package.module:function"},
}
EXAMPLE = Path(__file__).parents[3] / "examples" / "customer_support" / "graders.toml"


def file(**settings: Any) -> dict[str, Any]:
    return {"graders": [{"name": "g", "kind": "regex", "pattern": "a", **settings}]}


def test_every_kind_needs_no_more_than_what_it_grades_by() -> None:
    graders = [{"name": kind, "kind": kind, **LEAST[kind]} for kind in KINDS]
    found = read_graders({"graders": graders}, "graders.json").graders
    assert [grader.kind for grader in found] == list(KINDS)
    assert {grader.threshold for grader in found if grader.kind != "judge_pair"} == {1.0}


def test_the_version_does_not_depend_on_what_was_spelled_out() -> None:
    short = read_graders(file(), "f")
    long = read_graders(file(mode="search", on="response", weight=1, threshold=1, when={}), "f")
    assert short.fingerprint == long.fingerprint
    assert short.graders[0].version == long.graders[0].version


@pytest.mark.parametrize(
    "change", [{"pattern": "b"}, {"threshold": 0.5}, {"mode": "match"}, {"ignore_case": True}]
)
def test_the_version_changes_with_whatever_may_change_a_grade(change: dict[str, Any]) -> None:
    one, other = read_graders(file(), "f").graders[0], read_graders(file(**change), "f").graders[0]
    assert one.version != other.version


def test_the_fingerprint_changes_with_weights_cases_and_the_pass_score_and_not_with_order() -> None:
    base = read_graders(file(), "f").fingerprint
    for change in ({"weight": 2}, {"when": {"tags": ["refund"]}}, {"name": "other"}):
        assert read_graders(file(**change), "f").fingerprint != base
    assert read_graders({**file(), "pass_score": 0.5}, "f").fingerprint != base
    two = [*file()["graders"], {"name": "b", "kind": "exact"}]
    back = read_graders({"graders": two[::-1]}, "f")
    assert back.fingerprint == read_graders({"graders": two}, "f").fingerprint


def test_the_order_of_names_and_cases_makes_no_version() -> None:
    one = {"name": "t", "kind": "tool_calls", "only_tools": ["b", "a", "b"]}
    other = {**one, "only_tools": ["a", "b"], "ignore_arguments": {}, "any_of": {}}
    first, second = (read_graders({"graders": [each]}, "f") for each in (one, other))
    assert first.fingerprint == second.fingerprint


def test_when_and_weights_are_read() -> None:
    when = {"tags": ["refund"], "difficulty": ["hard"], "source": ["trace"]}
    grader = read_graders(file(when=when, weight=2.5, threshold=0.4), "f").graders[0]
    assert grader.when == When(("refund",), ("hard",), ("trace",))
    assert (grader.weight, grader.threshold) == (2.5, 0.4)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "must be an object, not a list"),
        ({}, r"graders must have 1 to 50 graders, not 0"),
        ({"graders": {}}, "graders must be a list of graders, not an object"),
        ({"graders": ["regex"]}, r"graders\[0\] must be an object, not a string"),
        ({"grader": []}, "grader is not known; did you mean graders?"),
        ({**file(), "pass_score": 2}, "pass_score must be a number from 0 to 1, not 2"),
        (file(patern="a"), r"graders\[0\].patern is not known; did you mean pattern?"),
        (file(name=""), r"graders\[0\].name must have 1"),
        (file(name="a\nb"), r"graders\[0\].name must have 1"),
        (file(kind="regexp"), r"kind must be one of .*regex.*, not 'regexp'"),
        (file(kind=None), r"kind is missing"),
        (file(weight=-1), "weight must be a number from 0"),
        (file(weight=float("nan")), "weight is nan"),
        (file(weight=0), "every grader has weight 0"),
        (file(threshold=1.1), "threshold must be a number from 0 to 1"),
        (file(when={"tag": ["a"]}), "when.tag is not known; did you mean tags?"),
        (file(when={"difficulty": ["tough"]}), "difficulty may have easy, medium, hard"),
        (file(mode="find"), "mode must be one of search, match, none, not 'find'"),
        (file(ignore_case="yes"), "ignore_case must be true or false"),
        ({"graders": file()["graders"] * 2}, "two graders are called 'g'; rename one"),
    ],
)
def test_a_mistake_is_refused_by_its_place(value: object, said: str) -> None:
    with pytest.raises(SettingsError, match=f"^graders.toml:? .*{said}|^graders.toml {said}"):
        read_graders(value, "graders.toml")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kind": "contains"}, "either values"),
        ({"kind": "contains", "values": ["a"], "from_metadata": "b"}, "either values"),
        ({"kind": "contains", "values": "a"}, "must be a list of texts"),
        ({"kind": "contains", "values": ["a", " "]}, r"values\[1\] must have 1"),
        ({"kind": "exact", "value": 7}, "value must be a text"),
        ({"kind": "exact", "tolerance": -1}, "tolerance.absolute must be a number"),
        ({"kind": "exact", "tolerance": {"relativ": 1}}, "did you mean relative"),
        ({"kind": "tool_calls", "mode": "any"}, "mode must be one of unordered"),
        ({"kind": "tool_calls", "by_tool": {"find": "all"}}, "by_tool.find must be one of"),
        ({"kind": "tool_calls", "any_of": {"find": {"a": "b"}}}, "find.a must be a list"),
        ({"kind": "tool_calls", "any_of": {"find": ["b"]}}, "any_of.find must be an object"),
        ({"kind": "tool_calls", "ignore_arguments": {"find": "a"}}, "find must be a list"),
        ({"kind": "tool_calls", "only_tools": ["a"], "ignore_tools": ["b"]}, "not both"),
        ({"kind": "judge"}, "criteria must be 1 to 20 sentences"),
        ({"kind": "judge", "criteria": ["a"] * 21}, "criteria must be 1 to 20 sentences"),
        ({"kind": "judge", "criteria": ["a"], "base_url": "http://x"}, "base_url is not known"),
        ({"kind": "judge_pair", "against": "other"}, "against must be one of expected"),
        ({"kind": "python"}, "target is missing"),
        ({"kind": "python", "target": "os.system"}, "module:function"),
        ({"kind": "python", "target": "a:b", "source": "x"}, "source is not known"),
    ],
)
def test_a_mistake_in_the_settings_of_a_kind_is_refused(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        read_graders({"graders": [{"name": "g", **settings}]}, "graders.json")


def test_a_judge_and_a_python_function_are_asked_elsewhere() -> None:
    graders = [{"name": kind, "kind": kind, **LEAST[kind]} for kind in ("judge", "python")]
    for grader in read_graders({"graders": graders}, "f").graders:
        with pytest.raises(ValueError, match="asked elsewhere"):
            grade_run(grader, Sample("s", "Hello"), Run("s", "v"))


def test_the_example_is_a_graders_file() -> None:
    found = read_graders(tomllib.loads(EXAMPLE.read_text()), "graders.toml")
    assert {grader.kind for grader in found.graders} >= {"tool_calls", "contains", "judge"}
