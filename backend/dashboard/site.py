"""The dashboard's routes, and what is the same for all of its pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from backend.dashboard import (
    diff,
    disputes,
    evaluation,
    evaluation_case,
    evaluations,
    gates,
    lineage,
    loop,
    people,
    quality,
    rounds,
    versions,
)
from backend.dashboard.kept import oldest_shown
from backend.dashboard.links import sample_link
from backend.dashboard.numbers import FILTERS
from backend.dashboard.state import state_of
from backend.dashboard.version_folders import DamagedVersion, words_of
from backend.served import Served
from goldloop.errors import SettingsError, VersionError
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
    ("quality", "Quality", "How good is the agent?"),
    ("people", "People", "Do people agree?"),
    ("disputes", "Disputes", "What is disputed?"),
    ("versions", "Versions", "What is in the golden set?"),
    ("evaluations", "Evaluations", "Did the agent regress?"),
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
    # Of the app: what leads to /dashboard/, or is refused, belongs to no blueprint.
    site.after_app_request(_with_headers)
    site.context_processor(
        lambda: {"pages": PAGES, "project_name": served.folder.name, "address": _address()}
    )
    for name, filtered in FILTERS.items():
        site.add_app_template_filter(filtered, name)
    site.add_app_template_global(sample_link)
    site.add_app_template_global(oldest_shown)

    def page(rule: str, endpoint: str, values: Callable[..., Values], template: str) -> None:
        def view(**arguments: Any) -> Response:
            with served.store() as db:
                made = _page(project, db, endpoint, values, template, arguments)
            # Raised out here: a refusal is no fault of the store, which would be opened anew.
            if isinstance(made, HTTPException):
                raise made
            return made

        site.add_url_rule(rule, endpoint, view)

    page("/", "loop", loop.values, "loop.html")
    page("/rounds", "rounds", rounds.values, "rounds.html")
    page("/rounds/<int:round_id>", "round", rounds.one, "round.html")
    page("/quality", "quality", quality.values, "quality.html")
    page("/people", "people", people.values, "people.html")
    annotator = "/people/<int(signed=True):annotator_id>"
    page(annotator, "annotator", people.one, "annotator.html")
    page("/disputes", "disputes", disputes.values, "disputes.html")
    page("/disputes/<path:sample_id>", "dispute", disputes.one, "dispute.html")
    page("/samples/<path:sample_id>", "sample", lineage.values, "sample.html")
    page("/versions", "versions", versions.values, "versions.html")
    page("/versions/<dataset>/<version>", "version", versions.one, "version.html")
    page(
        "/versions/<dataset>/<version>/report",
        "version_report",
        versions.report,
        "version_report.html",
    )
    page("/diff", "diff", diff.values, "diff.html")
    page("/evaluations", "evaluations", evaluations.values, "evaluations.html")
    page("/evaluations/<int:evaluation_id>", "evaluation", evaluation.one, "evaluation.html")
    page(
        "/evaluations/<int:evaluation_id>/<path:sample_id>",
        "evaluation_case",
        evaluation_case.one,
        "evaluation_case.html",
    )
    page("/gates", "gates", gates.values, "gates.html")
    page("/gates/<int:gate_id>", "gate", gates.one, "gate.html")
    return site


def _page(
    project: Project,
    db: Store,
    endpoint: str,
    values: Callable[..., Values],
    template: str,
    arguments: Mapping[str, Any],
) -> Response | HTTPException:
    """A page, or why there is none; nothing at all for a browser that looks again and has the
    newest already.
    """
    state = state_of(project)
    if request.headers.get("X-State") == state:
        return Response(status=204)
    try:
        made = values(project, db, request.args, **arguments)
    except HTTPException as error:
        return error
    except VersionError as error:
        return DamagedVersion(words_of(project, error))
    except SettingsError as error:
        # Whoever may read these pages may know what to mend.
        return ServiceUnavailable(str(error))
    if oldest_shown():
        # The browser is to ask again, though nothing changes any more.
        state = f"{state}-older"
    return make_response(render_template(template, endpoint=endpoint, state=state, **made))


def _address() -> str:
    """Where this page is, as the browser asked for it: in a decoded path an id's own `?`, `#` or
    `%` would lead to another page.
    """
    query = quote(request.query_string, safe="%&=+:@/?,;!$'()*")
    return quote(request.script_root + request.path) + (query and f"?{query}")


def is_ours(path: str) -> bool:
    """Whether a path is one of the dashboard's."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def _with_headers(response: Response) -> Response:
    if not is_ours(request.path):
        return response
    response.headers.update(HEADERS)
    if request.endpoint != "dashboard.static":
        response.headers["Cache-Control"] = "no-store"
    return response


def error_page(error: HTTPException) -> Response:
    """What a browser is shown in place of a page, with the headers that belong to the status; who
    may not be answered is told nothing else, not even the project's name.
    """
    refused = error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    hidden = {"pages": (), "project_name": ""} if refused else {}
    page = render_template("error.html", error=error, endpoint=None, state="", **hidden)
    response = cast(Response, error.get_response())
    response.set_data(page)
    response.content_type = "text/html; charset=utf-8"
    return response
