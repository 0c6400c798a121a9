"""The tutorial, followed to the letter by a newcomer with a clone and a Label Studio; and so what
the demo shows, which the tutorial begins with.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from store.settings import load_settings
from sync.client import LabelStudioClient
from sync.labelstudio import log_in
from sync.labelstudio.ports import free_port, is_free
from sync.project import Project
from sync.simulate import SimulatedAnnotator, label_everything, read_answer_key
from tests.docs.console import File, Shell, steps

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "tutorial.md").read_text(encoding="utf-8")
ANSWERS = REPOSITORY / "examples" / "customer_support" / "answers.jsonl"
# Two starts of Label Studio, and two dozen commands.
pytestmark = [pytest.mark.labelstudio, pytest.mark.timeout(600)]


@pytest.fixture
def clone(tmp_path: Path, label_studio_environment: Path, label_studio_template: Path) -> Path:
    """A clone in which everything is installed, and no demo was ever started."""
    folder = tmp_path / "clone"
    (folder / ".goldloop" / "demo").mkdir(parents=True)
    (folder / ".goldloop" / "label-studio").symlink_to(label_studio_environment)
    # A migrated database saves half a minute.
    shutil.copytree(label_studio_template, folder / ".goldloop" / "demo" / "label-studio")
    for name in ("Makefile", "pyproject.toml", "uv.lock", "examples", ".venv"):
        (folder / name).symlink_to(REPOSITORY / name)
    return folder


@pytest.fixture
def ports() -> tuple[int, int]:
    """Ports for the demo's Label Studio and ML backend."""
    return free_port(), free_port()


@pytest.fixture
def environment(tmp_path: Path, ports: tuple[int, int]) -> dict[str, str]:
    """A home of its own, and a make that takes free ports and installs nothing."""
    program = tmp_path / "bin" / "make"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\nexec {shutil.which('make')} -o .venv/goldloop-run "
        f'PORT={ports[0]} BACKEND_PORT={ports[1]} "$@"\n'
    )
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HOME": str(tmp_path)}


@contextmanager
def _another_terminal(
    clone: Path, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """`make demo`, until Ctrl-C."""
    with log.open("wb") as file:
        demo = subprocess.Popen(
            ["make", "demo"],
            cwd=clone,
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + 120
        while "Ctrl-C stops everything" not in log.read_text():
            assert demo.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield demo
    finally:
        os.killpg(demo.pid, signal.SIGINT)
        demo.wait(60)
    assert "everything is kept" in log.read_text()
    assert "Traceback" not in log.read_text()


def _label_all_tasks(folder: Path) -> int:
    """What Ann and Ben do in their browsers; how many answers they gave."""
    project = Project(folder, load_settings(folder, {}))
    url = project.settings.label_studio.url
    password = json.loads((folder / "keys.json").read_text())["password"]
    people = [
        SimulatedAnnotator(name, LabelStudioClient(url, account.token), 0.0)
        for name in ("ann", "ben")
        for account in [log_in(url, f"{name}@example.com", password)]
    ]
    key = read_answer_key(ANSWERS)
    done = label_everything(people, project.interface(), 1, key)
    for one in people:
        one.client.close()
    return sum(done.values())


def _check_version_one(shown: str, here: Path) -> None:
    """The demo took the sample data to version one and stopped everything."""
    assert "20 of 81 samples picked" in shown
    assert "Label Studio answers at" in shown
    assert re.search(r"answers: ann@example.com \d+, ben@example.com \d+, cleo", shown)
    assert re.search(r"consensus: .*\d+ agreed", shown)
    items = [json.loads(line) for line in (here / "golden-1.0.0.jsonl").read_text().splitlines()]
    assert len(items) >= 5
    assert all(item["labels"]["correctness"] for item in items)


def _check_second_start(shown: str, port: int) -> None:
    """Everything of the first start was there, and it says where and for whom."""
    assert f"http://127.0.0.1:{port}/projects/1" in shown
    assert all(f"{name}@example.com" in shown for name in ("admin", "ann", "ben", "cleo"))
    assert "0 samples added, 81 there already" in shown
    assert "0 tasks pushed" in shown


def test_the_tutorial_leads_from_nothing_to_a_gated_golden_set(
    clone: Path, environment: dict[str, str], ports: tuple[int, int], tmp_path: Path
) -> None:
    here = clone / ".goldloop" / "demo"
    shown = {}
    todo = steps(PAGE)
    places = [getattr(step, "command", "") for step in todo]
    with Shell(clone, environment) as shell:
        for step in todo[: places.index("make demo")]:
            shown[step.command] = shell.run(step)
        _check_version_one(shown["make demo SIMULATE=1"], here)
        assert all(is_free("127.0.0.1", port) for port in ports)
        with _another_terminal(clone, environment, tmp_path / "log"):
            _check_second_start((tmp_path / "log").read_text(), ports[0])
            for step in todo[places.index("make demo") + 1 :]:
                if isinstance(step, File):
                    (here / step.name).write_text(step.text)
                    continue
                if step.command == "goldloop pull":
                    assert _label_all_tasks(here) >= 10
                shown[step.command] = shell.run(step)
        assert all(is_free("127.0.0.1", port) for port in ports)
    versions = [path.name for path in (here / "versions" / "golden").glob("*.*.*")]
    assert sorted(versions) == ["1.0.0", "2.0.0"]
    assert "cheaper-1" in shown["goldloop runs"]
    assert (here / "gate.html").stat().st_size > 10_000
    assert (tmp_path / "my-agent" / "goldloop.toml").is_file()
