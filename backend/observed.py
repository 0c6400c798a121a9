"""What is counted and told of each request: at most one line, and never what was in it."""

from __future__ import annotations

from logging import WARNING
from time import perf_counter

from flask import Flask, Response, g, request

from backend.logs import Seldom
from backend.metrics import ENDPOINTS
from backend.served import Served
from goldloop.log_lines import Fact

WHY_REFUSED = {
    400: "malformed",
    401: "wrong_secret",
    413: "too_large",
    415: "malformed",
}


def observe(app: Flask, served: Served) -> None:
    """Count every request of the app, and log those that are worth a line.

    Those are the ones that a view called `told` for, and refusals, of which strangers could send
    any number: one a second of each kind.
    """
    seldom = Seldom()

    def begin() -> None:
        g.begun = perf_counter()

    def end(response: Response) -> Response:
        endpoint = _endpoint()
        seconds = perf_counter() - g.get("begun", perf_counter())
        served.metrics.seconds.labels(endpoint).observe(seconds)
        status = response.status_code
        if endpoint == "webhook" and status >= 400:
            served.metrics.refused.labels(WHY_REFUSED.get(status, "not_stored")).inc()
        facts: dict[str, Fact] = {
            "endpoint": endpoint,
            "status": status,
            "ms": round(1000 * seconds, 1),
        }
        if 400 <= status < 500:
            _tell_refusal(served, seldom, facts)
        elif "told" in g:
            what, own = g.told
            served.tell(what, {**facts, **own})
        return response

    app.before_request(begin)
    app.after_request(end)


def told(what: str, **facts: Fact) -> None:
    """Have a line logged about this request when it is answered."""
    g.told = (what, facts)


def _endpoint() -> str:
    """The view's name; `other` for none, because a path can be anything."""
    name = {"root": "health"}.get(request.endpoint or "", request.endpoint)
    return name if name in ENDPOINTS else "other"


def _tell_refusal(served: Served, seldom: Seldom, facts: dict[str, Fact]) -> None:
    held = seldom.passes((facts["endpoint"], facts["status"]))
    if held is not None:
        # Without what follows the path: people put tokens there.
        what = f"refused {request.method} {request.path}"
        served.tell(what, {**facts, "held_back": held or None}, WARNING)
