"""The backend beside a real Label Studio: registered, asked, and never in the annotators' way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from project_folder import Folder, record

from goldloop.calibration import Platt
from goldloop.records import read_record
from goldloop.webhooks import START_TRAINING
from label_config.interface import builtin_interface
from label_config.results import write_result
from label_config.tasks import task_data
from store.calibrators import Fitted, save_calibrators
from store.database import open_store
from store.inbox import LOOK_AGAIN, Hint, waiting_hints
from store.wanted_runs import late_runs
from sync.certificates import certificates
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
        reply = httpx.request(
            method,
            url,
            headers=headers,
            timeout=60,
            trust_env=False,
            verify=certificates(),
            **sent,
        )
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

    def retrieve(self, *task_ids: int) -> None:
        """Retrieve predictions, as the Data Manager does; of all tasks where none are named."""
        items = {"all": False, "included": task_ids} if task_ids else {"all": True, "excluded": []}
        path = f"dm/actions?id=retrieve_tasks_predictions&project={self.project_id}"
        self.call("POST", path, json={"selectedItems": items})

    def timely_next(self, account: Account) -> dict[str, Any] | None:
        """What the queue serves somebody, before they would give up."""
        begun = time.monotonic()
        found = self.next(account)
        assert time.monotonic() - begun < 20
        return found

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
        review.retrieve()
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


def test_start_training_asks_the_worker_for_it_and_harms_nothing(
    folder: Folder, label_studio: LabelStudio
) -> None:
    with reviewing(folder, label_studio) as review:
        review.push(*recorded(2))
        [backend] = review.backends()
        review.call("POST", f"ml/{backend['id']}/train")
        assert _hints(folder, at_least=1) == [Hint(1, START_TRAINING, (), ())]
        assert folder.rows("SELECT project_id FROM inbox") == [(review.project_id,)]
        [backend] = review.backends()
        assert (backend["state"], backend["error_message"]) == ("CO", None)


STEERED_AGENT = """
import time
HERE = Path(__file__).parent
def answer(asked):
    note(asked)
    how = (HERE / "how").read_text() if (HERE / "how").exists() else ""
    if how == "down":
        raise ConnectionError("refused")
    if how == "broken":
        return {"response": ["no", "text"], "confidence": "very"}
    while how == "hangs" and (HERE / "how").exists():
        time.sleep(0.05)
    time.sleep(0.2)
    return {"response": "Answered live.", "confidence": 0.75}
"""


def test_a_batch_of_300_tasks_without_runs_is_made_within_one_request(
    folder: Folder, label_studio: LabelStudio
) -> None:
    # One after another they would take two minutes, and Label Studio waits for 100 seconds.
    folder.use_agent(STEERED_AGENT.replace("sleep(0.2)", "sleep(0.4)"), VERSION)
    with reviewing(folder, label_studio) as review:
        review.push(*recorded(2))
        task_ids = review.add_tasks(*(record(f"b-{n}") for n in range(300)))
        review.retrieve()
        found = review.predictions()
        assert [[one["score"] for one in found[task_id]] for task_id in task_ids] == [[0.75]] * 300
        assert sorted(folder.asked()) == sorted(f"b-{n}" for n in range(300))


@pytest.mark.parametrize("how", ["down", "broken", "hangs"])
def test_whatever_is_wrong_with_the_agent_the_next_task_comes(
    folder: Folder, label_studio: LabelStudio, how: str
) -> None:
    folder.use_agent(STEERED_AGENT, VERSION)
    folder.configure("agent", concurrency=4)
    folder.configure("backend", deadline=2, failures=2)
    (folder.path / "how").write_text(how)
    annotator = label_studio.annotators[0]
    with reviewing(folder, label_studio) as review:
        review.push(*recorded(2))
        task_ids = review.add_tasks(*(record(f"w-{n}") for n in range(10)))
        review.retrieve(*task_ids[:5])
        served = []
        while (task := review.timely_next(annotator)) is not None:
            review.answer(annotator, task["id"])
            served.append(task["id"])
        assert len(set(served)) == len(served) == 12
        assert all(len(found) == 1 for found in review.predictions().values())
        (folder.path / "how").unlink()


def test_a_run_that_was_not_there_in_time_is_there_for_the_next_model_version(
    folder: Folder, label_studio: LabelStudio
) -> None:
    folder.use_agent(STEERED_AGENT, VERSION)
    folder.configure("backend", deadline=1)
    (folder.path / "how").write_text("hangs")
    with reviewing(folder, label_studio) as review:
        review.push(*recorded(2))
        [task_id] = review.add_tasks(record("late"))
        review.open(task_id)
        [prediction] = review.predictions()[task_id]
        assert (prediction["score"], prediction["result"]) == (0.5, [])
        (folder.path / "how").unlink()
        end = time.monotonic() + 15
        while not folder.rows("SELECT 1 FROM runs WHERE sample_id = 'late'"):
            assert time.monotonic() < end
            time.sleep(0.1)
        with closing(open_store(folder.path / "goldloop.db")) as db:
            assert late_runs(db, VERSION) == ["late"]
            save_calibrators(db, VERSION, [Fitted("reported", Platt(1.0, 0.0), {}, "labels")])
        review.retrieve(task_id)
        _, prediction = review.predictions()[task_id]
        assert prediction["model_version"] == f"{VERSION}+calibrated.1"
        assert prediction["score"] == pytest.approx(0.75)
        assert prediction["result"][0]["value"] == {"text": ["Answered live."]}


def _hints(folder: Folder, at_least: int) -> list[Any]:
    end = time.monotonic() + 10
    while True:
        db = open_store(folder.path / "goldloop.db")
        hints = waiting_hints(db)
        db.close()
        if len(hints) >= at_least or time.monotonic() > end:
            return hints
        time.sleep(0.1)
