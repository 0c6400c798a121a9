"""The backend as a program under gunicorn: how it starts, what it refuses, how it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from project_folder import SIGNED, WEBHOOK_SECRET, Folder, record, tasks_of
from running_backend import log_of, served

from backend.__main__ import main
from sync.certificates import certificates
from sync.labelstudio.ports import free_port
from sync.processes import backend_command, running, wait_until_up

Refused = Callable[..., tuple[int, str]]


@pytest.fixture
def refused(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Refused:
    """How the program ends that cannot start: exit code and the one line that it says."""

    def ends(*options: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["backend", "--folder", str(folder.path), *options])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        assert said.err.startswith("goldloop: ")
        return int(str(ended.value.code)), said.err

    return ends


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_and_ends_cleanly_when_asked(folder: Folder, stop: signal.Signals) -> None:
    folder.add(record("a", 0.25))
    port = free_port()
    with served(folder, port) as (client, process):
        results = client.post("/predict", json={"tasks": tasks_of("a")}).json()["results"]
        assert [item["score"] for item in results] == [0.25]
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(stop)
        assert process.wait(15) == 0
    assert not any(worker.is_running() for worker in workers)
    with closing(socket.create_server(("127.0.0.1", port))):
        pass
    log = log_of(folder).read_text()
    assert "Traceback" not in log
    assert "rror" not in log


def test_it_leaves_no_files_but_the_store(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    before = files(folder.path)
    with served(folder, free_port()) as (client, _):
        client.post("/webhook", json={"action": "PROJECT_UPDATED"})
        client.post("/predict", json={"tasks": [{}]})
    assert files(folder.path) == before
    assert files(home) == set()


def test_a_taken_port_is_told_at_once(folder: Folder) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taker:
        port = taker.getsockname()[1]
        command = backend_command(folder.path, port=port)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    # Gunicorn itself would try, and say so, five times.
    assert done.stderr.count("\n") == 1
    assert f"127.0.0.1, port {port}: Address already in use; stop" in done.stderr


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("203.0.113.9", "Cannot assign"),
        ("no-such-host.invalid", "not known|resolution|No address"),
    ],
)
def test_an_address_that_is_not_ours_is_told(
    folder: Folder, refused: Refused, host: str, reason: str
) -> None:
    folder.use_secrets(GOLDLOOP_BACKEND_USER="user", GOLDLOOP_BACKEND_PASSWORD="password")
    code, said = refused("--host", host)
    assert code == 1
    assert re.search(reason, said), said


def test_an_open_address_without_a_password_is_refused_as_wrong_settings(
    folder: Folder, refused: Refused
) -> None:
    code, said = refused("--host", "0.0.0.0")  # noqa: S104 - refused
    assert code == 2
    assert "GOLDLOOP_BACKEND_PASSWORD" in said


def test_an_open_address_with_a_password_is_served(folder: Folder) -> None:
    folder.use_secrets(GOLDLOOP_BACKEND_USER="user", GOLDLOOP_BACKEND_PASSWORD="password")
    folder.configure("backend", host="0.0.0.0")  # noqa: S104 - what is tested
    with served(folder, free_port()) as (client, _):
        assert client.get("/versions").status_code == 401
        assert client.get("/versions", auth=("user", "password")).status_code == 200


def test_wrong_settings_and_a_missing_store_end_it_in_one_line(
    folder: Folder, refused: Refused
) -> None:
    (folder.path / "goldloop.db").rename(folder.path / "elsewhere.db")
    assert refused()[0] == 1
    (folder.path / "goldloop.toml").write_text("[backend]\nport = 'x'\n")
    assert refused()[0] == 2
    (folder.path / "goldloop.toml").unlink()
    assert refused()[0] == 2


def test_the_command_line_becomes_the_backend(folder: Folder) -> None:
    port = free_port()
    command = [sys.executable, "-m", "sync.cli", "-C", str(folder.path), "backend"]
    with running([[*command, "--port", str(port)]], folder.path.parent) as [process]:
        wait_until_up(f"http://127.0.0.1:{port}/health", process, "the backend")
        assert "backend" in psutil.Process(process.pid).cmdline()
        process.terminate()
        assert process.wait(15) == 0


def test_a_users_module_with_the_name_of_a_room_does_not_pass_for_it(folder: Folder) -> None:
    for room in ("agents", "store", "backend", "goldloop"):
        (folder.path / f"{room}.py").write_text("raise SystemExit('this is not the room')\n")
    with served(folder, free_port()) as (client, _):
        assert client.get("/versions").status_code == 200


def test_a_body_over_the_limit_is_refused_on_the_wire_chunked_or_not(folder: Folder) -> None:
    folder.configure("backend", max_request_mb=1)

    def chunks() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 2**14

    folder.use_secrets(GOLDLOOP_WEBHOOK_SECRET=WEBHOOK_SECRET)
    headers = {"Content-Type": "application/json", **SIGNED}
    with served(folder, free_port()) as (client, _):
        for path in ("/predict", "/webhook"):
            told = client.post(path, content=b" " * (2**20 + 1), headers=headers)
            untold = client.post(path, content=chunks(), headers=headers)
            assert [told.status_code, untold.status_code] == [413, 413]
            assert list(told.json()) == list(untold.json()) == ["error"]
        small = client.post("/predict", content=iter([b'{"tasks"', b": []}"]), headers=headers)
        assert small.json() == {"results": []}


def test_what_a_stranger_sends_is_read_to_its_end_and_answered(folder: Folder) -> None:
    """Cut off while it sends, Label Studio would see no answer and log an error for each event."""
    folder.use_secrets(GOLDLOOP_WEBHOOK_SECRET=WEBHOOK_SECRET)

    def chunks() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 2**16

    with served(folder, free_port()) as (client, _):
        for wrong, status in (({}, 202), ({"X-Goldloop-Secret": "wrong"}, 401)):
            for content in (b" " * 12_000_000, chunks()):
                reply = client.post("/webhook", content=content, headers=wrong)
                assert reply.status_code == status


CHUNKED = (
    b"POST /webhook HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\nX-Goldloop-Secret: " + WEBHOOK_SECRET.encode() + b"\r\n\r\n"
)


def test_malformed_chunks_are_the_senders_fault(folder: Folder) -> None:
    folder.use_secrets(GOLDLOOP_WEBHOOK_SECRET=WEBHOOK_SECRET)
    port = free_port()
    with served(folder, port) as (client, _):
        for rest in (
            b"zz\r\nhello\r\n0\r\n\r\n",
            b"-5\r\nhello\r\n",
            b"5\r\nhelloXX0\r\n\r\n",
            b"5\r\nh",
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(CHUNKED + rest)
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(100).startswith(b"HTTP/1.1 400 "), rest
        assert client.get("/health").status_code == 200
    assert "Traceback" not in log_of(folder).read_text()


def test_clients_that_stop_in_the_middle_do_not_hold_the_receiver_for_good(folder: Folder) -> None:
    folder.configure("backend", threads=2)
    folder.use_secrets(GOLDLOOP_WEBHOOK_SECRET=WEBHOOK_SECRET)
    port = free_port()
    with served(folder, port) as (client, _), ExitStack() as silent:
        whole = CHUNKED.replace(b"Transfer-Encoding: chunked", b"Content-Length: 9")
        for half in (b"POST /webhook HTTP/1.1\r\nHost: he", whole + b"{"):
            stuck = socket.create_connection(("127.0.0.1", port), timeout=30)
            silent.enter_context(closing(stuck))
            stuck.sendall(half)
        time.sleep(0.5)
        assert client.get("/health").status_code == 200
        stuck.settimeout(10)
        assert stuck.recv(100).startswith(b"HTTP/1.1 400 ")
    assert "Traceback" not in log_of(folder).read_text()


def test_an_event_that_was_acknowledged_survives_a_kill(folder: Folder) -> None:
    folder.use_secrets(GOLDLOOP_WEBHOOK_SECRET=WEBHOOK_SECRET)
    port = free_port()
    acknowledged: set[int] = set()

    def send(number: int) -> None:
        event = {"action": "ANNOTATION_CREATED", "annotation": {"id": number, "task": number}}
        url = f"http://127.0.0.1:{port}/webhook"
        with suppress(httpx.TransportError):
            reply = httpx.post(
                url, json=event, headers=SIGNED, trust_env=False, verify=certificates()
            )
            if reply.status_code == 202:
                acknowledged.add(number)

    with served(folder, port) as (_, process), ThreadPoolExecutor(4) as senders:
        everything = (process, *psutil.Process(process.pid).children(recursive=True))
        sent = [senders.submit(send, number) for number in range(1, 301)]
        while len(acknowledged) < 30:
            time.sleep(0.01)
        for one in everything:
            one.kill()
        for done in sent:
            done.result()
    assert 30 <= len(acknowledged) < 300
    kept = [json.loads(ids)[0] for (ids,) in folder.rows("SELECT task_ids FROM inbox")]
    assert len(kept) == len(set(kept))
    assert acknowledged <= set(kept)


HANGING = """
import time
def answer(asked):
    note(asked)
    time.sleep(60)
"""


def test_an_agent_that_hangs_holds_up_neither_health_nor_stored_runs_nor_the_end(
    folder: Folder,
) -> None:
    folder.use_agent(HANGING)
    folder.add(record("new"), record("old", 0.25, agent_version="live-1"))
    with served(folder, free_port()) as (client, process):
        with pytest.raises(httpx.ReadTimeout):
            client.post("/predict", json={"tasks": tasks_of("new")}, timeout=1)
        assert folder.asked() == ["new"]
        started = time.monotonic()
        assert client.get("/health").status_code == 200
        items = client.post("/predict", json={"tasks": tasks_of("old")}).json()["results"]
        assert items[0]["score"] == 0.25
        assert time.monotonic() - started < 10
        process.terminate()
        # Those who start it kill it after ten seconds.
        assert process.wait(9.9) == 0


def test_what_it_says_of_its_work_goes_to_its_log_as_json_in_single_lines(folder: Folder) -> None:
    folder.use_agent("def answer(asked): raise ValueError('one\\ntwo')\n")
    folder.add(record("new"))
    port = free_port()
    with served(folder, port) as (client, _):
        client.post("/predict", json={"tasks": tasks_of("new")})
        client.get("/elsewhere?token=in-the-query")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"not HTTP\r\nat all\r\n\r\n")
            connection.recv(100)
    lines = [json.loads(line) for line in log_of(folder).read_text().splitlines()]
    assert all({"time", "level", "process", "message"} <= line.keys() for line in lines)
    messages = [line["message"] for line in lines]
    [failed] = [message for message in messages if "the agent failed" in message]
    assert "ValueError: one two" in failed
    [predicted] = [line for line in lines if line["message"] == "predicted 1 tasks"]
    assert (predicted["endpoint"], predicted["status"], predicted["task_ids"]) == (
        "predict",
        200,
        [1],
    )
    assert "refused GET /elsewhere" in messages
    assert any("Starting gunicorn" in message for message in messages)
    assert "in-the-query" not in log_of(folder).read_text()


HOSTILE_PATHS = (
    b"/%0a%7b%22level%22:%20%22FORGED%22%7d",
    b"/%0d%0aFORGED",
    b"/%1b[2J%1b[31mFORGED",
    b"/%e2%80%a8FORGED%e2%80%ae",
    b"/\xff\xfe\x1bFORGED",
    b"/%ff%fe%00FORGED",
    b"/" + b"%F0%9F%98%80" * 300,
)


@pytest.mark.parametrize("terminal", [False, True], ids=["JSON", "terminal"])
def test_no_path_breaks_a_line_of_the_log(folder: Folder, terminal: bool) -> None:
    port = free_port()
    read, write = pty.openpty() if terminal else os.pipe()
    command = backend_command(folder.path, port=port)
    with subprocess.Popen(command, cwd=folder.path, stdout=write, stderr=write) as process:
        try:
            wait_until_up(f"http://127.0.0.1:{port}/health", process, "the backend")
            for path in HOSTILE_PATHS:
                with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                    connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: here\r\n\r\n")
                    assert connection.recv(100).startswith(b"HTTP/1.1 4")
                # Refusals of one kind are told once a second.
                time.sleep(1.05)
        finally:
            process.terminate()
            process.wait(15)
            os.close(write)
    said = b""
    with suppress(OSError):  # how a terminal ends
        while part := os.read(read, 2**16):
            said += part
    os.close(read)
    lines = said.decode("ascii" if not terminal else "utf-8").splitlines()
    if terminal:
        head = r"\[\d{4}-\d\d-\d\dT[\d:.+]+\] \[\d+\] \[[A-Z]+\] \S"
        assert all(re.match(head, line) and line.isprintable() for line in lines)
    else:
        assert all("FORGED" not in json.loads(line).get("level") for line in lines)
    assert all(len(line) < 5000 for line in lines)
    told = [line for line in lines if "refused GET /" in line or "Invalid request from" in line]
    assert len(told) == len(HOSTILE_PATHS)
