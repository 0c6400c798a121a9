"""goldloop generate: towards what it is turned, who compares answers, and one command at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench._synthetic_endpoint import SyntheticEndpoint
from goldloop.errors import GoldloopError
from goldloop.settings import Settings, SynthesisSettings
from store.synthesis import get_batch
from sync import terminal
from sync.claims import claimed
from sync.generate import generate
from sync.synthesis_batch import open_batch
from sync.synthesis_inputs import read_asked
from tests.sync.cases import fill, is_right, label, pick
from tests.sync.generating import TOOLS, candidates, use
from tests.sync.loop import Loop

EXAMPLE = Path(TOOLS).with_name("synthesis.toml")
TASK = """
description = "Support of a shop"
[axes]
capability = ["refund", "orders", "login"]
difficulty = ["easy", "hard"]
"""


@pytest.fixture
def endpoint() -> Iterator[SyntheticEndpoint]:
    """An endpoint without faults."""
    with SyntheticEndpoint(5, {}) as server:
        yield server


def test_the_example_is_read_and_its_grid_can_be_filled(
    offline: Loop, endpoint: SyntheticEndpoint
) -> None:
    command = use(offline, endpoint)
    command[2] = str(EXAMPLE)
    plan = offline.json(*command, "200", "--dry-run")
    assert plan["pairs_covered"] >= 0.95 * plan["pairs_possible"]
    refunds = sum(plan["coverage"]["difficulty by capability"][d]["refund"] for d in ("easy",))
    assert refunds > 0
    task = read_asked(Settings(synthesis=SynthesisSettings(model="m")), EXAMPLE, TOOLS, 5).task
    assert "what support may do" in task.policy
    assert {tool.name for tool in task.tools} >= {"find_order", "refund_order"}


def test_a_focus_asks_for_more_where_the_agent_fails(
    offline: Loop, endpoint: SyntheticEndpoint
) -> None:
    fill(offline)
    label(offline, pick(offline, 120))
    answered = [row[0] for row in offline.rows("SELECT sample_id FROM picks")]
    wrong = Counter(("easy", "hard")[int(one[1:]) % 2] for one in answered if not is_right(one))
    estimate = offline.json("estimate", "--by", "difficulty")["slices"]
    command = use(offline, endpoint, examples=0)
    task = offline.folder / "task.toml"
    task.write_text(TASK)
    command[2] = str(task)
    plain, focused = (
        offline.json(*command, "60", *more)["batches"][0]["focus"] for more in ((), ("--focus",))
    )
    assert plain is None
    need = {name: 1 - one["value"] + (one["high"] - one["low"]) for name, one in estimate.items()}
    weights = focused["difficulty"]
    assert sum(wrong.values()) > 10
    assert max(weights, key=weights.__getitem__) == max(need, key=need.__getitem__)
    slots = Counter(
        row[0]
        for row in offline.rows("SELECT difficulty FROM synthesis_candidates WHERE batch = 2")
    )
    share = weights["hard"] / sum(weights.values())
    assert slots["hard"] / slots.total() == pytest.approx(share, abs=0.02)


def test_a_second_command_does_not_work_on_the_same_store(
    offline: Loop, endpoint: SyntheticEndpoint
) -> None:
    command = use(offline, endpoint)
    project = offline.project
    with claimed(project, "generate") as ours:
        assert ours
        said = offline.refused(*command, "2")
    assert "another goldloop generate is at work here" in said
    assert not endpoint.paid


def test_answers_are_compared_by_an_embedding_when_the_settings_say_so(
    offline: Loop, endpoint: SyntheticEndpoint
) -> None:
    command = use(offline, endpoint, judge="embedding")
    assert "set [selection] embedding" in offline.refused(*command, "4", exit_code=2)
    (offline.folder / "alike.py").write_text(
        "import numpy\n\ndef embed(texts):\n    return numpy.ones((len(texts), 2))\n"
    )
    offline.configure("selection", embedding="alike:embed")
    offline.run(*command, "4")
    assert endpoint.calls["solve"] == 8
    assert "judge" not in endpoint.calls
    assert [row[3] for row in candidates(offline)] == ["kept"] * 4


def test_without_consistency_nothing_is_solved(offline: Loop, endpoint: SyntheticEndpoint) -> None:
    made = offline.json(*use(offline, endpoint, consistency=False), "4")
    assert endpoint.calls["solve"] == 0
    assert made["rates"]["consistency"] == []


def test_the_verb_tells_an_outage_to_whoever_calls_it(offline: Loop) -> None:
    with SyntheticEndpoint(5, {}) as server:
        command = use(offline, server)
    offline.configure("agent", attempts=1)
    project = offline.project
    asked = read_asked(project.settings, Path(command[2]), TOOLS, 2)
    with offline.store() as db:
        batch, goes_on = open_batch(project, db, asked, new=False)
        with pytest.raises(GoldloopError, match="every call failed"):
            generate(project, db, batch, progress=terminal.progress)
        assert not goes_on
        assert get_batch(db, batch.batch).state == "writing"
        assert open_batch(project, db, asked, new=False) == (batch, True)
