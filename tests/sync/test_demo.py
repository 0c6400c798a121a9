"""demo: the README's first command, started as a newcomer starts it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync.labelstudio.ports import free_port, is_free

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.labelstudio, pytest.mark.usefixtures("label_studio_environment")]


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    """Ports for the demo's Label Studio and ML backend."""
    return free_port(), free_port()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo keeps everything; the tests of this file go on with the same one."""
    return tmp_path_factory.mktemp("demo") / "here"


def _command(folder: Path, ports: tuple[int, int], *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "sync.cli", "demo", "--directory", str(folder)),
        *("--port", str(ports[0]), "--backend-port", str(ports[1]), *more),
    ]


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=280)


@contextmanager
def _started(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, stdout=file, stderr=file, start_new_session=True
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(30)


def _wait_for(text: str, log: Path, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + 240
    while time.monotonic() < end:
        shown = log.read_text()
        if text in shown:
            return shown
        assert process.poll() is None, shown
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def test_simulated_annotators_take_the_sample_data_to_version_one(
    folder: Path, ports: tuple[int, int]
) -> None:
    done = _run(_command(folder, ports, "--simulate"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 of 81 samples picked" in done.stderr
    assert "Label Studio is starting" in done.stderr
    assert re.search(r"answers: ann@example.com \d+, ben@example.com \d+, cleo", done.stdout)
    assert re.search(r"consensus: .*\d+ agreed", done.stdout)
    assert "committed golden@1.0.0" in done.stdout
    items = [json.loads(line) for line in (folder / "golden-1.0.0.jsonl").read_text().splitlines()]
    assert len(items) >= 5
    assert all(item["labels"]["correctness"] for item in items)
    assert all(is_free("127.0.0.1", port) for port in ports)


def test_it_starts_again_in_seconds_keeps_everything_and_stops_cleanly(
    folder: Path, ports: tuple[int, int], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with _started(_command(folder, ports), log) as process:
        shown = _wait_for("Ctrl-C stops everything", log, process)
        assert f"http://127.0.0.1:{ports[0]}/projects/1" in shown
        assert all(f"{name}@example.com" in shown for name in ("admin", "ann", "ben", "cleo"))
        assert "0 samples added, 81 there already" in shown
        assert "0 tasks pushed" in shown
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
    assert "everything is kept" in log.read_text()
    assert "Traceback" not in log.read_text()
    assert all(is_free("127.0.0.1", port) for port in ports)


@pytest.mark.parametrize("which", [0, 1])
def test_a_taken_port_is_named_with_what_to_do(
    folder: Path, ports: tuple[int, int], which: int
) -> None:
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", ports[which]))
        taker.listen()
        done = _run(_command(folder, ports))
    assert done.returncode != 0
    assert f"port {ports[which]}" in done.stderr.lower()
    assert "PORT=" in done.stderr or "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_data_that_is_not_there_is_named(folder: Path, ports: tuple[int, int]) -> None:
    done = _run(_command(folder, ports, "--data", "nowhere.jsonl"))
    assert done.returncode == 1
    assert "nowhere.jsonl" in done.stderr


def test_real_agent_runs_go_through_the_demo(
    tau_airline: Path, label_studio_template: Path, tmp_path: Path
) -> None:
    # A migrated database, to save the half minute that the first test has waited already.
    shutil.copytree(label_studio_template, tmp_path / "tau" / "label-studio")
    command = _command(tmp_path / "tau", (free_port(), free_port()))
    done = _run([*command, "--simulate", "--data", str(tau_airline)])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 of 200 samples picked" in done.stderr
    assert "committed golden@1.0.0" in done.stdout
