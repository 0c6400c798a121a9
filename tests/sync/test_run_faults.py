"""run against an endpoint that fails now and then: each sample answered once."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from sync.cli import main
from tests.agents.openai_server import OpenAIServer, says, sometimes

SAMPLES = 400
SETTINGS = """
[agent]
kind = "openai"
model = "model-7"
base_url = "{url}"
api = "{api}"
stream = {stream}
answers = 1
attempts = 4
first_wait = 0.02
timeout = 5
concurrency = 16

[confidence]
method = "process"
estimators = ["process"]
"""


@pytest.fixture
def endpoint() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        running.script = [sometimes(says("It is open."), share=0.1, seed=7)]
        yield running


def project(folder: Path, endpoint: OpenAIServer, api: str, stream: bool) -> Path:
    assert CliRunner().invoke(main, ["-C", str(folder), "init"]).exit_code == 0
    settings = SETTINGS.format(url=endpoint.url, api=api, stream=str(stream).lower())
    (folder / "goldloop.toml").write_text(settings)
    lines = [{"sample_id": f"s{n}", "user_input": f"question {n}"} for n in range(SAMPLES)]
    (folder / "samples.jsonl").write_text("\n".join(map(json.dumps, lines)))
    done = goldloop(folder, "import", "samples.jsonl")
    assert done.returncode == 0, done.stderr
    return folder


def goldloop(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sync.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def runs(folder: Path) -> dict[str, str | None]:
    """By the question, the error of its run."""
    sql = "SELECT s.user_input, r.error FROM runs r JOIN samples s USING (sample_id)"
    with closing(sqlite3.connect(f"file:{folder / 'goldloop.db'}?mode=ro", uri=True)) as db:
        return dict(db.execute(sql).fetchall())


@pytest.mark.parametrize(
    ("api", "stream"), [("chat", False), ("responses", True)], ids=["chat", "responses stream"]
)
def test_every_sample_ends_with_a_run_or_an_error_and_none_is_answered_twice(
    tmp_path: Path, endpoint: OpenAIServer, api: str, stream: bool
) -> None:
    folder = project(tmp_path, endpoint, api, stream)
    done = goldloop(folder, "run", "--json")
    assert done.returncode == 1, done.stderr
    found = runs(folder)
    failed = {question for question, error in found.items() if error}
    assert len(found) == SAMPLES
    counts = {"agent_version": "model-7", "runs": SAMPLES - len(failed), "errors": len(failed)}
    assert json.loads(done.stdout) == counts
    # Faults that pass are tried again; those that last are two or three of nine.
    assert 1 <= len(failed) <= 30
    assert set(endpoint.answered) == found.keys() - failed
    assert set(endpoint.answered.values()) == {1}


def test_a_killed_run_is_finished_by_the_next_which_asks_about_nothing_that_was_stored(
    tmp_path: Path, endpoint: OpenAIServer
) -> None:
    folder = project(tmp_path, endpoint, "chat", False)
    command = [sys.executable, "-m", "sync.cli", "run"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while time.monotonic() < end and len(runs(folder)) < 100:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.5)  # answers to the dead process are counted until then
    before = runs(folder)
    assert 100 <= len(before) < SAMPLES
    endpoint.answered.clear()
    done = goldloop(folder, "run", "--json")
    assert done.returncode == 1, done.stderr
    assert len(runs(folder)) == SAMPLES
    assert before.keys().isdisjoint(endpoint.answered)
    assert set(endpoint.answered.values()) == {1}
    assert before.items() <= runs(folder).items()
