"""The example workflow: it fits GitHub's schema, and every line that it runs is run here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sync.gate_comment import MARKER

EXAMPLE = Path(__file__).parents[2] / "examples" / "github-actions"
HEAD, BASE = "c0ffee" * 6, "ba5e00" * 6
EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")
# Stand-ins for what only GitHub's machines have: what they were asked is kept beside them.
GH = """\
import json, pathlib, sys
asked, here = sys.argv[1:], pathlib.Path(__file__).parent
with (here / "asked.jsonl").open("a") as log:
    log.write(json.dumps(asked) + "\\n")
if any("tarball" in one for one in asked):
    sys.stdout.buffer.write((here / "base.tar.gz").read_bytes())
elif "--paginate" in asked and (here / "comment.md").exists():
    print("41\\n57")
elif "-F" in asked:
    (here / "comment.md").write_bytes(pathlib.Path("gate.md").read_bytes())
"""


@dataclass
class Runner:
    """A machine that runs a job: its folder, its stand-ins, and what the job left behind."""

    folder: Path
    tools: Path
    event: str = "pull_request"
    ran: list[str] = field(default_factory=list)

    def run(self, job: str, only: str = "") -> int:
        """Run the steps of a job as GitHub does, in a checkout without what an earlier job made;
        the exit code of the one that fails, or 0. `only` picks steps by their condition.
        """
        failed = 0
        shutil.rmtree(self.folder / "base", ignore_errors=True)
        for left in self.folder.glob("gate.*"):
            left.unlink()
        for step in workflow()["jobs"][job]["steps"]:
            always = "!cancelled()" in step.get("if", "")
            if "run" not in step or only not in step.get("if", ""):
                continue
            if (always or not failed) and self._wanted(step.get("if", "")):
                self.ran.append(step["run"])
                failed = self._shell(step) or failed
        return failed

    def _wanted(self, condition: str) -> bool:
        for event in re.findall(r"event_name == '(\w+)'", condition):
            if event != self.event:
                return False
        if "cache-hit != 'true'" in condition and (self.folder / "baseline.json").exists():
            return False
        return all(
            (self.folder / name).exists() for name in re.findall(r"hashFiles\('(.*?)'\)", condition)
        )

    def _shell(self, step: dict[str, Any]) -> int:
        given = {**workflow()["env"], **step.get("env", {})}
        known = {
            "github.sha": HEAD,
            "github.event.pull_request.base.sha || github.event.before": BASE,
            "github.event.pull_request.number": "12",
            "github.repository": "shop/agent",
            "github.token": "token",
            "secrets.OPENAI_API_KEY": "",
        }
        said = {key: EXPRESSION.sub(lambda m: known[m[1]], value) for key, value in given.items()}
        path = f"{self.tools}:{Path(sys.executable).parent}:/usr/bin:/bin"
        summary = str(self.tools / "summary.md")
        kept = {"PATH": path, "HOME": str(self.tools), "GITHUB_STEP_SUMMARY": summary}
        kept |= {name: str(self.tools / name) for name in ("GITHUB_ENV", "GITHUB_OUTPUT")}
        # GitHub's own call of a step that names no shell.
        script = ["bash", "-e", "-c", step["run"]]
        environment = {**kept, **said}
        with (self.tools / "log.txt").open("a") as log:
            done = subprocess.run(
                script, cwd=self.folder, env=environment, stdout=log, stderr=log, check=False
            )
        return done.returncode

    def asked(self) -> list[list[str]]:
        """What gh was asked."""
        return [json.loads(line) for line in (self.tools / "asked.jsonl").read_text().splitlines()]


def workflow() -> dict[str, Any]:
    """The workflow; YAML reads its key `on` as true."""
    found = yaml.safe_load((EXAMPLE / "goldloop-gate.yml").read_text())
    return {"on" if key is True else key: value for key, value in found.items()}


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A checkout of the example project, and the tools beside it."""
    folder, tools = tmp_path / "checkout", tmp_path / "tools"
    shutil.copytree(EXAMPLE / "project", folder, ignore=shutil.ignore_patterns("__pycache__"))
    tools.mkdir()
    (tools / "gh.py").write_text(GH)
    (tools / "gh").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tools}/gh.py" "$@"\n')
    (tools / "pip").write_text(f'#!/bin/sh\necho "$@" >> "{tools}/installed"\ntest -f "$3"\n')
    for tool in ("gh", "pip"):
        (tools / tool).chmod(0o755)
    made = ["tar", "-czf", str(tools / "base.tar.gz"), "-C", str(tmp_path), "checkout"]
    subprocess.run(made, check=True)
    return Runner(folder, tools)


def damage(folder: Path) -> None:
    """The agent no longer sees that somebody cancels; no unit test does either."""
    agent = folder / "shop_agent.py"
    text = agent.read_text()
    assert '("cancel", "call off")' in text
    agent.write_text(text.replace('("cancel", "call off")', '("annul",)'))


def test_the_workflow_fits_githubs_schema() -> None:
    schema = files("check_jsonschema") / "builtin_schemas/vendor/github-workflows.json"
    jsonschema.Draft7Validator(json.loads(schema.read_text())).validate(workflow())


def test_only_githubs_own_actions_by_major_version_and_few_rights() -> None:
    found = workflow()
    used = [s["uses"] for job in found["jobs"].values() for s in job["steps"] if "uses" in s]
    assert all(re.fullmatch(r"actions/[a-z/-]+@v\d+", one) for one in used)
    assert found["permissions"] == {"contents": "read"}
    assert found["jobs"]["gate"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert "pull_request_target" not in found["on"]


def test_no_step_pastes_what_others_wrote_into_its_script() -> None:
    steps = [step for job in workflow()["jobs"].values() for step in job["steps"]]
    assert not any("${{" in step.get("run", "") for step in steps)


def test_an_unchanged_agent_passes_a_damaged_one_is_blocked_and_every_line_runs(
    runner: Runner,
) -> None:
    assert runner.run("tests") == 0
    assert runner.run("gate") == 0
    comment = (runner.tools / "comment.md").read_text()
    assert comment.startswith(MARKER)
    assert "### Pass" in comment
    assert runner.asked()[-1][-4:] == [
        "POST",
        "repos/shop/agent/issues/12/comments",
        "-F",
        "body=@gate.md",
    ]
    damage(runner.folder)
    assert runner.run("gate") == 1
    comment = (runner.tools / "comment.md").read_text()
    assert "### Regression" in comment
    assert "cancel-005" in comment
    assert "repos/shop/agent/issues/comments/41" in runner.asked()[-1]
    assert "### Regression" in (runner.tools / "summary.md").read_text()
    assert (runner.folder / "gate.html").exists()
    runner.event = "push"
    assert runner.run("gate", only="push") == 0
    every = [s["run"] for job in workflow()["jobs"].values() for s in job["steps"] if "run" in s]
    assert set(runner.ran) == set(every)
