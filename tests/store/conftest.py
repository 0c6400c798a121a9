from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from goldloop.samples import Message, Run, Sample, ToolCall
from goldloop.selection import hard_round, uncertainty
from store.database import Store, create_store, transaction
from store.designs import design_of
from store.rounds import Scores, round_picks, scored_samples, write_round
from store.samples import add_samples
from store.tasks import ReviewProject, mark_delivered, plan_tasks, save_review_project


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store of the test is."""
    return tmp_path / "goldloop.db"


@pytest.fixture
def db(path: Path) -> Iterator[Store]:
    """A new store."""
    store = create_store(path)
    yield store
    store.close()


@pytest.fixture
def fill(db: Store) -> Callable[..., list[str]]:
    """Puts samples s000, s001, ... into the pool, each with a run; their ids."""

    def fill(count: int, version: str = "v1", confidence: float | None = 0.5) -> list[str]:
        batch = []
        for number in range(count):
            sample = Sample(f"s{number:03}", f"question {number}")
            calls = (ToolCall("find", {"id": number}),)
            turns = (Message("user", sample.user_input), Message("assistant", "yes", calls))
            run = Run(sample.sample_id, version, turns, "yes", calls, confidence)
            batch.append((sample, run))
        add_samples(db, batch)
        return [sample.sample_id for sample, _ in batch]

    return fill


@pytest.fixture
def pick(db: Store) -> Callable[..., tuple[int, list[str]]]:
    """Writes a round of some samples from the pool; its number and their ids."""

    def pick(count: int, version: str = "v1") -> tuple[int, list[str]]:
        with transaction(db):
            samples = scored_samples(db, version)
            novel = np.zeros(len(samples.ids), dtype=np.bool_)
            scores = Scores(novel, uncertainty(samples.confidence, novel, 0.2))
            before = design_of(db, samples.ids, samples.prn, ~samples.in_pool)
            drawn = hard_round(before, scores.uncertainty, count, 0.7)
            number = write_round(db, version, count, {}, samples, scores, drawn)
        return number, [one.sample_id for one in round_picks(db, number)]

    return pick


@pytest.fixture
def tasks(
    db: Store, fill: Callable[..., list[str]], pick: Callable[..., tuple[int, list[str]]]
) -> dict[int, str]:
    """Three tasks of project 1, with their samples."""
    fill(3)
    number, ids = pick(3)
    save_review_project(db, ReviewProject(1, "http://ls", "Review", "<View/>"))
    plan_tasks(db, 1, number, ids, chunk_size=2)
    found = {100 + place: sample_id for place, sample_id in enumerate(ids)}
    mark_delivered(db, 1, {sample_id: task_id for task_id, sample_id in found.items()})
    return found
