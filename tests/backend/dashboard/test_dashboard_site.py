"""What is the same for every page of the dashboard: who is answered, with what, and how safely."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from backend.dashboard import kept
from sync.init import init_project
from tests.backend.dashboard.dashboard_pages import (
    MISSING,
    NONSENSE,
    PATHS,
    app_of,
    client_of,
    picked,
    shown,
    state_in,
)
from tests.sync.labelled import Labelled
from tests.sync.reported import IMAGE, SCRIPT

PASSWORD = "a-password-nobody-else-has"
SECRETS = {"GOLDLOOP_BACKEND_USER": "looker", "GOLDLOOP_BACKEND_PASSWORD": PASSWORD}
STATIC = "/dashboard/static/dashboard.css"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A project that nothing was put into."""
    init_project(tmp_path / "project")
    return tmp_path / "project"


def test_every_page_is_on_the_list_that_these_tests_go_through(client: FlaskClient) -> None:
    rules = client.application.url_map.bind("localhost")
    asked = {rules.match(path.partition("?")[0])[0] for path in PATHS}
    there = {
        rule.endpoint
        for rule in client.application.url_map.iter_rules()
        if rule.endpoint.startswith("dashboard.") and rule.endpoint != "dashboard.static"
    }
    assert asked == there


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_whole_and_names_itself(client: FlaskClient, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 200
    assert reply.content_type == "text/html; charset=utf-8"
    assert reply.text.rstrip().endswith("</html>")
    assert reply.text.count("<h1") == 1
    assert " · project · Goldloop</title>" in reply.text


@pytest.mark.parametrize("path", [*PATHS, *MISSING, *NONSENSE, STATIC, "/dashboard"])
def test_every_answer_carries_the_strict_policy(client: FlaskClient, path: str) -> None:
    headers = client.get(path, buffered=True).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    if path != STATIC:
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
def test_a_page_needs_no_script_or_style_that_the_policy_forbids(
    client: FlaskClient, path: str
) -> None:
    page = client.get(path).text
    scripts = page.split("<script")[1:]
    assert all(" src=" in one[:200] or 'type="application/json"' in one[:60] for one in scripts)
    assert "<style" not in page
    assert " style=" not in page
    assert " onclick=" not in page


@pytest.mark.parametrize("path", [path for path in PATHS if not path.endswith("/report")])
def test_every_column_of_numbers_says_what_they_are(client: FlaskClient, path: str) -> None:
    columns = re.findall(r'<th scope="col" class="number"[^>]*>', client.get(path).text)
    assert [one for one in columns if not re.search(r' title="[^"]{4,}"', one)] == []


@pytest.mark.parametrize("path", [*PATHS, *MISSING, *NONSENSE])
def test_hostile_content_is_text_and_steers_nothing(client: FlaskClient, path: str) -> None:
    page = client.get(path).text
    assert SCRIPT not in page
    assert IMAGE[:10] not in page
    assert "<b>" not in page.partition("<h1")[2].partition("</h1>")[0]
    seen = re.sub(r' value="[^"]*"', "", page)
    assert not set(seen) & set("\x00\x1b\r\u202e\u2066")


def test_there_is_hostile_content_on_the_pages(client: FlaskClient) -> None:
    together = "".join(client.get(path).text for path in PATHS)
    assert "&lt;script&gt;document.title" in together


@pytest.mark.parametrize("path", MISSING)
def test_what_is_not_there_is_a_page_with_a_way_back(client: FlaskClient, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 404
    assert reply.content_type == "text/html; charset=utf-8"
    assert 'href="/dashboard/"' in reply.text


@pytest.mark.parametrize("path", NONSENSE)
def test_nonsense_in_the_query_is_refused_with_what_was_expected(
    client: FlaskClient, path: str
) -> None:
    reply = client.get(path)
    assert reply.status_code == 400
    assert " is to be " in reply.text or "expected" in reply.text


@pytest.mark.parametrize("path", PATHS)
def test_a_page_only_answers_who_asks_to_read(client: FlaskClient, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        reply = client.open(path, method=method)
        assert reply.status_code == 405
        assert "GET" in reply.headers["Allow"]


def test_looking_at_every_page_changes_no_byte(client: FlaskClient, filled: Labelled) -> None:
    def bytes_now() -> dict[str, str]:
        files = (path for path in filled.folder.rglob("*") if path.is_file())
        return {
            str(path): sha256(path.read_bytes()).hexdigest()
            for path in files
            # The index of the write-ahead log, which readers keep too.
            if path.suffix != ".db-shm"
        }

    before = bytes_now()
    assert len(before) > 5
    for path in (*PATHS, *MISSING, *NONSENSE):
        client.get(path)
    assert bytes_now() == before


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_sent_to_a_browser_that_has_the_newest(client: FlaskClient, path: str) -> None:
    state = state_in(client.get(path).text)
    again = client.get(path, headers={"X-State": state})
    assert (again.status_code, again.data) == (204, b"")
    assert client.get(path, headers={"X-State": "another"}).status_code == 200


def test_a_browser_is_sent_the_page_again_once_an_answer_arrived(tmp_path: Path) -> None:
    with shown(tmp_path / "project") as made:
        client = client_of(made.folder)
        before = client.get("/dashboard/").text
        number = picked(made)[-1]
        made.label(made.three(number, ["correct", "correct", "correct", "correct"]))
        reply = client.get("/dashboard/", headers={"X-State": state_in(before)})
    assert reply.status_code == 200
    assert state_in(reply.text) != state_in(before)
    assert reply.text != before


def test_a_browser_that_was_shown_something_older_is_sent_the_page_until_it_is_fresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "SLOW", -1.0)
    monkeypatch.setattr(kept, "TIMES", 10**9)
    path = "/dashboard/rounds/1"
    with shown(tmp_path / "project") as made:
        client = client_of(made.folder)
        client.get(path)
        made.label(made.three(picked(made)[-1], ["correct"] * 4))
        first = client.get(path).text
        again = client.get(path, headers={"X-State": state_in(first)})
    assert "takes long to work out" in first
    assert again.status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9090", "192.0.2.7", "[::2]", "@", "["]
)
def test_without_a_password_only_names_of_this_machine_are_answered(
    client: FlaskClient, host: str
) -> None:
    for path in (*PATHS, STATIC, "/versions", "/metrics", "/openapi.json/"):
        reply = client.get(path, headers={"Host": host}, buffered=True)
        assert reply.status_code in (400, 403)
        assert SCRIPT.replace("<", "&lt;") not in reply.text
        assert "project" not in reply.text
    assert client.get("/health", headers={"Host": host}).status_code in (200, 400)


def test_label_studio_reaches_it_by_the_address_that_it_was_given(empty: Path) -> None:
    (empty / "goldloop.toml").write_text('[backend]\nurl = "http://host.docker.internal:9090"\n')
    client = client_of(empty)
    assert client.get("/versions", headers={"Host": "host.docker.internal:9090"}).status_code == 200
    assert client.get("/versions", headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9090", "127.0.0.1:80", "[::1]", "[::1]:9"]
)
def test_this_machine_has_several_names(client: FlaskClient, host: str) -> None:
    assert client.get("/dashboard/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", [*PATHS, *MISSING, STATIC, "/dashboard"])
def test_a_password_is_asked_for_before_anything_is_told(empty: Path, path: str) -> None:
    reply = client_of(empty, **SECRETS).get(path, buffered=True)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Basic ")
    assert "Content-Security-Policy" in reply.headers
    assert "project" not in reply.text
    assert "<nav" not in reply.text.replace('<nav aria-label="Pages">', "", 1)


def test_who_knows_the_password_is_answered_under_any_name(empty: Path) -> None:
    client = client_of(empty, **SECRETS)
    told = {"auth": ("looker", PASSWORD), "headers": {"Host": "goldloop.example"}}
    assert client.get("/dashboard/", **told).status_code == 200
    wrong = client.get("/dashboard/", auth=("looker", "wrong"))
    assert wrong.status_code == 401


@pytest.mark.parametrize("path", ["/dashboard/", "/dashboard/rounds"])
def test_a_new_project_says_what_to_do_first(empty: Path, path: str) -> None:
    reply = client_of(empty).get(path)
    assert reply.status_code == 200
    assert "<code>goldloop " in reply.text


def test_a_broken_store_is_a_page_without_its_reasons(empty: Path) -> None:
    app = app_of(empty)
    (empty / "goldloop.db").unlink()
    reply = app.test_client().get("/dashboard/")
    assert reply.status_code == 503
    assert "goldloop.db" not in reply.text
    assert "log says why" in reply.text
