"""The pages of the documentation say what is true, and can be built."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from goldloop.records import read_record
from goldloop.settings import parse_settings
from label_config.interface import read_interface
from sync.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = {
    str(path.relative_to(REPOSITORY / "docs")): path.read_text(encoding="utf-8")
    for path in sorted((REPOSITORY / "docs").rglob("*.md"))
}
BLOCKS = [
    pytest.param(language, text, id=f"{name}-{number}-{language}")
    for name, page in PAGES.items()
    for number, (language, text) in enumerate(
        re.findall(r"```(json|toml|python|xml)\n(.*?)```", page, re.DOTALL), start=1
    )
]
READ = {
    "json": lambda text: read_record(json.loads(text)),
    "toml": lambda text: parse_settings(tomllib.loads(text), {}),
    "python": ast.parse,
    "xml": lambda text: read_interface(text, "the page"),
}


@pytest.mark.parametrize(("language", "text"), BLOCKS)
def test_a_snippet_is_what_it_claims_to_be(language: str, text: str) -> None:
    assert READ[language](text)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_only_commands_that_exist(name: str) -> None:
    named = set(re.findall(r"(?:\$|`|&&)\s?goldloop (?:-C \S+ )?([a-z][a-z-]+)", PAGES[name]))
    assert named <= set(main.commands)


def test_the_errors_of_the_troubleshooting_page_are_errors_of_the_program() -> None:
    said = re.findall(r"^\| `([^`]+)` \|", PAGES["troubleshooting.md"], re.MULTILINE)
    rooms = ("goldloop", "store", "views", "sync", "agents", "label_config")
    code = " ".join(
        path.read_text(encoding="utf-8")
        for room in rooms
        for path in (REPOSITORY / room).rglob("*.py")
    )
    joined = re.sub(r'"\s*\n?\s*f?"', "", code)
    joined = joined.replace("{FILE}", "goldloop.toml")
    assert len(said) >= 10
    assert [text for text in said if text not in joined] == []


def test_the_pages_are_built_without_a_warning_and_ask_no_other_host(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "docs", str(tmp_path)]
    built = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    pages = {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")}
    assert "Bring your own agent" in pages[tmp_path / "how-to" / "agent.html"]
    loads = re.compile(r'<(?:script|link|img)[^>]+(?:src|href)="https?:')
    assert [path for path, page in pages.items() if loads.search(page)] == []
