"""How the labelling screen looks: readable in both themes, and whole on a small laptop."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.annotator import SIZE, Annotator
from tests.browser.conftest import Annotate, Batch

pytestmark = [pytest.mark.labelstudio, pytest.mark.browser]

# [contrast, text] of every text on the labelling screen that can be seen, by the formula of WCAG:
# (lighter + 0.05) / (darker + 0.05) of relative luminances, after blending what is translucent.
CONTRASTS = """() => {
  const parts = color => {
    const numbers = color.match(/^rgba?\\(([^)]+)\\)$/)[1].split(/[ ,/]+/).map(Number);
    return numbers.length > 3 ? numbers : [...numbers, 1];
  };
  const over = (top, below) =>
    [...[0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])), 1];
  const ancestors = element => element ? [element, ...ancestors(element.parentElement)] : [];
  const background = element => ancestors(element)
    .map(e => parts(getComputedStyle(e).backgroundColor)).reverse()
    .reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  const opacity = element => ancestors(element)
    .reduce((product, e) => product * getComputedStyle(e).opacity, 1);
  const linear = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = color => {
    const [r, g, b] = color.slice(0, 3).map(v => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (element, behind) => {
    const [r, g, b, a] = parts(getComputedStyle(element).color);
    const color = over([r, g, b, a * opacity(element)], behind);
    const [dark, light] = [luminance(color), luminance(behind)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
  };
  const texts = [];
  const walk = document.createTreeWalker(document.querySelector(".gl"), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement, text = walk.currentNode.data.trim();
    if (text && element.checkVisibility()) {
      texts.push([contrast(element, background(element)), text.slice(0, 60)]);
    }
  }
  const given = document.querySelectorAll(".ant-rate-star-full .ant-rate-star-second .anticon");
  const stars = [...given].map(star => contrast(star, background(star.parentElement)));
  return {texts, stars, page: luminance(background(document.querySelector(".gl")))};
}"""


@pytest.fixture
def seated(annotate: Annotate, batch_to_look_at: Batch) -> Annotate:
    """Seats an annotator before a task, as `seated(0, theme="Dark")`."""

    def sit(number: int, theme: str = "Light") -> Annotator:
        annotator = annotate(number, theme)
        annotator.open_project(batch_to_look_at.loop.project_id)
        annotator.start_labelling()
        return annotator

    return sit


def box(annotator: Annotator, selector: str) -> dict[str, float]:
    """Where an element is on the screen, in pixels."""
    found: dict[str, float] = annotator.page.locator(selector).evaluate(
        "e => (({top, bottom, left, right}) => ({top, bottom, left, right}))"
        "(e.getBoundingClientRect())"
    )
    return found


def bar_top(annotator: Annotator) -> float:
    """Where the bar with the buttons begins, in pixels from the top."""
    button = annotator.page.get_by_role("button", name="Submit current annotation")
    place = button.bounding_box()
    assert place
    return place["y"]


def scrolls(annotator: Annotator, selector: str) -> tuple[bool, bool]:
    """Whether there is more of an element than it shows: to the side, and below."""
    wide, high = annotator.page.locator(selector).evaluate(
        "e => [e.scrollWidth > e.clientWidth, e.scrollHeight > e.clientHeight]"
    )
    return wide, high


@pytest.mark.parametrize(("theme", "number"), [("Light", 0), ("Dark", 1)])
def test_every_text_can_be_read(seated: Annotate, theme: str, number: int, tmp_path: Path) -> None:
    ann = seated(number, theme)
    ann.press("3", "6", "a", "d", "j", "j", "l", "l", "l")
    ann.has_stars(2, 3)
    ann.case.locator("summary").first.click()
    ann.notes.fill("A note")
    expect(ann.failure_modes).to_be_visible()
    ann.page.screenshot(path=tmp_path / f"{theme}.png")
    found = ann.page.evaluate(CONTRASTS)
    assert found["page"] > 0.9 if theme == "Light" else found["page"] < 0.05
    assert len(found["texts"]) > 60
    assert [text for text in found["texts"] if text[0] < 4.5] == []
    assert len(found["stars"]) >= 5
    assert min(found["stars"]) >= 3


def test_case_and_questions_stand_side_by_side_and_the_questions_stay_in_sight(
    seated: Annotate,
) -> None:
    ann = seated(2)
    assert not scrolls(ann, "html")[0]
    assert not scrolls(ann, ".gl-page")[0]
    assert not scrolls(ann, ".gl-questions")[1]
    case, questions = box(ann, ".gl-case"), box(ann, ".gl-questions")
    assert case["right"] - case["left"] > 800
    assert case["right"] < questions["left"] < questions["right"] <= SIZE["width"]
    assert 0 < questions["top"] < questions["bottom"] < bar_top(ann)
    for folded in ann.case.locator("summary").all():
        folded.click()
    ann.page.mouse.move(400, 400)
    ann.page.mouse.wheel(0, 5000)
    expect(ann.panel("Conversation").get_by_role("heading")).not_to_be_in_viewport()
    scrolled = box(ann, ".gl-questions")
    assert 0 < scrolled["top"] < scrolled["bottom"] < bar_top(ann)


def test_a_question_more_scrolls_the_questions_and_covers_no_button(
    annotate: Annotate, batch: Batch
) -> None:
    ann = annotate(2)
    ann.open_project(batch.loop.project_id)
    ann.start_labelling()
    ann.press("3")
    expect(ann.failure_modes).to_be_visible()
    assert box(ann, ".gl-questions")["bottom"] < bar_top(ann)
    ann.notes.scroll_into_view_if_needed()
    expect(ann.notes).to_be_in_viewport()
