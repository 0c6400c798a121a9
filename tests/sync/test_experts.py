"""What annotators cannot settle goes to the experts' project, and their answer comes back."""

import pytest

from sync import grace
from tests.sync.dying import dies
from tests.sync.loop import VERDICT

pytestmark = pytest.mark.labelstudio

WRONG = {**VERDICT, "correctness": "incorrect", "notes": "<img src=x onerror=alert(1)>"}
PARTLY = {**VERDICT, "correctness": "partially_correct"}
EXPERT = 2


@pytest.fixture
def stuck(loop):
    """A task that three people answered in three ways; its id."""
    loop.configure("consensus", max_additional=1)
    task = loop.pushed(2)["s-000"]
    loop.answer(0, task, VERDICT)
    loop.answer(1, task, WRONG)
    loop.run("pull")
    loop.run("route")
    loop.answer(2, task, PARTLY)
    loop.run("pull")
    assert loop.states()["s-000"] == "ambiguous"
    return loop, task


@pytest.fixture
def short_grace(monkeypatch):
    """Nothing that was sent before can still be under way."""
    monkeypatch.setattr(grace, "GRACE_SECONDS", 0.0)


def _case(loop):
    """The one task in the experts' project, as Label Studio has it."""
    with loop.project.client() as client:
        [found] = client.export(loop.expert_id)
    return found


def _shown(loop):
    """The same as the labelling screen gets it, with its predictions whole."""
    return loop.api().get(f"/api/tasks/{_case(loop)['id']}/").json()


def _truths(loop, task):
    """The annotations of a task that are marked as ground truth."""
    with loop.project.client() as client:
        [found] = client.export(loop.project_id, [task])
    return [one for one in found["annotations"] if one["ground_truth"]]


def test_what_further_annotators_do_not_settle_goes_to_the_experts_and_comes_back(stuck):
    loop, task = stuck
    assert loop.json("route")["to_experts"] == ["s-000"]
    assert "with the experts" in loop.run("disputes").stdout
    case = loop.person(EXPERT).next_task(loop.expert_id)
    assert case["data"]["sample_id"] == "s-000"
    loop.answer(EXPERT, case["id"], PARTLY)
    assert loop.json("pull")["expert_answers"] == ["s-000"]
    assert loop.states()["s-000"] == "ambiguous"
    assert loop.json("route")["returned"] == ["s-000"]
    assert loop.states()["s-000"] == "adjudicated"
    [truth] = _truths(loop, task)
    assert truth["completed_by"] == loop.server.annotators[EXPERT].user_id
    [found] = [one for one in loop.json("consensus") if one["sample_id"] == "s-000"]
    assert found["labels"]["correctness"] == "partially_correct"
    assert loop.json("disputes") == []


def test_the_earlier_answers_are_shown_without_names_and_escaped(stuck):
    loop, _ = stuck
    loop.run("route")
    case = _shown(loop)
    page = case["data"]["earlier_answers_html"]
    assert "&lt;img src=x" in page
    assert "<img" not in page
    assert not [one for one in loop.server.annotators if one.email in str(case)]
    assert {one["model_version"] for one in case["predictions"]} == {"earlier answers"}
    verdicts = [
        item["value"]["choices"][0]
        for one in case["predictions"]
        for item in one["result"]
        if item["from_name"] == "correctness"
    ]
    assert sorted(verdicts) == ["correct", "incorrect", "partially_correct"]


def test_what_all_agree_on_is_filled_in_for_the_expert_and_the_dispute_is_not(stuck):
    loop, _ = stuck
    loop.run("route")
    last = max(_shown(loop)["predictions"], key=lambda one: one["id"])
    assert [item["from_name"] for item in last["result"]] == ["tool_use"]


def test_routing_again_sends_nothing_twice(stuck):
    loop, task = stuck
    loop.run("route")
    case = _case(loop)
    loop.answer(EXPERT, case["id"], PARTLY)
    loop.run("pull")
    loop.run("route")
    again = loop.json("route")
    assert again["to_experts"] == again["returned"] == []
    assert len(_truths(loop, task)) == 1
    assert _case(loop)["id"] == case["id"]


def test_a_changed_answer_follows_and_one_that_was_taken_back_stands_no_more(stuck):
    loop, task = stuck
    loop.run("route")
    case = _case(loop)["id"]
    answer = loop.answer(EXPERT, case, PARTLY)
    loop.run("pull")
    loop.run("route")
    changed = _case(loop)["annotations"][0]["result"]
    changed[0]["value"]["choices"] = ["incorrect"]
    loop.api().patch(f"/api/annotations/{answer}/", json={"result": changed})
    loop.run("pull")
    assert loop.json("route")["returned"] == ["s-000"]
    [found] = [one for one in loop.json("consensus") if one["sample_id"] == "s-000"]
    assert found["labels"]["correctness"] == "incorrect"
    loop.api().delete(f"/api/annotations/{answer}/")
    loop.run("pull")
    assert loop.json("route")["returned"] == ["s-000"]
    assert _truths(loop, task) == []
    assert loop.states()["s-000"] == "ambiguous"
    assert loop.json("route")["returned"] == []


def test_only_the_named_experts_are_believed(stuck):
    loop, task = stuck
    loop.configure("label_studio", experts=[loop.server.annotators[EXPERT].email.upper()])
    loop.run("route")
    case = _case(loop)["id"]
    loop.answer(0, case, VERDICT)
    loop.run("pull")
    assert loop.json("route")["returned"] == []
    loop.answer(EXPERT, case, PARTLY)
    loop.run("pull")
    assert loop.json("route")["returned"] == ["s-000"]
    assert len(_truths(loop, task)) == 1


def test_an_expert_whom_label_studio_does_not_know_is_an_error_that_says_so(stuck):
    loop, _ = stuck
    loop.configure("label_studio", experts=["nobody@example.com"])
    assert "nobody@example.com; invite them" in loop.refused("route", exit_code=2)


def test_a_case_that_is_settled_meanwhile_is_taken_back_unless_an_expert_began(stuck):
    loop, task = stuck
    loop.run("route")
    loop.answer(2, task, VERDICT)
    loop.run("pull")
    assert loop.states()["s-000"] == "agreed"
    case = _case(loop)["id"]
    loop.api().post(f"/api/tasks/{case}/drafts", json={"result": [], "lead_time": 1})
    assert loop.json("route")["taken_back"] == 0
    [draft] = _case(loop)["drafts"]
    loop.api().delete(f"/api/drafts/{draft['id']}/")
    assert loop.json("route")["taken_back"] == 1
    loop.answer(2, task, PARTLY)
    loop.run("pull")
    assert loop.json("route")["to_experts"] == ["s-000"]
    assert _case(loop)["annotations"] == []


def test_without_a_title_there_is_no_project_of_experts(stuck):
    loop, _ = stuck
    loop.configure("label_studio", expert_title="")
    assert loop.json("route")["to_experts"] == []
    assert loop.rows("SELECT count(*) FROM label_studio_projects") == [(1,)]


def test_a_project_of_experts_that_somebody_deleted_is_made_anew(stuck, short_grace):
    loop, _ = stuck
    loop.run("route")
    gone = loop.expert_id
    loop.api().delete(f"/api/projects/{gone}/")
    loop.run("pull", "--full")
    assert loop.json("route")["to_experts"] == ["s-000"]
    [(count,)] = loop.rows("SELECT count(*) FROM label_studio_projects WHERE role = 'expert'")
    assert count == 2


@pytest.mark.parametrize(
    "point",
    [
        ("after", "sync.experts", "plan_cases", 1),
        ("after", "sync.delivery", "mark_sending", 1),
        ("before", "sync.delivery", "mark_delivered", 1),
    ],
)
def test_wherever_it_dies_while_a_case_is_sent_the_experts_get_it_once(stuck, point, short_grace):
    loop, _ = stuck
    dies(loop.folder, ("route",), point)
    loop.run("route")
    assert _case(loop)["data"]["sample_id"] == "s-000"
    assert loop.rows("SELECT state FROM tasks WHERE project_id = ?", loop.expert_id) == [
        ("delivered",)
    ]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_wherever_it_dies_while_an_answer_is_brought_back_it_comes_once(stuck, moment):
    loop, task = stuck
    loop.run("route")
    loop.answer(EXPERT, _case(loop)["id"], PARTLY)
    loop.run("pull")
    name = "plan_return" if moment == "after" else "confirm_return"
    dies(loop.folder, ("route",), (moment, "sync.experts", name, 1))
    assert loop.json("route")["returned"] == ["s-000"]
    assert len(_truths(loop, task)) == 1
    assert loop.states()["s-000"] == "adjudicated"
