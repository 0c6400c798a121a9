"""What an expert sees of a case, from the queue to the label that stands."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.annotator import Annotator
from tests.browser.conftest import Annotate, Batch, pushed
from tests.conftest import LabelStudio

pytestmark = [pytest.mark.labelstudio, pytest.mark.browser]

RIGHT = {"correctness": "correct", "tool_use": "right"}
WRONG = {
    "correctness": "incorrect",
    "tool_use": "right",
    "failure_modes": ("hallucinated_fact",),
    "notes": "It says <b>today</b>; the order leaves tomorrow.",
}


@pytest.fixture
def disputed(tmp_path: Path, label_studio: LabelStudio) -> Iterator[tuple[Batch, dict[str, Any]]]:
    """A batch whose first case is with the experts."""
    with pushed(tmp_path / "project", label_studio) as batch:
        loop, case = batch.loop, batch.cases[0]
        loop.configure("consensus", min_annotators=2, max_additional=0)
        task = loop.task_ids()[case["sample_id"]]
        loop.answer(0, task, RIGHT)
        loop.answer(1, task, WRONG)
        loop.run("pull")
        loop.run("route")
        yield batch, case


@pytest.fixture
def expert(annotate: Annotate, disputed: tuple[Batch, dict[str, Any]]) -> Annotator:
    """An expert with the case before her."""
    batch, case = disputed
    window = annotate(2)
    window.open_project(batch.loop.expert_id)
    window.page.get_by_role("button", name="Label All Tasks").click()
    expect(window.panel("Conversation")).to_contain_text(case["user_input"])
    return window


def _row(window: Annotator, heading: str) -> list[str]:
    row = window.page.locator(".gl-earlier tr").filter(
        has=window.page.locator("th", has_text=re.compile(f"^{re.escape(heading)}$"))
    )
    return sorted(row.locator("td").all_inner_texts())


def test_the_earlier_answers_stand_above_the_questions_and_hostile_text_is_text(
    expert: Annotator,
) -> None:
    assert _row(expert, "correctness (disputed)") == ["correct", "incorrect"]
    assert _row(expert, "tool_use") == ["right", "right"]
    assert "It says <b>today</b>; the order leaves tomorrow." in _row(expert, "notes")
    page = expert.page.locator(".gl-earlier").inner_text()
    assert "annotator" not in page
    assert expert.errors == []


def test_what_is_disputed_is_left_to_the_expert_and_the_answer_stands(
    expert: Annotator, disputed: tuple[Batch, dict[str, Any]]
) -> None:
    batch, case = disputed
    expert.has_chosen("Right")
    expert.press("3")
    expect(expert.failure_modes).to_be_visible()
    expert.submit()
    expect(expert.page.get_by_text("No more tasks")).to_be_visible()
    batch.loop.run("pull")
    assert batch.loop.json("route")["returned"] == [case["sample_id"]]
    assert batch.loop.states()[case["sample_id"]] == "adjudicated"
