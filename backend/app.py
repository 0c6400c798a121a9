"""The HTTP surface that Label Studio talks to: the ML backend protocol and the webhook receiver.

    GET  /health    is it up
    POST /setup     which model version is served
    POST /predict   predictions for tasks
    GET  /versions  the model versions that there are
    POST /webhook   something happened; a hint for the worker

Everything but `/health` and `/webhook` asks for the basic credentials when they are set. The
webhook that Label Studio registers by itself with an ML backend carries none, so what arrives there
is worth no more than a hint, which the worker checks with Label Studio.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, request
from werkzeug.exceptions import HTTPException

from agents.base import Agent
from agents.from_settings import agent_from_settings
from backend.model import StoredRunsModel
from goldloop.errors import GoldloopError
from goldloop.settings import Settings
from label_config.interface import Interface, read_interface
from label_config.named import named_interface
from store.database import Store, open_store
from store.inbox import add_hint
from store.runs import agent_versions, named_version
from store.tasks import review_project

MAX_TASKS = 10_000
MAX_IDS = 10_000
logger = logging.getLogger("goldloop.backend")


def create_app(folder: Path, settings: Settings) -> Flask:
    """The app for one project folder; it opens the store once to see that it is there."""
    app = Flask("goldloop")
    app.config["MAX_CONTENT_LENGTH"] = settings.backend.max_request_mb * 2**20
    app.extensions["goldloop"] = _Served(folder, settings)
    open_store(folder / settings.store.path).close()
    app.before_request(_authenticate)
    app.teardown_appcontext(_close_store)
    app.register_error_handler(Exception, _plain_error)
    app.add_url_rule("/health", view_func=health)
    app.add_url_rule("/", view_func=health, endpoint="root")
    app.add_url_rule("/setup", view_func=setup, methods=["POST"])
    app.add_url_rule("/predict", view_func=predict, methods=["POST"])
    app.add_url_rule("/versions", view_func=versions)
    app.add_url_rule("/webhook", view_func=webhook, methods=["POST"])
    return app


class _Served:
    """What the views need, made once a process."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.agent: Agent | None = None

    def live_agent(self, version: str) -> Agent | None:
        """The agent for samples without a run; None for recorded runs."""
        if self.settings.agent.kind == "recorded":
            return None
        if self.agent is None or self.agent.version != version:
            self.agent = agent_from_settings(self.settings, self.folder, version)
        return self.agent


def _served() -> _Served:
    served = current_app.extensions["goldloop"]
    assert isinstance(served, _Served)  # noqa: S101 - for the type checker
    return served


def _store() -> Store:
    if "db" not in g:
        served = _served()
        g.db = open_store(served.folder / served.settings.store.path)
    db: Store = g.db
    return db


def _close_store(_: BaseException | None) -> None:
    db = g.pop("db", None)
    if db is not None:
        db.close()


def _authenticate() -> Response | None:
    secrets = _served().settings.secrets
    if request.endpoint in ("health", "root", "webhook") or not secrets.backend_password:
        return None
    given = request.authorization
    # Both are compared, in constant time, so that the time tells nothing of either.
    user = hmac.compare_digest(
        _bytes(given.username if given else None), _bytes(secrets.backend_user)
    )
    password = hmac.compare_digest(
        _bytes(given.password if given else None), _bytes(secrets.backend_password)
    )
    if user & password:
        return None
    answer = jsonify(error="basic credentials are asked for here")
    answer.status_code = 401
    answer.headers["WWW-Authenticate"] = 'Basic realm="goldloop"'
    return answer


def _bytes(text: str | None) -> bytes:
    return (text or "").encode()


def _plain_error(error: Exception) -> tuple[Response, int]:
    if isinstance(error, HTTPException):
        return jsonify(error=error.description), error.code or 500
    if isinstance(error, GoldloopError):
        logger.error("%s %s: %s", request.method, request.path, error)
        return jsonify(error=str(error)), 503
    logger.exception("%s %s failed", request.method, request.path)
    return jsonify(error="internal error; see the backend's log"), 500


def health() -> Response:
    """Up, without touching the store: Label Studio waits one second for this."""
    return jsonify(status="UP", model_class="StoredRunsModel")


def setup() -> Response:
    """The model version. The body holds the project creator's token, which is not even read."""
    return jsonify(model_version=_version(_store()))


def versions() -> Response:
    """Every agent version that has runs."""
    return jsonify(versions=list(agent_versions(_store())))


def predict() -> tuple[Response, int]:
    """One prediction for each task of the request, in its order."""
    body = request.get_json(silent=True)
    tasks = body.get("tasks") if isinstance(body, Mapping) else None
    if not isinstance(tasks, list) or len(tasks) > MAX_TASKS:
        return jsonify(error=f"expected JSON with a list of at most {MAX_TASKS} tasks"), 400
    model = _model()
    return jsonify(results=model.predict(tasks), model_version=model.model_version), 200


def _model() -> StoredRunsModel:
    served, db = _served(), _store()
    version = _version(db)
    return StoredRunsModel(
        db=db,
        interface=_interface(served, db),
        prefill=served.settings.label_studio.prefill,
        agent=served.live_agent(version),
        model_version=version,
        report=lambda sample_id, why: logger.warning("sample %s: %s", sample_id, why),
    )


def _version(db: Store) -> str:
    return named_version(db, _served().settings.agent)


def _interface(served: _Served, db: Store) -> Interface:
    """What annotators were shown, not what the request claims: the request is not trusted."""
    made = review_project(db)
    if made is not None:
        return read_interface(made.label_config)
    return named_interface(served.settings.label_studio.interface, served.folder)


def webhook() -> tuple[Response, int]:
    """Keep the ids of what happened; the worker asks Label Studio what it was."""
    body = request.get_json(silent=True)
    action = body.get("action") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(action, str) or len(action) > 100:
        return jsonify(error="expected JSON with an action"), 400
    annotations, tasks = _ids(body, "annotation"), _ids(body, "task")
    tasks += [t for one in _objects(body, "annotation") if (t := one.get("task")) is not None]
    project = next(iter(_ids(body, "project")), None)
    add_hint(_store(), action, project, _whole(tasks), _whole(annotations))
    return jsonify(status="accepted"), 202


def _objects(body: Mapping[str, Any], noun: str) -> list[Mapping[str, Any]]:
    """What the body holds under `noun` or its plural: one object or a list of them."""
    found: list[Any] = []
    for key in (noun, f"{noun}s"):
        value = body.get(key)
        found += value if isinstance(value, list) else [value]
    return [one for one in found[:MAX_IDS] if isinstance(one, Mapping)]


def _ids(body: Mapping[str, Any], noun: str) -> list[Any]:
    return [one.get("id") for one in _objects(body, noun)]


def _whole(values: Iterable[Any]) -> list[int]:
    """The ids among hostile values: positive whole numbers that SQLite can hold, once each."""
    good = {v for v in values if isinstance(v, int) and not isinstance(v, bool) and 0 < v < 2**53}
    return sorted(good)
