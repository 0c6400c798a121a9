"""A labelling interface of the user's own goes through the loop, and may change while in use."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.labelstudio

EVERY_KIND = """<View>
  <Text name="asked" value="$user_input"/>
  <Text name="answer" value="$response"/>
  <Choices name="verdict" toName="asked" choice="single" required="true">
    <Choice value="good"/><Choice value="bad"/>
  </Choices>
  <Choices name="topics" toName="asked" choice="multiple">
    <Choice value="orders"/><Choice value="refunds"/><Choice value="other"/>
  </Choices>
  <Rating name="stars" toName="asked" maxRating="7"/>
  <Number name="minutes" toName="asked" min="0" max="90"/>
  <TextArea name="advice" toName="asked"/>
  <Pairwise name="better" toName="asked,answer"/>
  <Taxonomy name="cause" toName="asked">
    <Choice value="Tool"><Choice value="Wrong"/><Choice value="Missing"/></Choice>
    <Choice value="Text"/>
  </Taxonomy>
  <DateTime name="due" toName="asked" only="date"/>
</View>"""
ANSWERS = {
    "verdict": "good",
    "topics": ("orders", "refunds"),
    "stars": 6,
    "minutes": 12.5,
    "advice": "Ask for the number.",
    "better": "right",
    "cause": (("Text",), ("Tool", "Wrong")),
    "due": "2026-03-01",
}
SMALL = """<View>
  <Text name="asked" value="$user_input"/>
  <Choices name="verdict" toName="asked" required="true">
    <Choice value="good"/><Choice value="bad"/>
  </Choices>
  <Rating name="stars" toName="asked" maxRating="5"/>
</View>"""


@pytest.fixture
def own(loop):
    """Uses an interface, from a file in the project's folder: `own(xml)`."""

    def use(xml):
        (loop.folder / "mine.xml").write_text(xml)
        loop.configure("label_studio", interface="mine.xml", prefill=[])
        return loop

    return use


def test_every_kind_of_question_is_labelled_agreed_on_and_committed(own):
    loop = own(EVERY_KIND)
    [task] = loop.pushed(1).values()
    for person in (0, 1):
        loop.answer(person, task, ANSWERS)
    loop.run("pull")
    [found] = loop.json("consensus")
    plain = json.loads(json.dumps(ANSWERS))
    assert (found["state"], found["agreement_rate"]) == ("agreed", 1.0)
    assert found["labels"] == plain
    manifest = loop.json("commit")
    loop.run("export", "-o", str(loop.folder / "golden.jsonl"))
    item = json.loads((loop.folder / "golden.jsonl").read_text())
    assert item["labels"] == plain
    folder = loop.folder / "versions" / "golden" / manifest["version"]
    assert (folder / "interface.xml").read_text() == EVERY_KIND


def test_answers_that_differ_are_disputed_field_by_field(own):
    loop = own(EVERY_KIND)
    [task] = loop.pushed(1).values()
    loop.answer(0, task, ANSWERS)
    loop.answer(1, task, {**ANSWERS, "cause": (("Tool",),), "minutes": 13.0, "better": "left"})
    loop.run("pull")
    [found] = loop.json("consensus")
    assert found["disputed"] == ["better"]
    # A number is a mean, and paths that part agree as far as they go together.
    assert found["labels"]["minutes"] == pytest.approx((ANSWERS["minutes"] + 13.0) / 2)
    assert found["labels"]["cause"] == [["Tool"]]
    assert found["agreement_rate"] == pytest.approx(5 / 8)
    assert found["state"] == "agreed"  # the one question that must be answered is settled


def test_predictions_are_taken_by_a_label_studio_that_checks_them(own):
    """All kinds but Pairwise, whose predictions Label Studio's check refuses in its own form."""
    loop = own(EVERY_KIND)
    names = sorted(ANSWERS.keys() - {"better"})
    loop.configure("label_studio", prefill=names)
    filled = {**ANSWERS, "cause": [["Tool", "Wrong"], ["Text"]]}
    record = {
        "sample_id": "s-000",
        "user_input": "Judge it",
        "run": {"agent_version": "judge-1", "response": json.dumps(filled), "confidence": 0.25},
    }
    loop.run("import", str(loop.write("one.jsonl", [record])))
    loop.run("push", "--batch-size", "1")
    [made] = loop.predictions_there()
    assert (made["score"], made["model_version"]) == (0.25, "judge-1")
    assert sorted(item["from_name"] for item in made["result"]) == names


def test_a_sample_without_what_the_interface_shows_is_refused_before_anything_is_sent(own):
    loop = own(SMALL.replace("$user_input", "$document"))
    loop.fill(2)
    assert "$document" in loop.refused("push", "--batch-size", "2")
    assert loop.tasks_there() == []


class TestAChangeOfTheInterface:
    def used(self, own):
        loop = own(SMALL)
        tasks = loop.pushed(2)
        loop.answer(0, tasks["s-000"], {"verdict": "bad", "stars": 5})
        return loop

    def shown(self, loop):
        return loop.api().get(f"/api/projects/{loop.project_id}/").json()["label_config"]

    def test_before_anybody_answered_is_free(self, own):
        loop = own(SMALL)
        loop.pushed(2)
        changed = SMALL.replace("bad", "poor").replace('name="stars"', 'name="points"')
        own(changed).run("push")
        assert self.shown(loop) == changed

    @pytest.mark.parametrize(
        ("before", "after", "says"),
        [
            ('name="stars"', 'name="points"', "the field stars"),
            ('<Choice value="bad"/>', '<Choice value="poor"/>', "the option bad"),
            ('name="verdict"', 'name="verdict" choice="multiple"', "the field verdict"),
            ('maxRating="5"', 'maxRating="3"', "the range of stars"),
        ],
        ids=["field", "option", "kind", "range"],
    )
    def test_that_would_orphan_answers_is_refused_pulled_or_not(self, own, before, after, says):
        loop = self.used(own)
        own(SMALL.replace(before, after))
        assert says in loop.refused("push")
        loop.run("pull")
        assert says in loop.refused("push")
        assert self.shown(loop) == SMALL

    def test_that_only_adds_is_carried_over_and_makes_a_major_version(self, own):
        loop = self.used(own)
        [(task,)] = loop.rows("SELECT task_id FROM tasks WHERE sample_id = 's-000'")
        loop.answer(1, task, {"verdict": "bad", "stars": 5})
        loop.run("pull")
        loop.run("commit")
        more = SMALL.replace(
            '<Choice value="bad"/>', '<Choice value="bad"/><Choice value="unsure"/>'
        ).replace("</View>", '  <TextArea name="why" toName="asked"/>\n</View>')
        own(more).run("push")
        assert self.shown(loop) == more
        assert loop.states() == {"s-000": "agreed"}
        manifest = loop.json("commit")
        assert (manifest["version"], manifest["changes"]["guidelines"]) == ("2.0.0", True)
