"""Two solutions of one task are held against each other, and against what is expected."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.errors import RecordError
from goldloop.samples import ToolCall
from goldloop.schemas import Schema
from goldloop.synthesis.consistency import (
    Solution,
    answers_to_judge,
    groups_by_cosine,
    judged_answers,
    judged_calls,
    rate,
    rejected_by,
)
from goldloop.synthesis.values import CONSISTENCY, REASONS, Rejection

SCHEMAS = {
    "refund": Schema(
        {
            "type": "object",
            "properties": {
                "order_id": {"type": "string"},
                "amount": {"type": "number"},
                "note": {"type": ["string", "null"]},
                "why": {"type": "string"},
                "currency": {"type": "string", "default": "EUR"},
                "who": {"type": "object", "properties": {"age": {"type": "integer"}}},
                "must": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "hard": {"type": "integer"},
            },
            "required": ["order_id", "note", "must", "hard"],
        },
        "refund",
    )
}


def solution(*arguments, response=None, name="refund"):
    return Solution(tuple(ToolCall(name, one) for one in arguments), response)


def reason(candidate, first, second, **more):
    found = judged_calls(candidate, first, second, SCHEMAS, **more)
    if found is None:
        return None
    assert found.stage == CONSISTENCY
    assert found.reason in REASONS[CONSISTENCY]
    return found.reason


def same(candidate, one, other):
    return reason(candidate(calls=None), solution(one), solution(other)) is None


def test_two_solutions_with_the_expected_calls_say_nothing_against_it(candidate):
    expected = candidate(calls=[("refund", {"order_id": "LM-1", "amount": 5})])
    found = solution({"amount": 5.0, "order_id": " lm-1"})
    assert reason(expected, found, solution({"order_id": "ＬＭ-1", "amount": 5})) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"order_id": "a", "note": None}, {"order_id": "a"}),
        ({"order_id": "a", "why": None}, {"order_id": "a"}),
        ({"order_id": "a", "must": None}, {"order_id": "a"}),
        ({"order_id": "a", "currency": "EUR"}, {"order_id": "a"}),
        ({"who": {"age": None}}, {"who": {}}),
        ({"order_id": "A  B"}, {"order_id": "a b"}),
        ({"amount": 1}, {"amount": 1.0}),
        ({"amount": -0.0}, {"amount": 0}),
    ],
)
def test_arguments_that_mean_the_same_are_the_same(candidate, one, other):
    assert same(candidate, one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"order_id": "a", "hard": None}, {"order_id": "a"}),
        ({"order_id": "a", "unknown": None}, {"order_id": "a"}),
        ({"order_id": "a", "currency": "USD"}, {"order_id": "a"}),
        ({"amount": 1}, {"amount": "1"}),
        ({"amount": 1}, {"amount": True}),
        ({"who": {"ages": [1, 2]}}, {"who": {"ages": [2, 1]}}),
    ],
)
def test_arguments_that_mean_something_else_are_different(candidate, one, other):
    assert not same(candidate, one, other)


def test_the_order_of_calls_counts_only_where_that_is_asked_for(candidate):
    one, other = {"order_id": "a"}, {"order_id": "b"}
    case = candidate(calls=[("refund", one), ("refund", other)])
    there, back = solution(one, other), solution(other, one)
    assert reason(case, there, back) is None
    assert reason(case, there, back, ordered=True) == "different_calls"
    assert reason(case, back, back, ordered=True) == "unexpected_calls"


def test_solutions_that_differ_are_told_from_those_that_agree_on_something_else(candidate):
    case = candidate(calls=[("refund", {"order_id": "a"})])
    right, wrong = solution({"order_id": "a"}), solution({"order_id": "b"})
    assert reason(case, right, wrong) == "different_calls"
    assert reason(case, wrong, wrong) == "unexpected_calls"
    assert reason(case, Solution(), Solution()) == "unexpected_calls"
    assert reason(candidate(calls=[]), right, right) == "unexpected_calls"
    said = judged_calls(case, wrong, wrong, SCHEMAS).said
    assert said == (
        'both solutions call refund {"order_id":"b"}, expected is refund {"order_id":"a"}'
    )
    long = solution({"order_id": "x" * 9000})
    assert len(judged_calls(case, long, long, SCHEMAS).said) < 1000


def test_a_repeated_call_is_not_the_same_as_one(candidate):
    once = {"order_id": "a"}
    assert reason(candidate(calls=None), solution(once), solution(once, once)) == "different_calls"


def test_where_nobody_said_which_calls_are_right_only_the_two_are_compared(candidate):
    found = solution({"order_id": "a"})
    assert reason(candidate(calls=None), found, found) is None


def test_what_could_not_be_solved_twice_has_no_verdict(candidate):
    found = judged_calls(candidate(), Solution(), Solution(error="refused"))
    assert found == Rejection(CONSISTENCY, "unsolved", "it could not be solved twice: refused")


def test_calls_without_a_canonical_form_are_not_judged(candidate):
    deep = {}
    for _ in range(5000):
        deep = {"a": deep}
    for hostile in (deep, {"a": math.nan}, {"a": "\ud800"}):
        assert reason(candidate(), solution(hostile), Solution()) == "unsolved"


def test_texts_are_judged_only_where_there_is_something_to_ask(candidate):
    case = candidate(response="It is late.")
    one, other = Solution(response="Late"), Solution(response="On time")
    assert answers_to_judge(case, one, other) == ("It is late.", "Late", "On time")
    assert answers_to_judge(case, one, Solution()) == ("It is late.", "Late", "")
    alike = Solution(response=" it is LATE. ")
    assert answers_to_judge(case, alike, alike) is None
    silent, speaks = solution({"order_id": "a"}), solution({"order_id": "a"}, response="Late")
    assert answers_to_judge(case, silent, silent) is None
    assert answers_to_judge(case, silent, speaks) is None
    assert answers_to_judge(case, speaks, silent) is None
    assert answers_to_judge(case, speaks, speaks) == ("It is late.", "Late", "Late")
    assert answers_to_judge(case, Solution(), Solution()) == ("It is late.", "", "")
    assert answers_to_judge(candidate(response=None), one, other) is None


def test_key_points_stand_for_the_expected_text(candidate):
    case = candidate(response=None, key_points=["it is late", "no refund"])
    expected, _, _ = answers_to_judge(case, Solution(response="a"), Solution(response="b"))
    assert expected == "it is late\nno refund"


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ((1, 1, 1), None),
        ((2, 2, 2), None),
        ((1, 2, 2), "unexpected_answer"),
        ((1, 1, 2), "different_answer"),
        ((1, 2, 1), "different_answer"),
        ((1, 2, 3), "different_answer"),
    ],
)
def test_groups_of_a_judge_become_a_verdict(groups, reason):
    found = judged_answers(groups)
    assert (found and found.reason) == reason


def test_a_rejection_tells_what_the_solutions_answered():
    said = judged_answers((1, 2, 3), ("late", "early", "x" * 9000)).said
    assert said.startswith(
        "the two solutions answer differently, neither as expected: 'early', 'xxx"
    )
    assert len(said) <= 1000
    assert judged_answers((1, 2, 2), ("late", "early", "EARLY")).said.endswith(": 'early'")


def test_a_judge_that_groups_other_than_three_texts_is_an_error():
    with pytest.raises(ValueError):
        judged_answers([1, 1])


@pytest.mark.parametrize(
    ("vectors", "reason"),
    [
        ([[1, 0], [2, 0], [1, 0.1]], None),
        ([[0, 1], [1, 0], [1, 0.1]], "unexpected_answer"),
        ([[1, 0], [1, 0], [0, 1]], "different_answer"),
        ([[0, 1], [1, 0], [0, 1]], "different_answer"),
        ([[0, 0], [1, 0], [1, 0]], "unexpected_answer"),
        ([[0, 0], [0, 0], [0, 0]], "different_answer"),
    ],
)
def test_an_embedding_judges_as_well(vectors, reason):
    found = judged_answers(groups_by_cosine(vectors))
    assert (found and found.reason) == reason


@given(st.lists(st.lists(st.floats(-9, 9), min_size=2, max_size=2), min_size=3, max_size=3))
def test_the_groups_of_an_embedding_follow_from_the_two_solutions(vectors):
    _, first, second = groups_by_cosine(vectors)
    _, *swapped = groups_by_cosine([vectors[0], vectors[2], vectors[1]])
    assert (first == second) == (swapped[0] == swapped[1])


@pytest.mark.parametrize("vectors", [[[1.0]], [1.0, 2.0, 3.0], [[math.nan], [1], [1]]])
def test_an_embedding_of_another_form_is_an_error(vectors):
    with pytest.raises(RecordError, match="finite array of shape"):
        groups_by_cosine(vectors)


def test_rejections_are_counted_by_difficulty_and_tag(candidate):
    bad, lost = (Rejection(CONSISTENCY, one) for one in ("different_calls", "unsolved"))
    judged = [
        (candidate(0, difficulty="hard", tags=["b", "a"]), bad),
        (candidate(1, difficulty="hard", tags=["b"]), None),
        (candidate(2, difficulty="easy", tags=["a"]), None),
        (candidate(3, difficulty="easy", tags=["a"]), lost),
    ]
    rows = [(row.axis, row.name, row.judged, row.rejected) for row in rejected_by(judged)]
    assert rows == [
        ("difficulty", "easy", 1, 0),
        ("difficulty", "hard", 2, 1),
        ("tag", "a", 2, 1),
        ("tag", "b", 2, 1),
    ]
    assert rejected_by(judged)[0].unsolved == 1
    assert rejected_by(judged)[1].share == 0.5


def test_the_interval_is_that_of_wilson():
    """0 of 10: Newcombe 1998, Statistics in Medicine 17, method 3, gives 0 to 0.2775."""
    found = rate("difficulty", "easy", [None] * 10)
    assert (found.low, round(found.high, 4)) == (0.0, 0.2775)


def test_a_group_without_a_verdict_has_no_share():
    found = rate("tag", "a", [Rejection(CONSISTENCY, "unsolved")])
    assert (found.share, found.low, found.high) == (None, 0.0, 1.0)
