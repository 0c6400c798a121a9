"""The pages of the documentation say what is true, and can be built."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml

from goldloop.consensus.majority_posterior import smoothed_shares
from goldloop.graders.graders_file import read_graders
from goldloop.records import read_record
from goldloop.samples import Sample
from goldloop.settings import parse_settings
from label_config.interface import read_interface
from label_config.tasks import check_task_data, task_data
from sync.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = {
    str(path.relative_to(REPOSITORY / "docs")): path.read_text(encoding="utf-8")
    for path in sorted((REPOSITORY / "docs").rglob("*.md"))
}
BARE_TASK = task_data(Sample("one", "Where is LM-1?"), None)
BLOCKS = [
    pytest.param(language, text, id=f"{name}-{number}-{language}")
    for name, page in PAGES.items()
    for number, (language, text) in enumerate(
        re.findall(r"```(json|toml|python|xml|yaml)\n(.*?)```", page, re.DOTALL), start=1
    )
]


def _read_toml(text: str) -> object:
    """Settings, or a file of graders."""
    found = tomllib.loads(text)
    return read_graders(found, "the page") if "graders" in found else parse_settings(found, {})


def _read_interface(text: str) -> object:
    """A labelling interface, which push would take with a sample that has no metadata."""
    interface = read_interface(text, "the page")
    check_task_data(interface, BARE_TASK)
    return interface


def _read_workflow(text: str) -> Any:
    """A workflow of GitHub, by GitHub's own schema."""
    found = yaml.safe_load(text)
    # YAML 1.1 takes `on` for true.
    workflow = {"on" if key is True else key: value for key, value in found.items()}
    schema = files("check_jsonschema") / "builtin_schemas/vendor/github-workflows.json"
    jsonschema.Draft7Validator(json.loads(schema.read_text())).validate(workflow)
    return workflow


READ = {
    "json": lambda text: read_record(json.loads(text)),
    "toml": _read_toml,
    "python": ast.parse,
    "yaml": _read_workflow,
    "xml": _read_interface,
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
    rooms = ("goldloop", "store", "views", "sync", "agents", "label_config", "backend")
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


def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text("# Page\n\n[there](nowhere.md) and [here](#page)\n")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-c", "docs", str(tmp_path)]
    built = subprocess.run(
        [*command, str(tmp_path / "site")], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert built.returncode == 1
    assert "nowhere.md" in built.stderr


def test_every_page_is_reached_from_the_first() -> None:
    tree = re.findall(r"```{toctree}\n(.*?)```", PAGES["index.md"], re.DOTALL)
    reached = {
        f"{line}.md" for part in tree for line in part.split("\n") if re.match(r"[a-z]", line)
    }
    assert reached == PAGES.keys() - {"index.md"}


def test_ci_builds_the_pages() -> None:
    assert "make site" in (REPOSITORY / ".ci" / "run").read_text()


def test_the_workflow_runs_what_ci_runs_and_has_few_rights() -> None:
    text = (REPOSITORY / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    jobs = _read_workflow(text)["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    used = [step["uses"] for step in steps if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z/-]+@v\d+", one) for one in used)
    assert "secrets." not in text
    assert "permissions" not in jobs["check"]
    assert jobs["publish"]["permissions"] == {"pages": "write", "id-token": "write"}
    assert jobs["publish"]["needs"] == "check"


def test_the_keys_of_a_task_are_all_told() -> None:
    table = PAGES["how-to/interface.md"].split("## What a task holds")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`\$.*?) \|", table, re.MULTILINE)
    assert {key for row in rows for key in re.findall(r"`\$(\w+)`", row)} == BARE_TASK.keys()


def test_what_is_said_of_two_against_one_is_so() -> None:
    said = re.search(r"its probability is ([\d.]+)\.", PAGES["explanations/consensus.md"])
    assert said is not None
    assert smoothed_shares(np.array([2.0, 1.0]))[0] == float(said[1])
