"""A pull by pages, an export by ids and a push at the same moment leave the store the same."""

from __future__ import annotations

import sqlite3

import pytest

from store.tasks import mark_delivered, plan_tasks
from sync import pull as pulling
from sync.client import LabelStudioClient
from sync.pull import find_deleted, pull, pull_tasks
from tests.sync.loop import VERDICT

pytestmark = pytest.mark.labelstudio

ODD = [
    {
        "from_name": "notes",
        "to_name": "trace",
        "type": "textarea",
        "value": {"text": ["漢 \u202e😀"]},
    },
    {
        "from_name": "?",
        "value": {"number": 0.1 + 0.2, "huge": 10**30, "tiny": 1e-300, "none": None},
    },
]


@pytest.fixture
def in_pages(monkeypatch):
    """Pages of two tasks."""
    monkeypatch.setattr("sync.client.ANNOTATED_PAGE", 2)


def pulled(loop, **options):
    with loop.store() as db, loop.project.client() as client:
        return pull(loop.project, db, client, **options)


def standing(loop):
    """Every annotation of the store, whole."""
    return loop.rows("SELECT * FROM annotations ORDER BY annotation_id")


def answered_oddly(loop):
    """Tasks with every form of annotation that Label Studio has; their ids."""
    tasks = list(loop.pushed(7).values())
    known = loop.answer(0, tasks[0])
    loop.answer(1, tasks[0], was_cancelled=True, lead_time=None)
    loop.answer(2, tasks[1], ground_truth=True, lead_time=0.1 + 0.2)
    for number, result in enumerate(([], ODD)):
        loop.person(number).create_annotation(tasks[2 + number], {"result": result})
    loop.api(loop.server.annotators[0]).post(f"/api/tasks/{tasks[4]}/annotations/", json={})
    loop.api(loop.server.annotators[2]).patch(f"/api/annotations/{known}/", json={"result": ODD})
    loop.api(loop.server.annotators[1]).post(
        f"/api/tasks/{tasks[5]}/drafts", json={"result": [], "lead_time": 1}
    )
    return tasks


def test_what_a_pull_stores_an_export_by_ids_finds_unchanged(loop, in_pages):
    tasks = answered_oddly(loop)
    assert len(pulled(loop).changed) == 5
    before = standing(loop)
    with loop.store() as db, loop.project.client() as client:
        assert pull_tasks(loop.project, db, client, tasks).changed == set()
    assert standing(loop) == before
    assert loop.rows("SELECT * FROM annotation_history") == []


def test_what_an_export_by_ids_stores_a_pull_finds_unchanged(loop, in_pages):
    tasks = answered_oddly(loop)
    with loop.store() as db, loop.project.client() as client:
        assert len(pull_tasks(loop.project, db, client, tasks).changed) == 5
    before = standing(loop)
    assert pulled(loop, full=True).changed == set()
    assert standing(loop) == before
    assert len(before) == 6


def test_the_annotation_of_a_user_who_was_deleted_is_the_same_by_either_way(
    label_studio_factory, make_loop
):
    loop = make_loop(label_studio_factory(annotators=1))
    [task] = loop.pushed(1).values()
    loop.answer(0, task)
    database = loop.server.data_dir / "label_studio.sqlite3"
    with sqlite3.connect(database, timeout=30) as connection:
        connection.execute("UPDATE task_completion SET completed_by_id = NULL")
    connection.close()
    assert pulled(loop).changed == {"s-000"}
    [(number, author)] = loop.rows("SELECT annotation_id, annotator_id FROM annotations")
    assert author == -number
    with loop.store() as db, loop.project.client() as client:
        assert pull_tasks(loop.project, db, client, [task]).changed == set()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_every_task_is_looked_at_once_wherever_the_last_page_ends(loop, in_pages, count):
    loop.pushed(1)
    [ours] = loop.tasks_there()
    if count:
        own = [{"data": ours["data"]}] * count
        loop.api().post(f"/api/projects/{loop.project_id}/import", json=own)
    seen = []
    found = pulled(loop, full=True, on_task=seen.append)
    assert (found.tasks, found.foreign, found.deleted) == (1, count, 0)
    assert sum(seen) == 1 + count
    assert max(seen) <= 2


def test_a_pull_after_a_change_looks_at_the_changed_tasks_alone(loop, in_pages, monkeypatch):
    monkeypatch.setattr(pulling, "OVERLAP", pulling.OVERLAP * 0)
    tasks = loop.pushed(7)
    pulled(loop)
    for sample in ("s-001", "s-002", "s-004", "s-006"):
        loop.answer(0, tasks[sample])
    found = pulled(loop)
    assert found.changed == {"s-001", "s-002", "s-004", "s-006"}
    assert found.tasks == 4
    assert pulled(loop).tasks == 0


def test_a_full_pull_notices_tasks_that_were_deleted_between_pages(loop, in_pages, monkeypatch):
    tasks = loop.pushed(6)
    reading = LabelStudioClient.annotated_pages

    def pages(client, project_id, cursor):
        for number, page in enumerate(reading(client, project_id, cursor)):
            yield page
            if number == 0:
                for sample in ("s-000", "s-003"):
                    client.delete_task(tasks[sample])

    monkeypatch.setattr(LabelStudioClient, "annotated_pages", pages)
    found = pulled(loop, full=True)
    assert (found.tasks, found.deleted) == (5, 1)
    monkeypatch.setattr(LabelStudioClient, "annotated_pages", reading)
    assert pulled(loop, full=True).deleted == 2


class TestPushRecordsATaskMeanwhile:
    """A task that came after the list of tasks was read is not taken for deleted."""

    @pytest.fixture
    def late(self, loop):
        """Pushes the second of two samples as a push at the same moment would."""
        loop.fill(2)
        loop.run("push", "--batch-size", "1")
        [known] = loop.task_ids()
        [other] = {"s-000", "s-001"} - {known}

        def push():
            meta, data = {"goldloop": {}}, {"sample_id": other}
            made = loop.api().post(
                f"/api/projects/{loop.project_id}/import?return_task_ids=true",
                json=[{"data": {**loop.tasks_there()[0]["data"], **data}, "meta": meta}],
            )
            with loop.store() as db:
                plan_tasks(db, loop.project_id, 1, [other], 1)
                mark_delivered(db, loop.project_id, {other: made.json()["task_ids"][0]})

        return push

    def test_by_a_full_pull(self, loop, late, monkeypatch):
        reading = LabelStudioClient.annotated_pages

        def pages(*arguments):
            yield from reading(*arguments)
            late()

        monkeypatch.setattr(LabelStudioClient, "annotated_pages", pages)
        assert pulled(loop, full=True).deleted == 0
        assert loop.json("status")["tasks"] == {"delivered": 2}

    def test_by_a_look_for_deleted_tasks(self, loop, late, monkeypatch):
        listing = LabelStudioClient.all_tasks

        def all_tasks(client, project_id):
            yield from listing(client, project_id)
            late()

        monkeypatch.setattr(LabelStudioClient, "all_tasks", all_tasks)
        with loop.store() as db, loop.project.client() as client:
            assert find_deleted(db, client) == 0
        assert loop.json("status")["tasks"] == {"delivered": 2}


def test_answers_are_read_from_the_page_as_people_gave_them(loop):
    [task] = loop.pushed(1).values()
    number = loop.answer(1, task, VERDICT, lead_time=12.25)
    pulled(loop)
    [(author, changer, seconds, skipped, truth)] = loop.rows(
        "SELECT annotator_id, updated_by, lead_time, was_cancelled, ground_truth FROM annotations"
        " WHERE annotation_id = ?",
        number,
    )
    ours = loop.server.annotators[1].user_id
    assert (author, changer, seconds, skipped, truth) == (ours, ours, 12.25, 0, 0)
