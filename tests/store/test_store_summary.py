from __future__ import annotations

from collections.abc import Callable

from goldloop.consensus import State, TaskConsensus
from goldloop.samples import Run, Sample
from store.annotations import RawAnnotation, save_annotators, store_task_annotations
from store.consensus import save_consensus
from store.database import Store
from store.inbox import add_hint
from store.rounds import finish_round
from store.samples import add_samples
from store.summary import Summary, summarise
from store.tasks import mark_tasks_deleted


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
