"""demo: what it takes and refuses. What it does with our samples: tests/docs/test_tutorial.py."""

import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sync.cli import main
from sync.labelstudio.ports import free_port

pytestmark = [pytest.mark.labelstudio, pytest.mark.usefixtures("label_studio_environment")]


def _arguments(folder: Path, ports: tuple[int, int], *more: str) -> list[str]:
    places = ["--port", str(ports[0]), "--backend-port", str(ports[1])]
    return ["demo", "--directory", str(folder), *places, *more]


def _refused(folder: Path, ports: tuple[int, int], *more: str) -> str:
    at_the_end = signal.getsignal(signal.SIGTERM)
    result = CliRunner().invoke(main, _arguments(folder, ports, *more))
    signal.signal(signal.SIGTERM, at_the_end)
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
    return result.stderr


@pytest.mark.parametrize("which", [0, 1])
def test_a_taken_port_is_named_with_what_to_do(tmp_path: Path, which: int) -> None:
    ports = free_port(), free_port()
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", ports[which]))
        taker.listen()
        said = _refused(tmp_path / "here", ports)
    assert f"port {ports[which]}" in said.lower()
    assert "PORT=" in said or "--port" in said


def test_data_that_is_not_there_is_named(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    assert "nowhere.jsonl" in _refused(tmp_path / "here", ports, "--data", "nowhere.jsonl")


def test_real_agent_runs_go_through_the_demo(
    tau_airline: Path, label_studio_template: Path, tmp_path: Path
) -> None:
    # A migrated database saves half a minute.
    shutil.copytree(label_studio_template, tmp_path / "tau" / "label-studio")
    ports = free_port(), free_port()
    arguments = _arguments(tmp_path / "tau", ports, "--simulate", "--data", str(tau_airline))
    done = subprocess.run(
        [sys.executable, "-m", "sync.cli", *arguments], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 of 200 samples picked" in done.stderr
    assert "committed golden@1.0.0" in done.stdout
