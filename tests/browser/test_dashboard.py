"""The dashboard in a real browser: every page in light and dark, on a laptop and on a phone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, ViewportSize, expect

from sync.labelstudio.ports import free_port
from sync.processes import backend_command, running, wait_until_up
from tests.backend.dashboard.dashboard_pages import PATHS, picked, shown

pytestmark = pytest.mark.browser

LAPTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 800}
# The plots are drawn by a script: what is to be looked at is there when all of them are.
DRAWN = "[...document.querySelectorAll('figure.plot .canvas')].every(e => e.childElementCount)"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The backend of a project folder, as `goldloop dashboard` starts it; its address."""
    port = free_port()
    with (folder.parent / "backend.log").open("ab") as log:
        command = backend_command(folder, port=port)
        with running([command], folder, log) as [process]:
            wait_until_up(f"http://127.0.0.1:{port}/health", process, "the backend")
            yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the pages of a filled project are served."""
    folder = tmp_path_factory.mktemp("looked-at") / "project"
    with shown(folder), served(folder) as address:
        yield address


@contextmanager
def opened(
    chromium: Browser, origin: str, path: str, scheme: str = "light"
) -> Iterator[tuple[Page, list[str]]]:
    """A page, and everything that it did beyond being shown: what it said, and asked elsewhere."""
    did: list[str] = []
    context = chromium.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport=LAPTOP
    )
    page = context.new_page()
    page.on("console", lambda message: did.append(message.text))
    page.on("pageerror", lambda error: did.append(str(error)))
    page.on("dialog", lambda dialog: (did.append(dialog.message), dialog.dismiss()))
    page.on("requestfailed", lambda request: did.extend(_failed(request)))
    page.on("request", lambda one: one.url.startswith(f"{origin}/") or did.append(one.url))
    page.goto(f"{origin}{path}")
    until(page, DRAWN)
    yield page, did
    context.close()


def until(page: Page, expression: str) -> None:
    """Wait until it is so; Playwright's own waiting would need what our policy forbids."""
    end = time.monotonic() + 10.0
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(50)


def _failed(request: Request) -> list[str]:
    """Nothing for what the browser itself gave up, because it went on to another page."""
    return [] if request.failure == "net::ERR_ABORTED" else [f"failed: {request.url}"]


def faults(page: Page) -> list[str]:
    """What axe-core finds that shuts people out: serious and critical faults, and where."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("scheme", "looked_at"), [("light", LAPTOP), ("dark", PHONE)])
@pytest.mark.parametrize("path", PATHS)
def test_a_page_can_be_read_by_everybody_in_light_and_dark_on_a_laptop_and_on_a_phone(
    chromium: Browser, origin: str, path: str, scheme: str, looked_at: ViewportSize
) -> None:
    with opened(chromium, origin, path, scheme) as (page, did):
        for size in (LAPTOP, PHONE):
            page.set_viewport_size(size)
            # The plots follow the window a moment later.
            until(page, f"{WIDER} <= 0")
        page.set_viewport_size(looked_at)
        assert faults(page) == []
        assert did == []


def test_what_is_hidden_at_first_can_be_read_as_well(chromium: Browser, origin: str) -> None:
    with opened(chromium, origin, "/dashboard/rounds/1") as (page, did):
        page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        expect(page.get_by_role("region", name="Uncertainty of the pool")).to_be_visible()
        assert faults(page) == []
        assert did == []


def test_keys_turn_to_every_page(chromium: Browser, origin: str) -> None:
    with opened(chromium, origin, "/dashboard/") as (page, did):
        links = page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link")
        for number in range(links.count(), 0, -1):
            address = links.nth(number - 1).get_attribute("href")
            page.keyboard.press(str(number))
            page.wait_for_url(f"{origin}{address}")
            expect(links.nth(number - 1)).to_have_attribute("aria-current", "page")
        assert did == []


def test_the_first_key_leads_past_the_navigation(chromium: Browser, origin: str) -> None:
    with opened(chromium, origin, "/dashboard/rounds") as (page, _):
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="To the page")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("!!document.activeElement.closest('main')")


def test_filters_are_in_the_address(chromium: Browser, origin: str) -> None:
    with opened(chromium, origin, "/dashboard/rounds/1") as (page, did):
        rows = page.get_by_role("region", name="Picks").get_by_role("row")
        before = rows.count()
        page.get_by_role("link", name="random (").click()
        page.wait_for_url("**/rounds/1?why=random")
        assert 1 < rows.count() < before
        page.reload()
        expect(page.get_by_role("link", name="random (")).to_have_attribute("aria-current", "true")
        assert did == []


def test_the_page_changes_by_itself_when_an_answer_arrives(
    chromium: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    with (
        shown(folder) as made,
        served(folder) as origin,
        opened(chromium, origin, "/dashboard/") as (page, did),
    ):
        step = page.get_by_role("listitem").filter(has_text="Annotations")
        before = int(step.locator("b").inner_text())
        number = picked(made)[-1]
        made.label(made.three(number, ["correct"] * 5))
        expect(step.locator("b")).to_have_text(str(before + 2), timeout=10_000)
        assert did == []
