"""Graders of texts: contains, exact, regex and json_schema."""

from __future__ import annotations

import json
from typing import Any

import pytest

from goldloop.errors import SettingsError
from goldloop.graders import Grade, bounded_schema, grade_run, regex_patterns
from goldloop.graders.kinds import read_grader
from goldloop.graders.texts import cut
from goldloop.samples import Message, Run, Sample, ToolCall

SAID = (
    Message("user", "Where is it?"),
    Message("assistant", "One moment.", (ToolCall("find", {"id": 7}),)),
    Message("tool", "order 7: lost"),
    Message("assistant", "It is lost."),
)


def graded(kind: str, response: str | None, sample: Sample | None = None, **settings: Any) -> Grade:
    grader = read_grader({"name": "g", "kind": kind, **settings}, "g")
    return grade_run(grader, sample or Sample("s", "Hello"), Run("s", "v", response=response))


def on_trace(kind: str, on: str, **settings: Any) -> Grade:
    grader = read_grader({"name": "g", "kind": kind, "on": on, **settings}, "g")
    run = Run("s", "v", messages=SAID, response="It is lost.")
    return grade_run(grader, Sample("s", "Where is it?"), run)


@pytest.mark.parametrize(
    ("mode", "values", "score"),
    [
        ("all", ["order", "lost", "refund", "sorry"], 0.5),
        ("all", ["order", "lost"], 1.0),
        ("any", ["refund", "lost"], 1.0),
        ("any", ["refund", "sorry"], 0.0),
        ("none", ["refund"], 1.0),
        ("none", ["refund", "lost"], 0.0),
    ],
)
def test_contains_gives_the_share_for_all_and_one_or_nothing_else(
    mode: str, values: list[str], score: float
) -> None:
    assert graded("contains", "Your order is lost.", values=values, mode=mode).score == score


def test_contains_looks_past_case_white_space_and_width_unless_told_not_to() -> None:
    assert graded("contains", "ＯＫ,\n  Straße", values=["ok, STRASSE"]).score == 1.0
    assert graded("contains", "ok", values=["OK"], ignore_case=False).score == 0.0
    assert graded("contains", "e\u0301", values=["é"], ignore_case=False).score == 1.0


def test_contains_can_leave_characters_out_on_both_sides() -> None:
    assert graded("contains", "It is $1,628.", values=["1628"]).score == 0.0
    assert graded("contains", "It is $1,628.", values=["1628"], ignore_characters=",").score == 1.0


def test_what_the_ignored_characters_leave_nothing_of_is_looked_for_nowhere() -> None:
    with pytest.raises(SettingsError, match='ignore_characters leaves nothing of ","'):
        graded("contains", "No.", values=["7", ", "], ignore_characters=",")
    sample = Sample("s", "Hello", metadata={"wanted": ["$", "7"]})
    grade = graded("contains", "No.", sample, from_metadata="wanted", ignore_characters="$")
    assert (grade.score, grade.details["missing"]) == (0.0, ["7"])


def test_contains_takes_the_texts_from_the_metadata_of_the_case() -> None:
    sample = Sample("s", "Hello", metadata={"expected_outputs": ["327", "1000"]})
    grade = graded("contains", "It costs 327.", sample, from_metadata="expected_outputs")
    assert grade.score == 0.5
    assert grade.details == {"found": ["327"], "missing": ["1000"]}
    assert '"1000"' in grade.reason


@pytest.mark.parametrize(
    ("on", "found"),
    [
        ("response", {"It is lost"}),
        ("said", {"It is lost", "One moment"}),
        ("trace", {"It is lost", "One moment", "order 7", '{"id":7}'}),
    ],
)
def test_texts_are_looked_for_in_the_response_all_that_was_said_or_the_whole_trace(
    on: str, found: set[str]
) -> None:
    texts = ["It is lost", "One moment", "order 7", '{"id":7}', "Where is it?"]
    grade = on_trace("contains", on, values=texts)
    assert set(grade.details["found"]) == found


def test_no_response_says_nothing() -> None:
    assert graded("contains", None, values=["a"]).score == 0.0
    assert graded("contains", None, values=["a"], mode="none").score == 1.0
    assert graded("regex", None, pattern="a").score == 0.0
    assert graded("json_schema", None, schema={}).score == 0.0


def test_exact_compares_with_the_expected_response_or_the_value() -> None:
    sample = Sample("s", "Hello", expected_response="Yes, it is.")
    assert graded("exact", " yes,  it IS. ", sample).passed
    assert not graded("exact", " yes,  it IS. ", sample, normalise=False).passed
    assert graded("exact", "No", sample, value="no").passed
    assert graded("exact", "Nay", sample, value="no").reason == 'says "Nay", expected "no"'


@pytest.mark.parametrize(
    ("response", "passes"),
    [
        ("1,250.004", True),
        ("1250.02", False),
        ("about 1250", False),
        ("nan", False),
        ("1_250", False),
    ],
)
def test_exact_with_a_tolerance_compares_numbers(response: str, passes: bool) -> None:
    assert graded("exact", response, value="1250", tolerance=0.01).passed is passes


@pytest.mark.parametrize(
    ("expected", "response"),
    [("1,5", "15"), ("1,5", "1.5"), ("12,50", "1250"), ("1,250,00", "125000")],
)
def test_a_comma_that_parts_no_thousands_is_no_number(expected: str, response: str) -> None:
    for one, other in ((expected, response), (response, expected)):
        assert not graded("exact", other, value=one, tolerance=0.01).passed
    assert graded("exact", " -1,250.50", value="-1250.5", tolerance=0).passed


def test_exact_with_a_tolerance_compares_as_texts_what_is_no_number() -> None:
    assert graded("exact", "None at all", value="none at all", tolerance=0.01).passed


@pytest.mark.parametrize(
    ("settings", "score"),
    [
        ({"pattern": r"order \d+"}, 1.0),
        ({"pattern": r"ORDER"}, 0.0),
        ({"pattern": r"ORDER", "ignore_case": True}, 1.0),
        ({"pattern": r"Your order \d+", "mode": "match"}, 0.0),
        ({"pattern": r"Your order \d+.*", "mode": "match"}, 0.0),
        ({"pattern": r"Your order \d+.*", "mode": "match", "dotall": True}, 1.0),
        ({"pattern": r"^it", "multiline": True}, 1.0),
        ({"pattern": r"^it"}, 0.0),
        ({"pattern": r"refund", "mode": "none"}, 1.0),
        ({"pattern": r"lost", "mode": "none"}, 0.0),
    ],
)
def test_regex_searches_matches_the_whole_or_must_not_be_found(
    settings: dict[str, Any], score: float
) -> None:
    assert graded("regex", "Your order 7:\nit is lost", **settings).score == score


def test_regex_looks_at_the_whole_trace_where_asked_to() -> None:
    assert on_trace("regex", "trace", pattern=r"find \{.id.:7\}").passed
    assert not on_trace("regex", "response", pattern="find").passed


@pytest.mark.timeout(30)
def test_a_pattern_without_end_fails_the_grader_and_not_the_agent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(regex_patterns, "SECONDS", 0.1)
    grade = graded("regex", "a" * 5000 + "b", pattern=r"(a|a|aa)+$", mode="match")
    assert grade.score is None
    assert grade.error is not None
    assert "took longer" in grade.error


@pytest.mark.parametrize(
    "pattern", ["(a", "[z-a]", "*", "(?P<n>a)(?P=m)", "a" * 2001, "(?R)", "(a|(?1))+"]
)
def test_a_bad_pattern_is_refused_when_it_is_read(pattern: str) -> None:
    with pytest.raises(SettingsError, match=r"g\.pattern"):
        graded("regex", "a", pattern=pattern)


def test_a_pattern_that_would_take_all_of_the_memory_is_refused_before_it_is_compiled() -> None:
    for pattern in ("((a{1000}){1000}){1000}", "(?:(?:x{1,200}y){200}z){0,9}", "a{,99999}"):
        with pytest.raises(SettingsError, match="repeats something over"):
            graded("regex", "a", pattern=pattern)
    assert graded("regex", "{1000}{1000}{1000}", pattern=r"^[{1000}]+(\{1000\}){0,2}$").passed


@pytest.mark.parametrize(
    "hidden",
    [
        r"(?#[){}(?#])",  # within what looks like a set
        r"(?#\)[){}(?#])",
        "(?x)# [\n{} # ]",
        "(?s-i:(?ix:# [\n{} # ]\n))",
        r"((([])))]a{{900}}){{900}}){{900}}",  # a set's first ] does not end it
        r"((([^])))]a{{900}}){{900}}){{900}}",
        r"((([[:alpha:])))]a{{900}}){{900}}){{900}}",
        r"((a{{900}})(?#x){{900}})(?i){{900}}",  # what stands between a part and its count is none
        r"((a{{900}}){{e<=0}}{{900}}){{e<=0:[b]}}{{900}}",
        r"[[:(:]{}",
        "(?:" + "[ab]c" * 300 + "){{10000}}",
        "a{{10000}}" * 200,
    ],
)
def test_no_way_to_write_a_pattern_hides_how_large_it_becomes(hidden: str) -> None:
    with pytest.raises(SettingsError, match=r"repeats something over|parts with|the flag x"):
        graded("regex", "a", pattern=hidden.format("((a{900}){900}){900}"))


@pytest.mark.parametrize("pattern", ["[]a]{3}", "[[:alpha:]]{3}", "(?i:A){3}", r"(?#3)[^\]]{1,3}$"])
def test_a_pattern_that_stays_small_is_taken_however_it_is_written(pattern: str) -> None:
    assert graded("regex", "aaa", pattern=pattern).passed


SCHEMA = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "integer"}, "code": {"type": "string", "pattern": "^(a|aa)+$"}},
}


@pytest.mark.parametrize(
    ("response", "fenced", "passes"),
    [
        ('{"id": 7}', False, True),
        ('{"id": "7"}', False, False),
        ("{id: 7}", False, False),
        ('```json\n{"id": 7}\n```', False, False),
        ('Here it is:\n```json\n{"id": 7}\n```\nAnything else?', True, True),
        ('{"id": 7}', True, True),
        ('```\n{"id": 7}\n```\n```\n{"id": 8}\n```', True, False),
        ('{"id": 7, "code": "b"}', False, False),
        ('{"id": NaN}', False, False),
    ],
)
def test_json_schema_wants_a_response_that_is_json_and_fits(
    response: str, fenced: bool, passes: bool
) -> None:
    assert graded("json_schema", response, schema=SCHEMA, fenced=fenced).passed is passes


def test_a_schema_with_a_pattern_without_end_fails_the_grader_and_not_the_agent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_schema, "SECONDS", 0.1)
    schema = {"type": "string", "pattern": "^(a|a|aa)+$"}
    grade = graded("json_schema", f'"{"a" * 5000}b"', schema=schema)
    assert grade.score is None
    assert "took longer" in (grade.error or "")
    # Nor does it help that each of many texts takes less than that.
    texts = json.dumps(["a" * 16 + "b"] * 2000)
    grade = graded("json_schema", texts, schema={"not": {"contains": schema}})
    assert "took longer" in (grade.error or "")


DOUBLING = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {
        "d0": {"type": ["array", "string"]},
        **{f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n - 1}"}] * 2} for n in range(1, 30)},
    },
    "properties": {"again": {"$ref": "#"}},
    "if": {"type": "string"},
    "then": {"$ref": "#/$defs/d29"},
}


@pytest.mark.parametrize(
    ("schema", "response"),
    [
        (DOUBLING, '"x"'),
        (DOUBLING, '{"again": "x"}'),
        # What does not fit is quoted, each time.
        ({"allOf": [{"anyOf": [{"type": "null"}] * 400}]}, json.dumps(["a" * 90] * 900)),
    ],
)
def test_a_schema_that_takes_too_many_steps_fails_the_grader(
    schema: dict[str, Any], response: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_schema, "MOST_STEPS", 20_000)
    assert "more than 20,000 steps" in (graded("json_schema", response, schema=schema).error or "")


@pytest.mark.parametrize(
    ("response", "passes"),
    [
        ('[{"a": 1}, {"a": true}, {"a": "1"}, [1], [2]]', True),
        ('[{"a": [1, 2], "b": 0}, {"b": 0.0, "a": [1, 2]}]', False),
        (json.dumps([{"n": n} for n in range(20_000)]), True),
    ],
)
def test_items_are_told_to_be_unique_however_many_there_are(response: str, passes: bool) -> None:
    assert graded("json_schema", response, schema={"uniqueItems": True}).passed is passes


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "thing"}, "no JSON schema"),
        ({"$ref": "https://example.com/s.json"}, "leaves the schema"),
        ({"patternProperties": {"^a": {}}}, "patternProperties"),
        ({"not": {"$schema": "http://json-schema.org/draft-07/schema#"}}, "of two drafts"),
        ({"properties": {"a": {"pattern": "(a"}}}, "no regular expression"),
        ("no schema", "must be an object"),
    ],
)
def test_a_bad_schema_is_refused_when_it_is_read(schema: object, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        graded("json_schema", "{}", schema=schema)


def test_a_property_may_be_called_pattern() -> None:
    schema = {"properties": {"pattern": {"type": "string"}, "n": {"enum": [1]}}}
    assert graded("json_schema", '{"pattern": "(a", "n": 1}', schema=schema).passed


def test_long_texts_are_cut_in_reasons() -> None:
    grade = graded("contains", "a", values=["b" * 5000] * 9)
    assert len(grade.reason) < 400
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
