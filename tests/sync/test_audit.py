"""What others than its author did to an answer is found and told."""

import pytest

from tests.sync.loop import VERDICT

pytestmark = pytest.mark.labelstudio

WRONG = {**VERDICT, "correctness": "incorrect"}
SLOW = {"lead_time": 600.0}


@pytest.fixture
def answered(loop):
    """A task that annotator 0 answered without haste; the ids of both."""
    task = loop.pushed(1)["s-000"]
    answer = loop.answer(0, task, **SLOW)
    loop.run("pull")
    assert loop.json("audit") == []
    return loop, task, answer


def _found(loop):
    loop.run("pull")
    return [(one["kind"], one["annotation_id"], one["by"]) for one in loop.json("audit")]


def _as(loop, number):
    return loop.api(loop.server.annotators[number])


def _result(loop, answer):
    return loop.api().get(f"/api/annotations/{answer}/").json()["result"]


def test_an_answer_that_somebody_else_changed_is_told_with_who_did_it(answered):
    loop, task, answer = answered
    changed = _result(loop, answer)
    changed[0]["value"]["choices"] = ["incorrect"]
    _as(loop, 1).patch(f"/api/annotations/{answer}/", json={"result": changed})
    second = loop.server.annotators[1]
    assert _found(loop) == [("changed", answer, second.user_id)]
    [told] = loop.json("audit")
    assert told["annotator_id"] == loop.server.annotators[0].user_id
    assert told["link"].endswith(f"/data?task={task}")
    shown = loop.run("audit").stdout
    [line] = [line.split() for line in shown.splitlines() if "s-000" in line]
    assert "changed" in line
    assert line[-5:-1] == ["Annotator", "1", "Annotator", "2"]


def test_what_the_author_changes_is_nobodys_business(answered):
    loop, _, answer = answered
    changed = _result(loop, answer)
    changed[0]["value"]["choices"] = ["incorrect"]
    _as(loop, 0).patch(f"/api/annotations/{answer}/", json={"result": changed})
    assert _found(loop) == []


def test_a_change_that_was_made_before_the_first_look_is_told_too(loop):
    task = loop.pushed(1)["s-000"]
    answer = loop.answer(0, task, **SLOW)
    changed = _result(loop, answer)
    changed[0]["value"]["choices"] = ["incorrect"]
    _as(loop, 1).patch(f"/api/annotations/{answer}/", json={"result": changed})
    assert _found(loop) == [("changed", answer, loop.server.annotators[1].user_id)]


def test_a_deleted_answer_is_told_and_kept(answered):
    loop, _, answer = answered
    _as(loop, 1).delete(f"/api/annotations/{answer}/")
    assert _found(loop) == [("deleted", answer, None)]
    [(result,)] = loop.rows("SELECT result FROM annotations")
    assert "correct" in result


def test_a_mark_as_ground_truth_is_told_with_who_set_it(answered):
    loop, _, answer = answered
    _as(loop, 1).patch(f"/api/annotations/{answer}/", json={"ground_truth": True})
    second = loop.server.annotators[1].user_id
    assert sorted(_found(loop)) == [("ground_truth", answer, None), ("marked", answer, second)]


def test_an_answer_in_less_time_than_reading_takes_is_told(answered):
    loop, task, _ = answered
    hasty = loop.answer(1, task, lead_time=1.5)
    third = loop.server.annotators[1].user_id
    assert _found(loop) == [("hasty", hasty, third)]
    [told] = loop.json("audit")
    assert told["seconds"] == 1.5


def test_what_experts_decided_is_no_finding(loop):
    task = loop.pushed(1)["s-000"]
    loop.answer(0, task, VERDICT, **SLOW)
    loop.answer(1, task, WRONG, **SLOW)
    loop.configure("consensus", max_additional=0)
    loop.run("pull")
    loop.run("route")
    case = loop.person(2).next_task(loop.expert_id)
    loop.answer(2, case["id"], WRONG, **SLOW)
    loop.run("pull")
    loop.run("route")
    assert loop.states() == {"s-000": "adjudicated"}
    assert _found(loop) == []
