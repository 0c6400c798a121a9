"""Somebody who labels: a browser window at Label Studio, and what the page did in it unasked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Locator,
    Page,
    ViewportSize,
    expect,
)

from sync.labelstudio import Account
from tests.conftest import REPOSITORY

CASES = REPOSITORY / "examples" / "customer_support" / "cases.jsonl"
SIZE: ViewportSize = {"width": 1280, "height": 900}
# Label Studio asks its own server for tips on the pages before the labelling screen: there are none
# without the internet, and Chromium reports the 404.
NOT_OURS = ("/heidi-tips",)


@dataclass
class Annotator:
    """A window of 1280 x 900 pixels in a browser session of its own."""

    page: Page
    url: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note every request, every error and every dialog from now on."""
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note_console)
        self.page.on("dialog", self._note_dialog)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.location["url"].endswith(NOT_OURS):
            self.errors.append(message.text)

    def _note_dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def log_in(self, account: Account) -> None:
        """By the form, as a person does."""
        self.page.goto(f"{self.url}/user/login/")
        self.page.locator("input[name=email]").fill(account.email)
        self.page.locator("input[name=password]").fill(account.password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(re.compile(r"^(?!.*/user/login)"))

    def find_project(self, title: str) -> None:
        """From the list of projects to the tasks of this one."""
        self.page.goto(f"{self.url}/projects")
        self.page.get_by_text(title, exact=True).first.click()

    def open_project(self, project_id: int) -> None:
        """By its address, as from a bookmark."""
        self.page.goto(f"{self.url}/projects/{project_id}/data")

    def start_labelling(self) -> None:
        """Ask the queue for the first task and wait until it can be answered."""
        self.page.get_by_role("button", name="Label All Tasks").click()
        expect(self.kept_texts.first).to_be_visible()

    @property
    def case(self) -> Locator:
        """The left side: the conversation and the responses."""
        return self.page.locator(".gl-case")

    @property
    def questions(self) -> Locator:
        """The right side."""
        return self.page.locator(".gl-questions")

    @property
    def failure_modes(self) -> Locator:
        """The question that depends on the verdict."""
        return self.questions.get_by_text("What went wrong?")

    @property
    def kept_texts(self) -> Locator:
        """The texts that stand in the annotation: the expected response, then the notes."""
        return self.questions.get_by_test_id("htx-textbox-content")

    @property
    def notes(self) -> Locator:
        """Where notes are written, as long as none are kept."""
        return self.questions.get_by_label("TextArea Input")

    @property
    def chosen(self) -> Locator:
        """Every radio button and check box that is on."""
        return self.questions.locator("input:checked")

    def panel(self, heading: str) -> Locator:
        """A frame of the left side, by its heading."""
        return self.case.locator(".gl-panel").filter(
            has=self.page.get_by_role("heading", name=heading, exact=True)
        )

    def is_served(self, case: Mapping[str, Any]) -> None:
        """Wait until this case is on the screen, with its expected response filled in."""
        expect(self.panel("Conversation")).to_contain_text(case["user_input"])
        expect(self.kept_texts.first).to_have_text(case["expected_response"])

    def press(self, *keys: str) -> None:
        """Keys, one after the other, wherever the focus is."""
        for key in keys:
            self.page.keyboard.press(key)

    def has_chosen(self, *names: str) -> None:
        """Wait until these choices, and no others, are on."""
        for name in names:
            expect(self.questions.locator(f'input[name="{name}"]')).to_be_checked()
        expect(self.chosen).to_have_count(len(names))

    def has_stars(self, helpfulness: int, confidence: int) -> None:
        """Wait until the two ratings show so many stars."""
        ratings = self.questions.locator(".gl-ratings .ant-rate")
        for number, stars in enumerate((helpfulness, confidence)):
            expect(ratings.nth(number).locator(".ant-rate-star-full")).to_have_count(stars)

    def submit(self) -> None:
        """With the keyboard."""
        self.press("Control+Enter")


def open_session(browser: Browser) -> BrowserContext:
    """A browser of its own: no cookies, nothing cached."""
    context = browser.new_context(viewport=SIZE, color_scheme="light")
    context.set_default_timeout(15_000)
    return context


def open_window(session: BrowserContext, url: str, theme: str = "Light") -> Annotator:
    """A window that is watched from the first request on; `theme` is "Light" or "Dark"."""
    annotator = Annotator(session.new_page(), url)
    # Label Studio keeps the choice that people make with its switch at this place.
    chosen = f"localStorage.setItem('preferred-color-scheme', {json.dumps(theme)})"
    annotator.page.add_init_script(chosen)
    annotator.watch()
    return annotator


def recorded_cases(path: Path = CASES) -> dict[str, dict[str, Any]]:
    """The sample data by id, with the agent's final response under "response"."""
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for case in cases:
        case["response"] = case["run"]["messages"][-1]["content"]
    return {case["sample_id"]: case for case in cases}
