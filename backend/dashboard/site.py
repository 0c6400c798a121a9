"""The dashboard's routes, and what is the same for all of its pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import Forbidden, HTTPException

from backend.access import is_loopback
from backend.dashboard import loop, rounds
from backend.dashboard.numbers import FILTERS
from backend.dashboard.state import state_of
from backend.served import Served
from store.database import Store
from views.project import Project

PREFIX = "/dashboard"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# In the order of the loop: endpoint, title, and the question that the page answers.
PAGES = (
    ("loop", "Loop", "Where does the loop stand?"),
    ("rounds", "Rounds", "What was picked, and why?"),
)

Values = Mapping[str, Any]


def dashboard(served: Served) -> Blueprint:
    """The pages for one project, under `PREFIX`."""
    site = Blueprint(
        "dashboard",
        __name__,
        url_prefix=PREFIX,
        template_folder="templates",
        static_folder="static",
    )
    project = Project(served.folder, served.settings)
    site.before_request(lambda: _known_host(served))
    site.after_request(_with_headers)
    site.context_processor(lambda: {"pages": PAGES, "project_name": served.folder.name})
    for name, filtered in FILTERS.items():
        site.add_app_template_filter(filtered, name)

    def page(rule: str, endpoint: str, values: Callable[..., Values], template: str) -> None:
        def view(**arguments: Any) -> Response:
            with served.store() as db:
                return _page(project, db, endpoint, values, template, arguments)

        site.add_url_rule(rule, endpoint, view)

    page("/", "loop", loop.values, "loop.html")
    page("/rounds", "rounds", rounds.values, "rounds.html")
    page("/rounds/<int:round_id>", "round", rounds.one, "round.html")
    return site


def _page(
    project: Project,
    db: Store,
    endpoint: str,
    values: Callable[..., Values],
    template: str,
    arguments: Mapping[str, Any],
) -> Response:
    """A page; nothing at all for a browser that looks again and has the newest already."""
    state = state_of(project)
    if request.headers.get("X-State") == state:
        return Response(status=204)
    made = values(project, db, request.args, **arguments)
    return make_response(render_template(template, endpoint=endpoint, state=state, **made))


def _known_host(served: Served) -> None:
    """Without a password only this machine's own names are answered: another site could otherwise
    point a name of its own at us, and read what a browser here may read.
    """
    host = request.host.rpartition(":")[0] or request.host
    if not served.settings.secrets.backend_password and not is_loopback(host.strip("[]")):
        raise Forbidden("without a password, the dashboard answers to localhost alone")


def _with_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    if request.endpoint != "dashboard.static":
        response.headers["Cache-Control"] = "no-store"
    return response


def error_page(error: HTTPException) -> Response:
    """What a browser is shown in place of a page."""
    response = make_response(render_template("error.html", error=error, endpoint=None, state=""))
    response.status_code = error.code or 500
    return _with_headers(response)
