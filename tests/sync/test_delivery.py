"""Tasks are made one chunk ahead of those that Label Studio takes, and go in parcels."""

from __future__ import annotations

import json
import threading
import time

import pytest

from goldloop.errors import InterfaceError
from sync import delivery, push
from sync.delivery import Ahead, parcels


def task(number, length=0):
    return {"data": {"sample_id": f"s-{number}", "text": "x" * length}}


def tasks_of(found):
    """The tasks of each parcel; its ids are theirs."""
    tasks = [json.loads(parcel.body) for parcel in found]
    ids = [tuple(one["data"]["sample_id"] for one in some) for some in tasks]
    assert ids == [parcel.sample_ids for parcel in found]
    return tasks


class TestParcels:
    def test_no_task_is_no_parcel(self):
        assert parcels([]) == []

    def test_small_tasks_go_together_in_order(self):
        tasks = [task(number) for number in range(5)]

        assert tasks_of(parcels(tasks)) == [tasks]

    def test_a_parcel_is_no_larger_than_the_limit(self, monkeypatch):
        monkeypatch.setattr(delivery, "PARCEL_BYTES", 1000)
        small, large = [task(0), task(1)], [task(2, 950), task(3, 950)]

        found = tasks_of(parcels([*small, *large, task(4)]))
        assert found == [small, [large[0]], [large[1]], [task(4)]]

    def test_a_task_beyond_the_limit_goes_alone(self, monkeypatch):
        monkeypatch.setattr(delivery, "PARCEL_BYTES", 10)

        tasks = [task(0, 100), task(1, 100)]
        assert tasks_of(parcels(tasks)) == [[tasks[0]], [tasks[1]]]


class TestAhead:
    def test_everything_comes_in_order(self):
        with Ahead(lambda number: number * 2, range(50)) as coming:
            assert [coming.take() for _ in range(50)] == [number * 2 for number in range(50)]

    def test_after_the_last_there_is_none(self):
        with Ahead(str, [1]) as coming:
            assert coming.take() == "1"
            coming.start()
            with pytest.raises(IndexError):
                coming.take()

    def test_the_next_is_made_once_it_is_started_and_no_other(self):
        made = {number: threading.Event() for number in range(4)}
        with Ahead(lambda number: made[number].set(), range(4)) as coming:
            coming.take()
            assert not made[1].wait(0.1)
            coming.start()
            coming.start()
            assert made[1].wait(10)
            assert not made[2].wait(0.1)

    def test_an_error_comes_when_it_is_that_items_turn(self):
        def make(number):
            if number == 1:
                raise InterfaceError("second")
            return number

        with Ahead(make, range(3)) as coming:
            assert coming.take() == 0
            coming.start()
            with pytest.raises(InterfaceError, match="second"):
                coming.take()

    def test_what_is_being_made_ends_before_the_block_does(self):
        ended = []

        def make(number):
            time.sleep(0.1)
            ended.append(number)

        with Ahead(make, range(2)) as coming:
            coming.start()
        assert ended == [0]


@pytest.mark.labelstudio
def test_chunks_before_one_that_cannot_be_made_are_delivered_and_stay_so(loop, monkeypatch):
    monkeypatch.setattr(push, "CHUNK", 2)
    loop.fill(6)
    making = push._task

    def broken(interface, names, sample, run, pick, shown_as):
        if pick.rank == 4:
            raise InterfaceError("no such key")
        return making(interface, names, sample, run, pick, shown_as)

    monkeypatch.setattr(push, "_task", broken)
    assert "no such key" in loop.refused("push", "--batch-size", "6")
    assert loop.json("status")["tasks"] == {"delivered": 2, "planned": 4}
    monkeypatch.setattr(push, "_task", making)
    again = loop.json("push")
    assert (again["sent"], again["found"]) == (4, 0)
    assert loop.samples_there() == [f"s-{number:03}" for number in range(6)]


@pytest.mark.labelstudio
def test_a_task_of_many_chunks_and_parcels_is_recorded_under_its_own_sample(loop, monkeypatch):
    monkeypatch.setattr(push, "CHUNK", 7)
    monkeypatch.setattr(delivery, "PARCEL_BYTES", 20_000)
    loop.pushed(20)
    there = {task["data"]["sample_id"]: task["id"] for task in loop.tasks_there()}
    assert there == loop.task_ids()
