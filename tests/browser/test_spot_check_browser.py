"""Somebody checks a synthetic sample: with keys and the mouse, in both themes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from goldloop.samples import ToolCall
from goldloop.synthesis.values import CONSISTENCY, Rejection
from store.synthesis import (
    CHECKING,
    KEPT,
    NEEDS_HUMAN,
    NewBatch,
    create_batch,
    judge_candidates,
    keep_candidates,
    set_batch_state,
)
from sync.init import init_project
from tests.browser.annotator import SIZE, Annotator
from tests.browser.conftest import Annotate
from tests.browser.test_appearance import CONTRASTS, bar_top, box, scrolls
from tests.conftest import LabelStudio
from tests.store.synthetic import candidate, journal_of, slot
from tests.sync.loop import Loop

pytestmark = [pytest.mark.labelstudio, pytest.mark.browser]

EVIL = "<img src=x onerror=alert(1)>"
DOUBT = Rejection(CONSISTENCY, "different_calls", f"refund(A-7) and cancel(A-7) {EVIL}")
ORDER = '{"order": "A-7"}'
SOLUTIONS = (
    {
        "response": "I have refunded it.",
        "tool_calls": [{"name": "refund", "arguments_json": ORDER}],
    },
    {"response": "It is cancelled.", "tool_calls": [{"name": "cancel", "arguments_json": ORDER}]},
)


@pytest.fixture(scope="module")
def spot_check(
    tmp_path_factory: pytest.TempPathFactory, label_studio: LabelStudio
) -> Iterator[Loop]:
    """A project with one drawn sample and one that waits for a person, both in Label Studio."""
    folder = tmp_path_factory.mktemp("spot_check") / "project"
    init_project(folder)
    loop = Loop(folder, label_studio)
    loop.configure("label_studio", url=label_studio.url)
    loop.configure("synthesis", title=f"Spot check {secrets.token_hex(4)}")
    loop.use_token(label_studio.admin.token)
    # The one for a person comes first in the queue, then the one that was drawn.
    for index, (outcome, why) in enumerate([(NEEDS_HUMAN, DOUBT), (KEPT, None)]):
        generate(loop, index, outcome, why)
        loop.run("synthesis", "check", exit_code=0 if why else 3)
    [(project_id,)] = loop.rows("SELECT project_id FROM spot_check_projects")
    with loop.closing, loop.project.client() as client:
        # Several people look at the same task here.
        client.update_project(project_id, {"maximum_annotations": 3})
        yield loop


def generate(loop: Loop, index: int, outcome: str, why: Rejection | None) -> None:
    """A batch of one, made by hand."""
    calls = (ToolCall("find_order", {"order": "A-7"}), ToolCall("refund", {"order": "A-7"}))
    asked = f"Hi, my kettle (order A-7) came broken. I want my money back! {EVIL}"
    place = slot(index, "medium")
    written = candidate(place, user_input=asked, expected_tool_calls=calls)
    with loop.store() as db:
        batch = create_batch(db, NewBatch({"count": index}, [place], "1", "writer", 7))
        keep_candidates(db, batch, [(place, 1, written)])
        judge_candidates(db, batch, [(index, 1, outcome, why)])
        journal = journal_of(db, batch)
        for step, solution in enumerate(SOLUTIONS if why else ()):
            where = {"purpose": "solve", "slot": index, "attempt": 1, "step": step}
            journal.put(f"key-{step}", {**where, "text": json.dumps(solution)})
        set_batch_state(db, batch, CHECKING)


def start(ann: Annotator, loop: Loop) -> None:
    """From the list of projects to the first task of the queue."""
    ann.find_project(loop.settings["synthesis"]["title"])
    ann.page.get_by_role("button", name="Label All Tasks").click()
    expect(ann.case).to_contain_text("Kept back by the consistency filter")


@pytest.mark.parametrize(("theme", "number"), [("Light", 0), ("Dark", 1)])
def test_the_case_can_be_read_beside_its_questions(
    annotate: Annotate, spot_check: Loop, theme: str, number: int, tmp_path: Path
) -> None:
    ann = annotate(number, theme)
    start(ann, spot_check)
    expect(ann.case).to_contain_text("It is cancelled.")
    ann.press("1", "4", "5", "9")
    ann.has_chosen("Realistic", "It is wrong", "They are right", "It is medium")
    ann.page.screenshot(path=tmp_path / f"{theme}.png")
    found = ann.page.evaluate(CONTRASTS)
    assert found["page"] > 0.9 if theme == "Light" else found["page"] < 0.05
    assert len(found["texts"]) > 40
    assert [text for text in found["texts"] if text[0] < 4.5] == []
    assert ann.case.locator("img").count() == 0
    assert ann.dialogs == []
    case, questions = box(ann, ".gl-case"), box(ann, ".gl-questions")
    assert case["right"] < questions["left"] < questions["right"] <= SIZE["width"]
    assert questions["bottom"] < bar_top(ann)
    assert not scrolls(ann, ".gl-questions")[1]


def test_a_person_labels_a_sample_with_keys_and_the_mouse(
    annotate: Annotate, spot_check: Loop
) -> None:
    ann = annotate(2)
    start(ann, spot_check)
    ann.press("1", "3", "5", "7")
    ann.has_chosen("Realistic", "It is right", "They are right", "Right")
    ann.submit()
    expect(ann.case.locator(".gl-found")).to_be_hidden()
    expect(ann.case).to_contain_text("my kettle (order A-7) came broken")
    expect(ann.chosen).to_have_count(0)
    ann.press("1", "4", "5")
    ann.questions.get_by_text("It is hard").click()
    ann.notes.fill("The policy asks for a photo first.")
    ann.press("Shift+Enter")
    expect(ann.kept_texts.first).to_have_text("The policy asks for a photo first.")
    ann.submit()
    expect(ann.page.get_by_text("No more tasks")).to_be_visible()
    drawn = spot_check.json("synthesis", "check", "2")["result"]
    assert drawn["reasons"][0]["faults"] == ["wrong_answer"]
    assert drawn["reasons"][0]["said"] == ["The policy asks for a photo first."]
    assert (drawn["decision"], drawn["rejected"], drawn["corrected"]) == ("accepted", 1, 1)
    alone = spot_check.json("synthesis", "check", "1")
    assert (alone["added"], alone["result"]["needs_human"]["right"]) == (1, 1)
    assert ann.dialogs == []
