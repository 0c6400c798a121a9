"""The page of the quality report in a real browser without a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_appearance import CONTRASTS
from tests.sync.reported import IMAGE, MARKDOWN, SCRIPT, reported

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on a version whose tags, tools and people have hostile names."""
    folder = tmp_path_factory.mktemp("page")
    with reported(folder / "project") as made:
        made.run("report", "-o", str(folder / "report.html"))
    return folder / "report.html"


@contextmanager
def opened(
    chromium: Browser, file: Path, scheme: str = "light", width: int = 1280
) -> Iterator[tuple[Page, list[str]]]:
    """The page, and everything that it did beyond being shown: requests, errors, dialogs."""
    did: list[str] = []
    context = chromium.new_context(
        offline=True,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 900},
    )
    page = context.new_page()
    page.on("request", lambda request: did.append(request.url))
    page.on("console", lambda message: did.append(message.text))
    page.on("pageerror", lambda error: did.append(str(error)))
    page.on("dialog", lambda dialog: (did.append(dialog.message), dialog.dismiss()))
    page.goto(file.as_uri())
    did.remove(file.as_uri())
    yield page, did
    context.close()


def test_asks_for_nothing_and_runs_nothing(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as (page, did):
        expect(page).to_have_title("Quality of golden@2.0.0")
        assert did == []
        assert page.locator("script, img, iframe, link").count() == 0


def test_what_slips_through_may_do_nothing_either(
    chromium: Browser, page_file: Path, tmp_path: Path
) -> None:
    slipped = tmp_path / "slipped.html"
    slipped.write_text(page_file.read_text().replace("</main>", f"{SCRIPT}{IMAGE}</main>"))
    with opened(chromium, slipped) as (page, did):
        expect(page).to_have_title("Quality of golden@2.0.0")
        # The browser tells of the picture's request before it forbids it.
        told = [one for one in did if one != "https://elsewhere.example/x.png"]
        assert len(told) >= 2
        assert [one for one in told if "Content Security Policy" not in one] == []


def test_shows_hostile_names_as_text(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as (page, _):
        tags = page.get_by_role("table", name="Items of each tag")
        expect(tags.get_by_role("rowheader", name=SCRIPT, exact=True)).to_be_visible()
        expect(tags.get_by_role("rowheader", name=MARKDOWN, exact=True)).to_be_visible()
        people = page.get_by_role("table", name="Annotators")
        expect(people.get_by_role("rowheader", name=f"{IMAGE} | Bob", exact=True)).to_be_visible()


def test_can_be_gone_through_by_headings_links_and_tables(
    chromium: Browser, page_file: Path
) -> None:
    with opened(chromium, page_file) as (page, _):
        expect(page.get_by_role("heading", level=1)).to_have_text("golden@2.0.0")
        links = page.get_by_role("navigation", name="Sections").get_by_role("link")
        headings = page.get_by_role("heading", level=2)
        assert links.all_inner_texts() == headings.all_inner_texts()
        links.get_by_text("How far people agree").click()
        expect(headings.get_by_text("How far people agree")).to_be_in_viewport()
        agreement = page.get_by_role("table", name="Agreement by field")
        row = agreement.get_by_role("row", name="correctness")
        plot = row.get_by_role("img")
        expect(plot).to_be_visible()
        assert " from 0." in str(plot.get_attribute("aria-label"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(
    chromium: Browser, page_file: Path, scheme: str, tmp_path: Path
) -> None:
    with opened(chromium, page_file, scheme) as (page, _):
        page.screenshot(path=tmp_path / f"{scheme}.png", full_page=True)
        found = page.evaluate(CONTRASTS.replace('".gl"', '"main"'))
    assert found["page"] > 0.9 if scheme == "light" else found["page"] < 0.05
    assert len(found["texts"]) > 200
    assert [text for text in found["texts"] if text[0] < 4.5] == []


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_stands_out_of_the_window(chromium: Browser, page_file: Path, width: int) -> None:
    with opened(chromium, page_file, width=width) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_is_printed_black_on_white_whole_and_without_the_links(
    chromium: Browser, page_file: Path
) -> None:
    # An A4 page between margins of 1 cm, at 96 pixels an inch.
    with opened(chromium, page_file, "dark", width=718) as (page, _):
        page.emulate_media(media="print", color_scheme="dark")
        expect(page.get_by_role("navigation", name="Sections")).to_be_hidden()
        colours = page.locator("html").evaluate(
            "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]"
        )
        assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
        assert page.evaluate("document.documentElement.scrollWidth") <= 718
