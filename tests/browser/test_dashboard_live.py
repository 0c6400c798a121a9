"""A page that looks again leaves alone what somebody does on it; keys, and what numbers mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.backend.dashboard.dashboard_pages import picked, shown
from tests.backend.dashboard.gated_store import store_evaluation
from tests.browser.test_dashboard import PHONE, faults, opened, served, until
from tests.sync.gating import TOOLS, evaluation
from tests.sync.labelled import Labelled

pytestmark = pytest.mark.browser

PERSON = "/dashboard/people/2"
# How many observers of sizes follow anything.
OBSERVERS = """(() => {
  window.following = new Set();
  const { observe, disconnect } = ResizeObserver.prototype;
  ResizeObserver.prototype.observe = function (...all) {
    window.following.add(this); return observe.apply(this, all);
  };
  ResizeObserver.prototype.disconnect = function () {
    window.following.delete(this); return disconnect.apply(this);
  };
})()"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    """A project that people answer in while its pages are open."""
    with shown(tmp_path_factory.mktemp("live") / "project") as made:
        yield made


@pytest.fixture(scope="module")
def origin(made: Labelled) -> Iterator[str]:
    """Where its pages are served."""
    with served(made.folder) as address:
        yield address


@contextmanager
def watched(chromium: Browser, origin: str, path: str) -> Iterator[tuple[Page, list[str]]]:
    """A page whose five seconds pass when `look_again` says so."""
    with opened(chromium, origin, path) as (page, did):
        page.clock.install()
        page.add_init_script(OBSERVERS)
        page.reload()
        yield page, did


def look_again(page: Page) -> None:
    """Let the page ask whether there is anything new."""
    page.clock.fast_forward(5_000)


def take_back(made: Labelled, place: int) -> None:
    """Person 2 takes the answer to one of the picked samples back."""
    made.label(made.three(picked(made)[place], ["correct", "", "correct"]))


def state(page: Page) -> str:
    return page.locator("main").get_attribute("hx-headers") or ""


def newer(page: Page) -> Locator:
    return page.get_by_role("button", name="Show what is new")


def answers(page: Page) -> int:
    """How many answers the page of a person counts."""
    found = page.get_by_role("list", name="In short").locator("b").first
    return int(found.inner_text())


def test_what_is_new_waits_until_nobody_is_on_it_and_takes_nothing_away(
    chromium: Browser, origin: str, made: Labelled
) -> None:
    with watched(chromium, origin, PERSON) as (page, did):
        page.set_viewport_size(PHONE)
        table = page.get_by_role("region", name="Agreement over time", exact=True)
        heading = table.get_by_role("columnheader", name="tasks")
        page.get_by_text("The numbers").click()
        heading.focus()
        table.evaluate("e => { e.scrollLeft = 40; }")
        before, count = state(page), answers(page)
        take_back(made, 10)
        look_again(page)
        expect(newer(page)).to_be_visible()
        assert faults(page) == []
        expect(heading).to_be_focused()
        assert (state(page), answers(page)) == (before, count)
        page.keyboard.press("n")
        expect(newer(page)).to_be_hidden()
        assert answers(page) == count - 1
        assert table.evaluate("e => e.scrollLeft") == 40
        expect(heading).to_have_attribute("tabindex", "0")
        numbers = page.locator("figure details")
        assert numbers.evaluate("e => e.open")
        expect(page.locator("main")).to_be_focused()
        assert did == []


def test_a_selection_is_kept_and_what_is_new_comes_when_it_is_gone(
    chromium: Browser, origin: str, made: Labelled
) -> None:
    with watched(chromium, origin, PERSON) as (page, did):
        count = answers(page)
        page.evaluate("getSelection().selectAllChildren(document.querySelector('main h1'))")
        take_back(made, 11)
        look_again(page)
        expect(newer(page)).to_be_visible()
        assert page.evaluate("getSelection().toString()") == page.locator("h1").inner_text()
        page.evaluate("getSelection().removeAllRanges()")
        look_again(page)
        expect(newer(page)).to_be_hidden()
        assert answers(page) == count - 1
        assert did == []


def test_a_page_that_would_say_the_same_is_left_as_it_is(
    chromium: Browser, origin: str, made: Labelled
) -> None:
    with watched(chromium, origin, "/dashboard/rounds/1") as (page, did):
        before = state(page)
        page.locator("h1").evaluate("e => { e.dataset.seen = 'yes'; }")
        take_back(made, 12)
        look_again(page)
        expect(page.locator("main")).not_to_have_attribute("hx-headers", before)
        expect(page.locator("h1")).to_have_attribute("data-seen", "yes")
        assert did == []


def test_a_chart_goes_with_the_page_that_it_was_on(
    chromium: Browser, origin: str, made: Labelled
) -> None:
    with watched(chromium, origin, PERSON) as (page, did):
        for place in (13, 14, 15):
            count = answers(page)
            take_back(made, place)
            look_again(page)
            until(page, f"!document.querySelector('main .flow b').textContent.includes({count})")
            assert answers(page) == count - 1
            assert page.locator(".uplot").count() == 1
            assert page.evaluate("[charts.size, following.size]") == [1, 1]
        page.emulate_media(color_scheme="dark")
        until(page, "document.querySelectorAll('.uplot').length === 1 && following.size === 1")
        assert faults(page) == []
        assert did == []


def test_the_refreshing_can_be_paused_on_all_pages(
    chromium: Browser, origin: str, made: Labelled
) -> None:
    with watched(chromium, origin, "/dashboard/rounds") as (page, did):
        page.get_by_label("Pause the refreshing").check()
        page.goto(f"{origin}{PERSON}")
        count = answers(page)
        asked: list[str] = []
        page.on("request", lambda one: asked.append(one.url))
        take_back(made, 16)
        look_again(page)
        page.wait_for_timeout(300)
        assert asked == []
        page.get_by_label("Pause the refreshing").uncheck()
        look_again(page)
        until(page, f"!document.querySelector('main .flow b').textContent.includes({count})")
        assert did == []


def test_filters_offer_what_is_new_and_keep_what_was_chosen(
    chromium: Browser, origin: str, made: Labelled
) -> None:
    with watched(chromium, origin, "/dashboard/evaluations") as (page, did):
        page.get_by_label("state").select_option("unfinished")
        page.get_by_label("state").blur()
        agents = page.get_by_label("agent version").get_by_role("option")
        expect(agents.filter(has_text="v77 (1)")).to_have_count(0)
        store_evaluation(made.db, evaluation("v77", (0,), 12, graders=(TOOLS,)))
        look_again(page)
        expect(agents.filter(has_text="v77 (1)")).to_have_count(1)
        expect(page.get_by_label("state")).to_have_value("unfinished")
        assert did == []


def test_keys_are_listed_and_can_be_turned_off(chromium: Browser, origin: str) -> None:
    with opened(chromium, origin, "/dashboard/versions/golden/2.0.0") as (page, did):
        start = page.url
        for ignored in ("Control+2", "Alt+3"):
            page.keyboard.press(ignored)
        page.get_by_role("searchbox").press_sequentially("2?")
        expect(page.get_by_label("Use these keys")).to_be_hidden()
        page.get_by_role("searchbox").blur()
        page.keyboard.press("?")
        expect(page.get_by_text("Keys", exact=True)).to_be_focused()
        assert faults(page) == []
        page.get_by_label("Use these keys").uncheck()
        page.reload()
        page.keyboard.press("2")
        page.keyboard.press("?")
        expect(page.get_by_label("Use these keys")).to_be_hidden()
        assert page.url == start
        page.get_by_text("Keys", exact=True).click()
        page.get_by_label("Use these keys").check()
        page.get_by_label("Use these keys").blur()
        page.keyboard.press("2")
        page.wait_for_url("**/dashboard/rounds")
        assert did == []


def test_what_a_number_means_is_told_to_keys_and_fingers(chromium: Browser, origin: str) -> None:
    with opened(chromium, origin, "/dashboard/people") as (page, did):
        heading = page.get_by_role("columnheader", name="hasty")
        told = page.locator("#explained")
        page.get_by_role("columnheader", name="seconds").focus()
        page.keyboard.press("Tab")
        expect(heading).to_be_focused()
        expect(told).to_have_text(str(heading.get_attribute("title")))
        assert faults(page) == []
        box, above = told.bounding_box(), heading.bounding_box()
        assert box
        assert above
        assert 0 <= box["y"] - above["y"] - above["height"] < 20
        page.keyboard.press("Escape")
        expect(told).to_be_hidden()
        page.set_viewport_size(PHONE)
        page.get_by_role("columnheader", name="tasks").first.click()
        expect(told).to_contain_text("samples with two answers")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.get_by_role("heading", level=1).click()
        expect(told).to_be_hidden()
        assert did == []
