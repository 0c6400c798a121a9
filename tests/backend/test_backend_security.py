"""SECURITY.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from project_folder import Folder

from backend.__main__ import SILENCE
from backend.app import OPEN, WEBHOOK_BYTES
from backend.dashboard.site import PREFIX
from goldloop.settings import SECRETS, BackendSettings
from store.inbox import MAX_WAITING

PAGE = (Path(__file__).resolve().parents[2] / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `")]
USER, PASSWORD = "label-studio", "a-password-nobody-else-has"


@pytest.mark.parametrize("variable", [variable for variable, _ in SECRETS.values()])
def test_every_secret_has_its_line(variable: str) -> None:
    assert any(f"`{variable}`" in row for row in ROWS)


def test_every_route_is_named_with_who_is_answered(folder: Folder) -> None:
    folder.use_secrets(GOLDLOOP_BACKEND_USER=USER, GOLDLOOP_BACKEND_PASSWORD=PASSWORD)
    for rule in folder.client().application.url_map.iter_rules():
        method = "POST" if "POST" in rule.methods else "GET"
        # The pages for a browser have one line together.
        path = f"{PREFIX}/..." if rule.rule.startswith(f"{PREFIX}/") else rule.rule
        [row, *_] = [row for row in ROWS if f"`{method} {path}`" in row]
        assert ("| anybody |" in row or "webhook" in row) == (rule.endpoint in OPEN)


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"{MAX_WAITING:,} may wait" in PAGE
    assert f"{WEBHOOK_BYTES // 2**20} MB for a webhook" in PAGE
    assert f"after {SILENCE} seconds" in PAGE
    assert f"listens on {BackendSettings().host}" in PAGE


def test_every_variable_and_command_that_is_named_exists() -> None:
    from sync.cli import main

    known = {variable for variable, _ in SECRETS.values()}
    assert set(re.findall(r"`(GOLDLOOP_\w+)`", PAGE)) <= known
    assert set(re.findall(r"`goldloop ([a-z]+)", PAGE)) <= set(main.commands)
