"""The documentation says what the program does."""

import json
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bench.__main__ import names
from goldloop.graders import read_graders
from goldloop.records import read_record
from goldloop.settings import ALIASES, SECRETS
from sync.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
AGENT = (REPOSITORY / "docs" / "how-to" / "agent.md").read_text(encoding="utf-8")


def test_the_page_of_commands_is_what_the_program_says() -> None:
    # In a process of its own: click remembers what other tests asked of a command.
    code = "import runpy; print(runpy.run_path('docs/commands.py')['commands_page'](), end='')"
    command = [sys.executable, "-c", code]
    page = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True).stdout
    written = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")
    assert written == page, "the commands changed; run: make docs"


@pytest.mark.parametrize("name", ["settings.md", "store.md", "http.md"])
def test_the_reference_pages_are_what_the_program_says(name: str) -> None:
    made = runpy.run_path(str(REPOSITORY / "docs" / "reference.py"))
    written = (REPOSITORY / "docs" / name).read_text(encoding="utf-8")
    assert written == made["PAGES"][name](), "settings, tables or paths changed; run: make docs"
    if name == "store.md":
        assert [
            table
            for table in made["TABLES"]
            if f"`{table}`: " not in written and f"## {table}\n" not in written
        ] == []


def test_the_page_of_file_formats_is_what_the_program_says() -> None:
    made = runpy.run_path(str(REPOSITORY / "docs" / "file_formats.py"))["files_page"]()
    written = (REPOSITORY / "docs" / "files.md").read_text(encoding="utf-8")
    assert written == made, "a file's format changed; run: make docs"


@pytest.mark.parametrize("name", list(main.commands))
def test_every_command_has_an_example_in_its_help(name: str) -> None:
    assert re.search(rf"Example: goldloop {name}\b", main.commands[name].help or "")


def test_the_readme_names_only_commands_that_exist() -> None:
    named = set(re.findall(r"(?:\$|`)\s?goldloop ([a-z][a-z-]*)", README))
    assert named <= set(main.commands)
    assert len(named) >= 10


def test_the_loop_by_hand_takes_ten_commands() -> None:
    block = README.split("in ten commands")[1].split("```console")[1].split("```")[0]
    assert block.count("$ goldloop ") == 10


def test_the_readme_can_be_read_in_five_minutes() -> None:
    assert len(README.encode()) < 9_000


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])
def test_a_page_beside_the_documentation_links_to_what_is_there(page: str) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    assert [one for one in targets if not (REPOSITORY / one).exists()] == []


def test_the_readme_names_variables_that_are_read() -> None:
    block = README.split("in that folder:")[1].split("```text\n")[1].split("```")[0]
    named = re.findall(r"^(\w+)=", block, re.MULTILINE)
    assert set(named) <= {*ALIASES, *(name for name, _ in SECRETS.values())}
    assert len(named) == 2


def test_every_bench_is_told() -> None:
    table = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8").split("| bench |")[1]
    told = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    assert {one for row in told for one in re.findall(r"`(\w+)`", row)} == set(names())


def test_the_sample_of_the_page_about_agents_is_read() -> None:
    shown = json.loads(AGENT.split("```json")[1].split("```")[0])
    sample, run = read_record(shown)
    assert sample.sample_id == "refund-17"
    assert run is not None
    assert run.confidence == 0.42
    assert [call.arguments["order_id"] for call in run.tool_calls] == ["LM-2"]


def test_the_graders_of_the_readme_are_read() -> None:
    shown = tomllib.loads(README.split("```toml")[1].split("```")[0])
    assert len(read_graders(shown, "README").graders) >= 2
