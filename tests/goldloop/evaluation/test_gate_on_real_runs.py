"""The gate on recorded runs of a real agent: four trials of 50 cases, right or wrong by reward."""

import json
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from made_evaluations import case, evaluation

from goldloop.evaluation import Evaluation, Rules, gate, summarise


@pytest.fixture(scope="session")
def rewards(tau_airline: Path) -> dict[str, list[float]]:
    """By scenario, the rewards of trials 0 to 3."""
    found: dict[str, list[float]] = {}
    lines = [json.loads(line) for line in tau_airline.read_text(encoding="utf-8").splitlines()]
    for run in sorted(lines, key=lambda run: (run["scenario_id"], run["trial"])):
        found.setdefault(run["scenario_id"], []).append(float(run["reward"]))
    return found


def trials(rewards: dict[str, list[float]], *which: int, broken: int = 0) -> Evaluation:
    """Those trials as one evaluation; of every `broken` cases one always fails."""
    cases = [
        case(n, *(0.0 if broken and n % broken == 0 else runs[trial] for trial in which))
        for n, runs in enumerate(rewards.values())
    ]
    return evaluation(cases, "-".join(map(str, which)))


def test_two_runs_of_the_same_agent_pass(rewards):
    found = gate(trials(rewards, 0), trials(rewards, 1), Rules())
    assert found.exit_code() == 0
    assert found.paired.pairs == 50
    # 50 cases, of which a third flips by chance, do not show that nothing dropped.
    assert found.exit_code(strict=True) == 3
    assert found.power.smallest_drop > 0.1


def test_no_two_runs_of_it_block_by_default_and_some_do_by_the_literal_rule(rewards):
    pairs = [(trials(rewards, a), trials(rewards, b)) for a, b in combinations(range(4), 2)]
    pairs += [(new, old) for old, new in pairs]
    assert not [one for one in pairs if gate(*one, Rules()).exit_code()]
    assert [one for one in pairs if gate(*one, Rules(policy="point")).exit_code()]


def test_a_damaged_agent_is_blocked(rewards):
    found = gate(trials(rewards, 0), trials(rewards, 1, broken=2), Rules())
    assert found.status == "regression"
    assert found.paired.drop > 0.1
    assert {one.direction for one in found.flips} == {"regressed", "recovered"}


def test_more_runs_of_each_case_let_it_see_smaller_drops(rewards):
    once = gate(trials(rewards, 0), trials(rewards, 1), Rules()).power.smallest_drop
    twice = gate(trials(rewards, 0, 1), trials(rewards, 2, 3), Rules()).power.smallest_drop
    assert twice < 0.9 * once


def test_passing_each_time_is_rarer_than_passing_once(rewards):
    shares = [summarise(trials(rewards, *range(k))).whole.always for k in (1, 2, 3, 4)]
    assert all(more <= fewer for fewer, more in pairwise(shares))
    whole = summarise(trials(rewards, 0, 1, 2, 3)).whole
    assert whole.always < whole.mean < whole.ever
