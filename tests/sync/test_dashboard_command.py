"""goldloop dashboard: the pages for who only wants to look."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from sync.cli import main
from sync.commands.dashboard import dashboard_address
from sync.init import init_project
from sync.labelstudio.ports import free_port

# In the place of a browser: writes the address that it is to open.
BROWSER = "#!/bin/sh\nprintf '%s' \"$1\" > opened.txt\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init_project(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """A command in this process would keep Ctrl-C to itself."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@contextmanager
def shown(folder: Path, *options: str, **environment: str) -> Iterator[tuple[str, list[str]]]:
    """The command running; its address and the lines that it says. Ended as by Ctrl-C."""
    command = [sys.executable, "-P", "-m", "sync.cli", "-C", str(folder), "dashboard", *options]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    lines: list[str] = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line.strip())
            if line.startswith("dashboard at "):
                break
        yield lines[-1].removeprefix("dashboard at ").removesuffix("; Ctrl-C stops"), lines
    finally:
        process.send_signal(signal.SIGINT)
        # Not by communicate(), which misses what was read ahead.
        with process:
            lines += [line.strip() for line in process.stderr or ()]
    assert process.returncode == 0


def test_it_serves_the_pages_where_it_says_and_nothing_after_ctrl_c(folder: Path) -> None:
    port = free_port()
    with shown(folder, "--port", str(port)) as (address, _):
        assert address == f"http://127.0.0.1:{port}/dashboard/"
        reply = httpx.get(address, trust_env=False)
        assert "Where does the loop stand?" in reply.text
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, trust_env=False)


def test_it_opens_the_page_in_a_browser_and_asks_for_the_password_that_is_set(
    folder: Path, tmp_path: Path
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(BROWSER)
    browser.chmod(0o755)
    secrets = {"GOLDLOOP_BACKEND_USER": "looker", "GOLDLOOP_BACKEND_PASSWORD": "only-for-us"}
    options = ["--port", str(free_port()), "--open"]
    with shown(folder, *options, BROWSER=f"{browser} %s", **secrets) as (address, lines):
        assert httpx.get(address, trust_env=False).status_code == 401
        told = httpx.get(address, auth=("looker", "only-for-us"), trust_env=False)
        assert told.status_code == 200
    assert (folder / "opened.txt").read_text() == address
    assert "it asks for GOLDLOOP_BACKEND_USER and GOLDLOOP_BACKEND_PASSWORD" in lines


def test_a_port_that_is_taken_is_told_with_where_the_pages_may_be(folder: Path) -> None:
    with shown(folder, "--port", str(free_port())) as (address, _):
        port = httpx.URL(address).port
        again = CliRunner().invoke(main, ["-C", str(folder), "dashboard", "--port", str(port)])
    assert again.exit_code != 0
    assert f"port {port} is taken" in again.stderr
    assert address in again.stderr
    assert "--port" in again.stderr


def test_it_does_not_listen_elsewhere_without_a_password(folder: Path) -> None:
    command = ["-C", str(folder), "dashboard", "--host", "0.0.0.0", "--port", str(free_port())]  # noqa: S104 - refused
    refused = CliRunner().invoke(main, command)
    assert refused.exit_code == 1
    assert "the dashboard ended" in refused.stderr


def test_an_address_that_stands_for_all_is_opened_on_this_machine() -> None:
    assert dashboard_address("::", 9090) == "http://[::1]:9090/dashboard/"
