"""What every route of the ML backend has in common: credentials, errors, and what is never told."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from project_folder import SIGNED, WEBHOOK_SECRET, Folder, record, tasks_of

from backend.app import create_app
from goldloop.errors import SettingsError, StoreError

PASSWORD = "a-password-nobody-else-has"
CREDENTIALS = {"GOLDLOOP_BACKEND_USER": "label-studio", "GOLDLOOP_BACKEND_PASSWORD": PASSWORD}
PROTECTED = [
    ("POST", "/setup"),
    ("POST", "/predict"),
    ("GET", "/versions"),
    ("GET", "/metrics"),
    ("GET", "/elsewhere"),
]


@pytest.fixture
def signing(folder: Folder) -> Folder:
    """A folder that knows the secret of its webhook."""
    folder.use_secrets(GOLDLOOP_WEBHOOK_SECRET=WEBHOOK_SECRET)
    return folder


def test_health_answers_when_the_store_is_gone(folder: Folder) -> None:
    client = folder.client()
    (folder.path / "goldloop.db").unlink()
    for path in ("/health", "/"):
        reply = client.get(path)
        assert (reply.status_code, reply.get_json()["status"]) == (200, "UP")


def test_an_app_without_a_store_is_refused(folder: Folder) -> None:
    (folder.path / "goldloop.db").unlink()
    with pytest.raises(StoreError, match="goldloop init"):
        create_app(folder.path, folder.settings)


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/elsewhere", {}, 404),
        ("GET", "/static/app.py", {}, 404),
        ("GET", "/predict", {}, 405),
        ("DELETE", "/webhook", {}, 405),
        ("POST", "/health", {}, 405),
        ("POST", "/predict", {"data": "tasks=1"}, 415),
        ("POST", "/predict", {"data": "{}", "content_type": "text/plain"}, 415),
        ("POST", "/webhook", {"data": b"\xff\xfe", "content_type": "application/json"}, 400),
        ("POST", "/predict", {"data": "{", "content_type": "application/json"}, 400),
        ("POST", "/predict", {"data": "", "content_type": "application/json"}, 400),
        ("POST", "/predict", {"json": []}, 400),
        ("POST", "/predict", {"data": "null", "content_type": "application/json"}, 400),
        ("POST", "/predict", {"json": {}}, 400),
        ("POST", "/predict", {"json": {"tasks": {"id": 1}}}, 400),
        ("POST", "/predict", {"json": {"tasks": "1,2"}}, 400),
        ("POST", "/webhook", {"json": {"action": 5}}, 400),
        ("POST", "/webhook", {"json": {"action": "A" * 51}}, 400),
        ("POST", "/webhook", {"json": {"action": "ANNOTATION\nCREATED"}}, 400),
        ("POST", "/webhook", {"json": {"action": "annotation\x00"}}, 400),
    ],
)
def test_a_refusal_is_short_json(
    signing: Folder, method: str, path: str, sent: dict[str, Any], status: int
) -> None:
    reply = signing.client().open(path, method=method, headers=SIGNED, **sent)
    assert reply.status_code == status
    assert list(reply.get_json()) == ["error"]
    assert 0 < len(reply.data) < 200


@pytest.mark.parametrize("path", ["/predict", "/webhook"])
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"tasks":' * 50_000,
        b'{"action": "A", "task": ' + b'{"id":' * 50_000 + b"1" + b"}" * 50_001,
        b'{"tasks": [' + b"9" * 5_000 + b"]}",
    ],
    ids=["lists", "objects", "deep task", "more digits than Python reads"],
)
def test_json_that_no_parser_likes_is_refused(signing: Folder, path: str, body: bytes) -> None:
    client = signing.client()
    reply = client.post(path, data=body, content_type="application/json", headers=SIGNED)
    assert reply.status_code == 400
    assert "not JSON" in reply.get_json()["error"]


def test_a_wrong_method_is_told_which_are_right(folder: Folder) -> None:
    assert "POST" in folder.client().get("/predict").headers["Allow"]


@pytest.mark.parametrize("path", ["/predict", "/webhook"])
def test_a_body_over_the_limit_is_refused_whether_its_length_is_told_or_not(
    signing: Folder, path: str
) -> None:
    signing.configure("backend", max_request_mb=1)
    client = signing.client()
    # Cut at the limit, it would be good JSON.
    body = json.dumps({"action": "TASKS_CREATED", "tasks": []}).encode() + b" " * 2**20
    told = client.post(path, data=body, content_type="application/json", headers=SIGNED)
    assert told.status_code == 413
    chunked = client.post(
        path,
        input_stream=io.BytesIO(body),
        content_type="application/json",
        headers=SIGNED,
        environ_overrides={"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True},
    )
    assert chunked.status_code == 413
    assert list(chunked.get_json()) == ["error"]


def test_a_webhook_may_be_smaller_than_the_limit_of_other_requests(
    signing: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.app.WEBHOOK_BYTES", 1000)
    body = {"action": "TASKS_CREATED", "tasks": ["x" * 1000]}
    client = signing.client()
    assert client.post("/webhook", json=body, headers=SIGNED).status_code == 413
    assert client.post("/predict", json=body).status_code == 200


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_a_password_is_asked_for(folder: Folder, method: str, path: str) -> None:
    folder.use_secrets(**CREDENTIALS)
    reply = folder.client().open(path, method=method, json={"tasks": []})
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Basic ")
    assert list(reply.get_json()) == ["error"]


@pytest.mark.parametrize(
    "auth",
    [
        ("label-studio", "wrong"),
        ("wrong", PASSWORD),
        ("", ""),
        ("label-studio", ""),
        ("", PASSWORD),
        (PASSWORD, "label-studio"),
    ],
)
def test_wrong_credentials_are_refused(folder: Folder, auth: tuple[str, str]) -> None:
    folder.use_secrets(**CREDENTIALS)
    assert folder.client().get("/versions", auth=auth).status_code == 401


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !!!", "Basic bm9jb2xvbg==", f"Bearer {PASSWORD}", "Basic /////w==", "\xff"],
)
def test_a_header_that_is_no_credentials_is_refused(folder: Folder, header: str) -> None:
    folder.use_secrets(**CREDENTIALS)
    reply = folder.client().get("/versions", headers={"Authorization": header})
    assert reply.status_code == 401


def test_right_credentials_are_let_in(folder: Folder) -> None:
    folder.use_secrets(**CREDENTIALS)
    auth = ("label-studio", PASSWORD)
    assert folder.client().get("/versions", auth=auth).status_code == 200
    assert folder.client().post("/predict", auth=auth, json={"tasks": []}).status_code == 200


def test_health_the_webhook_and_the_description_ask_for_no_password(folder: Folder) -> None:
    folder.use_secrets(**CREDENTIALS)
    client = folder.client()
    assert client.get("/health").status_code == client.get("/").status_code == 200
    assert client.get("/openapi.json").status_code == 200
    assert client.post("/webhook", json={"action": "PROJECT_UPDATED"}).status_code == 202


def test_a_body_is_not_read_before_the_password_is_checked(folder: Folder) -> None:
    folder.use_secrets(**CREDENTIALS)
    reply = folder.client().post("/predict", **_unreadable())
    assert reply.status_code == 401


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "192.0.2.7", "backend", "0", "localhost.example"],  # noqa: S104 - refused
)
def test_an_address_that_others_reach_needs_a_password(folder: Folder, host: str) -> None:
    folder.configure("backend", host=host)
    with pytest.raises(SettingsError, match=r"GOLDLOOP_BACKEND_PASSWORD.*127\.0\.0\.1"):
        create_app(folder.path, folder.settings)
    folder.use_secrets(**CREDENTIALS)
    create_app(folder.path, folder.settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_an_address_of_this_machine_alone_needs_none(folder: Folder, host: str) -> None:
    folder.configure("backend", host=host)
    create_app(folder.path, folder.settings)


@pytest.mark.parametrize(
    "secret",
    ["tooshort", "with a space in it", "ein-geheimes-wört-das-lang-ist", "a-tab\t-in-between"],
)
def test_a_webhook_secret_that_is_none_is_refused_with_how_to_make_one(
    folder: Folder, secret: str
) -> None:
    settings = folder.settings
    settings = replace(settings, secrets=replace(settings.secrets, webhook_secret=secret))
    with pytest.raises(SettingsError, match=r"GOLDLOOP_WEBHOOK_SECRET.*token_urlsafe") as refused:
        create_app(folder.path, settings)
    assert secret not in str(refused.value)


@pytest.mark.parametrize(
    ("user", "password"), [("", "secret"), ("user", ""), ("us:er", "secret"), ("user", "sécret")]
)
def test_credentials_that_label_studio_could_not_send_are_refused(
    folder: Folder, user: str, password: str
) -> None:
    folder.use_secrets(GOLDLOOP_BACKEND_USER=user, GOLDLOOP_BACKEND_PASSWORD=password)
    with pytest.raises(SettingsError, match="GOLDLOOP_BACKEND_") as refused:
        create_app(folder.path, folder.settings)
    assert "cret" not in str(refused.value)


def test_setup_names_the_version_and_never_reads_the_token_in_its_body(folder: Folder) -> None:
    folder.add(record("a", 0.5))
    reply = folder.client().post("/setup", **_unreadable())
    assert reply.get_json() == {"model_version": "v1"}


def test_setup_neither_logs_nor_stores_the_token(
    folder: Folder, log: Callable[[], list[str]]
) -> None:
    token = "5e" * 20
    folder.client().post("/setup", json={"project": "1.2", "access_token": token, "schema": "<"})
    assert not any(token in line for line in log())
    assert not any(token.encode() in path.read_bytes() for path in folder.path.iterdir())


def test_setup_says_no_version_when_the_recorded_runs_leave_a_choice(
    folder: Folder, log: Callable[[], list[str]]
) -> None:
    folder.add(record("a", 0.5), record("b", 0.5, agent_version="v2"))
    reply = folder.client().post("/setup", json={})
    assert reply.status_code == 503
    assert list(reply.get_json()) == ["error"]
    assert "[agent] version" in log()[0]


def test_versions_lists_the_agent_versions_by_their_runs(folder: Folder) -> None:
    folder.add(record("a", 0.5), record("b", agent_version="v2"), record("c", agent_version="v2"))
    assert folder.client().get("/versions").get_json() == {"versions": ["v2", "v1"]}


def test_a_broken_store_is_told_in_the_log_alone(
    folder: Folder, log: Callable[[], list[str]]
) -> None:
    client = folder.client()
    folder.change("ALTER TABLE runs RENAME TO walks")
    reply = client.get("/versions")
    assert reply.status_code == 500
    assert reply.get_json() == {"error": "internal error; the ML backend's log says why"}
    [line] = log()
    assert "no such table: runs" in line
    assert "store/runs.py:" in line
    assert "\n" not in line


def test_a_missing_store_is_not_available_and_its_path_is_not_told(
    folder: Folder, log: Callable[[], list[str]]
) -> None:
    client = folder.client()
    (folder.path / "goldloop.db").unlink()
    for method, path in (("GET", "/versions"), ("POST", "/setup"), ("POST", "/webhook")):
        reply = client.open(path, method=method, json={"action": "PROJECT_UPDATED"})
        assert reply.status_code == 503
        assert "goldloop.db" not in reply.text
    assert len(log()) == 3
    assert all("goldloop.db" in line for line in log())


def test_secrets_are_starred_in_the_log(folder: Folder, log: Callable[[], list[str]]) -> None:
    secrets = {**CREDENTIALS, "LABEL_STUDIO_API_KEY": "f0" * 20, "OPENAI_API_KEY": "hidden-words"}
    folder.use_secrets(**secrets)
    folder.use_agent(f"def answer(asked): raise ValueError({' '.join(secrets.values())!r})")
    folder.add(record("a"))
    sent = {"tasks": tasks_of("a")}
    folder.client().post("/predict", json=sent, auth=("label-studio", PASSWORD))
    [line] = log()
    assert "ValueError" in line
    assert PASSWORD not in line
    assert "f0f0" not in line
    assert "hidden-words" not in line


class Unreadable(io.BytesIO):
    """A body that must not be touched."""

    def read(self, size: int | None = -1) -> bytes:
        raise AssertionError("the body was read")

    readline = readinto = read  # type: ignore[assignment]


def _unreadable() -> dict[str, Any]:
    return {"input_stream": Unreadable(b"x" * 100), "content_type": "application/json"}
