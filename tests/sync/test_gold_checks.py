"""Settled tasks are asked again of people who have not seen them, and say how well these answer."""

import pytest

from tests.sync.loop import VERDICT

pytestmark = pytest.mark.labelstudio

WRONG = {**VERDICT, "correctness": "incorrect"}


@pytest.fixture
def settled(loop):
    """Two settled tasks that annotators 0 and 1 answered, one that only 2 did, more in the pool."""
    loop.configure("selection", gold_checks=0.5)
    loop.fill(8)
    loop.run("push", "--batch-size", "3")
    tasks = loop.task_ids()
    first, second, third = sorted(tasks)
    for person in (0, 1):
        loop.answer(person, tasks[first])
        loop.answer(person, tasks[second])
    loop.answer(2, tasks[third])
    loop.run("pull")
    assert loop.states() == {first: "agreed", second: "agreed", third: "waiting"}
    return loop, tasks, (first, second)


def _checks(loop):
    return dict(loop.rows("SELECT sample_id, overlap FROM gold_checks ORDER BY sample_id"))


def _served(loop, person):
    """Every task that Label Studio serves to somebody, who answers each of them."""
    found = []
    while task := loop.person(person).next_task(loop.project_id):
        found.append(task["id"])
        loop.answer(person, task["id"])
    return found


def test_a_batch_brings_settled_tasks_to_who_has_not_seen_them_and_to_nobody_else(settled):
    loop, tasks, golds = settled
    pushed = loop.json("push", "--batch-size", "2")
    assert pushed["checks"] == 1
    [(checked, overlap)] = _checks(loop).items()
    assert checked in golds
    assert overlap == 3
    assert tasks[checked] in _served(loop, 2)
    assert not {tasks[gold] for gold in golds} & set(_served(loop, 0))


def test_the_answer_to_a_check_is_scored_and_does_not_vote(settled):
    loop, tasks, golds = settled
    loop.run("push", "--batch-size", "4")
    assert sorted(_checks(loop)) == list(golds)
    loop.answer(2, tasks[golds[0]], WRONG)
    loop.answer(2, tasks[golds[1]])
    loop.run("pull")
    states = loop.states()
    assert [states[gold] for gold in golds] == ["agreed", "agreed"]
    [found] = [one for one in loop.json("consensus") if one["sample_id"] == golds[0]]
    assert found["annotators"] == 2
    third = loop.server.annotators[2].user_id
    [person] = [one for one in loop.json("annotators") if one["annotator_id"] == third]
    assert person["gold_checks"] == {"answers": 4, "right": 3}


def test_a_push_that_is_repeated_picks_no_further_checks(settled):
    loop, _, _ = settled
    loop.run("push", "--batch-size", "2")
    before = _checks(loop)
    assert loop.json("push")["checks"] == 0
    assert _checks(loop) == before


def test_a_check_that_a_project_setting_resets_is_asked_again(settled):
    loop, tasks, _ = settled
    loop.run("push", "--batch-size", "2")
    [checked] = _checks(loop)
    api = loop.api()
    api.patch(f"/api/projects/{loop.project_id}/", json={"maximum_annotations": 1})
    api.patch(f"/api/projects/{loop.project_id}/", json={"maximum_annotations": 2})
    assert loop.json("route")["checks_mended"] == 1
    assert tasks[checked] in _served(loop, 2)
    loop.run("pull")
    assert loop.json("route")["checks_mended"] == 0


def test_a_check_whose_sample_comes_into_dispute_counts_as_any_answer(settled):
    loop, tasks, golds = settled
    loop.run("push", "--batch-size", "4")
    loop.answer(2, tasks[golds[0]], WRONG)
    loop.answer(1, tasks[golds[0]], WRONG)
    loop.run("pull")
    assert loop.states()[golds[0]] == "disputed"
    loop.run("route")
    assert list(_checks(loop)) == [golds[1]]
    assert loop.states()[golds[0]] == "agreed"


def test_nothing_is_checked_when_everybody_has_seen_everything(settled):
    loop, tasks, golds = settled
    for gold in golds:
        loop.answer(2, tasks[gold])
    loop.run("pull")
    assert loop.json("push", "--batch-size", "4")["checks"] == 0


def test_the_share_is_a_setting_and_none_is_possible(settled):
    loop, _, _ = settled
    loop.configure("selection", gold_checks=0.0)
    assert loop.json("push", "--batch-size", "4")["checks"] == 0
