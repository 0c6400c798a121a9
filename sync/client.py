"""The calls that Goldloop makes to Label Studio, through its SDK, with errors in plain words.

Nothing here retries a call that writes: Label Studio's import is not idempotent, and the SDK's own
retries after a dropped connection would import a batch twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self, cast

import httpx
from label_studio_sdk.core.api_error import ApiError

from goldloop.errors import LabelStudioError
from sync.certificates import certificates
from sync.task_filters import in_parts, task_filter

TIMEOUT_SECONDS = 300
# Ids travel in the address, and some proxies refuse one of more than 4 kB.
EXPORT_IDS = 200
PAGE = 1000
# Tasks with all that people answered: one with a long conversation is megabytes.
ANNOTATED_PAGE = 500
ANNOTATED = (
    "id,data,meta,annotations,result,was_cancelled,ground_truth,lead_time,completed_by,updated_by,"
    "created_at,updated_at"
)
# Without it Label Studio leaves the annotations out, whatever is included.
ALL_FIELDS = {"fields": "all", "resolve_uri": "false"}
# How Label Studio answers where it cannot put something into JSON.
SERVER_ERROR = 500
NO_RETRY = {"max_retries": 0, "timeout_in_seconds": TIMEOUT_SECONDS}


class LabelStudioClient:
    """One server, seen with one token (a legacy token or a personal access token).

    It holds connections: close it, or use it as a context manager.
    """

    def __init__(self, url: str, api_key: str) -> None:
        api_key = _clean(api_key, url)
        # Of the SDK only what speaks HTTP: the rest imports pandas and more, for over a second. And
        # here, because most commands need not even that.
        from label_studio_sdk.core.client_wrapper import SyncClientWrapper

        self.url = url.rstrip("/")
        self._http = httpx.Client(
            timeout=TIMEOUT_SECONDS, follow_redirects=True, verify=certificates()
        )
        with self._plainly("read the token"):
            self._sdk = SyncClientWrapper(
                # Without the slash the SDK refreshes a token beside a path, not under it.
                base_url=f"{self.url}/",
                api_key=api_key,
                timeout=TIMEOUT_SECONDS,
                max_retries=0,
                httpx_client=self._http,
            )
        self.token_kind = "personal access token" if api_key.count(".") == 2 else "legacy token"

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def version(self) -> str:
        """Label Studio's release, such as 1.23.2."""
        return str(self.call("GET", "api/version", "ask its version")["release"])

    def whoami(self) -> Mapping[str, Any]:
        """The user that the token belongs to."""
        return cast(Mapping[str, Any], self.call("GET", "api/current-user/whoami", "log in"))

    def people(self) -> list[tuple[int, str, str]]:
        """Everybody in the organisation: id, e-mail address, name."""
        found = self.call("GET", "api/users", "list the users")
        return [
            (
                user["id"],
                user["email"],
                f"{user.get('first_name', '')} {user.get('last_name', '')}".strip(),
            )
            for user in found
        ]

    def create_project(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """A new project; `fields` in the API's own names."""
        return cast(
            Mapping[str, Any], self.call("POST", "api/projects/", "create the project", fields)
        )

    def update_project(self, project_id: int, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change some fields of a project."""
        path = f"api/projects/{project_id}/"
        return cast(
            Mapping[str, Any], self.call("PATCH", path, f"change project {project_id}", fields)
        )

    def project(self, project_id: int) -> Mapping[str, Any] | None:
        """The project, or None when there is none of that id (any more)."""
        found = self.call_or_none(
            "GET", f"api/projects/{project_id}/", f"read project {project_id}"
        )
        return cast("Mapping[str, Any] | None", found)

    def project_described(self, mark: str) -> Mapping[str, Any] | None:
        """The oldest project whose description holds `mark`; None when there is none."""
        # Without `include`, Label Studio reads every project's interface and counts its tasks.
        wanted = {"page_size": 100, "include": "id,description"}
        page, found = 1, []
        while page:
            answer = self.call(
                "GET", "api/projects/", "list the projects", params={"page": page, **wanted}
            )
            found += [p["id"] for p in answer["results"] if mark in (p.get("description") or "")]
            page = page + 1 if answer.get("next") else 0
        return self.project(min(found)) if found else None

    def views(self, project_id: int) -> list[Mapping[str, Any]]:
        """The tabs of a project's Data Manager."""
        path = "api/dm/views/"
        return list(self.call("GET", path, "list the tabs", params={"project": project_id}))

    def create_view(self, project_id: int, fields: Mapping[str, Any]) -> None:
        """A new tab in a project's Data Manager, for everybody."""
        body = {"project": project_id, "data": fields}
        self.call("POST", "api/dm/views/", f"add a tab to project {project_id}", body)

    def refuses_address(self, project_id: int, url: str) -> list[str]:
        """For what Label Studio refuses this address: "ML backends", "webhooks", both or nothing.

        Both questions are asked in a way that registers nothing: a backend that nobody answers for,
        and a webhook for an action that there is not.
        """
        asked = {
            "ML backends": ("api/ml/", {"url": url, "project": project_id}),
            "webhooks": (
                "api/webhooks/",
                {"url": url, "project": project_id, "actions": ["NO_SUCH_ACTION"]},
            ),
        }
        return [what for what, (path, body) in asked.items() if self._is_forbidden(path, body)]

    def _is_forbidden(self, path: str, body: Mapping[str, Any]) -> bool:
        try:
            self.call("POST", path, "take an address", body)
        except LabelStudioError as error:
            return isinstance(error.__cause__, ApiError) and error.__cause__.status_code == 403
        return False

    def import_tasks(self, project_id: int, tasks: bytes) -> list[int]:
        """Import a JSON list of tasks in one call, all or nothing; their ids in the order given."""
        path, params = f"api/projects/{project_id}/import", {"return_task_ids": "true"}
        what = f"import tasks into project {project_id}"
        answer = self.call("POST", path, what, tasks, params)
        return [int(task_id) for task_id in answer["task_ids"] or ()]

    def find_tasks(self, project_id: int, sample_ids: Sequence[str]) -> dict[str, list[int]]:
        """Which of these samples have tasks, found by the `sample_id` in the task's data.

        Only tasks that Goldloop made count. Ids are in rising order; more than one means that a
        task arrived twice.
        """
        found: dict[str, list[int]] = {}
        for some in in_parts(sample_ids):
            among = task_filter("data.sample_id", "in_list", "String", some)
            for task in self.tasks_where(project_id, [among], "id,data,meta"):
                if is_ours(task):
                    found.setdefault(task["data"]["sample_id"], []).append(task["id"])
        return {sample_id: sorted(ids) for sample_id, ids in found.items()}

    def update_task(self, task_id: int, fields: Mapping[str, Any]) -> bool:
        """Change some fields of a task; whether it is there."""
        path = f"api/tasks/{task_id}/"
        return self.call_or_none("PATCH", path, f"change task {task_id}", body=fields) is not None

    def delete_task(self, task_id: int) -> None:
        """Delete one task; it is no error when it is gone already."""
        path = f"api/tasks/{task_id}/"
        self.call_or_none("DELETE", path, f"delete task {task_id}")

    def newest_change(self, project_id: int) -> str | None:
        """When a task of the project last changed, by the server's clock; None without tasks."""
        query = {"ordering": ["-tasks:updated_at"]}
        page = self.task_page(project_id, query, "id,updated_at", 1, 1)
        return str(page[0]["updated_at"]) if page else None

    def tasks_changed_since(self, project_id: int, moment: str) -> Iterator[int]:
        """Ids of the tasks that changed after an ISO 8601 moment of the server's clock."""
        changed = task_filter("updated_at", "greater", "Datetime", moment)
        for task in self.tasks_where(project_id, [changed], "id"):
            yield task["id"]

    def all_tasks(self, project_id: int) -> Iterator[int]:
        """The ids of all tasks of the project, in rising order."""
        for task in self.tasks_where(project_id, [], "id"):
            yield task["id"]

    def tasks_where(
        self, project_id: int, filters: Sequence[Mapping[str, Any]], include: str
    ) -> Iterator[Mapping[str, Any]]:
        """The tasks that pass all filters, by id. Goes on after the last id, since page numbers
        shift when somebody deletes a task meanwhile.
        """
        last = 0
        while True:
            items = [*filters, task_filter("id", "greater", "Number", last)]
            query = {
                "filters": {"conjunction": "and", "items": items},
                "ordering": ["tasks:id"],
            }
            page = self.task_page(project_id, query, include, 1, PAGE)
            yield from page
            if len(page) < PAGE:
                return
            last = page[-1]["id"]

    def task_page(
        self,
        project_id: int,
        query: Mapping[str, Any],
        include: str,
        number: int,
        size: int,
        more: Mapping[str, Any] | None = None,
    ) -> list[Mapping[str, Any]]:
        """One page of tasks; empty past the end, which Label Studio answers with a 404."""
        params = {
            "project": project_id,
            "query": json.dumps(query),
            "include": include,
            "page": number,
            "page_size": size,
            **(more or {}),
        }
        what = f"list the tasks of project {project_id}"
        answer = self.call_or_none("GET", "api/tasks", what, params)
        return [] if answer is None else list(answer["tasks"])

    def annotated_pages(
        self, project_id: int, since: str | None = None
    ) -> Iterator[list[Mapping[str, Any]]]:
        """The tasks of a project with their annotations, in the order of their ids, 500 at a time:
        all, or those that changed after an ISO 8601 moment of the server's clock.
        """
        changed = [] if since is None else [task_filter("updated_at", "greater", "Datetime", since)]
        last = 0
        while True:
            query = {
                "filters": {
                    "conjunction": "and",
                    "items": [*changed, task_filter("id", "greater", "Number", last)],
                },
                "ordering": ["tasks:id"],
            }
            page = self.task_page(project_id, query, ANNOTATED, 1, ANNOTATED_PAGE, ALL_FIELDS)
            yield page
            if len(page) < ANNOTATED_PAGE:
                return
            last = page[-1]["id"]

    def export(self, project_id: int, task_ids: Sequence[int] | None = None) -> Iterator[Any]:
        """Tasks with all their annotations; every task of the project, or those that exist of
        `task_ids`. Tasks without annotations are among them.
        """
        if task_ids is None:
            yield from self._export(project_id, {})
            return
        for start in range(0, len(task_ids), EXPORT_IDS):
            chunk = task_ids[start : start + EXPORT_IDS]
            yield from self._export(project_id, {"ids[]": list(chunk)})

    def _export(self, project_id: int, ids: Mapping[str, Any]) -> Iterator[Any]:
        path = f"api/projects/{project_id}/export"
        params = {"exportType": "JSON", "download_all_tasks": "true", **ids}
        found = self.call("GET", path, f"export project {project_id}", params=params)
        yield from found

    def ml_backends(self, project_id: int) -> list[Mapping[str, Any]]:
        """The ML backends that are registered with a project."""
        path = "api/ml/"
        return list(self.call("GET", path, "list the ML backends", params={"project": project_id}))

    def register_ml_backend(self, fields: Mapping[str, Any]) -> None:
        """Register an ML backend; `fields` in the API's own names."""
        self.call("POST", "api/ml/", f"register the ML backend {fields['url']}", fields)

    def update_ml_backend(self, backend_id: int, fields: Mapping[str, Any]) -> None:
        """Change a registered ML backend."""
        what = f"change the ML backend {fields['url']}"
        self.call("PATCH", f"api/ml/{backend_id}", what, fields)

    def webhooks(self, project_id: int) -> list[Mapping[str, Any]]:
        """The webhooks of a project, with their headers."""
        params = {"project": project_id}
        return list(self.call("GET", "api/webhooks/", "list the webhooks", params=params))

    def create_webhook(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """A new webhook; `fields` in the API's own names."""
        what = f"add the webhook {fields['url']}"
        return cast(Mapping[str, Any], self.call("POST", "api/webhooks/", what, fields))

    def update_webhook(self, webhook_id: int, fields: Mapping[str, Any]) -> None:
        """Change a webhook. Give its `actions` too: without them Label Studio forgets them all."""
        what = f"change the webhook {fields['url']}"
        self.call("PATCH", f"api/webhooks/{webhook_id}/", what, fields)

    def delete_webhook(self, webhook_id: int) -> None:
        """Delete a webhook; it is no error when it is gone already."""
        path = f"api/webhooks/{webhook_id}/"
        self.call_or_none("DELETE", path, f"delete webhook {webhook_id}")

    def create_annotation(self, task_id: int, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """A new annotation by the token's user."""
        path = f"api/tasks/{task_id}/annotations/"
        what = f"annotate task {task_id}"
        return cast(Mapping[str, Any], self.call("POST", path, what, fields))

    def create_annotation_once(
        self, project_id: int, task_id: int, fields: Mapping[str, Any]
    ) -> int | None:
        """The id of the annotation with this `unique_id`: a new one, or the one that an earlier try
        made, changed to these fields; None when the task is gone.
        """
        try:
            return int(self.create_annotation(task_id, fields)["id"])
        except LabelStudioError as error:
            status = error.__cause__.status_code if isinstance(error.__cause__, ApiError) else None
            if status == 404:
                return None
            if status != 409:
                raise
        made = (one for task in self.export(project_id, [task_id]) for one in task["annotations"])
        known = next(one["id"] for one in made if one["unique_id"] == fields["unique_id"])
        self.update_annotation(known, fields)
        return int(known)

    def update_annotation(self, annotation_id: int, fields: Mapping[str, Any]) -> bool:
        """Change some fields of an annotation; whether it is there."""
        path = f"api/annotations/{annotation_id}/"
        what = f"change annotation {annotation_id}"
        return self.call_or_none("PATCH", path, what, body=fields) is not None

    def next_task(self, project_id: int) -> Mapping[str, Any] | None:
        """The task that the queue serves this user next; it is locked for the user by that."""
        found = self.call_or_none("GET", f"api/projects/{project_id}/next", "ask for the next task")
        return cast("Mapping[str, Any] | None", found)

    def call_or_none(
        self,
        method: str,
        path: str,
        what: str,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any | None:
        """What the call answers, or None where Label Studio says that there is no such thing."""
        try:
            return self.call(method, path, what, body, params)
        except LabelStudioError as error:
            if isinstance(error.__cause__, ApiError) and error.__cause__.status_code == 404:
                return None
            raise

    def call(
        self,
        method: str,
        path: str,
        what: str,
        body: Mapping[str, Any] | bytes | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """One request through the SDK's own HTTP client, which knows how to authenticate; a body in
        bytes is JSON already.
        """
        encoded = isinstance(body, bytes)
        with self._plainly(what):
            response = self._sdk.httpx_client.request(
                path,
                method=method,
                json=None if encoded else body,
                content=body if encoded else None,
                headers={"Content-Type": "application/json"} if encoded else None,
                params=params,
                request_options=cast(Any, NO_RETRY),
            )
            self._refuse_redirect(response)
            if not response.is_success:
                raise ApiError(status_code=response.status_code, body=_body(response))
            return response.json() if response.content else None

    def _refuse_redirect(self, response: httpx.Response) -> None:
        """A redirect turns a POST into a GET, so that nothing would be written."""
        asked, answered = httpx.URL(self.url), response.url
        if (asked.scheme, asked.netloc) != (answered.scheme, answered.netloc):
            raise LabelStudioError(
                f"{self.url} sends us on to {answered.scheme}://{answered.netloc.decode()}; "
                "set LABEL_STUDIO_URL to that address"
            )

    @contextmanager
    def _plainly(self, what: str) -> Iterator[None]:
        try:
            yield
        except ApiError as error:
            raise LabelStudioError(
                f"Label Studio at {self.url} refused to {what}: {_reason(error)}"
            ) from error
        except (httpx.HTTPError, ValueError) as error:
            raise LabelStudioError(
                f"cannot {what}: Label Studio at {self.url} does not answer as expected "
                f"({type(error).__name__}: {error}); is it running, and is LABEL_STUDIO_URL right?"
            ) from error


def refusal(error: LabelStudioError) -> int | None:
    """The HTTP status with which Label Studio refused; None when it did not answer."""
    return error.__cause__.status_code if isinstance(error.__cause__, ApiError) else None


def is_ours(task: Mapping[str, Any]) -> bool:
    """Whether a task, given with `data` and `meta`, was made by push for a sample."""
    data, meta = task.get("data"), task.get("meta")
    made = isinstance(meta, Mapping) and isinstance(meta.get("goldloop"), Mapping)
    return made and isinstance(data, Mapping) and isinstance(data.get("sample_id"), str)


def _clean(api_key: str, url: str) -> str:
    """The token without the white space around it; HTTP would print one that holds a newline."""
    token = api_key.strip()
    if not token:
        raise LabelStudioError(
            "LABEL_STUDIO_API_KEY is empty; put a personal access token "
            f"from {url}/user/account into .env"
        )
    if not (token.isascii() and token.isprintable()):
        raise LabelStudioError(
            "LABEL_STUDIO_API_KEY holds characters that no token has; copy it again "
            f"from {url}/user/account into .env"
        )
    return token


def _body(response: httpx.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return "it answered with a web page" if response.text.lstrip().startswith("<") else ""


def _reason(error: ApiError) -> str:
    """The status and what Label Studio says of it, short, without its trace."""
    body = error.body
    if error.status_code == 401:
        return "the token is not valid (HTTP 401); check LABEL_STUDIO_API_KEY"
    detail = body.get("detail", "") if isinstance(body, Mapping) else str(body)
    problems = body.get("validation_errors") if isinstance(body, Mapping) else None
    found = "; ".join(_flat(problems)) if problems else ""
    return f"HTTP {error.status_code} {detail} {found}".strip()[:1000]


def _flat(problems: object) -> Iterable[str]:
    if isinstance(problems, Mapping):
        for key, value in problems.items():
            yield from (f"{key}: {text}" for text in _flat(value))
    elif isinstance(problems, (list, tuple)):
        for value in problems:
            yield from _flat(value)
    elif problems:
        yield str(problems)
