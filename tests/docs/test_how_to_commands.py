"""The commands of the pages: what needs no Label Studio, no Docker and no model is run, in its
order; of all others the program has to take the arguments.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from sync.cli import main
from tests.docs.console import commands, is_taken, told
from tests.sync.reported import reported

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
PAGES = {
    str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8")
    for path in (
        *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
        *(page for page in sorted(DOCS.rglob("*.md")) if page.name != "commands.md"),
    )
}
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
# They call Label Studio or a model, or run until Ctrl-C. test_readme_commands runs evaluate, gate
# and generate, and the first page's loop.
ELSEWHERE = {
    *("init", "push", "pull", "route", "doctor", "webhook", "serve", "dashboard", "gate-review"),
    *("generate", "synthesis", "judge", "evaluate", "gate", "runs"),
}
RUN = ["agent", "adjudicate", "export", "server", "running"]
# Nothing changed since the newest version, says commit.
CODES = {"commit": 3}
IN_PLACE_OF = {"support-001": "s0", "/tmp/runs.jsonl": "samples.jsonl"}


@pytest.mark.parametrize("name", PAGES)
def test_the_program_takes_the_arguments_that_a_page_shows(name: str) -> None:
    found = [one[2:] if one[0] == "-C" else one for one in told(PAGES[name])]
    asked = [one for one in found if one[0] not in ("-v", "--version", "COMMAND", "...")]
    assert [one for one in asked if not is_taken(main, one)] == []


def test_a_command_that_the_program_does_not_take_is_seen() -> None:
    assert is_taken(main, ["gate-review", "RUN"])
    assert not is_taken(main, ["gate-reviews"])
    assert not is_taken(main, ["runs", "7", "8"])
    assert not is_taken(main, ["commit", "--not-an-option"])
    assert told("`goldloop gate-review RUN`") == [["gate-review", "RUN"]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with labelled samples and two versions."""
    folder = tmp_path_factory.mktemp("pages") / "project"
    with reported(folder):
        yield folder


@pytest.mark.parametrize(
    "page", [*(f"docs/how-to/{name}.md" for name in RUN), "docs/explanations/versions.md"]
)
def test_the_commands_of_a_page_do_what_it_says(
    page: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    ran = []
    for block in CONSOLE.findall(PAGES[page]):
        for step in commands(block):
            found = re.search(r"(?:^|^docker compose run .* )goldloop (.+)", step.command)
            arguments = shlex.split(found[1]) if found else []
            if not arguments or arguments[0] in ELSEWHERE:
                continue
            done = CliRunner().invoke(main, [IN_PLACE_OF.get(one, one) for one in arguments])
            assert done.exit_code == CODES.get(arguments[0], 0), f"{step.command}: {done.output}"
            ran.append(arguments[0])
            for one in ("-o", "--output"):
                if one in arguments:
                    assert (project / arguments[arguments.index(one) + 1]).stat().st_size > 100
    assert ran


def test_the_function_that_the_page_shows_is_an_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = PAGES["docs/how-to/agent.md"]
    monkeypatch.chdir(tmp_path)
    for arguments in (["init"], ["import", "cases.json"], ["run"], ["status", "--json"]):
        if arguments[0] == "import":
            Path("cases.json").write_text(json.dumps([{"user_input": "Where is LM-1?"}]))
            Path("my_agent.py").write_text(page.split("```python\n")[1].split("```")[0])
            Path("goldloop.toml").write_text(page.split("```toml\n")[1].split("```")[0])
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.output
    shown = CliRunner().invoke(main, ["select", "--batch-size", "1", "--dry-run", "--json"])
    assert '"confidence": 0.8' in shown.output


MAKE = [
    (name, command)
    for name, page in PAGES.items()
    for command in {*re.findall(r"(?:`|^\$ )(make [a-z][^`\n]*)", page, re.MULTILINE)}
]


@pytest.mark.parametrize(("name", "command"), sorted(MAKE))
def test_make_would_do_what_a_page_says(name: str, command: str) -> None:
    target, *given = shlex.split(command)[1:]
    done = subprocess.run(
        [str(shutil.which("make")), "-n", "-o", ".venv/goldloop-run", target, *given],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    if target == "demo":
        [line] = [line for line in done.stdout.splitlines() if "bin/goldloop" in line]
        arguments = shlex.split(line.split("bin/goldloop ")[1])
        assert is_taken(main, arguments), line
        # Each variable has become an option with its value.
        values = [one.partition("=")[2] for one in given if not one.startswith("SIMULATE")]
        assert [one for one in values if one not in arguments] == []
        assert sum(one.startswith("--") for one in arguments) == len(given)
