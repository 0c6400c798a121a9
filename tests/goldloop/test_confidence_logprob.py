from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.confidence import answer_probability, mean_token_probability
from goldloop.errors import RecordError

SURE = 0.0
TEXTS = st.sampled_from(['{"a": "', '", "b": ', '"}', "[", "]", "1", ", ", "no", "```json\n", '"'])
TOKENS = st.lists(st.tuples(TEXTS, st.floats(-50, 0)), max_size=12)


def p(probability: float) -> float:
    return math.log(probability)


def test_of_a_text_all_tokens_count() -> None:
    tokens = [("It", p(0.5)), (" is", p(0.5)), (" late", p(0.032))]
    assert answer_probability(tokens) == pytest.approx(0.2)


def test_of_structured_answers_keys_and_brackets_do_not_count() -> None:
    tokens = [('{"', p(0.01)), ("city", p(0.01)), ('": "', p(0.01)), ("Rome", p(0.4)), ('"}', SURE)]
    assert answer_probability(tokens) == pytest.approx(0.4)


def test_an_answer_of_several_values_is_as_sure_as_its_least_sure_one() -> None:
    tokens = [
        ('{"city": "', SURE),
        ("New", p(0.9)),
        (" York", p(0.4)),
        ('", "seats": ', SURE),
        ("2", p(0.5)),
        (', "refund": ', SURE),
        ("true", p(0.8)),
        ("}", SURE),
    ]
    assert answer_probability(tokens) == pytest.approx(0.5)


def test_a_token_that_holds_syntax_and_value_counts_for_the_value() -> None:
    assert answer_probability([('{"a":"x', p(0.3)), ('y"}', p(0.3))]) == pytest.approx(0.3)


@pytest.mark.parametrize(
    "texts",
    [
        ['[["', "x", '"]]'],
        ['```json\n{"a": "', "x", '"}\n```'],
        [' {"a": "', "x", '"} \n'],
        ['{"a": "b\\"c", "a": "', "x", '"}'],
        ['{"é\\u00e9": {"{": "', "x", '"}}'],
    ],
)
def test_json_is_known_however_it_is_nested_or_wrapped(texts: list[str]) -> None:
    tokens = [(text, p(0.5) if text == "x" else SURE) for text in texts]
    assert answer_probability(tokens) == pytest.approx(0.5)


def test_an_empty_string_is_as_sure_as_its_quotes() -> None:
    assert answer_probability([('{"a": ', SURE), ('""', p(0.2)), ("}", SURE)]) == pytest.approx(0.2)


@pytest.mark.parametrize(
    "text", ["{}", "[]", "[1, 2", "{see below}", "[1] is the answer", '"x"', ""]
)
def test_what_holds_no_json_values_is_a_text_like_any_other(text: str) -> None:
    assert answer_probability([(text, p(0.25))]) == pytest.approx(0.25)


def test_there_is_none_without_tokens() -> None:
    assert answer_probability([]) is None


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_log_probability_is_refused(value: float) -> None:
    with pytest.raises(RecordError):
        answer_probability([("a", value)])


def test_a_megabyte_of_quotes_and_brackets_takes_no_time_to_speak_of() -> None:
    hostile = ['{"' + "\\" * 300_000, '"' * 300_000, "[" * 300_000 + "}"]
    assert answer_probability([(text, p(0.5)) for text in hostile]) == pytest.approx(0.5)


@given(TOKENS)
def test_it_is_a_probability(tokens: list[tuple[str, float]]) -> None:
    value = answer_probability(tokens)
    assert (value is None) == (not tokens)
    assert value is None or 0.0 <= value <= 1.0


@given(TOKENS, st.integers(0, 11))
def test_a_likelier_token_never_makes_the_answer_less_sure(
    tokens: list[tuple[str, float]], place: int
) -> None:
    if place >= len(tokens):
        return
    surer = [(text, v / 2 if n == place else v) for n, (text, v) in enumerate(tokens)]
    assert (answer_probability(surer) or 0.0) >= (answer_probability(tokens) or 0.0) - 1e-12


@given(
    st.lists(st.tuples(st.sampled_from(["yes", " no", "{", "x"]), st.floats(-50, 0)), min_size=1)
)
def test_a_text_has_the_mean_of_all_its_tokens(tokens: list[tuple[str, float]]) -> None:
    assert answer_probability(tokens) == mean_token_probability([value for _, value in tokens])
