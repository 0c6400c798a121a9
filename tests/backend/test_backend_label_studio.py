"""The backend beside a real Label Studio: registered, asked, and never in the annotators' way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from project_folder import Folder, record

from goldloop.records import read_record
from label_config.interface import builtin_interface
from label_config.results import write_result
from label_config.tasks import task_data
from store.database import open_store
from store.inbox import LOOK_AGAIN, Hint, waiting_hints
from sync.cli import main
from sync.labelstudio import Account
from sync.labelstudio.ports import free_port
from sync.processes import backend_command, running, wait_until_up
from tests.conftest import LabelStudio

pytestmark = pytest.mark.labelstudio

VERSION = "live-1"
PASSWORD = "a-password-nobody-else-has"
ANSWERS = {"correctness": "correct", "tool_use": "right"}


@dataclass
class Review:
    """A project folder whose backend runs, and its project in Label Studio."""

    folder: Folder
    server: LabelStudio

    def push(self, *records: dict[str, Any]) -> None:
        """Import these and push them all."""
        self.folder.add(*records)
        command = ["-C", str(self.folder.path), "push", "--batch-size", str(len(records))]
        done = CliRunner().invoke(main, command, catch_exceptions=False)
        assert done.exit_code == 0, done.output

    def push_again(self) -> None:
        """Push with nothing to deliver."""
        done = CliRunner().invoke(main, ["-C", str(self.folder.path), "push"])
        assert done.exit_code == 0, done.output

    @property
    def project_id(self) -> int:
        """The project that the push made."""
        [(found,)] = self.folder.rows("SELECT project_id FROM label_studio_projects")
        return int(found)

    def call(self, method: str, path: str, account: Account | None = None, **sent: Any) -> Any:
        """Label Studio's API, as the administrator or somebody else; None for 404 or no body."""
        headers = {"Authorization": f"Token {(account or self.server.admin).token}"}
        url = f"{self.server.url}/api/{path}"
        reply = httpx.request(method, url, headers=headers, timeout=60, trust_env=False, **sent)
        if reply.status_code == httpx.codes.NOT_FOUND:
            return None
        assert reply.is_success, f"{path}: {reply.status_code} {reply.text[:500]}"
        return reply.json() if reply.content else None

    def backends(self) -> list[dict[str, Any]]:
        """The ML backends that the project has."""
        found: list[dict[str, Any]] = self.call("GET", f"ml?project={self.project_id}")
        return found

    def add_tasks(self, *records: dict[str, Any]) -> list[int]:
        """Put samples into the pool, and tasks of them without predictions into Label Studio."""
        self.folder.add(*records)
        data = [task_data(read_record(one)[0], None) for one in records]
        path = f"projects/{self.project_id}/import?return_task_ids=true"
        ids: list[int] = self.call("POST", path, json=[{"data": one} for one in data])["task_ids"]
        return ids

    def open(self, task_id: int) -> None:
        """Open a task, as the Data Manager does."""
        self.call("GET", f"tasks/{task_id}?project={self.project_id}")

    def predictions(self) -> dict[int, list[dict[str, Any]]]:
        """All predictions of the project, by task."""
        found: dict[int, list[dict[str, Any]]] = {}
        for one in self.call("GET", f"predictions?project={self.project_id}"):
            found.setdefault(one["task"], []).append(one)
        return found

    def next(self, account: Account) -> dict[str, Any] | None:
        """What the queue serves somebody; None at its end."""
        found: dict[str, Any] | None = self.call("GET", f"projects/{self.project_id}/next", account)
        return found

    def answer(self, account: Account, task_id: int) -> int:
        """Annotate a task; the annotation's id."""
        body = {"result": write_result(builtin_interface(), ANSWERS), "lead_time": 5.0}
        made = self.call("POST", f"tasks/{task_id}/annotations/", account, json=body)
        return int(made["id"])

    def label_all(self, account: Account) -> list[dict[str, Any]]:
        """Take task after task from the queue and annotate it, to the end; the tasks in order."""
        served: list[dict[str, Any]] = []
        while (task := self.next(account)) is not None:
            self.answer(account, task["id"])
            served.append(task)
        return served


@contextmanager
def reviewing(folder: Folder, server: LabelStudio) -> Iterator[Review]:
    """The folder's backend, running; what is set in the folder counts from here on."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    folder.configure("label_studio", url=server.url, annotators_per_task=2)
    folder.configure("backend", port=port, url=url)
    folder.use_secrets(
        LABEL_STUDIO_API_KEY=server.admin.token,
        GOLDLOOP_BACKEND_USER="label-studio",
        GOLDLOOP_BACKEND_PASSWORD=PASSWORD,
    )
    with (
        (folder.path / "backend.log").open("ab") as log,
        running([backend_command(folder.path)], folder.path, log) as [process],
    ):
        wait_until_up(f"{url}/health", process, "the backend")
        yield Review(folder, server)
    said = (folder.path / "backend.log").read_text()
    assert "Traceback" not in said
    assert PASSWORD not in said
    assert server.admin.token not in said


def recorded(count: int) -> list[dict[str, Any]]:
    """Samples with runs by the live version; the last is the least confident."""
    return [
        record(f"s-{number}", 1 - (number + 1) / (count + 1), agent_version=VERSION)
        for number in range(count)
    ]


def test_push_registers_the_backend_once_and_the_queue_stays_least_confident_first(
    folder: Folder, label_studio: LabelStudio
) -> None:
    with reviewing(folder, label_studio) as review:
        review.push(*recorded(6))
        review.push_again()
        [backend] = review.backends()
        assert (backend["state"], backend["model_version"]) == ("CO", VERSION)
        assert (backend["error_message"], backend["auth_method"]) == (None, "BASIC_AUTH")
        project = review.call("GET", f"projects/{review.project_id}")
        assert project["model_version"] == VERSION
        served = review.label_all(label_studio.annotators[0])
        assert [task["data"]["sample_id"] for task in served] == [
            f"s-{n}" for n in range(5, -1, -1)
        ]
        assert all(len(task["predictions"]) == 1 for task in served)
        assert all(len(found) == 1 for found in review.predictions().values())


def test_opening_a_task_without_predictions_stores_one(
    folder: Folder, label_studio: LabelStudio
) -> None:
    with reviewing(folder, label_studio) as review:
        review.push(*recorded(2))
        stored = record("later", 0.125, response="A later answer.", agent_version=VERSION)
        [task_id] = review.add_tasks(stored)
        assert task_id not in review.predictions()
        for _ in range(2):
            review.open(task_id)
        [prediction] = review.predictions()[task_id]
        assert (prediction["score"], prediction["model_version"]) == (0.125, VERSION)
        assert prediction["result"][0]["value"] == {"text": ["A later answer."]}


def test_a_batch_is_retrieved_from_the_data_manager(
    folder: Folder, label_studio: LabelStudio
) -> None:
    folder.use_agent(LIVE_AGENT, VERSION)
    with reviewing(folder, label_studio) as review:
        review.push(*recorded(2))
        with_runs = [record(f"b-{n}", n / 100, agent_version=VERSION) for n in range(50)]
        task_ids = review.add_tasks(*with_runs, *(record(f"c-{n}") for n in range(10)))
        everything = {"all": True, "excluded": []}
        done = review.call(
            "POST",
            f"dm/actions?id=retrieve_tasks_predictions&project={review.project_id}",
            json={"selectedItems": everything},
        )
        assert done["processed_items"] == 62
        found = review.predictions()
        scores = [[one["score"] for one in found[task_id]] for task_id in task_ids]
        assert scores == [[n / 100] for n in range(50)] + [[0.75]] * 10
        assert sorted(review.folder.asked()) == sorted(f"c-{n}" for n in range(10))


LIVE_AGENT = """
import time
def answer(asked):
    note(asked)
    what = asked["sample_id"]
    if what == "fails":
        raise RuntimeError("fell over")
    if what == "hangs":
        time.sleep(2)
    if what == "nonsense":
        return {"response": 5, "confidence": "very"}
    return {"response": "Answered live.", "confidence": 0.75}
"""


def test_whatever_the_agent_does_annotators_get_every_task(
    folder: Folder, label_studio: LabelStudio
) -> None:
    folder.use_agent(LIVE_AGENT, VERSION)
    with reviewing(folder, label_studio) as review:
        review.push(*recorded(3))
        kinds = ("fails", "hangs", "nonsense", "works")
        task_ids = dict(zip(kinds, review.add_tasks(*map(record, kinds)), strict=True))
        for task_id in task_ids.values():
            review.open(task_id)
        found = review.predictions()
        scores = {kind: [p["score"] for p in found[task_ids[kind]]] for kind in kinds}
        assert scores == {"fails": [0.5], "hangs": [0.75], "nonsense": [0.5], "works": [0.75]}
        assert [bool(found[task_ids[kind]][0]["result"]) for kind in kinds] == [0, 1, 0, 1]
        served = review.label_all(label_studio.annotators[0])
        assert len({task["id"] for task in served}) == len(served) == 7
        scores_in_order = [task["predictions"][0]["score"] for task in served]
        assert scores_in_order == sorted(scores_in_order)
        assert len(review.label_all(label_studio.annotators[1])) == 7


def test_a_task_made_by_hand_gets_an_empty_prediction_and_is_served(
    folder: Folder, label_studio: LabelStudio
) -> None:
    with reviewing(folder, label_studio) as review:
        review.push(*recorded(2))
        data = task_data(read_record(record("by hand"))[0], None)
        del data["sample_id"]
        body = {"project": review.project_id, "data": data}
        task_id = review.call("POST", "tasks/", json=body)["id"]
        review.open(task_id)
        [prediction] = review.predictions()[task_id]
        assert (prediction["result"], prediction["score"]) == ([], 0.5)
        served = review.label_all(label_studio.annotators[0])
        assert task_id in [task["id"] for task in served]


def test_a_backend_that_is_down_is_not_in_the_annotators_way(
    folder: Folder, label_studio: LabelStudio
) -> None:
    with reviewing(folder, label_studio) as review:
        review.push(*recorded(2))
        [task_id] = review.add_tasks(record("unanswered"))
    review.open(task_id)
    assert len(review.label_all(label_studio.annotators[0])) == 3


def test_the_webhook_that_label_studio_registers_by_itself_is_worth_one_look_again(
    folder: Folder, label_studio: LabelStudio
) -> None:
    with reviewing(folder, label_studio) as review:
        review.push(*recorded(2))
        task = review.next(label_studio.annotators[0])
        assert task is not None
        annotation_id = review.answer(label_studio.annotators[0], task["id"])
        review.call("DELETE", f"annotations/{annotation_id}", label_studio.annotators[0])
        assert _hints(folder, at_least=1) == [Hint(1, LOOK_AGAIN, (), ())]


def test_start_training_is_taken_and_harms_nothing(
    folder: Folder, label_studio: LabelStudio
) -> None:
    with reviewing(folder, label_studio) as review:
        review.push(*recorded(2))
        [backend] = review.backends()
        review.call("POST", f"ml/{backend['id']}/train")
        assert _hints(folder, at_least=1) == [Hint(1, LOOK_AGAIN, (), ())]
        [backend] = review.backends()
        assert backend["state"] == "CO"


def _hints(folder: Folder, at_least: int) -> list[Any]:
    end = time.monotonic() + 10
    while True:
        db = open_store(folder.path / "goldloop.db")
        hints = waiting_hints(db)
        db.close()
        if len(hints) >= at_least or time.monotonic() > end:
            return hints
        time.sleep(0.1)
