from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from goldloop.errors import RecordError, StoreError
from store.annotations import (
    RawAnnotation,
    annotated_samples,
    annotations_of,
    check_answers,
    get_cursor,
    raw_annotations,
    save_annotators,
    set_cursor,
    store_task_annotations,
)
from store.database import Store, open_store
from store.gold_checks import GoldCheck, end_checks, plan_checks
from store.returned_answers import answers_to_return, confirm_return, plan_return
from store.tasks import ReviewProject, mark_delivered, plan_cases, save_review_project

RESULT = [{"from_name": "verdict", "type": "choices", "value": {"choices": ["right"]}}]


def said(sample_id: str, task_id: int = 100, number: int = 1, **changes: Any) -> RawAnnotation:
    first = RawAnnotation(
        annotation_id=number,
        project_id=1,
        task_id=task_id,
        sample_id=sample_id,
        annotator_id=5,
        updated_by=5,
        result=RESULT,
        was_cancelled=False,
        ground_truth=False,
        lead_time=12.5,
        created_at="2026-01-31T12:00:00Z",
        updated_at="2026-01-31T12:00:00Z",
    )
    return replace(first, **changes)


def history(db: Store) -> list[tuple[Any, ...]]:
    rows = db.execute(
        "SELECT annotation_id, updated_at, deleted_at IS NOT NULL FROM annotation_history "
        "ORDER BY history_id"
    )
    return list(rows)


@pytest.fixture
def one(db: Store, tasks: dict[int, str]) -> RawAnnotation:
    """An annotation that is stored."""
    annotation = said(tasks[100])
    store_task_annotations(db, {(1, 100): [annotation]})
    return annotation


def test_a_new_annotation_is_stored_as_it_came(db: Store, tasks: dict[int, str]) -> None:
    annotation = said(tasks[100], result=[{"value": {"text": ["漢 \u202e😀"]}}], lead_time=None)
    assert store_task_annotations(db, {(1, 100): [annotation]}) == {tasks[100]}
    assert annotations_of(db, [tasks[100]]) == {tasks[100]: [annotation]}


@pytest.mark.parametrize(
    "result", [[], {}, "text", None, [{"value": {"text": ["half \ud83d", "NUL \x00"]}}], [1.5]]
)
def test_any_result_is_stored_however_odd(db: Store, tasks: dict[int, str], result: Any) -> None:
    store_task_annotations(db, {(1, 100): [said(tasks[100], result=result)]})
    assert annotations_of(db, [tasks[100]])[tasks[100]][0].result == result


def test_the_same_annotation_again_changes_nothing(db: Store, one: RawAnnotation) -> None:
    before = db.execute("SELECT * FROM annotations").fetchall()
    assert store_task_annotations(db, {(1, 100): [one]}) == set()
    assert db.execute("SELECT * FROM annotations").fetchall() == before
    assert history(db) == []


def test_keys_in_another_order_are_the_same_result(db: Store, one: RawAnnotation) -> None:
    turned = [dict(reversed(item.items())) for item in RESULT]
    assert store_task_annotations(db, {(1, 100): [replace(one, result=turned)]}) == set()


@pytest.mark.parametrize(
    "change",
    [
        {"result": []},
        {"was_cancelled": True},
        {"ground_truth": True},
        {"updated_by": 6},
        {"lead_time": 13.0},
        {"updated_at": "2026-01-31T12:00:01Z"},
    ],
)
def test_a_changed_annotation_is_replaced_and_its_form_before_kept(
    db: Store, one: RawAnnotation, change: dict[str, Any]
) -> None:
    changed = replace(one, **change)
    assert store_task_annotations(db, {(1, 100): [changed]}) == {one.sample_id}
    assert annotations_of(db, [one.sample_id]) == {one.sample_id: [changed]}
    assert history(db) == [(1, one.updated_at, 0)]


def test_every_form_is_kept_in_order(db: Store, one: RawAnnotation) -> None:
    times = [f"2026-01-31T12:00:0{second}Z" for second in range(1, 4)]
    for moment in times:
        store_task_annotations(db, {(1, 100): [replace(one, updated_at=moment)]})
    assert [row[1] for row in history(db)] == [one.updated_at, *times[:-1]]


def test_an_older_form_never_replaces_a_newer_one(db: Store, one: RawAnnotation) -> None:
    older = replace(one, result=[], updated_at="2026-01-31T11:59:59.999999Z")
    assert store_task_annotations(db, {(1, 100): [older]}) == set()
    assert annotations_of(db, [one.sample_id]) == {one.sample_id: [one]}


def test_a_fraction_of_a_second_is_newer_than_none(db: Store, one: RawAnnotation) -> None:
    newer = replace(one, result=[], updated_at="2026-01-31T12:00:00.500000Z")
    assert newer.updated_at < one.updated_at
    store_task_annotations(db, {(1, 100): [newer]})
    assert annotations_of(db, [one.sample_id]) == {one.sample_id: [newer]}


def test_what_the_task_has_no_more_was_deleted(db: Store, one: RawAnnotation) -> None:
    assert store_task_annotations(db, {(1, 100): []}) == {one.sample_id}
    assert annotations_of(db, [one.sample_id]) == {}
    assert history(db) == [(1, one.updated_at, 0)]
    assert annotated_samples(db) == [one.sample_id]


def test_a_deletion_is_noticed_once(db: Store, one: RawAnnotation) -> None:
    store_task_annotations(db, {(1, 100): []})
    assert store_task_annotations(db, {(1, 100): []}) == set()
    assert len(history(db)) == 1


def test_what_was_deleted_may_come_back(db: Store, one: RawAnnotation) -> None:
    store_task_annotations(db, {(1, 100): []})
    assert store_task_annotations(db, {(1, 100): [one]}) == {one.sample_id}
    assert annotations_of(db, [one.sample_id]) == {one.sample_id: [one]}
    assert history(db) == [(1, one.updated_at, 0), (1, one.updated_at, 1)]


def test_other_tasks_are_left_alone(db: Store, one: RawAnnotation, tasks: dict[int, str]) -> None:
    assert store_task_annotations(db, {(1, 101): []}) == set()
    other = said(tasks[101], 101, number=2)
    assert store_task_annotations(db, {(1, 101): [other]}) == {tasks[101]}
    assert annotations_of(db, list(tasks.values())) == {
        one.sample_id: [one],
        tasks[101]: [other],
    }


def test_several_annotations_of_one_task_are_told_apart(db: Store, one: RawAnnotation) -> None:
    second = replace(one, annotation_id=2, annotator_id=6)
    changed = replace(one, result=[], updated_at="2026-01-31T13:00:00Z")
    store_task_annotations(db, {(1, 100): [one, second]})
    store_task_annotations(db, {(1, 100): [second, changed]})
    assert annotations_of(db, [one.sample_id]) == {one.sample_id: [changed, second]}


def test_an_annotation_that_moved_to_another_task_keeps_its_form_before(
    db: Store, one: RawAnnotation, tasks: dict[int, str]
) -> None:
    store_task_annotations(db, {(1, 101): [replace(one, task_id=101, sample_id=tasks[101])]})
    assert history(db) == [(1, one.updated_at, 0)]


@pytest.mark.parametrize("order", [(100, 101), (101, 100)])
def test_an_annotation_that_moves_between_two_tasks_of_one_call_stands_in_the_new_one(
    db: Store, one: RawAnnotation, tasks: dict[int, str], order: tuple[int, int]
) -> None:
    moved = replace(one, task_id=101, sample_id=tasks[101])
    present = {100: [], 101: [moved]}
    changed = store_task_annotations(db, {(1, task): present[task] for task in order})
    assert changed == {tasks[100], tasks[101]}
    assert annotations_of(db, [tasks[100], tasks[101]]) == {tasks[101]: [moved]}
    assert history(db) == [(1, one.updated_at, 0)]


def test_many_tasks_of_two_projects_in_one_call_are_told_apart(
    db: Store, one: RawAnnotation, tasks: dict[int, str]
) -> None:
    save_review_project(db, ReviewProject(2, "http://ls", "Experts", "<View/>", "expert"))
    expert = said(tasks[100], task_id=101, number=50, project_id=2)
    gone, new = said(tasks[101], 101, number=2), said(tasks[102], 102, number=3)
    store_task_annotations(db, {(1, 101): [gone], (2, 101): [expert]})
    edited = replace(one, result=[], updated_at="2026-01-31T13:00:00Z")
    present = {(1, 100): [edited], (1, 101): [], (1, 102): [new], (2, 101): [expert]}
    assert store_task_annotations(db, present) == set(tasks.values())
    assert annotations_of(db, list(tasks.values())) == {tasks[100]: [edited], tasks[102]: [new]}
    assert raw_annotations(db, [50]) == {50: expert}
    assert history(db) == [(1, one.updated_at, 0), (2, gone.updated_at, 0)]


def test_a_time_that_is_none_is_refused_with_the_annotation(db: Store, one: RawAnnotation) -> None:
    with pytest.raises(RecordError, match=r"^updated_at of annotation 1 is 'soon'"):
        store_task_annotations(db, {(1, 100): [replace(one, updated_at="soon")]})


def test_a_failure_leaves_all_tasks_as_they_were(
    db: Store, one: RawAnnotation, tasks: dict[int, str]
) -> None:
    bad = said("no such sample", 101, number=2)
    with pytest.raises(StoreError, match=r"FOREIGN KEY"):
        store_task_annotations(db, {(1, 100): [], (1, 101): [bad]})
    assert annotations_of(db, [one.sample_id]) == {one.sample_id: [one]}


def test_annotators_are_remembered_by_id(db: Store) -> None:
    save_annotators(db, [(5, "a@example.org", "Ann"), (6, "b@example.org", "")])
    save_annotators(db, [(5, "ann@example.org", "Ann B.")])
    assert db.execute("SELECT * FROM annotators ORDER BY 1").fetchall() == [
        (5, "ann@example.org", "Ann B."),
        (6, "b@example.org", ""),
    ]


def test_a_cursor_is_where_the_last_pull_stopped(db: Store, path: Any) -> None:
    assert get_cursor(db, "pull:1") is None
    set_cursor(db, "pull:1", "2026-01-31T12:00:00Z")
    set_cursor(db, "pull:1", "2026-01-31T13:00:00Z")
    assert get_cursor(open_store(path), "pull:1") == "2026-01-31T13:00:00Z"
    assert get_cursor(db, "pull:2") is None


def test_a_task_that_got_the_id_of_a_deleted_one_takes_none_of_its_answers(
    db: Store, one: RawAnnotation, tasks: dict[int, str]
) -> None:
    other = tasks[101]
    mark_delivered(db, 1, {other: 100})
    answer = said(other, number=2)
    assert store_task_annotations(db, {(1, 100): [answer]}) == {other}
    assert annotations_of(db, [one.sample_id, other]) == {one.sample_id: [one], other: [answer]}


@pytest.fixture
def expert_answer(db: Store, tasks: dict[int, str]) -> RawAnnotation:
    """An answer in the experts' project, number 2, to the case of the first sample."""
    save_review_project(db, ReviewProject(2, "http://ls", "Experts", "<View/>", "expert"))
    plan_cases(db, 2, [tasks[100]])
    mark_delivered(db, 2, {tasks[100]: 7})
    answer = said(tasks[100], task_id=7, number=50, project_id=2, annotator_id=9)
    store_task_annotations(db, {(2, 7): [answer]})
    return answer


def test_an_experts_answer_is_kept_and_counts_only_once_it_is_returned(
    db: Store, one: RawAnnotation, expert_answer: RawAnnotation
) -> None:
    assert annotations_of(db, [one.sample_id]) == {one.sample_id: [one]}
    assert raw_annotations(db, [50]) == {50: expert_answer}


def test_an_experts_answer_is_to_be_returned_until_that_is_confirmed(
    db: Store, expert_answer: RawAnnotation
) -> None:
    [waiting] = answers_to_return(db, 1)
    assert (waiting.annotation, waiting.task_id, waiting.stands) == (expert_answer, 100, True)
    plan_return(db, waiting, 1, "some-uuid")
    assert answers_to_return(db, 1) == [waiting]
    confirm_return(db, waiting, 77)
    assert answers_to_return(db, 1) == []


def test_a_changed_and_a_deleted_answer_of_an_expert_are_to_be_returned_again(
    db: Store, expert_answer: RawAnnotation
) -> None:
    def settle() -> None:
        [waiting] = answers_to_return(db, 1)
        plan_return(db, waiting, 1, "some-uuid")
        confirm_return(db, waiting, 77)
        assert answers_to_return(db, 1) == []

    settle()
    changed = replace(expert_answer, updated_at="2026-02-01T00:00:00Z")
    store_task_annotations(db, {(2, 7): [changed]})
    assert [(one.form, one.returned_id) for one in answers_to_return(db, 1)] == [
        ("2026-02-01T00:00:00Z", 77)
    ]
    settle()
    store_task_annotations(db, {(2, 7): []})
    assert [one.stands for one in answers_to_return(db, 1)] == [False]
    settle()


def test_a_skip_of_an_expert_is_not_returned(db: Store, expert_answer: RawAnnotation) -> None:
    skip = replace(expert_answer, was_cancelled=True, updated_at="2026-02-01T00:00:00Z")
    store_task_annotations(db, {(2, 7): [skip]})
    assert answers_to_return(db, 1) == []


def test_who_was_asked_by_a_gold_check_does_not_vote_unless_it_is_the_truth(
    db: Store, one: RawAnnotation
) -> None:
    plan_checks(db, 1, 1, [GoldCheck(one.sample_id, 100, 3, frozenset({5}))])
    late = said(one.sample_id, number=2, annotator_id=6)
    truth = said(one.sample_id, number=3, annotator_id=7, ground_truth=True)
    store_task_annotations(db, {(1, 100): [one, late, truth]})
    assert annotations_of(db, [one.sample_id]) == {one.sample_id: [one, truth]}
    assert check_answers(db) == {one.sample_id: [late]}
    assert end_checks(db, [one.sample_id, "no-sample"]) == [one.sample_id]
    assert annotations_of(db, [one.sample_id]) == {one.sample_id: [one, late, truth]}
