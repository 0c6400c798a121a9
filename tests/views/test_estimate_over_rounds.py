"""The estimate after each round: what was known then, and where it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.cases import case, fill, label, pick
from tests.sync.estimated import estimated
from tests.sync.loop import Loop
from views.estimate import Question, estimate, sampled
from views.estimate_over_rounds import RoundEstimate, estimate_over_rounds

RIGHT = Question("correctness", ["correct"])


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Loop]:
    """Three labelled rounds."""
    with estimated(tmp_path / "project") as loop:
        yield loop


def over(loop: Loop, **options: int) -> list[RoundEstimate]:
    with loop.store() as db:
        return estimate_over_rounds(db, sampled(db, "v1", RIGHT), **options)


def test_the_last_round_says_what_the_estimate_says(three: Loop) -> None:
    with three.store() as db:
        whole = estimate(db, "v1", RIGHT).estimate
    assert over(three)[-1].estimate == whole


def test_a_round_is_what_the_estimate_was_before_the_next_one(tmp_path: Path) -> None:
    then = []
    with estimated(tmp_path / "project", rounds=0) as loop:
        for _ in range(3):
            label(loop, pick(loop))
            with loop.store() as db:
                then.append(estimate(db, "v1", RIGHT).estimate)
        found = over(loop)
    assert [one.round_id for one in found] == [1, 2, 3]
    assert [one.estimate for one in found] == then
    assert [one.labels for one in then] == [40, 80, 120]


def test_samples_that_came_later_were_not_in_the_pool_then(three: Loop) -> None:
    before = over(three)
    fill(three, 60, first=240)
    assert over(three) == before
    label(three, pick(three))
    found = over(three)
    assert [one.estimate.pool for one in found] == [240, 240, 240, 300]
    assert found[:3] == before


def test_an_answer_that_came_later_counts_for_the_round_that_asked(three: Loop) -> None:
    waiting = pick(three)
    assert over(three)[-1].estimate.missing == 40
    label(three, waiting)
    assert over(three)[-1].estimate.missing == 0


def test_what_waits_for_a_later_batch_counts_like_the_sample_it_repeats(tmp_path: Path) -> None:
    with estimated(tmp_path / "project", rounds=0, samples=20) as loop:
        loop.configure("selection", uncertain_share=0.0)
        copies = [case(n, user_input="Where is my order?") for n in range(20, 30)]
        loop.run("import", str(loop.write("copies.jsonl", copies)))
        then = []
        for size in (18, 2):
            label(loop, pick(loop, size))
            with loop.store() as db:
                found = estimate(db, "v1", RIGHT)
                then.append(found.estimate)
                assert found.by_likeness
        assert [one.estimate for one in over(loop)] == then


def test_of_many_rounds_some_are_shown_with_the_first_and_the_last(tmp_path: Path) -> None:
    with estimated(tmp_path / "project", rounds=5, samples=60, size=5) as loop:
        assert [one.round_id for one in over(loop, most=3)] == [1, 3, 5]
        assert over(loop, most=3)[-1] == over(loop)[-1]
