from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.confidence import agreement, mean_token_probability, similarity
from goldloop.errors import RecordError
from goldloop.samples import Run, ToolCall

FIND = ToolCall("find", {"id": 1})
BOOK = ToolCall("book", {"id": 1})
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
