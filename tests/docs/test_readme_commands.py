"""The commands of the README, and of the pages on generating and evaluating, run as they stand
there, in their order.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench._synthetic_endpoint import SyntheticEndpoint
from store.settings import load_settings
from sync.cli import main
from sync.client import LabelStudioClient
from sync.project import Project
from sync.simulate import SimulatedAnnotator, label_everything, read_answer_key
from tests.agents.openai_server import OpenAIServer, says
from tests.conftest import LabelStudio
from tests.docs.console import commands

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
HOW_TO = REPOSITORY / "docs" / "how-to"
GENERATE = (HOW_TO / "generate.md").read_text(encoding="utf-8")
EVALUATE = (HOW_TO / "evaluate.md").read_text(encoding="utf-8")
FILES = (REPOSITORY / "docs" / "files.md").read_text(encoding="utf-8")
ACTIONS = (HOW_TO / "github-actions.md").read_text(encoding="utf-8")
SUPPORT = REPOSITORY / "examples" / "customer_support"
GATED = REPOSITORY / "examples" / "github-actions" / "project"


def _block(heading: str, page: str = README) -> list[str]:
    """The commands of the first console block under a heading."""
    return _blocks(page.split(f"{heading}\n", 1)[1])[0]


def _blocks(page: str) -> list[list[str]]:
    """The commands of every console block."""
    blocks = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    return [[step.command for step in commands(block)] for block in blocks]


def _run(command: str, *codes: int) -> str:
    """What a command prints; fails when it ends with another code than 0, or than these."""
    program, *arguments = shlex.split(command)
    assert program == "goldloop"
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code in (codes or (0,)), f"{command}: {result.output}"
    return result.stdout


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the reader is."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def labelled_by(
    label_studio: LabelStudio, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LabelStudio]:
    """A Label Studio that the environment names."""
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", label_studio.admin.token)
    return label_studio


def _label(folder: Path, server: LabelStudio, project_id: int) -> None:
    interface = Project(folder, load_settings(folder, {})).interface()
    clients = [LabelStudioClient(server.url, one.token) for one in server.annotators[:2]]
    people = [SimulatedAnnotator(str(n), client, 0.0) for n, client in enumerate(clients)]
    label_everything(people, interface, project_id, read_answer_key(SUPPORT / "answers.jsonl"))
    for client in clients:
        client.close()


@pytest.mark.labelstudio
def test_the_loop_by_hand_ends_with_an_exported_golden_set(
    folder: Path, labelled_by: LabelStudio
) -> None:
    shutil.copy(SUPPORT / "cases.jsonl", folder / "runs.jsonl")
    shown = ""
    for command in _block("## The loop by hand, in ten commands"):
        if command == "goldloop pull":
            found = re.search(r"projects/(\d+)|project (\d+)", shown)
            assert found is not None, shown
            _label(folder, labelled_by, int(found[1] or found[2]))
        shown = _run(command)
    assert len((folder / "golden.jsonl").read_text().splitlines()) == 20


@pytest.mark.labelstudio
def test_samples_are_generated_and_go_to_a_spot_check(
    folder: Path, labelled_by: LabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("synthesis.toml", "tools.json", "policy.md"):
        shutil.copy(SUPPORT / name, folder)
    monkeypatch.setenv("OPENAI_API_KEY", "key-for-tests")
    _run("goldloop init")
    with SyntheticEndpoint(seed=5, rates={}) as endpoint:
        (folder / "goldloop.toml").write_text(
            f'[synthesis]\nmodel = "writer"\nbase_url = "{endpoint.url}"\n'
            "[prices]\nwriter = [0.1, 0.1]\n"
        )
        for command in _block("# Generate samples", GENERATE):
            # Nobody has answered yet, which exit code 3 says.
            open_yet = command == "goldloop synthesis check"
            _run(command.replace("--count 200", "--count 20"), 3 if open_yet else 0)


def test_an_agent_is_evaluated_and_gated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(GATED, folder, dirs_exist_ok=True)
    monkeypatch.setenv("OPENAI_API_KEY", "key-for-tests")
    _run("goldloop evaluate --branch main --agent-version released -o baseline.json")
    with OpenAIServer() as server:
        server.script = [says("Done.")]
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        for command in _block("## Evaluate", EVALUATE):
            shown = _run(command)
    assert "gpt-4.1-mini-2025-04-14" in shown
    shutil.copy("run.json", "candidate.json")
    first, second = _block("## Gate a pull request", EVALUATE)
    # An agent that calls no tool has got worse.
    assert "Regression" in _run(first, 1)
    assert "Regression" in _run(second, 1)
    assert (folder / "run.html").is_file()
    assert (folder / "gate.html").is_file()


def test_what_the_readme_shows_of_graders_evaluation_and_gate_works(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(GATED, folder, dirs_exist_ok=True)
    shown = README.split("## From a golden set to a gate")[1]
    Path("graders.toml").write_text(shown.split("```toml\n")[1].split("```")[0])
    (evaluate,), (gate,) = _blocks(shown)
    before = evaluate.replace("candidate.json", "baseline.json")
    _run(f"{before} --agent-version before")
    _run(evaluate)
    _run(gate)
    monkeypatch.setenv("HEAD_SHA", "c0ffee")
    [(evaluate, gate)] = _blocks(ACTIONS)
    Path("gate.md").unlink()
    _run(os.path.expandvars(evaluate))
    _run(gate)
    assert "goldloop-gate" in Path("gate.md").read_text()
    _run("goldloop gate --baseline baseline.json --candidate candidate.json -o gate.json --force")
    told = FILES.split("\n## gate.json\n")[1].split("\n### ")[0]
    assert {*re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE)} == {
        *json.loads(Path("gate.json").read_text())
    }
