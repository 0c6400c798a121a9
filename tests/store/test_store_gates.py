"""Gates in the store, as lists show them."""

from __future__ import annotations

import pytest

from goldloop.evaluation import Case
from store.database import Store
from store.evaluation_writing import EvaluationPlan, begin_evaluation
from store.evaluations import save_gate
from store.gates import count_gates, get_gate, list_gates

RECORD = {
    "sentence": "Pass: no change.",
    "rules": {"policy": "significant"},
    "candidate": {"agent_version": "new"},
    "baseline": {"agent_version": "old"},
    "paired": {"change": -0.01, "low": -0.1, "high": 0.08, "p": 0.4, "pairs": 90},
    "power": {"smallest_drop": None},
}


@pytest.fixture
def gated(db: Store) -> Store:
    """Three evaluations and gates 1 (1 to 2: pass), 2 (2 to 3: errors), 3 (a file to 3: pass)."""
    for name in ("one", "two", "three"):
        case = Case("s-1", "x", ())
        begin_evaluation(db, EvaluationPlan(name, "d", "1", "c", "l", name, (), "g", (case,)))
    save_gate(db, 2, 1, "pass", RECORD)
    save_gate(db, 3, 2, "errors", {**RECORD, "paired": None, "power": None})
    save_gate(db, 3, None, "pass", RECORD)
    return db


def test_gates_are_listed_newest_first_with_their_figures(gated: Store) -> None:
    newest, errors, oldest = list_gates(gated)
    assert (newest.gate_id, newest.baseline_id, newest.candidate) == (3, None, "new")
    assert (oldest.change, oldest.low, oldest.high, oldest.p, oldest.pairs) == (
        *(-0.01, -0.1, 0.08, 0.4, 90),
    )
    assert (oldest.sentence, oldest.policy) == ("Pass: no change.", "significant")
    assert (errors.status, errors.change, errors.smallest_drop) == ("errors", None, None)


def test_gates_of_a_verdict_or_of_either_side_are_found(gated: Store) -> None:
    assert [one.gate_id for one in list_gates(gated, "pass")] == [3, 1]
    assert [one.gate_id for one in list_gates(gated, evaluation_id=2)] == [2, 1]
    assert [one.gate_id for one in list_gates(gated, start=1, most=1)] == [2]
    assert (count_gates(gated), count_gates(gated, "pass")) == (3, 2)
    assert list_gates(gated, "regression") == []


def test_a_gate_comes_back_whole(gated: Store) -> None:
    found = get_gate(gated, 1)
    assert found is not None
    assert (found.candidate_id, found.baseline_id, found.record) == (2, 1, RECORD)


@pytest.mark.parametrize("number", [0, -1, 9, 2**63, 10**30])
def test_a_gate_that_is_not_there_is_none(gated: Store, number: int) -> None:
    assert get_gate(gated, number) is None
