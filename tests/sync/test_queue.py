"""Label Studio's own queue and Data Manager serve what the agent was least confident about."""

from __future__ import annotations

import json

import pytest

from tests.sync.loop import sample

pytestmark = pytest.mark.labelstudio


def served(loop, person=0):
    """The samples in the order in which the queue gives them to somebody who answers each."""
    annotator = loop.person(person)
    order = []
    while task := annotator.next_task(loop.project_id):
        order.append(task["data"]["sample_id"])
        annotator.create_annotation(task["id"], {"result": []})
    return order


def predictions(loop):
    """By sample: the (model version, score) of each prediction."""
    samples = {task["id"]: task["data"]["sample_id"] for task in loop.tasks_there()}
    found = {name: [] for name in samples.values()}
    for made in loop.predictions_there():
        found[samples[made["task"]]].append((made["model_version"], made["score"]))
    return found


def test_a_single_annotator_gets_the_least_confident_first_to_the_end(loop):
    loop.fill(30)
    loop.run("push", "--batch-size", "20")
    scores = {name: found for name, [(_, found)] in predictions(loop).items()}
    assert len(scores) == 20
    assert None not in scores.values()
    assert served(loop) == sorted(scores, key=scores.__getitem__)


def test_a_run_without_a_confidence_is_served_in_the_middle_not_first(loop):
    records = [sample(number, 5) for number in range(5)]
    del records[4]["run"]["confidence"]
    loop.run("import", str(loop.write("some.jsonl", records)))
    loop.run("push", "--batch-size", "5")
    assert predictions(loop)["s-004"] == [("agent-1", 0.5)]
    # s-002 has a confidence of 0.5 too.
    assert served(loop)[:2] == ["s-000", "s-001"]


def test_the_data_manager_sorts_by_score_and_opens_that_way(loop):
    loop.pushed(6)
    api = loop.api()
    for ordering, wanted in (("tasks:predictions_score", 1), ("-tasks:predictions_score", -1)):
        query = json.dumps({"ordering": [ordering]})
        asked = {"project": loop.project_id, "query": query, "fields": "all"}
        tasks = api.get("/api/tasks", params=asked).json()["tasks"]
        scores = [task["predictions_score"] for task in tasks]
        assert scores == sorted(scores)[::wanted]
        assert len(set(scores)) == 6
    [view] = api.get("/api/dm/views/", params={"project": loop.project_id}).json()
    assert view["data"]["ordering"] == ["tasks:predictions_score"]


class TestASecondAgentVersion:
    @pytest.fixture
    def two_rounds(self, loop):
        loop.fill(4)
        loop.run("push", "--batch-size", "4")
        records = [
            {**sample(number, 8, "agent-2"), "sample_id": f"t-{number:03}"} for number in range(6)
        ]
        loop.run("import", str(loop.write("second.jsonl", records)))
        loop.configure("agent", version="agent-2")
        loop.run("push", "--batch-size", "6")
        return loop

    def test_the_project_shows_its_predictions_and_ranks_by_them(self, two_rounds):
        found = two_rounds.api().get(f"/api/projects/{two_rounds.project_id}/").json()
        assert found["model_version"] == "agent-2"
        given = predictions(two_rounds)
        assert {version for [(version, _)] in given.values()} == {"agent-1", "agent-2"}
        assert all(score is not None for [(_, score)] in given.values())

    def test_the_new_round_is_served_in_its_order_and_the_old_one_after_it(self, two_rounds):
        order = served(two_rounds)
        assert order[:6] == [f"t-{number:03}" for number in range(6)]
        assert sorted(order[6:]) == [f"s-{number:03}" for number in range(4)]


def test_a_task_says_why_it_was_picked(loop):
    loop.fill(10)
    loop.run("push", "--batch-size", "4")
    facts = [task["meta"]["goldloop"] for task in loop.tasks_there()]
    assert sorted(fact["reason"] for fact in facts) == ["random", *["uncertain"] * 3]
    assert sorted(fact["rank"] for fact in facts) == [1, 2, 3, 4]
    assert {fact["round"] for fact in facts} == {1}
    drawn = {fact["reason"]: fact["inclusion_probability"] for fact in facts}
    assert drawn == {"uncertain": 1.0, "random": pytest.approx(1 / 7)}
    assert {fact["agent_version"] for fact in facts} == {"agent-1"}
