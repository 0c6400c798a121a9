"""The HTTP surface that Label Studio talks to: the ML backend protocol and the webhook receiver.

    GET  /health        is it up
    POST /setup         which model version is served
    POST /predict       predictions for tasks
    GET  /versions      the model versions that there are
    POST /webhook       something happened, or training is to start; a hint for the worker
    GET  /metrics       figures for Prometheus
    GET  /openapi.json  all this for a program
    GET  /dashboard/    pages for a browser

What changes or shows anything asks for the basic credentials when they are set; a webhook is known
by its own secret. Errors are short JSON: {"error": "..."}.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from flask import Flask, Response, current_app, json, jsonify, request
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    RequestEntityTooLarge,
    ServiceUnavailable,
    Unauthorized,
)

from backend.access import Sender, check_credentials, check_host, is_allowed, webhook_sender
from backend.bodies import forget_body, json_object, small_json_object
from backend.dashboard.site import dashboard, error_page, is_ours
from backend.model import StoredRunsModel, model_class
from backend.observed import observe, told
from backend.openapi import MAX_TASKS, description
from backend.served import Served
from backend.webhook import Event, ids_among, keep_event, read_event
from goldloop.errors import GoldloopError
from goldloop.settings import Settings
from goldloop.webhooks import HEADER, START_TRAINING
from store.calibrators import model_version
from store.inbox import LOOK_AGAIN
from store.runs import agent_versions

# Of what Label Studio sends, only a list of new tasks is ever larger, and we do not ask for those.
WEBHOOK_BYTES = 16 * 2**20
OPEN = ("health", "root", "webhook", "openapi")


def create_app(folder: Path, settings: Settings) -> Flask:
    """The app for one project folder.

    Looks into the store once to see that it is there. Raises StoreError, and SettingsError where
    others could reach it without a password.
    """
    check_credentials(settings.secrets, settings.backend.host)
    served = Served(folder, settings)
    served.check_store()
    app = Flask("goldloop", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.backend.max_request_mb * 2**20
    app.extensions["goldloop"] = model_class(served)
    observe(app, served)
    app.before_request(_authenticate)
    app.register_error_handler(Exception, _plain_error)
    app.add_url_rule("/health", view_func=health)
    app.add_url_rule("/", view_func=health, endpoint="root")
    app.add_url_rule("/setup", view_func=setup, methods=["POST"])
    app.add_url_rule("/predict", view_func=predict, methods=["POST"])
    app.add_url_rule("/versions", view_func=versions)
    app.add_url_rule("/webhook", view_func=webhook, methods=["POST"])
    app.add_url_rule("/metrics", view_func=metrics)
    app.add_url_rule("/openapi.json", view_func=openapi)
    app.register_blueprint(dashboard(served))
    return app


def health() -> Response:
    """Up, without touching the store: Label Studio waits one second for this."""
    return jsonify(status="UP", model_class=StoredRunsModel.__name__)


def setup() -> Response:
    """The model version. The body holds the project creator's token, so it is not even read."""
    return jsonify(model_version=_model().model_version)


def versions() -> Response:
    """Every agent version that has runs, as it is calibrated now, the most runs first."""
    with _served().store() as db:
        return jsonify(versions=[model_version(db, name) for name in agent_versions(db)])


def predict() -> Response:
    """One prediction for each task of the request, in its order."""
    tasks = json_object().get("tasks")
    if not isinstance(tasks, list) or len(tasks) > MAX_TASKS:
        raise BadRequest(f"expected a list of at most {MAX_TASKS} tasks")
    results = _model().predict(tasks)
    _served().metrics.predictions.inc(len(results))
    ids = ids_among(task.get("id") for task in tasks if isinstance(task, dict))
    told(f"predicted {len(results)} tasks", task_ids=ids)
    return jsonify(results=results)


def webhook() -> tuple[Response, int]:
    """Take a hint for the worker."""
    served = _served()
    sender = webhook_sender(served.settings.secrets, request.headers.get(HEADER))
    if sender is Sender.FORGED:
        forget_body()
        challenge = WWWAuthenticate(HEADER.lower(), {"realm": "goldloop"})
        raise Unauthorized(f"{HEADER} is not the secret of this backend", None, challenge)
    event = _told_event() if sender is Sender.OURS else _asked_event()
    with served.inbox() as db:
        event_id = keep_event(db, event)
    known = event.is_known or event.action == START_TRAINING
    believed = sender is Sender.OURS or event.action == START_TRAINING
    action = event.action if known else "other"
    served.metrics.received.labels(action if believed else "unsigned").inc()
    # What changes nothing is told of nobody: strangers could send it without end.
    if event_id is not None:
        told(
            f"webhook {event.action}",
            event_id=event_id,
            task_ids=event.task_ids,
            annotation_ids=event.annotation_ids,
        )
    return jsonify(status="accepted"), 202


def _told_event() -> Event:
    """The event in the body; only for who shows our secret."""
    limit = request.max_content_length
    request.max_content_length = min(limit or WEBHOOK_BYTES, WEBHOOK_BYTES)
    return read_event(json_object())


def _asked_event() -> Event:
    """Training, where Label Studio asks for it as the ML backend's user; else only that something
    happened, and nothing of the body is kept.
    """
    body = {}
    if is_allowed(_served().settings.secrets, request.authorization):
        body = small_json_object()
    if body.get("action") == START_TRAINING:
        return read_event(body)
    forget_body()
    return Event(LOOK_AGAIN, None, (), ())


def metrics() -> Response:
    """Figures in Prometheus' text format."""
    return Response(_served().metrics.page(), content_type=CONTENT_TYPE_LATEST)


def openapi() -> Response:
    """The OpenAPI description of this surface, as it is set up here."""
    return jsonify(description(_served().settings))


def _model() -> StoredRunsModel:
    return _model_class()()


def _served() -> Served:
    return _model_class().served


def _model_class() -> type[StoredRunsModel]:
    return cast(type[StoredRunsModel], current_app.extensions["goldloop"])


def _authenticate() -> None:
    if request.endpoint in OPEN:
        return
    check_host(_served().settings, request.host)
    if not is_allowed(_served().settings.secrets, request.authorization):
        challenge = WWWAuthenticate("basic", {"realm": "goldloop"})
        raise Unauthorized("this asks for the ML backend's user and password", None, challenge)


def _plain_error(error: Exception) -> Response:
    """The error as JSON, with the headers that belong to its status."""
    if not isinstance(error, HTTPException):
        _served().warn(f"{request.method} {request.path}", error)
        error = _refusal(error)
    if is_ours(request.path):
        return error_page(error)
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
