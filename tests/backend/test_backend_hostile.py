"""Whatever is sent is answered in a few words, without a traceback, and brings nothing down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from project_folder import SIGNED, WEBHOOK_SECRET, Folder, record

import bench.fuzz
from bench._hostile_requests import BODIES, PATHS, TYPES, raw_requests, send
from sync.init import init_project
from sync.labelstudio.ports import free_port
from sync.processes import backend_command, running, wait_until_up

METHODS = ("GET", "POST", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
USER, PASSWORD = "label-studio", "a-password-nobody-else-has"


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A folder whose backend asks for everything."""
    path = tmp_path_factory.mktemp("hostile") / "project"
    init_project(path)
    made = Folder(path)
    made.add(record("known", 0.5))
    made.use_secrets(
        GOLDLOOP_BACKEND_USER=USER,
        GOLDLOOP_BACKEND_PASSWORD=PASSWORD,
        GOLDLOOP_WEBHOOK_SECRET=WEBHOOK_SECRET,
    )
    return made


@pytest.fixture(scope="module")
def client(busy: Folder) -> FlaskClient:
    """A client of that backend's app."""
    return busy.client()


@pytest.fixture(scope="module")
def port(busy: Folder) -> Iterator[int]:
    """Where that backend listens, under gunicorn."""
    port = free_port()
    with (
        (busy.path / "backend.log").open("wb") as log,
        running([backend_command(busy.path, port=port)], busy.path, log) as [process],
    ):
        wait_until_up(f"http://127.0.0.1:{port}/health", process, "the backend")
        yield port
        assert process.poll() is None
    said = (busy.path / "backend.log").read_text()
    assert not any(text in said for text in ("Traceback", PASSWORD, WEBHOOK_SECRET))


@given(
    method=st.sampled_from(METHODS),
    path=st.sampled_from((*PATHS, "//x", "/é")),
    body=BODIES,
    content_type=st.sampled_from(TYPES),
    authorization=st.text(max_size=30).map(
        lambda text: text.encode("latin-1", "ignore").decode("latin-1")
    ),
    login=st.sampled_from([None, (USER, PASSWORD)]),
    signed=st.booleans(),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_no_request_brings_it_down(
    client: FlaskClient,
    method: str,
    path: str,
    body: bytes,
    content_type: str,
    authorization: str,
    login: tuple[str, str] | None,
    signed: bool,
) -> None:
    headers = {} if login else {"Authorization": authorization.translate({10: None, 13: None})}
    reply: Any = client.open(
        path,
        method=method,
        data=body,
        content_type=content_type,
        headers={**headers, **(SIGNED if signed else {})},
        auth=login,
    )
    assert reply.status_code < 500
    assert b"Traceback" not in reply.data
    if reply.status_code >= 400 and method != "HEAD":
        assert list(reply.get_json()) == ["error"]


@given(request=raw_requests(USER, PASSWORD, WEBHOOK_SECRET))
@settings(max_examples=200, suppress_health_check=list(HealthCheck))
def test_no_bytes_on_the_wire_bring_it_down(port: int, request: bytes) -> None:
    answer = send(port, request)
    # 501 is what gunicorn owes to a transfer coding that nobody knows.
    assert 200 <= answer.status < 500 or answer.status == 501
    assert b"Traceback" not in answer.content
    assert b'File "' not in answer.content


def test_replayed_events_do_not_grow_the_inbox_without_bounds(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.inbox.MAX_WAITING", 20)
    folder.use_secrets(GOLDLOOP_WEBHOOK_SECRET=WEBHOOK_SECRET)
    client = folder.client()
    event = {"action": "ANNOTATION_CREATED", "annotation": {"id": 5, "task": 3}}
    for _ in range(100):
        assert client.post("/webhook", json=event, headers=SIGNED).status_code == 202
    assert folder.rows("SELECT count(*) FROM inbox") == [(21,)]


def test_the_benchmark_finds_no_server_error_and_no_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.fuzz, "QUICK", 200)
    found = bench.fuzz.main(quick=True)
    assert found["requests"] == 200
    faults = ("server_errors", "unanswered", "tracebacks", "secrets_in_log")
    assert [found[name] for name in faults] == [0, 0, 0, 0]
    assert found["memory_growth_mb"] < 30
