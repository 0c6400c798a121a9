"""Label Studio without Goldloop: raw imports and exports, and answers that are there at once."""

from __future__ import annotations

import json
import random
import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bench._label_studio import Inhabited
from label_config.interface import Interface
from label_config.results import write_result

VERDICTS = ("correct", "partially_correct", "incorrect")
TIMEOUT_SECONDS = 900
# What a project of ours has that decides how much work its tasks are.
ALIKE = (
    "label_config",
    "expert_instruction",
    "maximum_annotations",
    "sampling",
    "show_collab_predictions",
    "evaluate_predictions_automatically",
    "enable_empty_annotation",
    "show_skip_button",
)


class Peer:
    """Bare HTTP requests to a Label Studio, as the administrator or somebody else; close it."""

    def __init__(self, there: Inhabited, token: str) -> None:
        self._there = there
        self._http = httpx.Client(
            base_url=there.server.url,
            headers={"Authorization": f"Token {token}"},
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def call(self, method: str, path: str, **request: Any) -> bytes:
        """The body of the answer, which has to be a success."""
        reply = self._http.request(method, path, **request)
        assert reply.is_success, f"{method} {path}: {reply.status_code} {reply.text[:500]}"
        return reply.content

    def project_like(self, project_id: int) -> int:
        """A new project with the settings of another."""
        other = json.loads(self.call("GET", f"/api/projects/{project_id}/"))
        fields = {"title": f"Like {project_id}", **{name: other[name] for name in ALIKE}}
        return int(json.loads(self.call("POST", "/api/projects/", json=fields))["id"])

    def import_bodies(self, project_id: int, bodies: Sequence[bytes]) -> None:
        """Import tasks that are JSON already, one request a body."""
        path = f"/api/projects/{project_id}/import?return_task_ids=true"
        for body in bodies:
            self.call("POST", path, content=body, headers={"Content-Type": "application/json"})

    def export(self, project_id: int) -> bytes:
        """The whole project in one answer."""
        params = {"exportType": "JSON", "download_all_tasks": "true"}
        return self.call("GET", f"/api/projects/{project_id}/export", params=params)

    def annotate(self, task_id: int, result: Sequence[Mapping[str, Any]]) -> None:
        """Answer a task."""
        body = {"result": result, "lead_time": 21.5}
        self.call("POST", f"/api/tasks/{task_id}/annotations/", json=body)

    def change(self, annotation_id: int, result: Sequence[Mapping[str, Any]]) -> None:
        """Answer otherwise than before."""
        self.call("PATCH", f"/api/annotations/{annotation_id}/", json={"result": result})


def results(interface: Interface, seed: int) -> Iterator[list[dict[str, Any]]]:
    """Answers without end: some say that the agent was wrong, and why."""
    draw = random.Random(seed)  # noqa: S311 - answers that can be repeated
    while True:
        verdict = draw.choices(VERDICTS, (7, 1, 2))[0]
        answers: dict[str, Any] = {
            "correctness": verdict,
            "tool_use": draw.choices(("right", "wrong_arguments"), (8, 1))[0],
            "helpfulness": draw.randint(1, 5),
            "confidence": draw.randint(2, 5),
        }
        if verdict != "correct":
            answers["notes"] = "The order number is missing from the answer."
        yield write_result(interface, answers)


def answer_all(there: Inhabited, project_id: int, interface: Interface) -> None:
    """Every task of the project answered by every annotator, over the last day.

    They answer the first task through the API; what Label Studio stored of that is repeated for the
    other tasks in its database, with other answers: 20,000 requests would take half an hour.
    """
    database = there.server.settings.data_dir / "label_studio.sqlite3"
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        connection.row_factory = sqlite3.Row
        sql = "SELECT id FROM task WHERE project_id = ? ORDER BY id"
        first, *others = [row["id"] for row in connection.execute(sql, [project_id])]
        for number, account in enumerate(there.annotators):
            with closing(Peer(there, account.token)) as person:
                person.annotate(first, next(results(interface, number)))
        _repeat(connection, first, others, interface)
        _spread(connection, first, others)


def _repeat(
    connection: sqlite3.Connection, first: int, others: Sequence[int], interface: Interface
) -> None:
    sql = "SELECT * FROM task_completion WHERE task_id = ? ORDER BY id"
    models = [dict(row) for row in connection.execute(sql, [first])]
    columns = list(models[0])
    free = connection.execute("SELECT max(id) + 1 FROM task_completion").fetchone()[0]
    given = results(interface, len(others))
    rows = (
        {
            **model,
            "id": free + place * len(models) + number,
            "task_id": task_id,
            "unique_id": uuid.uuid4().hex,
            "result": json.dumps(next(given)),
        }
        for place, task_id in enumerate(others)
        for number, model in enumerate(models)
    )
    values = ", ".join(f":{name}" for name in columns)
    connection.executemany(
        f"INSERT INTO task_completion ({', '.join(columns)}) VALUES ({values})",  # noqa: S608
        rows,
    )


def _spread(connection: sqlite3.Connection, first: int, others: Sequence[int]) -> None:
    """What Label Studio notes of an answer in the task, at moments from a day ago on."""
    sql = "SELECT is_labeled, total_annotations, updated_by_id FROM task WHERE id = ?"
    noted = tuple(connection.execute(sql, [first]).fetchone())
    begun = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
    step = timedelta(hours=23) / (len(others) + 1)
    connection.executemany(
        "UPDATE task SET is_labeled = ?, total_annotations = ?, updated_by_id = ?, updated_at = ?"
        " WHERE id = ?",
        (
            (*noted, (begun + place * step).isoformat(" ", "microseconds"), task_id)
            for place, task_id in enumerate((first, *others))
        ),
    )
