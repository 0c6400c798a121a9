"""What an annotator sees and does, from the login form to the answers in our store."""

from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from label_config.results import read_result
from store.annotations import RawAnnotation, annotations_of
from store.consensus import stored_consensus
from tests.browser.annotator import Annotator, open_session, open_window
from tests.browser.conftest import Annotate, Batch
from tests.conftest import LabelStudio

pytestmark = [pytest.mark.labelstudio, pytest.mark.browser]


@pytest.fixture
def ann(annotate: Annotate, batch: Batch) -> Annotator:
    """An annotator with the first task of a fresh batch before her."""
    annotator = annotate(0)
    annotator.open_project(batch.loop.project_id)
    annotator.start_labelling()
    annotator.is_served(batch.cases[0])
    return annotator


def pulled(batch: Batch, case: dict[str, Any]) -> list[RawAnnotation]:
    """What the store knows of a case after a pull and a consensus."""
    batch.loop.run("pull")
    batch.loop.run("consensus")
    with batch.loop.store() as db:
        return annotations_of(db, [case["sample_id"]]).get(case["sample_id"], [])


def answers(batch: Batch, annotation: RawAnnotation) -> dict[str, Any]:
    """An annotation as answers by field; fails on anything in it that cannot be read."""
    found, problems = read_result(batch.loop.project.interface(), annotation.result)
    assert not problems
    return found


def test_an_annotator_logs_in_and_labels_all_tasks_from_the_least_confident_on(
    chromium: Browser, label_studio: LabelStudio, batch_to_look_at: Batch
) -> None:
    with closing(open_session(chromium)) as session:
        ann = open_window(session, label_studio.url)
        ann.log_in(label_studio.annotators[0])
        ann.find_project(batch_to_look_at.title)
        ann.start_labelling()
        ann.is_served(batch_to_look_at.cases[0])


def test_the_project_opens_on_its_only_tab_with_the_least_confident_first(
    annotate: Annotate, batch_to_look_at: Batch
) -> None:
    ben, cases = annotate(1), batch_to_look_at.cases
    ben.open_project(batch_to_look_at.loop.project_id)
    expect(ben.page.get_by_role("tab", name="Least confident first", selected=True)).to_be_visible()
    expect(ben.page.get_by_role("tab")).to_have_count(1)
    rows = ben.page.locator(".lsf-table__row-wrapper")
    expect(rows).to_contain_text([case["sample_id"] for case in cases])
    expect(rows).to_contain_text([str(case["run"]["confidence"]) for case in cases])


def test_the_screen_shows_the_trace_with_folded_results_both_responses_and_no_verdict(
    ann: Annotator, batch: Batch
) -> None:
    case = batch.cases[0]
    asked, called, result = case["run"]["messages"][:3]
    call = called["tool_calls"][0]["function"]
    trace = ann.panel("Conversation")
    expect(trace).to_contain_text(asked["content"])
    expect(trace.get_by_text(call["name"], exact=True).first).to_be_visible()
    expect(trace.get_by_text(call["arguments"], exact=True).first).to_be_visible()
    folded = trace.locator("details").first
    expect(folded.locator("summary")).to_contain_text(f"Result of {result['name']}")
    expect(folded.get_by_text('"customer": {')).to_be_hidden()
    folded.locator("summary").click()
    expect(folded.get_by_text('"customer": {')).to_be_visible()
    expect(ann.panel("The agent's final response")).to_contain_text(case["response"])
    expect(ann.panel("Expected response")).to_contain_text(case["expected_response"])
    expect(ann.kept_texts).to_have_text([case["expected_response"]])
    ann.has_chosen()
    ann.has_stars(0, 0)


def test_answers_given_with_keys_are_stored_as_given_and_the_next_least_confident_follows(
    ann: Annotator, batch: Batch
) -> None:
    ann.press("3", "6", "a", "d", "s", "s", "j", "j", "l", "l", "l", "l")
    ticked = ("Incorrect", "Wrong arguments", "Wrong tool call", "Policy violation")
    ann.has_chosen(*ticked)
    ann.has_stars(2, 4)
    ann.questions.get_by_role("button", name="Edit Region").click()
    ann.press("Control+End")
    ann.page.keyboard.type(" Say so: 1 2 3 asd jl.")
    ann.press("Shift+Enter")
    ann.notes.click()
    ann.page.keyboard.type("Seen 4 of 9, all just as sad: jl q t z.")
    ann.press("Shift+Enter")
    expect(ann.kept_texts).to_have_count(2)
    ann.has_chosen(*ticked)
    ann.has_stars(2, 4)
    ann.submit()
    ann.is_served(batch.cases[1])
    ann.has_chosen()

    case = batch.cases[0]
    [annotation] = pulled(batch, case)
    given = {
        "correctness": "incorrect",
        "tool_use": "wrong_arguments",
        "failure_modes": ("policy_violation", "wrong_tool_call"),
        "helpfulness": 2,
        "expected_response": f"{case['expected_response']} Say so: 1 2 3 asd jl.",
        "confidence": 4,
        "notes": "Seen 4 of 9, all just as sad: jl q t z.",
    }
    assert answers(batch, annotation) == given
    assert annotation.annotator_id == batch.loop.server.annotators[0].user_id
    assert not annotation.was_cancelled
    with batch.loop.store() as db:
        [consensus] = stored_consensus(db)
    voted = {name: value for name, value in given.items() if name not in ("confidence", "notes")}
    assert (consensus.sample_id, consensus.state) == (case["sample_id"], "agreed")
    assert consensus.labels == voted
    assert consensus.mean_confidence == 0.75


def test_failure_modes_are_asked_and_stored_only_when_the_response_is_not_correct(
    ann: Annotator, batch: Batch
) -> None:
    expect(ann.failure_modes).to_be_hidden()
    for key, shown in (("3", True), ("1", False), ("2", True)):
        ann.press(key)
        expect(ann.failure_modes).to_be_visible(visible=shown)
    ann.press("a", "1", "4")
    expect(ann.failure_modes).to_be_hidden()
    ann.submit()
    ann.is_served(batch.cases[1])
    [annotation] = pulled(batch, batch.cases[0])
    found = answers(batch, annotation)
    assert (found["correctness"], found["tool_use"]) == ("correct", "right")
    assert "failure_modes" not in found


def test_a_text_that_is_still_open_is_stored_when_the_button_submits(
    ann: Annotator, batch: Batch
) -> None:
    ann.press("2", "9")
    ann.questions.get_by_role("button", name="Edit Region").click()
    ann.press("Control+End")
    ann.page.keyboard.type(" Then stop.")
    ann.page.get_by_role("button", name="Submit current annotation").click()
    ann.is_served(batch.cases[1])
    [annotation] = pulled(batch, batch.cases[0])
    expected = f"{batch.cases[0]['expected_response']} Then stop."
    assert answers(batch, annotation)["expected_response"] == expected


def test_a_skipped_task_gives_way_to_the_next_and_is_stored_as_skipped(
    ann: Annotator, batch: Batch
) -> None:
    ann.page.get_by_role("button", name="skip-task").click()
    ann.is_served(batch.cases[1])
    [annotation] = pulled(batch, batch.cases[0])
    assert annotation.was_cancelled
    with batch.loop.store() as db:
        [consensus] = stored_consensus(db)
    assert (consensus.annotators, consensus.skips) == (0, 1)


def test_the_queue_goes_from_the_least_confident_to_the_most_until_it_is_empty(
    ann: Annotator, batch: Batch
) -> None:
    for case in batch.cases:
        ann.is_served(case)
        ann.has_chosen()
        ann.press("1", "4")
        ann.has_chosen("Correct", "Right")
        ann.submit()
    expect(ann.page.get_by_text("No more tasks")).to_be_visible()


def test_submitting_without_the_required_answers_says_what_is_missing_and_stores_nothing(
    ann: Annotator, batch: Batch
) -> None:
    for key, missing in (("j", "whether the final response is correct"), ("1", "used its tools")):
        ann.press(key)
        ann.submit()
        expect(ann.page.get_by_role("dialog")).to_contain_text(missing)
        ann.page.get_by_role("dialog").get_by_role("button", name="OK").click()
        expect(ann.page.get_by_role("dialog")).to_be_hidden()
    ann.is_served(batch.cases[0])
    ann.has_chosen("Correct")
    assert pulled(batch, batch.cases[0]) == []
    assert not any(task["annotations"] for task in batch.loop.tasks_there())


def test_a_second_annotator_gets_the_same_task_and_sees_nothing_of_the_first_ones_answers(
    ann: Annotator, batch: Batch, annotate: Annotate
) -> None:
    ann.press("3", "5", "j")
    ann.notes.click()
    ann.page.keyboard.type("Between you and me")
    ann.press("Shift+Enter")
    ann.submit()
    ann.is_served(batch.cases[1])

    ben = annotate(1)
    ben.open_project(batch.loop.project_id)
    with ben.page.expect_response(lambda reply: "id=next_task" in reply.url) as served:
        ben.start_labelling()
    assert "Between you and me" not in served.value.text()
    ben.is_served(batch.cases[0])
    ben.has_chosen()
    ben.has_stars(0, 0)
    expect(ben.kept_texts).to_have_text([batch.cases[0]["expected_response"]])
    expect(ben.page.locator("body")).not_to_contain_text("Between you and me")
