from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.confidence import (
    agreement,
    answer_of,
    entropy_confidence,
    likeness,
    mean_token_probability,
    share_agreeing,
    similarity,
)
from goldloop.errors import RecordError
from goldloop.samples import Run, ToolCall

FIND = ToolCall("find", {"id": 1})
BOOK = ToolCall("book", {"id": 1})
PAY = ToolCall("pay", {"id": 1})
DATA = Path(__file__).parents[3] / "shared" / "data" / "tau-airline" / "trajectories.jsonl"


def run(response: str | None = None, *calls: ToolCall, error: str | None = None) -> Run:
    return Run("s", "v", response=response, tool_calls=calls, error=error)


RUNS = st.builds(
    lambda calls, text: run(text, *calls),
    st.lists(st.sampled_from([FIND, BOOK, ToolCall("find", {"id": 2})]), max_size=4),
    st.sampled_from(["yes", "no", None]),
)


def test_token_probability_is_the_geometric_mean() -> None:
    value = mean_token_probability([math.log(0.5), math.log(0.5), math.log(0.032)])
    assert value == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("logprobs", "expected"),
    [([], None), ([0.0], 1.0), ([1e-7, 0.3], 1.0), ([-math.inf, 0.0], 0.0), ([-1e308] * 50, 0.0)],
)
def test_token_probability_at_its_edges(logprobs: list[float], expected: float | None) -> None:
    assert mean_token_probability(logprobs) == expected


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_token_probability_refuses_what_is_no_log_probability(value: float) -> None:
    with pytest.raises(RecordError):
        mean_token_probability([-1.0, value])


@given(st.lists(st.floats(max_value=1.0, allow_nan=False), min_size=1))
def test_token_probability_is_a_probability(logprobs: list[float]) -> None:
    value = mean_token_probability(logprobs)
    assert value is not None
    assert 0.0 <= value <= 1.0


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (run("x", FIND), run("y", FIND), 1.0),
        (run(None, FIND, BOOK), run(None, BOOK, FIND), 1.0),
        (run(None, FIND, FIND), run(None, FIND), 2 / 3),
        (run(None, FIND), run(None, BOOK), 0.0),
        (run("x", FIND), run("x"), 0.0),
        (run("Yes."), run(" yes. "), 1.0),
        (run("yes"), run("no"), 0.0),
        (run("yes"), run(None), 0.0),
    ],
)
def test_similarity_of_calls_then_of_words(a: Run, b: Run, expected: float) -> None:
    assert similarity(a, b) == pytest.approx(expected)


@given(RUNS, RUNS)
def test_similarity_is_symmetric_bounded_and_one_with_itself(a: Run, b: Run) -> None:
    assert similarity(a, b) == similarity(b, a)
    assert 0.0 <= similarity(a, b) <= 1.0
    assert similarity(a, a) == 1.0


def test_agreement_leaves_failed_runs_out() -> None:
    others = [run("yes"), run("no"), run(error="time-out")]
    assert agreement(run("yes"), others) == 0.5


@pytest.mark.parametrize(
    ("main", "others"),
    [
        (run("yes"), []),
        (run("yes"), [run(error="time-out")]),
        (run(error="time-out"), [run("yes")]),
    ],
)
def test_no_agreement_without_two_answers(main: Run, others: list[Run]) -> None:
    assert agreement(main, others) is None


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (run(None, FIND, BOOK), run(None, FIND, BOOK), 1.0),
        (run(None, FIND, BOOK), run(None, BOOK, FIND), 0.5),
        (run(None, FIND, BOOK, PAY), run(None, PAY, FIND, BOOK), 2 / 3),
        (run(None, FIND, FIND, BOOK), run(None, FIND, BOOK, FIND, PAY), 4 / 7),
        (run(None, FIND), run("x"), 0.0),
        (run("Yes"), run("yes"), 1.0),
    ],
)
def test_calls_in_order_agree_as_far_as_both_make_the_same_sequence(
    a: Run, b: Run, expected: float
) -> None:
    assert similarity(a, b, ordered=True) == pytest.approx(expected)


def longest_common(a: Sequence[object], b: Sequence[object]) -> int:
    """The length of the longest common subsequence, by the book."""
    row = [0] * (len(b) + 1)
    for one in a:
        last = row
        row = [0]
        for place, other in enumerate(b):
            best = last[place] + 1 if one == other else max(last[place + 1], row[place])
            row.append(best)
    return row[-1]


LETTERS = st.lists(st.sampled_from("abc"), max_size=80)


@given(LETTERS, LETTERS)
def test_the_common_sequence_is_the_longest_there_is(a: list[str], b: list[str]) -> None:
    left, right = (run("", *(ToolCall(name, {}) for name in names)) for names in (a, b))
    expected = 2 * longest_common(a, b) / (len(a) + len(b)) if a or b else 1.0
    assert similarity(left, right, ordered=True) == pytest.approx(expected)


@given(RUNS, RUNS, st.booleans(), st.integers(0, 2), st.integers(0, 2))
def test_likeness_is_symmetric_bounded_and_one_with_itself(
    a: Run, b: Run, ordered: bool, group_a: int, group_b: int
) -> None:
    left = answer_of(a, ordered=ordered, group=group_a)
    right = answer_of(b, ordered=ordered, group=group_b)
    assert likeness(left, right) == likeness(right, left)
    assert 0.0 <= likeness(left, right) <= 1.0
    assert likeness(left, left) == 1.0
    assert (likeness(left, right) == 1.0) == (left.meaning == right.meaning)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        # The same words or others: what the judge says of them counts.
        ((run("yes"), 1), (run("indeed"), 1), 1.0),
        ((run("yes"), 1), (run("no"), 2), 0.0),
        ((run("done", FIND), 1), (run("ok", FIND), 1), 1.0),
        ((run("done", FIND), 1), (run("sorry", FIND), 2), 0.5),
        ((run("done", FIND), 1), (run("ok", BOOK), 1), 0.5),
        # Nothing was said, so only the calls count.
        ((run(None, FIND), 0), (run(None, BOOK), 0), 0.0),
        ((run("done", FIND), 1), (run(None, FIND), 0), 0.5),
    ],
)
def test_a_judge_decides_on_the_words_and_they_count_half_beside_calls(
    a: tuple[Run, int], b: tuple[Run, int], expected: float
) -> None:
    left, right = (answer_of(one, group=group) for one, group in (a, b))
    assert likeness(left, right) == expected


def test_the_share_that_agrees_counts_each_other_answer_once() -> None:
    main, *others = (answer_of(run(text)) for text in ("a", "a", "b", "a"))
    assert share_agreeing(main, others) == pytest.approx(2 / 3)
    assert share_agreeing(main, []) is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a", "a"], 1.0),
        (["a", "b"], 0.0),
        (["a", "a", "a"], 1.0),
        (["a", "b", "c"], 0.0),
        # H = ln 3 - (2/3) ln 2, over ln 3.
        (["a", "a", "b"], 2 / 3 * math.log(2) / math.log(3)),
        # H = ln 2, over ln 4.
        (["a", "b", "a", "b"], 0.5),
    ],
)
def test_entropy_is_over_the_shares_that_mean_the_same(texts: list[str], expected: float) -> None:
    answers = [answer_of(run(text)) for text in texts]
    assert entropy_confidence(answers) == pytest.approx(expected)


def test_entropy_of_runs_with_calls_is_over_what_they_called() -> None:
    answers = [answer_of(run("x", FIND)), answer_of(run("y", FIND)), answer_of(run("y", BOOK))]
    assert entropy_confidence(answers) == pytest.approx(2 / 3 * math.log(2) / math.log(3))


@pytest.mark.parametrize("answers", [[], [answer_of(run("a"))]])
def test_there_is_no_entropy_of_fewer_than_two(answers: list[Any]) -> None:
    assert entropy_confidence(answers) is None


@given(st.lists(RUNS, min_size=2, max_size=8), st.randoms())
def test_entropy_is_bounded_and_knows_no_order(runs: list[Run], random: Any) -> None:
    answers = [answer_of(one) for one in runs]
    value = entropy_confidence(answers)
    assert value is not None
    assert 0.0 <= value <= 1.0
    random.shuffle(answers)
    assert entropy_confidence(answers) == pytest.approx(value)


@given(st.lists(RUNS, min_size=1, max_size=8))
def test_an_agent_that_always_says_the_same_is_sure(runs: list[Run]) -> None:
    answers = [answer_of(runs[0])] * (len(runs) + 1)
    assert entropy_confidence(answers) == 1.0
    assert share_agreeing(answers[0], answers[1:]) == 1.0


@given(RUNS, st.lists(RUNS, min_size=1, max_size=6), st.randoms())
def test_the_order_of_the_others_changes_not_a_digit(
    main: Run, others: list[Run], random: Any
) -> None:
    before = agreement(main, others)
    random.shuffle(others)
    assert agreement(main, others) == before


def recorded(record: dict[str, Any]) -> Run:
    calls = [call["function"] for m in record["messages"] for call in m.get("tool_calls") or ()]
    return run(None, *(ToolCall(c["name"], json.loads(c["arguments"])) for c in calls))


def test_agreement_of_real_trials_is_higher_where_the_agent_was_right() -> None:
    if not DATA.exists():
        pytest.skip(f"the recorded runs are not there: {DATA}")
    trials: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in DATA.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        trials[record["scenario_id"]].append(record)
    scores: dict[bool, list[float]] = {True: [], False: []}
    for group in trials.values():
        runs = [recorded(record) for record in group]
        for index, record in enumerate(group):
            value = agreement(runs[index], runs[:index] + runs[index + 1 :])
            scores[record["reward"] == 1.0].append(value or 0.0)
    mean = {right: sum(values) / len(values) for right, values in scores.items()}
    assert mean[True] > mean[False] + 0.02
