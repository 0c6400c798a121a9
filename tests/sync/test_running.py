"""run: every sample ends with a run or a recorded error, and none is run twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from store.database import open_store
from sync.cli import main
from tests.agents.openai_server import OpenAIServer, calls, fails

AGENT = """
import time
from collections.abc import Iterator
from pathlib import Path

def answer(sample):
    with Path("asked.txt").open("a") as file:
        file.write(sample["sample_id"] + "\\n")
    time.sleep(0.05)
    if sample["sample_id"].endswith("7"):
        raise RuntimeError("the agent fell over")
    return {"response": "ok " + sample["user_input"], "confidence": 0.5}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with forty samples and an agent that fails on every tenth."""
    assert CliRunner().invoke(main, ["-C", str(tmp_path), "init"]).exit_code == 0
    (tmp_path / "goldloop.toml").write_text(
        '[agent]\nkind = "python:my_agent:answer"\nversion = "v1"\nconcurrency = 4\n'
    )
    (tmp_path / "my_agent.py").write_text(AGENT)
    lines = [{"sample_id": f"s{i}", "user_input": f"question {i}"} for i in range(40)]
    (tmp_path / "samples.jsonl").write_text("\n".join(map(json.dumps, lines)))
    done = _goldloop(tmp_path, "import", "samples.jsonl")
    assert done.returncode == 0, done.stderr
    return tmp_path


def _goldloop(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sync.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def _runs(folder: Path) -> dict[str, str | None]:
    db = open_store(folder / "goldloop.db")
    found = {row["sample_id"]: row["error"] for row in db.query("SELECT * FROM runs")}
    db.close()
    return found


def test_failures_are_kept_with_their_sample_and_the_exit_code_says_so(folder: Path) -> None:
    done = _goldloop(folder, "run", "--json")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout) == {"agent_version": "v1", "runs": 36, "errors": 4}
    failed = {sample_id for sample_id, error in _runs(folder).items() if error}
    assert failed == {"s7", "s17", "s27", "s37"}
    assert all("fell over" in (error or "") for s, error in _runs(folder).items() if s in failed)


def test_a_second_run_asks_nothing_again_unless_errors_are_to_be_retried(folder: Path) -> None:
    _goldloop(folder, "run")
    asked = folder / "asked.txt"
    asked.unlink()
    assert _goldloop(folder, "run").returncode == 0
    assert not asked.exists()
    assert _goldloop(folder, "run", "--retry-errors").returncode == 1
    assert sorted(asked.read_text().split()) == ["s17", "s27", "s37", "s7"]


def test_a_killed_run_goes_on_where_it_was(folder: Path) -> None:
    command = [sys.executable, "-m", "sync.cli", "run"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while time.monotonic() < end and not _runs(folder):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = set(_runs(folder))
    assert 0 < len(before) < 40
    (folder / "asked.txt").unlink()
    _goldloop(folder, "run")
    assert len(_runs(folder)) == 40
    assert before.isdisjoint((folder / "asked.txt").read_text().split())


def test_two_commands_at_once_share_the_samples_and_ask_about_none_twice(folder: Path) -> None:
    command = [sys.executable, "-m", "sync.cli", "run", "--json"]
    both = [subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE) for _ in range(2)]
    counts = [json.loads(process.communicate(timeout=60)[0]) for process in both]
    assert sum(one.get("runs", 0) + one.get("errors", 0) for one in counts) == 40
    asked = (folder / "asked.txt").read_text().split()
    assert len(asked) == len(set(asked)) == 40


def test_a_stopped_command_claims_nothing_any_more(folder: Path) -> None:
    command = [sys.executable, "-m", "sync.cli", "run"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while time.monotonic() < end and not _runs(folder):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) != 0
    db = open_store(folder / "goldloop.db")
    assert list(db.query("SELECT * FROM wanted_runs")) == []
    db.close()


def test_recorded_runs_of_one_cluster_vouch_for_each_other(tmp_path: Path) -> None:
    CliRunner().invoke(main, ["-C", str(tmp_path), "init"])
    answers = {"a": "yes", "b": "Yes ", "c": "no", "lonely": "yes"}
    lines = [
        {
            "sample_id": name,
            "user_input": "is it open?",
            "cluster_id": None if name == "lonely" else "open",
            "run": {"agent_version": "v1", "response": text},
        }
        for name, text in answers.items()
    ]
    (tmp_path / "runs.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert _goldloop(tmp_path, "import", "runs.jsonl").returncode == 0
    done = _goldloop(tmp_path, "run", "--json")
    assert json.loads(done.stdout) == {"agent_version": "v1", "scored": 3, "without_confidence": 1}
    db = open_store(tmp_path / "goldloop.db")
    found = {r["sample_id"]: r["confidence"] for r in db.query("SELECT * FROM runs")}
    db.close()
    assert found == {"a": 0.5, "b": 0.5, "c": 0.0, "lonely": None}


@pytest.fixture
def endpoint() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


def _openai_project(folder: Path, endpoint: OpenAIServer) -> None:
    (folder / "goldloop.toml").write_text(
        f'[agent]\nkind = "openai"\nmodel = "model-7"\nbase_url = "{endpoint.url}"\n'
        'tools = "tools.json"\nsystem_prompt = "policy.md"\nanswers = 3\nconcurrency = 2\n'
    )
    tool = {"name": "refund_order", "parameters": {"type": "object", "properties": {}}}
    (folder / "tools.json").write_text(json.dumps([{"type": "function", "function": tool}]))
    (folder / "policy.md").write_text("Refund only what was paid.")
    (folder / ".env").write_text("OPENAI_API_KEY=sk-very-secret-0123456789\n")


def test_an_openai_compatible_agent_records_its_tool_calls(
    folder: Path, endpoint: OpenAIServer
) -> None:
    _openai_project(folder, endpoint)
    endpoint.script = [calls(("refund_order", '{"order_id": "LM-1"}'))]
    done = _goldloop(folder, "run", "--limit", "4", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"agent_version": "model-7", "runs": 4}
    db = open_store(folder / "goldloop.db")
    rows = list(db.query("SELECT * FROM runs"))
    db.close()
    assert {json.loads(row["estimates"])["agreement"] for row in rows} == {1.0}
    assert all(row["confidence_method"].startswith("combined:agreement") for row in rows)
    [call] = json.loads(rows[0]["tool_calls"])
    assert (call["name"], call["arguments"]) == ("refund_order", {"order_id": "LM-1"})
    asked = endpoint.requests[0].body
    assert asked["messages"][0] == {"role": "system", "content": "Refund only what was paid."}
    assert asked["tools"][0]["function"]["name"] == "refund_order"


TOOLS = """
def refund_order(order_id: str) -> dict:
    "Refund an order."
    return {"refunded": order_id}

TOOLS = {"refund_order": refund_order}
"""


def test_an_agent_executes_the_tools_of_a_mapping_up_to_its_step_limit(
    folder: Path, endpoint: OpenAIServer
) -> None:
    _openai_project(folder, endpoint)
    text = (folder / "goldloop.toml").read_text().replace('tools = "tools.json"\n', "")
    more = 'execute = "shop:TOOLS"\nmax_steps = 2\napi = "responses"\nstream = true\n'
    (folder / "goldloop.toml").write_text(text.replace("answers = 3\n", f"answers = 1\n{more}"))
    (folder / "shop.py").write_text(TOOLS)
    endpoint.script = [calls(("refund_order", '{"order_id": "LM-1"}'))]
    done = _goldloop(folder, "run", "--limit", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert endpoint.requests[0].body["tools"][0]["description"] == "Refund an order."
    db = open_store(folder / "goldloop.db")
    [row] = db.query("SELECT * FROM runs")
    db.close()
    assert (row["stop_reason"], row["error"]) == ("step_limit", None)
    results = [turn["content"] for turn in json.loads(row["messages"]) if turn["role"] == "tool"]
    assert results == ['{"refunded": "LM-1"}']


def test_an_endpoint_that_refuses_leaves_an_error_with_every_sample_and_no_secret(
    folder: Path, endpoint: OpenAIServer
) -> None:
    _openai_project(folder, endpoint)
    endpoint.script = [fails(401)]
    done = _goldloop(folder, "run", "--limit", "3", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"agent_version": "model-7", "errors": 3}
    assert all(error and "401" in error for error in _runs(folder).values())
    assert b"sk-very-secret" not in (folder / "goldloop.db").read_bytes()
    assert "sk-very-secret" not in done.stderr
