"""Working through what is disputed and looking through a version, by mouse and by keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.backend.dashboard.dashboard_pages import picked, shown
from tests.browser.test_dashboard import opened, served
from tests.sync.labelled import Labelled

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    """A project with five disputed samples and two versions."""
    with shown(tmp_path_factory.mktemp("queue") / "project") as made:
        yield made


@pytest.fixture(scope="module")
def origin(made: Labelled) -> Iterator[str]:
    """Where its pages are served."""
    with served(made.folder) as address:
        yield address


def test_j_and_k_walk_through_the_queue_that_was_filtered(chromium: Browser, origin: str) -> None:
    with opened(chromium, origin, "/dashboard/disputes?sort=sample&field=correctness") as (
        page,
        did,
    ):
        place = page.get_by_role("navigation", name="Queue")
        for key, shown in (("j", "1 of 5"), ("j", "2 of 5"), ("k", "1 of 5")):
            # A key that comes before the page's script leads nowhere.
            expect(page.get_by_label("Pause the refreshing")).to_be_visible()
            page.keyboard.press(key)
            expect(place).to_contain_text(shown)
        assert "field=correctness" in page.url
        assert "sort=sample" in page.url
        assert did == []


def test_items_are_searched_from_the_keyboard(chromium: Browser, origin: str) -> None:
    with opened(chromium, origin, "/dashboard/versions/golden/2.0.0") as (page, did):
        rows = page.get_by_role("region", name="Items").get_by_role("row")
        before = rows.count()
        page.keyboard.press("/")
        page.keyboard.type("question 8")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=question+8**")
        expect(page.get_by_role("searchbox")).to_have_value("question 8")
        assert 1 < rows.count() < before
        assert did == []


def test_half_typed_words_stay_when_the_page_changes_by_itself(
    chromium: Browser, origin: str, made: Labelled
) -> None:
    with opened(chromium, origin, "/dashboard/versions/golden/2.0.0") as (page, did):
        main, box = page.locator("main"), page.get_by_role("searchbox")
        box.press_sequentially("half")
        before = main.get_attribute("hx-headers") or ""
        made.label(made.three(picked(made)[-1], ["correct"] * 4))
        box.blur()
        expect(main).not_to_have_attribute("hx-headers", before, timeout=15_000)
        expect(box).to_have_value("half")
        assert did == []
