"""The cases that a gate found flipped, judged by people, on a real Label Studio."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from goldloop.evaluation import Case, GraderFacts
from goldloop.graders import Grade
from goldloop.samples import Run, ToolCall
from label_config.interface import builtin_interface
from label_config.results import write_result
from store.database import Store
from store.evaluation_writing import (
    EvaluationPlan,
    begin_evaluation,
    finish_evaluation,
    save_attempt,
    save_grades,
)
from store.synthesis import KEPT, accept_batch, judge_candidates
from sync.client import LabelStudioClient
from sync.delivery import parcels
from sync.push_gate import push_from_gate
from sync.reconcile import reconcile_tasks
from sync.worker import work
from tests.store.synthetic import stored_batch
from tests.sync.dying import dies
from tests.sync.loop import Loop

pytestmark = pytest.mark.labelstudio

FACTS = GraderFacts("tools", "tool_calls", "a" * 12)
REASON = "the call refund(order) is missing"
RIGHT = {"correctness": "correct", "tool_use": "right"}
WRONG = {"correctness": "incorrect", "tool_use": "missing_call"}


@dataclass
class Gates:
    """A checkout that holds a dataset version of syn-0-1, syn-1-1, ... and an empty pool."""

    loop: Loop

    def evaluate(self, agent: str, *cases: str) -> int:
        """An evaluation in which attempts passed (1) or did not (0): "101" is a case with three."""
        with self.loop.store() as db:
            names = [f"syn-{number}-1" for number in range(len(cases))]
            plan = EvaluationPlan(
                agent,
                "golden",
                "1.0.0",
                "c",
                "l",
                agent,
                (FACTS,),
                "g",
                tuple(Case(name, name, (), f"What about {name}?") for name in names),
                len(cases[0]),
            )
            number = begin_evaluation(db, plan)
            for name, passes in zip(names, cases, strict=True):
                for attempt, passed in enumerate(passes):
                    _attempt(db, number, agent, name, attempt, passed == "1")
            finish_evaluation(db, number)
        return number

    def gate(self, before: list[str], after: list[str]) -> int:
        """A candidate that went through a gate, with what its attempts and the baseline's came to;
        its evaluation.
        """
        baseline, candidate = self.evaluate("old", *before), self.evaluate("new", *after)
        self.loop.run("gate", "--baseline", str(baseline), "--candidate", str(candidate))
        return candidate

    def push(self, evaluation: int, *options: str) -> dict[str, Any]:
        """`goldloop push --from-gate --json`."""
        found: dict[str, Any] = self.loop.json("push", "--from-gate", str(evaluation), *options)
        return found

    def review(self, evaluation: int) -> dict[str, Any]:
        """`goldloop gate-review --json`."""
        found: dict[str, Any] = self.loop.json("gate-review", str(evaluation))
        return found

    @property
    def project_id(self) -> int:
        """The newest project of the gate reviews."""
        return int(self.loop.rows("SELECT max(project_id) FROM gate_review_projects")[0][0])

    def there(self) -> dict[str, list[Mapping[str, Any]]]:
        """The tasks in Label Studio by name; a double stands twice."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        with self.loop.project.client() as client:
            for task in client.export(self.project_id):
                found.setdefault(task["data"]["sample_id"], []).append(task)
        return found

    def say(self, name: str, person: int, answers: Mapping[str, Any], **fields: Any) -> int:
        """A person's answer to the case of a task, by its name; the answer's id."""
        evaluation, sample_id = name.split("/")
        sql = "SELECT task_id FROM gate_review_tasks WHERE evaluation_id = ? AND sample_id = ?"
        task_id = int(self.loop.rows(sql, evaluation, sample_id)[0][0])
        result = write_result(builtin_interface(), answers)
        made = self.loop.person(person).create_annotation(task_id, {"result": result, **fields})
        return int(made["id"])


def _attempt(db: Store, number: int, agent: str, name: str, attempt: int, passed: bool) -> None:
    calls = (ToolCall("refund", {"order": 1}),) if passed else ()
    text = f"{agent} <b>says</b> {'yes' if passed else 'no'} in attempt {attempt}"
    save_attempt(db, number, attempt, Run(name, agent, response=text, tool_calls=calls))
    grade = Grade("tools", float(passed), passed, "" if passed else REASON)
    save_grades(db, number, name, attempt, [grade], complete=True)


@pytest.fixture
def gates(loop: Loop, make_loop: Callable[..., Loop]) -> Gates:
    """A fresh checkout: the version was committed elsewhere."""
    origin = make_loop(loop.server, name="origin")
    with origin.store() as db:
        batch = stored_batch(db, 3)
        judge_candidates(db, batch, [(index, 1, KEPT, None) for index in range(3)])
        accept_batch(db, batch)
    origin.run("commit", "--unverified")
    shutil.copytree(origin.folder / "versions", loop.folder / "versions", dirs_exist_ok=True)
    loop.configure("label_studio", gate_title=f"Gate {loop.folder.parent.name}"[:50])
    return Gates(loop)


def test_people_judge_what_the_candidate_did_and_the_gold_stays_as_it_is(gates: Gates) -> None:
    run = gates.gate(["1", "1", "0"], ["0", "0", "1"])
    done = gates.push(run)
    assert (done["cases"], done["sent"]) == (2, 2)
    first, second = f"{run}/syn-0-1", f"{run}/syn-1-1"
    tasks = gates.there()
    assert sorted(tasks) == [first, second]
    [task] = tasks[first]
    # What the candidate said, escaped; the case as the version has it; not what the grader said.
    assert "new &lt;b&gt;says&lt;/b&gt; no" in task["data"]["response_html"]
    assert task["data"]["user_input"].startswith("Please refund order 0")
    assert REASON not in str(task)
    predictions = gates.loop.api().get("/api/predictions/", params={"task": task["id"]}).json()
    assert [one["model_version"] for one in predictions] == ["new"]
    assert [one["from_name"] for one in predictions[0]["result"]] == ["expected_response"]
    for person in (0, 1):
        gates.say(first, person, WRONG)
        gates.say(second, person, RIGHT if person else WRONG)
    assert gates.loop.json("pull")["gate_answers"] == 4
    found = gates.review(run)
    assert found["regressed"] == {"cases": 2, "wrong": 1, "right": 0, "disputed": 1, "open": 0}
    assert {one["sample_id"]: one["answers"] for one in found["cases"]} == {
        "syn-0-1": 2,
        "syn-1-1": 2,
    }
    assert found["cases"][0]["url"].endswith(f"?task={task['id']}")
    # A third answer settles what two disagree on; the newest answer of a person counts.
    gates.say(second, 2, RIGHT)
    gates.loop.run("pull")
    assert gates.review(run)["regressed"]["right"] == 1
    # The pool, its consensus and its answers know nothing of it.
    for table in ("samples", "tasks", "annotations", "consensus"):
        assert gates.loop.rows(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608
    shown = gates.loop.run("gate-review", str(run)).stdout
    assert "regressed by the graders: 2; by people: 1 wrong, 1 right, 0 disputed, 0 open" in shown
    assert "the expected answer or the grader is wrong" in shown


def test_recovered_cases_are_sent_on_demand_and_a_repeated_push_sends_nothing(
    gates: Gates,
) -> None:
    run = gates.gate(["1", "0", "0"], ["0", "1", "0"])
    assert gates.push(run)["sent"] == 1
    assert gates.push(run, "--recovered")["sent"] == 1
    assert gates.push(run, "--recovered")["sent"] == 0
    assert {name: len(tasks) for name, tasks in gates.there().items()} == {
        f"{run}/syn-0-1": 1,
        f"{run}/syn-1-1": 1,
    }
    assert gates.review(run)["recovered"]["open"] == 1


def test_of_several_attempts_people_see_the_one_that_shows_the_flip(gates: Gates) -> None:
    run = gates.gate(["111", "111", "111"], ["100", "111", "111"])
    gates.push(run)
    [[task]] = gates.there().values()
    assert task["data"]["response"].endswith("no in attempt 1")
    gates.say(f"{run}/syn-0-1", 0, WRONG)
    gates.say(f"{run}/syn-0-1", 1, WRONG)
    gates.loop.run("pull")
    [case] = gates.review(run)["cases"]
    assert (case["attempt"], case["verdict"], case["labels"]["tool_use"]) == (
        1,
        "wrong",
        "missing_call",
    )


def test_a_case_that_two_candidates_fail_is_judged_for_each_and_apart_from_the_review(
    gates: Gates,
) -> None:
    tasks = gates.loop.pushed(1)
    first = gates.gate(["1", "1", "1"], ["0", "1", "1"])
    second = gates.gate(["1", "1", "1"], ["0", "1", "1"])
    assert [gates.push(run)["sent"] for run in (first, second)] == [1, 1]
    for person in (0, 1):
        gates.say(f"{first}/syn-0-1", person, WRONG)
        gates.say(f"{second}/syn-0-1", person, RIGHT)
        gates.loop.answer(person, tasks["s-000"])
    pulled = gates.loop.json("pull", "--full")
    assert (pulled["gate_answers"], pulled["changed"], pulled["foreign"]) == (4, ["s-000"], 0)
    assert gates.review(first)["regressed"]["wrong"] == 1
    assert gates.review(second)["regressed"]["right"] == 1
    assert gates.loop.states() == {"s-000": "agreed"}
    assert gates.loop.rows("SELECT count(*) FROM annotations") == [(2,)]


def test_every_form_of_an_answer_is_kept_and_what_was_taken_back_no_longer_counts(
    gates: Gates,
) -> None:
    run = gates.gate(["1", "1", "1"], ["0", "1", "1"])
    gates.push(run)
    name = f"{run}/syn-0-1"
    given = [gates.say(name, person, WRONG) for person in (0, 1)]
    gates.loop.run("pull")
    better = {"result": write_result(builtin_interface(), RIGHT)}
    gates.loop.person(0).update_annotation(given[0], better)
    assert gates.loop.json("pull")["gate_answers"] == 1
    assert gates.review(run)["regressed"]["disputed"] == 1
    assert "one more person has to answer" in gates.loop.run("gate-review", str(run)).stderr
    gates.loop.api().delete(f"/api/annotations/{given[1]}/")
    gates.loop.run("pull")
    assert gates.review(run)["regressed"]["open"] == 1
    forms = gates.loop.rows(
        "SELECT annotation_id, deleted_at IS NULL FROM gate_review_answers ORDER BY updated_at"
    )
    assert sorted(forms) == [(given[0], 1), (given[0], 1), (given[1], 0)]
    gates.say(name, 2, {}, was_cancelled=True)
    gates.loop.run("pull", "--full")
    assert gates.review(run)["cases"][0]["skips"] == 1


def test_a_hint_brings_the_answers_to_the_task_that_it_names(gates: Gates) -> None:
    run = gates.gate(["1", "1", "1"], ["0", "0", "1"])
    gates.push(run)
    tasks = {name: found["id"] for name, (found,) in gates.there().items()}
    for name in tasks:
        gates.say(name, 0, WRONG)
    with gates.loop.store() as db, gates.loop.project.client() as client:
        hinted = [tasks[f"{run}/syn-1-1"], 10**9]
        found = reconcile_tasks(gates.loop.project, db, client, hinted)
        assert (found.gate_answers, found.tasks, found.deleted) == (1, 0, 0)
    assert gates.loop.rows("SELECT sample_id FROM gate_review_answers") == [("syn-1-1",)]


def test_the_worker_of_a_checkout_that_has_no_review_follows_the_answers(gates: Gates) -> None:
    run = gates.gate(["1", "1", "1"], ["0", "1", "1"])
    gates.push(run)
    gates.say(f"{run}/syn-0-1", 0, WRONG)
    reported: list[tuple[str, str]] = []
    end = time.monotonic() + 20.0

    def report(message: str, *, level: str = "INFO", **_: object) -> None:
        reported.append((level, message))

    work(gates.loop.project, report, lambda: bool(reported) or time.monotonic() > end)
    assert reported == [("INFO", "reconciled")]
    assert gates.review(run)["cases"][0]["answers"] == 1


def test_a_push_that_dies_at_any_point_is_finished_by_the_next(gates: Gates) -> None:
    run = gates.gate(["1", "1", "1"], ["0", "0", "1"])
    shorter = [("sync.grace", "GRACE_SECONDS", 0.5)]
    command = ["push", "--from-gate", str(run)]
    for point in (
        ("after", "sync.gate_review_project", "find_or_create", 1),
        ("after", "sync.gate_review_project", "mark_gate_reviews_sending", 1),
        ("after", "sync.client", "LabelStudioClient.import_tasks", 1),
    ):
        dies(gates.loop.folder, command, point, constants=shorter)
    # The last one arrived, and died before it wrote that down.
    assert gates.push(run)["sent"] == 0
    assert [len(tasks) for tasks in gates.there().values()] == [1, 1]
    title = gates.loop.project.settings.label_studio.gate_title
    with gates.loop.project.client() as client:
        projects = client.call("GET", "api/projects/", "list", params={"page_size": 1000})
    assert [one["title"] for one in projects["results"]].count(title) == 1


def test_a_task_that_came_twice_is_removed_and_a_deleted_one_is_sent_again_unless_answered(
    gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.grace.GRACE_SECONDS", 0.0)
    run = gates.gate(["1", "1", "1"], ["0", "0", "1"])
    gates.push(run)
    again = [task for (task,) in gates.there().values()]
    with gates.loop.project.client() as client:
        bodies = ({"data": one["data"], "meta": {"goldloop": {}}} for one in again)
        client.import_tasks(gates.project_id, parcels(bodies)[0].body)
    assert gates.loop.json("pull", "--full")["doubles_removed"] == 2
    for person in (0, 1):
        gates.say(f"{run}/syn-0-1", person, WRONG)
    gates.loop.run("pull")
    gates.loop.api().delete(f"/api/projects/{gates.project_id}/")
    before = gates.project_id
    assert gates.push(run)["sent"] == 1
    assert gates.project_id != before
    assert list(gates.there()) == [f"{run}/syn-1-1"]
    assert gates.review(run)["regressed"]["wrong"] == 1


def test_what_cannot_be_pushed_is_told_in_one_line_and_leaves_everything_as_it_was(
    gates: Gates,
) -> None:
    refused = gates.loop.refused
    for number in ("9", str(2**63)):
        assert f"there is no evaluation {number}" in refused("push", "--from-gate", number)
        assert f"push --from-gate {number}" in refused("gate-review", number)
    alone = gates.evaluate("old", "1", "1", "1")
    assert "went through no gate yet" in refused("push", "--from-gate", str(alone))
    gates.loop.run("push", "--from-gate", "1", "--batch-size", "2", exit_code=2)
    gates.loop.run("push", "--recovered", exit_code=2)
    run = gates.gate(["1", "1", "1"], ["0", "1", "1"])
    shutil.rmtree(gates.loop.folder / "versions" / "golden")
    assert "there is no golden@1.0.0" in refused("push", "--from-gate", str(run))
    assert gates.loop.rows("SELECT count(*) FROM gate_review_tasks") == [(0,)]
    quiet = gates.gate(["1", "0", "1"], ["1", "1", "1"])
    assert "no such case flipped" in gates.loop.run("push", "--from-gate", str(quiet)).stdout


def test_what_could_not_be_sent_is_open_and_goes_with_the_next_push(
    gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = gates.gate(["1", "1", "1"], ["0", "1", "1"])
    with monkeypatch.context() as patch:
        patch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:1")
        gates.loop.refused("push", "--from-gate", str(run))
    shown = gates.loop.run("gate-review", str(run))
    assert "0 disputed, 1 open" in shown.stdout
    assert f"send them: goldloop push --from-gate {run}" in shown.stderr
    assert gates.push(run)["sent"] == 1


def test_a_second_push_waits_its_turn(gates: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    run = gates.gate(["1", "1", "1"], ["0", "1", "1"])
    monkeypatch.setattr("sync.push_gate.PATIENCE_SECONDS", 0.0)
    said: list[str] = []
    real = LabelStudioClient.create_project

    def meanwhile(client: LabelStudioClient, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        said.append(gates.loop.refused("push", "--from-gate", str(run)))
        return real(client, fields)

    monkeypatch.setattr(LabelStudioClient, "create_project", meanwhile)
    with gates.loop.store() as db:
        assert push_from_gate(gates.loop.project, db, run).sent == 1
    assert "another push from a gate" in said[0]
