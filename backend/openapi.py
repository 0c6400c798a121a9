"""The OpenAPI description of the HTTP surface, true to how this backend is set up."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from goldloop.settings import Settings
from goldloop.webhooks import HEADER, KNOWN_ACTIONS, START_TRAINING

MAX_TASKS = 10_000

ERRORS = {
    400: "The body is not JSON, or not of this shape",
    401: "The credentials are missing or wrong",
    413: "The body is larger than what is taken",
    415: "The content type is not JSON",
    500: "Something went wrong here; the log says what",
    503: "The store cannot be used at the moment",
}
_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}


def description(settings: Settings) -> dict[str, Any]:
    """The description as JSON: what each endpoint takes and answers, and whom."""
    asks = bool(settings.secrets.backend_password)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Goldloop's ML backend",
            "version": version("goldloop"),
            "description": "Label Studio's ML backend protocol, and the receiver of its webhooks."
            " The pages under /dashboard/ are for people and not described here.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/": {"get": _health("isUpAtRoot")},
            "/health": {"get": _health("isUp")},
            "/setup": {"post": _protected(_setup(), asks)},
            "/predict": {"post": _protected(_predict(), asks)},
            "/versions": {"get": _protected(_versions(), asks)},
            "/webhook": {"post": _webhook(settings)},
            "/metrics": {"get": _protected(_metrics(), asks)},
            "/openapi.json": {"get": _openapi()},
        },
        "components": {
            "securitySchemes": {
                "credentials": {"type": "http", "scheme": "basic"},
                "webhookSecret": {"type": "apiKey", "in": "header", "name": HEADER},
            },
            "schemas": {"Error": _object({"error": _TEXT}), "Event": _event()},
        },
    }


def _health(name: str) -> dict[str, Any]:
    return _operation(
        name,
        "Whether it is up; the store is not asked",
        {200: ("Up", _object({"status": {"const": "UP"}, "model_class": _TEXT}))},
    )


def _setup() -> dict[str, Any]:
    return _operation(
        "setUp",
        "The model version that is served; the body is not read",
        {200: ("The model version", _object({"model_version": _TEXT}))},
        (500, 503),
    ) | {"requestBody": {"required": False, "content": {"application/json": {"schema": {}}}}}


def _predict() -> dict[str, Any]:
    tasks = {"type": "array", "maxItems": MAX_TASKS, "items": {}}
    prediction = _object(
        {
            "result": {"type": "array", "items": _OBJECT},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "model_version": _TEXT,
        }
    )
    results = _object({"results": {"type": "array", "items": prediction}})
    return _operation(
        "predict",
        "One prediction for each task, in order, within [backend] deadline; an empty one for what "
        "is not a task of ours, or has no run by then",
        {200: ("The predictions", results)},
        (400, 413, 415, 500, 503),
        _object({"tasks": tasks}),
    )


def _versions() -> dict[str, Any]:
    versions = _object({"versions": {"type": "array", "items": _TEXT}})
    summary = "The agent versions that have runs"
    return _operation("listVersions", summary, {200: ("The versions", versions)}, (500, 503))


def _webhook(settings: Settings) -> dict[str, Any]:
    summary = (
        "Something happened. Of what comes without the secret the body is not read, and it is "
        f"worth one hint to look again; {START_TRAINING} counts from the ML backend's user as well"
    )
    accepted = _object({"status": {"const": "accepted"}})
    body = {"$ref": "#/components/schemas/Event"}
    errors = (400, 413, 415, 500, 503)
    found = _operation("takeEvent", summary, {202: ("Kept for the worker", accepted)}, errors, body)
    if settings.secrets.webhook_secret:
        found["responses"]["401"] = _error(401)
        return found | {"security": [{"webhookSecret": []}, {}]}
    return found


def _event() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["action"],
        "properties": {
            "action": {
                "type": "string",
                "pattern": "^[A-Z][A-Z_]{0,49}$",
                "description": f"The ids are taken of: {', '.join(KNOWN_ACTIONS)}",
            }
        },
        "additionalProperties": True,
    }


def _metrics() -> dict[str, Any]:
    found = _operation("listMetrics", "Figures for Prometheus", {})
    return found | {"responses": {"200": {"description": "Figures", "content": {"text/plain": {}}}}}


def _openapi() -> dict[str, Any]:
    return _operation("describe", "This description", {200: ("The description", _OBJECT)})


def _operation(
    name: str,
    summary: str,
    answers: Mapping[int, tuple[str, Mapping[str, Any]]],
    errors: tuple[int, ...] = (),
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "responses": {
            **{str(status): _answer(*answer) for status, answer in answers.items()},
            **{str(status): _error(status) for status in errors},
        },
    }
    if body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return found


def _protected(operation: dict[str, Any], asks: bool) -> dict[str, Any]:
    """The operation, and that it asks for the credentials where they are set."""
    if not asks:
        return operation
    refused = {
        **_error(401),
        "headers": {"WWW-Authenticate": {"schema": _TEXT, "required": True}},
    }
    responses = {**operation["responses"], "401": refused}
    return operation | {"security": [{"credentials": []}], "responses": responses}


def _answer(says: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": says, "content": {"application/json": {"schema": schema}}}


def _error(status: int) -> dict[str, Any]:
    return _answer(ERRORS[status], {"$ref": "#/components/schemas/Error"})


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object that has all of these."""
    return {"type": "object", "required": list(properties), "properties": properties}
