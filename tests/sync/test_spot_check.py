"""The spot check of a synthetic batch, on a real Label Studio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from goldloop.synthesis.values import CONSISTENCY, Rejection
from label_config.results import write_result
from label_config.spot_check import spot_check_interface
from store.samples import get_samples
from store.synthesis import (
    FILTERING,
    KEPT,
    NEEDS_HUMAN,
    UNCHECKED,
    accept_batch,
    judge_candidates,
    keep_candidates,
    set_batch_state,
)
from sync.client import LabelStudioClient
from sync.delivery import parcels
from sync.spot_check import check
from tests.store.synthetic import candidate, journal_of, slot, stored_batch
from tests.sync.dying import dies
from tests.sync.loop import Loop

pytestmark = pytest.mark.labelstudio

GOOD = {"realistic": "yes", "answer_right": "yes", "calls_right": "yes", "difficulty": "right"}
WRONG = {**GOOD, "answer_right": "no", "reason": "The policy gives no refund for that."}
DOUBT = Rejection(CONSISTENCY, "different_calls", "refund(7) and refund(8)")


class Checks:
    """What tests do with the spot check of one project."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop

    def batch(self, kept: int, doubtful: int = 0) -> int:
        """A batch that waits for its check: its kept samples first, then those for a person."""
        with self.loop.store() as db:
            number = stored_batch(db, kept + doubtful)
            judge_candidates(
                db,
                number,
                [
                    *((index, 1, KEPT, None) for index in range(kept)),
                    *((kept + index, 1, NEEDS_HUMAN, DOUBT) for index in range(doubtful)),
                ],
            )
        return number

    def check(self, exit_code: int = 3) -> dict[str, Any]:
        """`goldloop synthesis check --json`."""
        found: dict[str, Any] = self.loop.json("synthesis", "check", exit_code=exit_code)
        return found

    @property
    def project_id(self) -> int:
        """The newest project of the spot checks."""
        sql = "SELECT max(project_id) FROM spot_check_projects"
        return int(self.loop.rows(sql)[0][0])

    def there(self) -> dict[str, list[Mapping[str, Any]]]:
        """The tasks in Label Studio by the sample's name; a double stands twice."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        with self.loop.project.client() as client:
            for task in client.export(self.project_id):
                found.setdefault(task["data"]["sample_id"], []).append(task)
        return found

    def task(self, sample_id: str) -> int:
        """The id of a sample's task, as the store has it."""
        sql = "SELECT task_id FROM spot_check_tasks WHERE sample_id = ?"
        return int(self.loop.rows(sql, sample_id)[0][0])

    def say(
        self, sample_id: str, answers: Mapping[str, Any] = GOOD, person: int = 0, **fields: Any
    ) -> int:
        """A person's answer to a sample; its id."""
        result = write_result(spot_check_interface(), answers)
        made = self.loop.person(person).create_annotation(
            self.task(sample_id), {"result": result, **fields}
        )
        return int(made["id"])

    def pool(self) -> dict[str, Any]:
        """The samples of the pool, by id."""
        with self.loop.store() as db:
            ids = [row[0] for row in db.execute("SELECT sample_id FROM samples").fetchall()]
            return get_samples(db, ids)


@pytest.fixture
def checks(loop: Loop) -> Checks:
    """A project with a generated batch, and the hands that check it."""
    return Checks(loop)


def names(count: int, first: int = 0) -> list[str]:
    return [f"syn-{first + index}-1" for index in range(count)]


def test_two_people_check_a_batch_and_what_they_let_stand_enters_the_pool(checks: Checks) -> None:
    number = checks.batch(kept=4, doubtful=2)
    found = checks.check()
    assert (found["sent"], found["result"]["left"], found["result"]["decision"]) == (6, 4, "open")
    assert found["url"].endswith(f"/projects/{checks.project_id}/data")
    first, second, third, fourth = names(4)
    checks.say(first)
    checks.say(second, {**GOOD, "difficulty": "hard"})
    checks.say(third, WRONG, person=0)
    checks.say(third, GOOD, person=1)
    assert checks.check()["result"]["answered"] == 3
    checks.say(fourth, person=1)
    checks.say("syn-4-1", person=1)
    done = checks.check(exit_code=0)
    result = done["result"]
    assert (done["added"], result["rejected"], result["exact"]) == (4, 1, True)
    by_itself = {"tasks": 2, "answered": 1, "skipped": 0, "right": 1, "wrong": 0}
    assert result["needs_human"] == by_itself
    assert result["reasons"][0]["said"] == [WRONG["reason"]]
    pool = checks.pool()
    assert sorted(pool) == [first, second, fourth, "syn-4-1"]
    assert {one.source for one in pool.values()} == {"synthetic"}
    assert (pool[first].difficulty, pool[second].difficulty) == ("easy", "hard")
    assert all(one.metadata["synthesis"]["verified_by_people"] for one in pool.values())
    # The last one that waits for a person enters by itself, and a repeated check changes nothing.
    checks.say("syn-5-1")
    assert checks.check(exit_code=0)["added"] == 1
    again = checks.check(exit_code=0)
    assert (again["added"], again["sent"]) == (0, 0)
    assert checks.loop.rows("SELECT state FROM synthesis_batches WHERE batch = ?", number) == [
        ("accepted",)
    ]


def test_a_bad_batch_is_stopped_as_soon_as_that_is_certain_and_nothing_enters(
    checks: Checks,
) -> None:
    checks.batch(kept=10, doubtful=1)
    checks.check()
    # The lower bounds of 2 and of 3 of 10 are 2.5% and 6.7%.
    for sample_id in names(2):
        checks.say(sample_id, WRONG)
    assert checks.check()["result"]["decision"] == "open"
    checks.say("syn-2-1", {**GOOD, "realistic": "no"})
    checks.say("syn-10-1")
    result = checks.check(exit_code=4)["result"]
    assert (result["decision"], result["answered"]) == ("stopped", 3)
    assert result["faults"] == {"unrealistic": 1, "wrong_answer": 2}
    assert result["by_difficulty"][0]["rejected"] == 3
    assert checks.pool() == {}
    shown = checks.loop.run("synthesis", "check", exit_code=4).stdout
    assert "stopped: surely more than 5% are rejected" in shown
    assert "The policy gives no refund for that." in shown


def test_only_the_drawn_share_is_sent_and_the_rest_enters_with_it(checks: Checks) -> None:
    checks.loop.configure("synthesis", spot_check=0.25, min_spot_check=1)
    checks.batch(kept=8)
    assert checks.check()["sent"] == 2
    ordered = checks.loop.rows("SELECT sample_id FROM synthesis_candidates ORDER BY prn")
    assert set(checks.there()) == {f"1/{row[0]}" for row in ordered[:2]}
    # A changed setting draws nobody anew.
    checks.loop.configure("synthesis", spot_check=1.0)
    assert checks.check()["result"]["drawn"] == 2
    for (sample_id,) in ordered[:2]:
        checks.say(sample_id)
    done = checks.check(exit_code=0)
    assert done["added"] == 8
    verified = {
        name
        for name, one in checks.pool().items()
        if one.metadata["synthesis"]["verified_by_people"]
    }
    assert verified == {row[0] for row in ordered[:2]}


@pytest.mark.parametrize("arrived", [True, False])
def test_a_delivery_that_dies_is_finished_without_doubles(
    checks: Checks, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    checks.batch(kept=3)
    monkeypatch.setattr("sync.grace.GRACE_SECONDS", 0.5)
    real = LabelStudioClient.import_tasks

    def interrupted(client: LabelStudioClient, project_id: int, tasks: bytes) -> list[int]:
        if arrived:
            real(client, project_id, tasks)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LabelStudioClient, "import_tasks", interrupted)
        with pytest.raises(KeyboardInterrupt), checks.loop.store() as db:
            check(checks.loop.project, db)
    assert checks.loop.rows("SELECT DISTINCT state FROM spot_check_tasks") == [("sending",)]
    assert checks.check()["sent"] == (0 if arrived else 3)
    assert {name: len(tasks) for name, tasks in checks.there().items()} == {
        f"1/{name}": 1 for name in names(3)
    }


def test_a_project_that_was_made_by_a_check_that_died_is_found_again(
    checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks.batch(kept=1)
    real, made = LabelStudioClient.create_project, list[int]()

    def interrupted(client: LabelStudioClient, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        made.append(real(client, fields)["id"])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LabelStudioClient, "create_project", interrupted)
        with pytest.raises(KeyboardInterrupt), checks.loop.store() as db:
            check(checks.loop.project, db)
    assert checks.check()["sent"] == 1
    assert [checks.project_id] == made


def test_a_check_that_is_killed_in_its_delivery_is_finished_by_the_next(
    checks: Checks,
) -> None:
    checks.batch(kept=3)
    shorter = [("sync.grace", "GRACE_SECONDS", 0.5)]
    send = "sync.spot_check_delivery"
    for point in (
        ("after", send, "mark_spot_checks_sending", 1),
        ("before", send, "mark_spot_checks_delivered", 3),
    ):
        dies(checks.loop.folder, ["synthesis", "check"], point, constants=shorter)
    # The second arrived, and died before it wrote that down.
    assert [len(tasks) for tasks in checks.there().values()] == [1, 1, 1]
    assert (found := checks.check())["sent"] == 0
    assert found["result"]["left"] == 3
    assert [len(tasks) for tasks in checks.there().values()] == [1, 1, 1]


def test_a_request_that_comes_through_late_leaves_no_double_and_no_answer_is_lost(
    checks: Checks,
) -> None:
    checks.batch(kept=2)
    checks.check()
    twice = [task["data"] for (task,) in checks.there().values()]
    with checks.loop.project.client() as client:
        late = client.import_tasks(
            checks.project_id,
            parcels({"data": data, "meta": {"goldloop": {"batch": 1}}} for data in twice)[0].body,
        )
    result = write_result(spot_check_interface(), GOOD)
    checks.loop.person(0).create_annotation(late[0], {"result": result})
    found = checks.check()
    assert found["fetched"]["doubles"] == 2
    assert found["result"]["answered"] == 1
    assert [len(tasks) for tasks in checks.there().values()] == [1, 1]


def test_answers_outlive_their_task_and_what_nobody_answered_is_sent_again(
    checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.grace.GRACE_SECONDS", 0.0)
    checks.batch(kept=2)
    checks.check()
    checks.say("syn-0-1")
    checks.check()
    with checks.loop.project.client() as client:
        for sample_id in names(2):
            client.delete_task(checks.task(sample_id))
    found = checks.check()
    assert (found["fetched"]["deleted"], found["sent"], found["result"]["answered"]) == (2, 1, 1)
    assert set(checks.there()) == {"1/syn-1-1"}
    # The whole project goes, too; it is made anew for what is left.
    before = checks.project_id
    checks.loop.api().delete(f"/api/projects/{before}/")
    found = checks.check()
    assert (found["sent"], found["result"]["answered"]) == (1, 1)
    assert checks.project_id != before
    checks.say("syn-1-1")
    assert checks.check(exit_code=0)["added"] == 2


def test_an_answer_that_is_taken_back_no_longer_counts_and_every_form_is_kept(
    checks: Checks,
) -> None:
    checks.batch(kept=2)
    checks.check()
    answer = checks.say("syn-0-1", WRONG)
    assert checks.check()["result"]["rejected"] == 1
    better = {"result": write_result(spot_check_interface(), GOOD)}
    checks.loop.person(0).update_annotation(answer, better)
    found = checks.check()["result"]
    assert (found["answered"], found["rejected"]) == (1, 0)
    checks.loop.api().delete(f"/api/annotations/{answer}/")
    assert checks.check()["result"]["answered"] == 0
    kept = checks.loop.rows("SELECT result, deleted_at IS NULL FROM spot_check_answers")
    assert len(kept) == 2
    assert not any(stands for _, stands in kept)
    assert any(WRONG["reason"] in result for result, _ in kept)


def test_skipped_samples_are_shown_and_count_as_neither(checks: Checks) -> None:
    checks.batch(kept=2)
    checks.check()
    checks.say("syn-0-1")
    checks.say("syn-1-1", {}, was_cancelled=True)
    # Even if the skipped one were bad, 1 of 2 would not prove a bad batch.
    result = checks.check(exit_code=0)["result"]
    assert (result["answered"], result["skipped"], result["left"]) == (1, 1, 0)


def test_a_verdict_that_comes_after_the_decision_is_kept_and_told(checks: Checks) -> None:
    checks.batch(kept=2)
    checks.check()
    answers = [checks.say(sample_id) for sample_id in names(2)]
    assert checks.check(exit_code=0)["added"] == 2
    worse = {"result": write_result(spot_check_interface(), WRONG)}
    checks.loop.person(0).update_annotation(answers[0], worse)
    found = checks.check(exit_code=0)["result"]
    assert (found["decision"], found["rejected_in_pool"]) == ("accepted", ["syn-0-1"])
    assert sorted(checks.pool()) == names(2)
    shown = checks.loop.run("synthesis", "check").stderr
    assert "people reject by now what is in the pool already, where it stays: syn-0-1" in shown


def test_answers_that_nobody_could_mean_are_kept_and_not_counted(checks: Checks) -> None:
    checks.batch(kept=1)
    checks.check()
    nonsense = [{"from_name": "realistic", "type": "choices", "value": {"choices": ["maybe"]}}]
    checks.loop.person(0).create_annotation(checks.task("syn-0-1"), {"result": nonsense})
    result = checks.check()["result"]
    assert (result["answered"], result["incomplete"]) == (0, 1)
    [(raw,)] = checks.loop.rows("SELECT result FROM spot_check_answers")
    assert "maybe" in raw


def test_the_tasks_of_a_spot_check_are_none_of_the_review(checks: Checks) -> None:
    checks.loop.pushed(1)
    checks.batch(kept=1)
    checks.check()
    checks.say("syn-0-1")
    pulled = checks.loop.json("pull")
    assert (pulled["tasks"], pulled["foreign"], pulled["changed"]) == (1, 0, [])
    checks.check(exit_code=0)
    assert checks.loop.rows("SELECT count(*) FROM annotations") == [(0,)]
    assert checks.loop.rows("SELECT count(*) FROM tasks") == [(1,)]


def test_hostile_text_reaches_the_screen_escaped_and_people_see_both_solutions(
    checks: Checks,
) -> None:
    evil = "<img src=x onerror=alert(1)>\u202e\x00"
    with checks.loop.store() as db:
        place = slot(0)
        number = stored_batch(db, 0)
        keep_candidates(db, number, [(place, 1, candidate(place, user_input=evil, tags=(evil,)))])
        found = Rejection(CONSISTENCY, "different_answer", evil)
        judge_candidates(db, number, [(0, 1, NEEDS_HUMAN, found)])
        journal = journal_of(db, number)
        for step, text in enumerate(('{"response": "<b>No.</b>", "tool_calls": []}', "no JSON")):
            call = {"purpose": "solve", "slot": 0, "attempt": 1, "step": step, "text": text}
            journal.put(f"key-{step}", call)
    # Nothing was drawn, so that the batch is accepted; the one sample waits for a person.
    found = checks.check(exit_code=0)
    assert (found["sent"], found["result"]["drawn"]) == (1, 0)
    [(task,)] = checks.there().values()
    shown = "".join(value for key, value in task["data"].items() if key.endswith("_html"))
    assert "&lt;img src=x onerror=alert(1)&gt;[U+202E]" in shown
    assert "<img" not in shown
    assert "&lt;b&gt;No.&lt;/b&gt;" in task["data"]["found_html"]
    assert "the reply is malformed" in task["data"]["found_html"]


def test_a_batch_that_is_not_finished_or_not_there_is_refused(checks: Checks) -> None:
    assert "goldloop generate" in checks.loop.refused("synthesis", "check")
    number = checks.batch(kept=1)
    with checks.loop.store() as db:
        set_batch_state(db, number, FILTERING)
    assert f"batch {number} is not finished" in checks.loop.refused("synthesis", "check")
    assert "there is no batch 9" in checks.loop.refused("synthesis", "check", "9")


def test_what_was_kept_back_enters_a_batch_that_was_taken_unchecked(checks: Checks) -> None:
    number = checks.batch(kept=2, doubtful=1)
    with checks.loop.store() as db:
        accept_batch(db, number, UNCHECKED)
    found = checks.check(exit_code=0)
    assert (found["sent"], found["result"]["drawn"]) == (1, 0)
    checks.say("syn-2-1")
    assert checks.check(exit_code=0)["added"] == 1
    marks = {name: one.metadata["synthesis"] for name, one in checks.pool().items()}
    assert [marks[name]["verified_by_people"] for name in names(3)] == [False, False, True]
