from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.agreement import agreement_rate, all_equal
from goldloop.consensus import (
    Annotation,
    Rules,
    State,
    TaskConsensus,
    counted,
    majority_vote,
    task_consensus,
)
from goldloop.errors import RecordError, SettingsError
from goldloop.fields import Field, FieldKind, Value

VERDICT = Field("verdict", FieldKind.SINGLE_CHOICE, "t", ("right", "partly", "wrong"), True)
TOOLS = Field("tools", FieldKind.MULTIPLE_CHOICE, "t", ("a", "b", "c"))
STARS = Field("stars", FieldKind.RATING, "t", maximum=5)
ANSWER = Field("answer", FieldKind.TEXT, "t")
PATHS = Field("paths", FieldKind.TAXONOMY, "t", ("A", "A/B"))
RULES = Rules((VERDICT, TOOLS, ANSWER), gold_fields=("verdict",), min_annotators=2)


def said(
    annotator: int,
    number: int = 0,
    at: str = "2026-01-31T12:00:00Z",
    confidence: float | None = None,
    skip: bool = False,
    **answers: Value,
) -> Annotation:
    return Annotation(number or annotator, annotator, answers, at, confidence, skip)


def vote(field: Field, *votes: Value, least: int = 2) -> tuple[str, Value | None, float | None]:
    result = majority_vote(field, votes, least)
    return result.state.value, result.value, result.share


# One field


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ((), ("waiting", None, None)),
        (("right",), ("waiting", None, 1.0)),
        (("right", "right"), ("agreed", "right", 1.0)),
        (("right", "wrong"), ("disputed", None, 0.5)),
        (("right", "wrong", "right"), ("agreed", "right", 2 / 3)),
        (("right", "wrong", "partly"), ("disputed", None, 1 / 3)),
        (("right", "right", "wrong", "wrong"), ("disputed", None, 0.5)),
        (("right", "right", "wrong", "partly"), ("agreed", "right", 0.5)),
    ],
)
def test_the_answer_of_more_people_than_any_other_stands(
    votes: tuple[str, ...], expected: tuple[str, Value | None, float | None]
) -> None:
    assert vote(VERDICT, *votes) == expected


def test_nothing_stands_below_the_least_number_of_votes() -> None:
    assert vote(VERDICT, "right", "right", least=3) == ("waiting", None, 1.0)
    assert vote(VERDICT, "right", "right", "right", least=3)[0] == "agreed"
    assert vote(VERDICT, "right", least=1) == ("agreed", "right", 1.0)


def test_a_tie_is_disputed_even_where_both_sides_are_many() -> None:
    votes = ["right"] * 50 + ["wrong"] * 50
    assert vote(VERDICT, *votes) == ("disputed", None, 0.5)


def test_sets_of_choices_are_compared_as_wholes() -> None:
    assert vote(TOOLS, ("a", "b"), ("a",), ("a", "b"))[:2] == ("agreed", ("a", "b"))
    assert vote(TOOLS, ("a", "b"), ("a",))[0] == "disputed"
    assert vote(TOOLS, (), ())[:2] == ("agreed", ())


def test_ratings_and_paths_are_voted_on_as_they_are() -> None:
    assert vote(STARS, 4, 5, 4)[:2] == ("agreed", 4)
    assert vote(STARS, 4, 5)[0] == "disputed"
    assert vote(PATHS, (("A", "B"),), (("A", "B"),))[:2] == ("agreed", (("A", "B"),))


def test_texts_agree_without_case_spacing_and_width() -> None:
    assert vote(ANSWER, "Refund  it.", "ｒefund it.\n")[0] == "agreed"
    assert vote(ANSWER, "Refund it.", "Refund it!")[0] == "disputed"


def test_case_matters_to_everything_but_texts() -> None:
    choice = replace(VERDICT, options=("OK", "ok"))
    assert vote(choice, "OK", "ok")[0] == "disputed"


def test_the_wording_that_stands_is_the_most_frequent_one() -> None:
    assert vote(ANSWER, "yes", "Yes", "YES", "Yes", "no")[1] == "Yes"


def test_among_equally_frequent_wordings_the_first_by_code_point_stands() -> None:
    assert vote(ANSWER, "yes", "Yes")[1] == "Yes"
    assert vote(ANSWER, "Yes", "yes")[1] == "Yes"


def test_a_field_says_whether_all_agree() -> None:
    agreements = [
        majority_vote(VERDICT, votes, 2).agreement
        for votes in (["right"], ["right"] * 3, ["right", "right", "wrong"])
    ]
    assert agreements == [None, True, False]


def test_the_method_is_named_with_the_result() -> None:
    result = majority_vote(VERDICT, ["right"], 2)
    assert (result.method, result.method_version, result.votes) == ("majority_vote", 1, 1)


TEXTS = st.sampled_from(["yes", "Yes", "YES ", "no", "No", "e\u0301", "é"])


@given(st.data())
def test_the_order_of_votes_never_matters(data: st.DataObject) -> None:
    votes = data.draw(st.lists(TEXTS, max_size=8))
    shuffled = data.draw(st.permutations(votes))
    least = data.draw(st.integers(1, 4))
    assert majority_vote(ANSWER, votes, least) == majority_vote(ANSWER, shuffled, least)


@given(st.lists(st.sampled_from(VERDICT.options), min_size=2, max_size=9))
def test_what_stands_has_strictly_more_votes_than_any_other(votes: list[str]) -> None:
    result = majority_vote(VERDICT, votes, 2)
    counts = sorted((votes.count(option) for option in VERDICT.options), reverse=True)
    assert (result.state is State.AGREED) == (counts[0] > counts[1])
    if result.value is not None:
        assert votes.count(str(result.value)) == counts[0]


# Which annotations count


def test_of_several_annotations_by_one_person_the_latest_counts() -> None:
    early = said(1, 10, "2026-01-31T12:00:00Z", verdict="wrong")
    late = said(1, 9, "2026-01-31T12:00:01Z", verdict="right")
    assert counted([late, early]) == counted([early, late]) == (late,)


def test_times_are_compared_as_moments_not_as_texts() -> None:
    early = said(1, 10, "2026-01-31T12:00:00Z", verdict="wrong")
    late = said(1, 9, "2026-01-31T12:00:00.500000Z", verdict="right")
    assert late.updated_at < early.updated_at
    assert counted([early, late]) == (late,)


def test_at_the_same_moment_the_higher_id_counts() -> None:
    first, second = said(1, 10, verdict="wrong"), said(1, 11, verdict="right")
    assert counted([second, first]) == (second,)


def test_a_skip_never_counts_as_an_answer() -> None:
    answer = said(1, 10, verdict="right")
    skip = said(1, 11, "2026-02-01T00:00:00Z", skip=True, verdict="wrong")
    assert counted([answer, skip, said(2, skip=True)]) == (answer,)


def test_a_time_that_is_none_is_refused_with_the_annotation() -> None:
    with pytest.raises(RecordError, match=r"^updated_at of annotation 7 is 'later'; expected ISO"):
        counted([said(1, 6), said(1, 7, "later")])


# One task


def test_a_task_with_two_equal_verdicts_is_agreed() -> None:
    result = task_consensus(RULES, [said(1, verdict="right"), said(2, verdict="right")])
    assert (result.state, result.labels, result.annotators) == (
        State.AGREED,
        {"verdict": "right"},
        2,
    )


def test_a_task_that_nobody_answered_waits() -> None:
    result = task_consensus(RULES, [])
    assert result == replace(
        result,
        state=State.WAITING,
        agreement_rate=None,
        annotators=0,
        skips=0,
        mean_confidence=None,
        labels={},
    )


def test_a_task_waits_for_the_least_number_of_annotators() -> None:
    result = task_consensus(RULES, [said(1, verdict="right")])
    assert (result.state, result.labels) == (State.WAITING, {})


def test_one_person_who_answers_twice_is_one_annotator() -> None:
    result = task_consensus(RULES, [said(1, 1, verdict="right"), said(1, 2, verdict="right")])
    assert (result.state, result.annotators) == (State.WAITING, 1)


def test_a_tie_on_a_gold_field_disputes_the_task() -> None:
    result = task_consensus(RULES, [said(1, verdict="right"), said(2, verdict="wrong")])
    assert (result.state, result.labels) == (State.DISPUTED, {})


def test_a_third_annotator_settles_a_dispute() -> None:
    answers = [said(1, verdict="right"), said(2, verdict="wrong"), said(3, verdict="wrong")]
    assert task_consensus(RULES, answers).labels == {"verdict": "wrong"}


def test_a_dispute_on_another_field_does_not_hold_the_task_back() -> None:
    result = task_consensus(
        RULES,
        [said(1, verdict="right", tools=("a",)), said(2, verdict="right", tools=("b",))],
    )
    assert result.state is State.AGREED
    assert {f.field: f.state.value for f in result.fields} == {
        "verdict": "agreed",
        "tools": "disputed",
        "answer": "unanswered",
    }
    assert result.labels == {"verdict": "right"}


def test_every_gold_field_must_stand() -> None:
    rules = replace(RULES, gold_fields=("verdict", "tools"))
    disputed = [said(1, verdict="right", tools=("a",)), said(2, verdict="right", tools=("b",))]
    missing = [said(1, verdict="right", tools=("a",)), said(2, verdict="right")]
    assert task_consensus(rules, disputed).state is State.DISPUTED
    assert task_consensus(rules, missing).state is State.WAITING


def test_an_optional_field_that_too_few_answered_is_unanswered_and_not_waiting() -> None:
    answers = [said(1, verdict="right", answer="x"), said(2, verdict="right")]
    result = task_consensus(RULES, answers)
    assert [f.state for f in result.fields if f.field == "answer"] == [State.UNANSWERED]
    assert "answer" not in result.labels


def test_an_optional_field_waits_with_its_task() -> None:
    result = task_consensus(RULES, [said(1, verdict="right", answer="x")])
    assert {f.state for f in result.fields} == {State.WAITING}


def test_skips_are_counted_by_person_and_never_voted() -> None:
    answers = [
        said(1, 1, verdict="right"),
        said(2, 2, verdict="right"),
        said(3, 3, skip=True, verdict="wrong"),
        said(3, 4, skip=True),
    ]
    result = task_consensus(RULES, answers)
    assert (result.annotators, result.skips) == (2, 1)
    assert result.labels == {"verdict": "right"}


def test_who_skipped_and_then_answered_did_not_skip() -> None:
    result = task_consensus(RULES, [said(1, 1, skip=True), said(1, 2, verdict="right")])
    assert (result.annotators, result.skips) == (1, 0)


def test_an_empty_set_of_choices_is_a_label_that_stands() -> None:
    answers = [said(1, verdict="right", tools=()), said(2, verdict="right", tools=())]
    assert task_consensus(RULES, answers).labels == {"verdict": "right", "tools": ()}


def test_answers_to_fields_that_are_not_voted_on_change_nothing() -> None:
    plain = [said(1, verdict="right"), said(2, verdict="right")]
    notes = [said(1, verdict="right", notes="a"), said(2, verdict="right", notes="b")]
    assert task_consensus(RULES, notes) == task_consensus(RULES, plain)


@pytest.mark.parametrize(
    ("confidences", "mean"), [((0.5, 1.0), 0.75), ((None, 0.5), 0.5), ((None, None), None)]
)
def test_the_mean_confidence_is_of_those_who_gave_one(
    confidences: tuple[float | None, ...], mean: float | None
) -> None:
    answers = [
        said(person, confidence=confidence, verdict="right")
        for person, confidence in enumerate(confidences, start=1)
    ]
    assert task_consensus(RULES, answers).mean_confidence == mean


ANSWERS = st.builds(
    said,
    annotator=st.integers(1, 4),
    number=st.integers(1, 10_000),
    at=st.sampled_from(["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5Z", "2026-02-01T00:00:00Z"]),
    confidence=st.sampled_from([None, 0.25, 0.5, 1.0]),
    skip=st.booleans(),
    verdict=st.sampled_from(VERDICT.options),
    answer=TEXTS,
)


@given(st.lists(ANSWERS, max_size=8, unique_by=lambda a: a.annotation_id), st.data())
def test_the_order_of_annotations_never_matters(
    answers: list[Annotation], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(answers))
    assert task_consensus(RULES, shuffled) == task_consensus(RULES, answers)


@given(st.lists(ANSWERS, max_size=8, unique_by=lambda a: a.annotation_id))
def test_an_agreed_task_has_a_label_for_every_gold_field(answers: list[Annotation]) -> None:
    result: TaskConsensus = task_consensus(RULES, answers)
    assert (result.state is State.AGREED) == ("verdict" in result.labels)
    assert result.annotators + result.skips == len({a.annotator_id for a in answers})


# The rules


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gold_fields": ()}, r"among the voted fields \(verdict, tools, answer\); none was named"),
        ({"gold_fields": ("verdict", "notes")}, r"\(verdict, tools, answer\); notes is not$"),
        ({"fields": (), "gold_fields": ()}, r"\(there is none\); none was named"),
        ({"fields": (VERDICT, VERDICT)}, r"different names: verdict, verdict"),
        ({"min_annotators": 0}, r"min_annotators must be at least 1, not 0"),
    ],
)
def test_rules_by_which_nothing_could_stand_are_refused(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        replace(RULES, **change)


# Agreement


def test_the_agreement_rate_is_the_share_of_fields_on_which_all_agree() -> None:
    votes: dict[Field, list[Value]] = {
        VERDICT: ["right", "right"],
        TOOLS: [("a",), ("b",)],
        ANSWER: ["Yes", "yes "],
        STARS: [3],
        PATHS: [],
    }
    assert agreement_rate(votes) == pytest.approx(2 / 3)


def test_the_agreement_rate_of_a_task_is_over_what_two_people_answered() -> None:
    answers = [said(1, verdict="right", answer="x"), said(2, verdict="wrong", answer="X")]
    assert task_consensus(RULES, answers).agreement_rate == 0.5


def test_a_majority_is_not_agreement_of_all() -> None:
    answers = [said(1, verdict="right"), said(2, verdict="right"), said(3, verdict="wrong")]
    result = task_consensus(RULES, answers)
    assert (result.state, result.agreement_rate) == (State.AGREED, 0.0)


@pytest.mark.parametrize("votes", [{}, {VERDICT: []}, {VERDICT: ["right"]}])
def test_there_is_no_agreement_of_fewer_than_two(votes: dict[Field, list[Value]]) -> None:
    assert agreement_rate(votes) is None
    assert all_equal(VERDICT, votes.get(VERDICT, [])) is None
