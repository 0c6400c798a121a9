"""The HTTP surface that Label Studio talks to: the ML backend protocol and the webhook receiver.

    GET  /health    is it up
    POST /setup     which model version is served
    POST /predict   predictions for tasks
    GET  /versions  the model versions that there are
    POST /webhook   something happened; a hint for the worker

Everything but `/health` and `/webhook` asks for the basic credentials when they are set. Errors are
short JSON: {"error": "..."}.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from flask import Flask, Response, current_app, json, jsonify, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    RequestEntityTooLarge,
    ServiceUnavailable,
    Unauthorized,
)

from backend.access import check_credentials, is_allowed
from backend.bodies import json_object
from backend.model import StoredRunsModel, model_class
from backend.served import Served
from backend.webhook import read_event
from goldloop.errors import GoldloopError
from goldloop.settings import Settings
from store.inbox import add_hint
from store.runs import agent_versions

MAX_TASKS = 10_000
# Anybody may post there, so less is read; an event that is larger only lists tasks that are new.
WEBHOOK_BYTES = 16 * 2**20
OPEN = ("health", "root", "webhook")


def create_app(folder: Path, settings: Settings) -> Flask:
    """The app for one project folder.

    Opens the store once to see that it is there. Raises StoreError, and SettingsError where others
    could reach it without a password.
    """
    check_credentials(settings.secrets, settings.backend.host)
    served = Served(folder, settings)
    with served.store():
        pass
    app = Flask("goldloop", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.backend.max_request_mb * 2**20
    app.extensions["goldloop"] = model_class(served)
    app.before_request(_authenticate)
    app.register_error_handler(Exception, _plain_error)
    app.add_url_rule("/health", view_func=health)
    app.add_url_rule("/", view_func=health, endpoint="root")
    app.add_url_rule("/setup", view_func=setup, methods=["POST"])
    app.add_url_rule("/predict", view_func=predict, methods=["POST"])
    app.add_url_rule("/versions", view_func=versions)
    app.add_url_rule("/webhook", view_func=webhook, methods=["POST"])
    return app


def health() -> Response:
    """Up, without touching the store: Label Studio waits one second for this."""
    return jsonify(status="UP", model_class=StoredRunsModel.__name__)


def setup() -> Response:
    """The model version. The body holds the project creator's token, so it is not even read."""
    return jsonify(model_version=_model().model_version)


def versions() -> Response:
    """Every agent version that has runs, the most runs first."""
    with _served().store() as db:
        return jsonify(versions=list(agent_versions(db)))


def predict() -> Response:
    """One prediction for each task of the request, in its order."""
    tasks = json_object().get("tasks")
    if not isinstance(tasks, list) or len(tasks) > MAX_TASKS:
        raise BadRequest(f"expected a list of at most {MAX_TASKS} tasks")
    return jsonify(results=_model().predict(tasks))


def webhook() -> tuple[Response, int]:
    """Take a hint for the worker."""
    limit = request.max_content_length
    request.max_content_length = min(limit or WEBHOOK_BYTES, WEBHOOK_BYTES)
    event = read_event(json_object())
    with _served().store() as db:
        add_hint(db, event.action, event.project_id, event.task_ids, event.annotation_ids)
    return jsonify(status="accepted"), 202


def _model() -> StoredRunsModel:
    return _model_class()()


def _served() -> Served:
    return _model_class().served


def _model_class() -> type[StoredRunsModel]:
    return cast(type[StoredRunsModel], current_app.extensions["goldloop"])


def _authenticate() -> None:
    asked = request.endpoint not in OPEN
    if asked and not is_allowed(_served().settings.secrets, request.authorization):
        challenge = WWWAuthenticate("basic", {"realm": "goldloop"})
        raise Unauthorized("this asks for the ML backend's user and password", None, challenge)


def _plain_error(error: Exception) -> Response:
    """The error as JSON, with the headers that belong to its status."""
    if not isinstance(error, HTTPException):
        _served().warn(f"{request.method} {request.path}", error)
        error = _refusal(error)
    response = cast(Response, error.get_response())
    # What werkzeug itself says is for a person at a browser.
    own = error.description != type(error).description
    response.data = json.dumps({"error": error.description if own else error.name})
    response.content_type = "application/json"
    if isinstance(error, RequestEntityTooLarge):
        # What of it was not read must not pass for the next request.
        response.headers["Connection"] = "close"
    return response


def _refusal(error: Exception) -> HTTPException:
    """What a stranger may know of it: no paths and no names."""
    why = "the ML backend's log says why"
    if isinstance(error, GoldloopError):
        return ServiceUnavailable(f"not available at the moment; {why}")
    return InternalServerError(f"internal error; {why}")
