from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from statistics import median

from goldloop.consensus import State, TaskConsensus
from goldloop.samples import Run, Sample
from store.annotations import RawAnnotation, save_annotators, store_task_annotations
from store.consensus import save_consensus
from store.database import Store
from store.inbox import add_hint
from store.rounds import finish_round
from store.samples import add_samples, count_without_run, samples_without_run
from store.summary import Summary, summarise
from store.tasks import ReviewProject, mark_tasks_deleted, save_review_project

TABLES = ("annotations", "runs", "samples", "picks", "tasks", "consensus")


def said(sample_id: str, number: int, annotator: int, seconds: float | None) -> RawAnnotation:
    return RawAnnotation(
        number,
        1,
        100 + number % 2,
        sample_id,
        annotator,
        None,
        [],
        seconds is None,
        False,
        seconds,
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00Z",
    )


def test_a_new_store_is_empty_at_every_step(db: Store) -> None:
    assert summarise(db) == Summary(0, 0, {}, 0, 0, 0, {}, 0, 0, 0, [], {}, 0, 0, 0)


def test_every_step_of_the_loop_is_counted(
    db: Store, tasks: dict[int, str], fill: Callable[..., list[str]]
) -> None:
    fill(5, version="v2")
    add_samples(db, [(Sample("x", "x"), Run("x", "v2", error="time-out"))])
    mark_tasks_deleted(db, 1, [102])
    save_consensus(db, {tasks[100]: TaskConsensus(State.WAITING, (), None, 1, 0, None)})
    add_hint(db, "ANNOTATION_CREATED", 1, [1], [])
    found = summarise(db)
    assert (found.samples, found.pool) == (6, 3)
    assert (found.runs, found.failed_runs) == ({"v1": 3, "v2": 5}, 1)
    assert (found.rounds, found.undelivered_rounds) == (1, 1)
    assert found.tasks == {"delivered": 2, "deleted": 1}
    assert (found.consensus, found.waiting_hints) == ({"waiting": 1}, 1)
    finish_round(db, 1)
    assert summarise(db).undelivered_rounds == 0


def test_annotations_are_counted_by_person_with_skips_and_median_seconds(
    db: Store, tasks: dict[int, str]
) -> None:
    save_annotators(db, [(5, "ann@example.org", "Ann"), (6, "bob@example.org", "")])
    even = [
        said(tasks[100], 2, 5, 10.0),
        said(tasks[100], 4, 6, 30.0),
        said(tasks[100], 6, 5, 20.0),
    ]
    odd = [said(tasks[101], 1, 5, 90.0), said(tasks[101], 3, 7, None), said(tasks[101], 5, 6, 1.0)]
    store_task_annotations(db, {(1, 100): even, (1, 101): odd})
    store_task_annotations(db, {(1, 101): odd[:2]})
    found = summarise(db)
    assert (found.annotations, found.skips, found.deleted) == (4, 1, 1)
    assert found.annotators == [
        ("Ann", 3, 0, 20.0),
        ("annotator 7", 0, 1, None),
        ("bob@example.org", 1, 0, 30.0),
    ]


def test_two_people_of_one_name_are_two_people(db: Store, tasks: dict[int, str]) -> None:
    save_annotators(db, [(5, "a@example.org", "Sam"), (6, "b@example.org", "Sam")])
    both = [said(tasks[100], 2, 5, 10.0), said(tasks[100], 4, 6, 30.0)]
    store_task_annotations(db, {(1, 100): both})
    assert [row[1:] for row in summarise(db).annotators] == [(1, 0, 10.0), (1, 0, 30.0)]


def test_counting_by_index_gives_what_counting_every_row_gives(
    db: Store, tasks: dict[int, str]
) -> None:
    random = Random(5)  # noqa: S311
    save_review_project(db, ReviewProject(2, "http://ls", "Experts", "<View/>", "expert"))
    answers: dict[tuple[int, int], list[RawAnnotation]] = {}
    for number in range(1, 300):
        seconds = None if random.random() < 0.2 else random.randrange(40) / 2.0
        one = said(random.choice(list(tasks.values())), number, random.randrange(-2, 9), seconds)
        place = random.choice([1, 1, 1, 2]), random.choice(list(tasks))
        one = replace(one, project_id=place[0], task_id=place[1])
        if random.random() < 0.1:
            one = replace(one, lead_time=None)
        answers.setdefault(place, []).append(one)
    store_task_annotations(db, answers)
    store_task_annotations(db, {place: given[::2] for place, given in answers.items()})
    found = summarise(db)
    review = "project_id = 1 AND deleted_at IS"
    assert found.deleted == _rows(db, f"{review} NOT NULL") > 20
    assert found.skips == _rows(db, f"{review} NULL AND was_cancelled") > 5
    assert found.annotations == _rows(db, f"{review} NULL AND NOT was_cancelled") > 50
    assert _rows(db, "project_id = 2") > 20
    rows = db.execute(
        "SELECT annotator_id, was_cancelled, lead_time FROM annotations WHERE project_id = 1"
        " AND deleted_at IS NULL"
    ).fetchall()
    by_hand = []
    for person in {row[0] for row in rows}:
        own = [row[1:] for row in rows if row[0] == person]
        times = [seconds for skipped, seconds in own if not skipped and seconds is not None]
        skips = sum(skipped for skipped, _ in own)
        by_hand.append((f"annotator {person}", len(own) - skips, skips, median(times)))
    assert found.annotators == sorted(by_hand)
    assert summarise(db, people=False) == replace(found, annotators=[])


def _rows(db: Store, where: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM annotations WHERE {where}").fetchone()[0])  # noqa: S608


def test_samples_and_runs_are_counted_as_every_row_says(
    db: Store, fill: Callable[..., list[str]], pick: Callable[..., tuple[int, list[str]]]
) -> None:
    fill(20, version="v1")
    fill(7, version="v2")
    add_samples(db, [(Sample("x", "x"), Run("x", "v1", error="time-out"))])
    add_samples(db, [(Sample("y", "y"), Run("y", "only-failed", error="time-out"))])
    pick(6)
    found = summarise(db)
    assert (found.samples, found.pool) == (22, 16)
    assert (found.runs, found.failed_runs) == ({"v1": 20, "v2": 7}, 2)
    for version in ("v1", "v2", "only-failed", "nobody"):
        for retry in (False, True):
            named = list(samples_without_run(db, version, retry))
            assert count_without_run(db, version, retry) == len(named)


def test_a_large_store_is_counted_without_reading_its_rows(db: Store) -> None:
    asked: list[str] = []
    db.conn.set_trace_callback(asked.append)
    summarise(db)
    db.conn.set_trace_callback(None)
    plans = [
        step[3]
        for sql in asked
        for step in db.execute(f"EXPLAIN QUERY PLAN {sql}")
        if any(f" {table}" in step[3] for table in TABLES)
    ]
    assert len(plans) > 8
    assert [plan for plan in plans if "INDEX" not in plan] == []
