"""What waits in the loop, for whom, and what helps."""

from __future__ import annotations

import pytest

from goldloop.next_steps import (
    AGENT,
    ANNOTATORS,
    EXPERTS,
    YOU,
    Standing,
    Waiting,
    next_steps,
)

FULL = Standing(
    samples=100,
    pool=10,
    without_run=4,
    unchecked_batches=1,
    undelivered_rounds=1,
    set_aside=2,
    open_tasks=5,
    disputed=3,
    asked_again=2,
    ambiguous=1,
    gold=20,
    committed=12,
)


def test_what_stops_the_loop_comes_before_labels_and_these_before_versions() -> None:
    assert [step.command for step in next_steps(FULL)] == [
        "goldloop synthesis check",
        "goldloop inbox",
        "goldloop run",
        "goldloop push",
        "goldloop pull",
        "goldloop pull",
        "goldloop route",
        "goldloop disputes",
        "goldloop commit",
    ]
    assert [step.who for step in next_steps(FULL)] == [
        YOU, YOU, AGENT, YOU, ANNOTATORS, ANNOTATORS, YOU, EXPERTS, YOU,
    ]  # fmt: skip


def test_an_empty_pool_wants_samples_and_a_batch_its_check_first() -> None:
    assert [step.command for step in next_steps(Standing(unchecked_batches=2))] == [
        "goldloop synthesis check",
        "goldloop import samples.jsonl",
    ]


@pytest.mark.parametrize(
    ("committed", "command"),
    [(None, "goldloop commit"), (19, "goldloop commit"), (20, "goldloop push --batch-size 20")],
)
def test_gold_that_no_version_holds_is_committed(committed: int | None, command: str) -> None:
    now = Standing(samples=100, pool=80, gold=20, committed=committed)
    assert [step.command for step in next_steps(now)] == [command]


def test_a_larger_version_than_what_stands_waits_for_nothing() -> None:
    [step] = next_steps(Standing(samples=20, gold=18, committed=20))
    assert step == Waiting(YOU, "every sample is labelled and committed", step.command)


def test_one_is_not_many() -> None:
    assert next_steps(Standing(samples=1, open_tasks=1))[0].what == "1 task to answer"


def test_a_version_that_no_agent_was_evaluated_on_is_named() -> None:
    now = Standing(samples=20, gold=20, committed=20, unevaluated="golden@1.0.0")
    [step] = next_steps(now)
    assert step.command == "goldloop evaluate --dataset golden@1.0.0"


@pytest.mark.parametrize(
    ("is_reviewed", "command"),
    [(False, "goldloop push --from-gate 7"), (True, "goldloop gate-review 7")],
)
def test_a_gate_that_blocks_comes_last_and_hides_nothing(is_reviewed: bool, command: str) -> None:
    now = Standing(samples=100, pool=80, gold=20, committed=20, blocked=7, is_reviewed=is_reviewed)
    assert [step.command for step in next_steps(now)] == ["goldloop push --batch-size 20", command]
