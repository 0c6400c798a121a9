"""The published description is what the endpoints do; schemathesis asks them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from project_folder import SIGNED, WEBHOOK_SECRET, Folder, record
from schemathesis import Case
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection

from backend.app import create_app
from goldloop.webhooks import KNOWN_ACTIONS
from sync.init import init_project

PASSWORD = "a-password-nobody-else-has"
LOGIN = b64encode(f"label-studio:{PASSWORD}".encode()).decode()
KNOWN = {"Authorization": f"Basic {LOGIN}", **SIGNED}
SECRETS = {
    "GOLDLOOP_BACKEND_USER": "label-studio",
    "GOLDLOOP_BACKEND_PASSWORD": PASSWORD,
    "GOLDLOOP_WEBHOOK_SECRET": WEBHOOK_SECRET,
}
WRONG = {"Authorization": "Basic d3Jvbmc6d3Jvbmc=", "X-Goldloop-Secret": "wrong"}
FEW = settings(max_examples=100, suppress_health_check=list(HealthCheck))
# Of a webhook without the secret the body is not looked at, so that it cannot be a wrong one.
UNREAD = [ignored_auth, negative_data_rejection]

fitting_or_not = pytest.mark.parametrize("mode", list(GenerationMode))


def _api(tmp_path_factory: pytest.TempPathFactory, **secrets: str) -> Any:
    path = tmp_path_factory.mktemp("described") / "project"
    init_project(path)
    made = Folder(path)
    made.add(record("known", 0.5))
    made.use_secrets(**secrets)
    return schemathesis.openapi.from_wsgi("/openapi.json", create_app(path, made.settings))


@pytest.fixture(scope="module")
def closed_api(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The surface of a backend that asks for a password and knows the webhook's secret."""
    return _api(tmp_path_factory, **SECRETS)


@pytest.fixture(scope="module")
def open_api(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The surface of a backend without secrets."""
    return _api(tmp_path_factory)


def ask(api: Any, mode: GenerationMode, **how: Any) -> list[tuple[str, int]]:
    """Send requests that fit the description, or do not; the paths asked and their answers.

    Fails where an answer is not as described.
    """
    answers: list[tuple[str, int]] = []

    @FEW
    @given(case=api.as_strategy(generation_mode=mode))
    def each(case: Case) -> None:
        response = case.call_and_validate(**how)
        answers.append((case.path, response.status_code))

    each()
    return answers


@fitting_or_not
def test_who_shows_password_and_secret_is_answered_as_described(
    closed_api: Any, mode: GenerationMode
) -> None:
    answers = ask(closed_api, mode, headers=KNOWN, excluded_checks=[ignored_auth])
    assert len(answers) >= 100
    statuses = {status for path, status in answers if path == "/webhook"}
    assert (202 if mode.is_positive else 400) in statuses


@fitting_or_not
def test_who_shows_nothing_is_answered_as_described(closed_api: Any, mode: GenerationMode) -> None:
    answers = ask(closed_api, mode, excluded_checks=UNREAD)
    assert {status for path, status in answers if path in ("/predict", "/setup")} <= {401}


@fitting_or_not
def test_who_shows_what_is_wrong_is_answered_as_described(
    closed_api: Any, mode: GenerationMode
) -> None:
    answers = ask(closed_api, mode, headers=WRONG, excluded_checks=UNREAD)
    open_paths = ("/", "/health", "/openapi.json")
    assert {status for path, status in answers if path not in open_paths} == {401}


@fitting_or_not
def test_a_backend_without_secrets_is_as_described(open_api: Any, mode: GenerationMode) -> None:
    answers = ask(open_api, mode, excluded_checks=UNREAD)
    assert {status for path, status in answers if path == "/webhook"} <= {202}


def test_the_description_names_every_route_for_programs_and_every_action(folder: Folder) -> None:
    client: FlaskClient = folder.client()
    described = client.get("/openapi.json").get_json()
    routes = {
        (rule.rule, method.lower())
        for rule in client.application.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if not rule.endpoint.startswith("dashboard.")
    }
    assert routes == {(path, m) for path, ms in described["paths"].items() for m in ms}
    assert "/dashboard/" in described["info"]["description"]
    for action in KNOWN_ACTIONS:
        assert action in str(described["components"]["schemas"]["Event"])


def test_the_description_asks_for_what_is_set(folder: Folder) -> None:
    def security(path: str, method: str) -> Any:
        described = folder.client().get("/openapi.json").get_json()
        return described["paths"][path][method].get("security")

    assert security("/predict", "post") is security("/webhook", "post") is None
    folder.use_secrets(**SECRETS)
    assert security("/predict", "post") == [{"credentials": []}]
    assert security("/metrics", "get") == [{"credentials": []}]
    assert security("/webhook", "post") == [{"webhookSecret": []}, {}]


def test_the_description_holds_no_secret(folder: Folder) -> None:
    folder.use_secrets(**SECRETS)
    text = folder.client().get("/openapi.json").text
    assert not any(secret in text for secret in (PASSWORD, WEBHOOK_SECRET))
