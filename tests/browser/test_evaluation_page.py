"""The pages of a gate and of an evaluation in a real browser without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from goldloop.evaluation import Rules, gate, summarise
from sync.evaluation_report import write_evaluation_report
from sync.gate import Gated
from sync.gate_report import write_gate
from tests.browser.test_appearance import CONTRASTS
from tests.browser.test_report_page import opened
from tests.sync.gating import JUDGE, MARKDOWN, SCRIPT, TOOLS, evaluation

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A gate that blocks and an evaluation, with hostile texts wherever others write."""
    folder = tmp_path_factory.mktemp("pages")
    both = (TOOLS, JUDGE)
    old = evaluation("v1", range(110, 120), hostile=True, graders=both)
    new = evaluation("v2", range(0, 120, 3), errors=[1], hostile=True, graders=both)
    gated = Gated(gate(old, new, Rules()), old, new, summarise(old), summarise(new))
    write_gate(folder / "gate.html", gated)
    write_evaluation_report(folder / "evaluation.html", new, summarise(new))
    return {name: folder / f"{name}.html" for name in ("gate", "evaluation")}


@pytest.mark.parametrize("name", ["gate", "evaluation"])
def test_asks_for_nothing_and_runs_nothing(
    chromium: Browser, pages: dict[str, Path], name: str
) -> None:
    with opened(chromium, pages[name]) as (page, did):
        expect(page).not_to_have_title("hit")
        assert did == []
        assert page.locator("script, img, iframe, link").count() == 0


def test_a_flip_opens_to_both_outputs_as_text(chromium: Browser, pages: dict[str, Path]) -> None:
    with opened(chromium, pages["gate"]) as (page, did):
        flip = page.locator("details.flip").first
        expect(flip.get_by_role("heading", name="Candidate: wrong")).to_be_hidden()
        flip.locator("summary").click()
        expect(flip.get_by_role("heading", name="Candidate: wrong")).to_be_visible()
        output = flip.locator("pre").last
        expect(output).to_contain_text(SCRIPT)
        expect(output).to_contain_text(MARKDOWN)
        assert flip.get_by_role("link").count() == 0
        assert did == []


def test_can_be_gone_through_by_headings_and_links(
    chromium: Browser, pages: dict[str, Path]
) -> None:
    with opened(chromium, pages["gate"]) as (page, _):
        expect(page.get_by_role("heading", level=1)).to_have_text("Regression on golden@1.0.0")
        links = page.get_by_role("navigation", name="Sections").get_by_role("link")
        headings = page.get_by_role("heading", level=2)
        assert links.all_inner_texts() == headings.all_inner_texts()
        links.get_by_text("Slices").click()
        expect(headings.get_by_text("Slices")).to_be_in_viewport()


def test_plots_say_what_they_show(chromium: Browser, pages: dict[str, Path]) -> None:
    with opened(chromium, pages["gate"]) as (page, _):
        changes = page.get_by_role("table", name="Change by slice in points")
        plot = changes.get_by_role("row", name="difficulty:easy").get_by_role("img")
        expect(plot).to_be_visible()
        assert str(plot.get_attribute("aria-label")).startswith("-")
        assert "points, from -" in str(plot.get_attribute("aria-label"))


@pytest.mark.parametrize("name", ["gate", "evaluation"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(
    chromium: Browser, pages: dict[str, Path], name: str, scheme: str
) -> None:
    with opened(chromium, pages[name], scheme) as (page, _):
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        found = page.evaluate(CONTRASTS.replace('".gl"', '"main"'))
    assert len(found["texts"]) > 100
    assert [text for text in found["texts"] if text[0] < 4.5] == []


@pytest.mark.parametrize("name", ["gate", "evaluation"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_stands_out_of_the_window(
    chromium: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    with opened(chromium, pages[name], width=width) as (page, _):
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
