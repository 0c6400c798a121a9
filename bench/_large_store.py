"""A project whose store holds very much: samples with runs, rounds, answers and consensus."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from bench.selection import requests
from goldloop.records import sample_record
from goldloop.samples import Sample
from goldloop.settings import SelectionSettings
from label_config.interface import builtin_interface
from label_config.results import write_result
from store.annotations import save_annotators
from store.database import Store, open_store, transaction
from store.rounds import finish_round, round_picks
from store.tasks import ReviewProject, mark_delivered, plan_tasks, save_review_project
from sync.init import init_project
from sync.select_batch import select_batch

VERSION, PROJECT, PEOPLE = "agent-1", 7, 50
WHEN = "2026-01-01T00:00:00.000000Z"
TAGS = ("refund", "delivery", "account", "price", "other")
# Of a hundred answers and of a hundred samples.
SKIPPED, DELETED, DISPUTED, WAITING = 3, 1, 8, 4
ROUNDS, LABELLED = 5, 0.9
VERDICTS = ("correct", "incorrect", "partially_correct")


def large_project(folder: Path, samples: int, annotations: int) -> Path:
    """A project folder with so many samples, nine tenths of which people answered, all of them
    equally often, in five rounds.
    """
    print(f"{samples:,} samples, {annotations:,} annotations", file=sys.stderr, flush=True)
    init_project(folder)
    with closing(open_store(folder / "goldloop.db")) as db:
        _fill_pool(db, samples)
        interface = builtin_interface()
        save_review_project(db, ReviewProject(PROJECT, "http://there", "Review", interface.xml))
        for _ in range(ROUNDS):
            _push(db, int(samples * LABELLED) // ROUNDS)
        save_annotators(db, [(n, f"person.{n}@example.org", f"Person {n}") for n in range(PEOPLE)])
        results = [json.dumps(write_result(interface, _answers(n))) for n in range(len(VERDICTS))]
        with transaction(db):
            _answer(db, results, annotations)
            _decide(db)
    return folder


def _fill_pool(db: Store, size: int) -> None:
    random = np.random.default_rng(size)
    confidence = random.beta(4, 2, size).tolist()
    prn = random.random(size).tolist()
    with transaction(db):
        for number, text in enumerate(requests(random, size)):
            _add(db, _sample(number, text), prn[number], confidence[number])


def _sample(number: int, text: str) -> Sample:
    return Sample(
        sample_id=f"s{number:06}",
        user_input=text,
        expected_response="It leaves tomorrow. " * 10,
        difficulty=("easy", "medium", "hard")[number % 3],
        tags=(TAGS[number % len(TAGS)], f"shop-{number % 40}"),
        source="trace",
    )


def _add(db: Store, sample: Sample, prn: float, confidence: float) -> None:
    """A sample and its run, as `add_samples` writes them."""
    db.conn.execute(
        "INSERT INTO samples VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?)",
        [
            sample.sample_id,
            sample.user_input,
            sample.difficulty,
            json.dumps(sample.tags),
            sample.source,
            prn,
            json.dumps(sample_record(sample), sort_keys=True),
            WHEN,
        ],
    )
    turns = [{"role": "user", "content": sample.user_input}]
    turns.append({"role": "assistant", "content": sample.expected_response or ""})
    db.conn.execute(
        "INSERT INTO runs (sample_id, agent_version, response, tool_calls, tool_path, messages,"
        " confidence, confidence_method, created_at) VALUES (?, ?, ?, '[]', '[]', ?, ?, 'own', ?)",
        [
            sample.sample_id,
            VERSION,
            sample.expected_response,
            json.dumps(turns),
            confidence,
            WHEN,
        ],
    )


def _push(db: Store, count: int) -> None:
    """A round, and its tasks as if Label Studio had taken them."""
    settings = SelectionSettings(novelty_boost=0.0, near_duplicate=0.0)
    made = select_batch(db, VERSION, settings, count)
    assert made.round_id is not None
    ids = [pick.sample_id for pick in round_picks(db, made.round_id)]
    plan_tasks(db, PROJECT, made.round_id, ids, chunk_size=100)
    mark_delivered(db, PROJECT, {one: int(one[1:]) + 1 for one in ids})
    finish_round(db, made.round_id)


def _answers(number: int) -> dict[str, Any]:
    return {"correctness": VERDICTS[number], "tool_use": "right", "expected_response": "So. " * 20}


def _answer(db: Store, results: list[str], count: int) -> None:
    """So many annotations, the same number on every task; who says what goes by numbers."""
    db.conn.execute(
        "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers"
        " WHERE n + 1 < (SELECT 1 + (:count - 1) / count(*) FROM tasks))"
        " INSERT INTO annotations (annotation_id, project_id, task_id, sample_id, annotator_id,"
        " result, was_cancelled, ground_truth, lead_time, created_at, updated_at, deleted_at,"
        " stored_at) SELECT t.task_id * 1000 + n, t.project_id, t.task_id, t.sample_id,"
        " (t.task_id + n * 7) % :people, :results ->>"
        " CASE WHEN abs(random()) % 5 THEN t.task_id % 3 ELSE abs(random()) % 3 END,"
        " abs(random()) % 100 < :skipped, 0, 5 + abs(random()) % 2000 / 10.0, :when, :when,"
        " CASE WHEN abs(random()) % 100 < :deleted THEN :when END, :when"
        " FROM tasks t, numbers LIMIT :count",
        {
            "count": count,
            "results": json.dumps(results),
            "people": PEOPLE,
            "skipped": SKIPPED,
            "deleted": DELETED,
            "when": WHEN,
        },
    )


def _decide(db: Store) -> None:
    """A consensus for every task, without running the methods."""
    db.conn.execute(
        "INSERT INTO consensus SELECT sample_id, CASE WHEN task_id % 100 < ? THEN 'disputed'"
        " WHEN task_id % 100 < ? THEN 'waiting' ELSE 'agreed' END, 0.8, 11, 0, 0.9, ? FROM tasks",
        [DISPUTED, DISPUTED + WAITING, WHEN],
    )
    db.conn.execute(
        "INSERT INTO field_consensus (sample_id, field, state, value, votes, share, agreement,"
        " method, method_version) SELECT sample_id, 'correctness', state, CASE state WHEN 'agreed'"
        " THEN '\"correct\"' END, 11, 0.8, 1, 'majority', 1 FROM consensus"
    )
