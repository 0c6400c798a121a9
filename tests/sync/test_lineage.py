"""show: everything that led to one item."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from label_config.results import write_result
from store.annotations import store_task_annotations
from store.database import transaction
from store.gold_checks import GoldCheck, plan_checks
from store.returned_answers import ExpertAnswer, confirm_return, plan_return
from store.tasks import ReviewProject, mark_delivered, plan_tasks, save_review_project
from sync.init import init_project
from tests.backend.dashboard.gated_store import store_evaluation
from tests.sync.gating import evaluation
from tests.sync.labelled import PROJECT, Labelled, labelled
from tests.sync.loop import Loop
from tests.sync.reported import IMAGE, MARKDOWN, STEERING, reported


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    """Two versions for the tests that change nothing."""
    with reported(tmp_path_factory.mktemp("lineage") / "project") as made:
        yield made


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Labelled]:
    """A small project to do things to."""
    folder = tmp_path / "own"
    folder.mkdir()
    made = labelled(folder, samples=12)
    with closing(made.db):
        yield made


def shown(made: Labelled, sample_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made.run("show", sample_id, "--json").stdout)
    return found


class TestOfALabelledSample:
    def test_starts_where_it_came_from_and_names_its_run(self, shared: Labelled) -> None:
        found = shown(shared, "s0")
        assert found["sample"]["metadata"] == {"origin": STEERING, IMAGE: MARKDOWN}
        assert 0 <= found["entered"]["prn"] < 1
        [run] = found["runs"]
        assert (run["agent_version"], run["shown"]) == ("v1", True)
        assert (run["confidence"], run["confidence_method"]) == (0.0083, "recorded")
        assert run["tool_calls"] == [{"name": IMAGE, "arguments": {"n": 1}}]

    def test_names_the_round_that_picked_it_and_why(self, shared: Labelled) -> None:
        [picked] = shown(shared, "s0")["rounds"]
        assert (picked["round_id"], picked["reason"], picked["rank"]) == (1, "uncertain", 1)
        assert picked["inclusion_probability"] == 1.0
        assert (picked["batch_size"], picked["pool_size"]) == (40, 60)

    def test_has_every_form_of_every_annotation(self, shared: Labelled) -> None:
        found = shown(shared, "s0")["annotations"]
        assert [one["annotator_id"] for one in found] == [1, 1, 2, 2, 3, 3]
        now, before = found[:2]
        assert now["annotator"] == "Ann Lee"
        assert now["answers"] == {"correctness": "incorrect", "tool_use": "right"}
        assert before["answers"]["correctness"] == "correct"
        assert now["replaced_at"] is None
        assert before["replaced_at"] is not None
        assert now["lead_time"] == 30.0

    def test_has_the_consensus_by_field(self, shared: Labelled) -> None:
        found = shown(shared, "s0")["consensus"]
        assert (found["state"], found["agreement_rate"]) == ("agreed", 1.0)
        assert found["fields"]["correctness"]["value"] == "incorrect"
        assert found["methods"]["correctness"]

    def test_says_what_changed_in_it_from_version_to_version(self, shared: Labelled) -> None:
        first, second = shown(shared, "s0")["versions"]
        assert (first["version"], first["change"]["kind"]) == ("1.0.0", "added")
        assert (second["version"], second["change"]["kind"]) == ("2.0.0", "changed")
        [moved] = second["change"]["relabelled"]
        assert (moved["field"], moved["old"], moved["new"]) == (
            "correctness",
            "correct",
            "incorrect",
        )
        assert {one["cause"] for one in moved["reasons"]} == {"annotation_changed"}

    def test_an_item_whose_label_stayed_changed_in_nothing_else(self, shared: Labelled) -> None:
        first, second = shown(shared, "s1")["versions"]
        assert first["change"]["kind"] == "added"
        # What is learned of the annotators may move how sure its label is, and nothing else.
        assert not second["change"].get("changes")
        assert not second["change"].get("relabelled")

    def test_is_printed_without_a_character_that_steers_the_terminal(
        self, shared: Labelled
    ) -> None:
        output = shared.run("show", "s0").stdout
        for heading in ("where it came from", "runs", "selection", "annotations", "versions"):
            assert f"\n{heading}\n" in output
        assert "picked as uncertain, rank 1 of 40, from a pool of 60" in output
        assert "label correctness: correct -> incorrect" in output
        assert "annotation 1 by annotator 1 was changed" in output
        assert "\x1b" not in output
        assert "\u202e" not in output
        assert "\r" not in output


class TestOfOthers:
    def test_a_sample_in_the_pool_has_empty_sections(self, shared: Labelled) -> None:
        [unpicked, *_] = {f"s{n}" for n in range(60)} - {
            row[0] for row in shared.db.execute("SELECT sample_id FROM picks")
        }
        found = shown(shared, unpicked)
        assert found["consensus"] is None
        assert found["gold_check"] is None
        assert [found[key] for key in ("rounds", "tasks", "annotations", "versions")] == [[]] * 4
        assert "annotations" not in shared.run("show", unpicked).stdout

    def test_skipped_deleted_and_unreadable_answers_are_told_apart(self, own: Labelled) -> None:
        skipped = replace(own.said(0, 2), was_cancelled=True)
        odd = replace(own.said(0, 3), result=[*own.said(0, 3).result, {"from_name": IMAGE}])
        own.label([own.said(0, 1), skipped, odd])
        own.label([skipped, odd])
        first, deleted, second, third = shown(own, "s0")["annotations"]
        assert first["deleted_at"] is not None
        assert deleted["replaced_at"] is not None
        assert (second["was_cancelled"], third["was_cancelled"]) == (True, False)
        assert third["unread"] != []
        output = own.run("show", "s0").stdout
        assert "deleted by" in output
        assert "skipped" in output

    def test_a_ground_truth_is_the_adjudication(self, own: Labelled) -> None:
        own.label([own.said(1, 1), replace(own.said(1, 2), ground_truth=True)])
        [decided] = shown(own, "s1")["adjudication"]
        assert (decided["annotator_id"], decided["decides"]) == (2, True)
        assert "\nadjudication\n" in own.run("show", "s1").stdout

    def test_an_expert_s_answer_stands_beside_the_copy_that_went_back(self, own: Labelled) -> None:
        copy = replace(own.said(3, 9), ground_truth=True)
        there = replace(own.said(3, 9), annotation_id=77, project_id=8, task_id=5)
        save_review_project(
            own.db, ReviewProject(8, "http://there", "X", own.interface.xml, "expert")
        )
        own.label([own.said(3, 1), copy])
        with transaction(own.db):
            store_task_annotations(own.db, {(8, 5): [there]})
            answer = ExpertAnswer(there, True, copy.task_id, None)
            plan_return(own.db, answer, PROJECT, "u")
            confirm_return(own.db, answer, copy.annotation_id)
        found = shown(own, "s3")
        assert [one["role"] for one in found["adjudication"]] == ["expert", "review"]
        assert [one["returned_from"] for one in found["adjudication"]] == [None, 77]
        output = own.run("show", "s3").stdout
        assert "in the experts' project" in output
        assert "brought back from the experts' #77" in output

    def test_an_item_that_left_says_in_which_version(self, own: Labelled) -> None:
        for number in range(3):
            own.label(own.three(number, ["correct"] * 3))
        own.run("commit")
        later = "2026-02-01T00:00:00+00:00"
        wrong = own.three(1, ["correct", "incorrect", "partially_correct"])
        own.label(replace(one, updated_at=later) for one in wrong)
        own.run("commit")
        first, second = shown(own, "s1")["versions"]
        assert (first["holds_it"], second["holds_it"]) == (True, False)
        assert second["change"] == {"kind": "removed"}
        assert "golden@2.0.0" in own.run("show", "s1").stdout

    def test_tasks_and_gold_checks_are_named(self, tmp_path: Path) -> None:
        with reported(tmp_path / "checked") as made:
            plan_tasks(made.db, PROJECT, 1, ["s1"], 10)
            mark_delivered(made.db, PROJECT, {"s1": 2})
            check = GoldCheck("s1", 2, 4, frozenset({1, 2}))
            plan_checks(made.db, PROJECT, 1, [check])
            found, output = shown(made, "s1"), made.run("show", "s1").stdout
        assert found["tasks"][0]["link"] == f"http://there/projects/{PROJECT}/data?task=2"
        assert found["gold_check"]["overlap"] == 4
        assert found["gold_check"]["voters"]["1"] == "Ann Lee"
        assert [one["is_check"] for one in found["annotations"]] == [False, False, True]
        assert "answers a gold check" in output

    def test_what_evaluations_made_of_it_is_told_with_the_reason(self, own: Labelled) -> None:
        for name, wrong in (("v1", ()), ("v2", (0,))):
            made = evaluation(name, wrong, 1, hostile=bool(wrong))
            store_evaluation(own.db, replace(made, cases=(replace(made.cases[0], sample_id="s0"),)))
        store_evaluation(own.db, evaluation("v3", count=1))
        first, second = shown(own, "s0")["evaluations"]
        assert (first["agent_version"], first["runs"], first["passed"]) == ("v1", 1, 1)
        assert (second["evaluation_id"], second["passed"], second["errors"]) == (2, 0, 0)
        assert second["reason"].startswith("tools: ")
        output = own.run("show", "s0").stdout
        assert "evaluation 1 of v1 on golden@1.0.0" in output
        assert "passed 0 of 1" in output
        assert "\x1b" not in output

    def test_an_evaluation_that_broke_or_is_not_yet_there_is_no_failure(
        self, own: Labelled
    ) -> None:
        broke = evaluation("v1", count=1, errors=(0,))
        missing = replace(evaluation("v2", count=1).cases[0], attempts=())
        for made, case in ((broke, broke.cases[0]), (evaluation("v2", count=1), missing)):
            one = replace(made, cases=(replace(case, sample_id="s1"),))
            store_evaluation(own.db, one, finished=case is not missing)
        output = own.run("show", "s1").stdout
        assert "1 came to nothing: timeout" in output
        assert "evaluation 2 of v2 on golden@1.0.0" in output
        assert "not run yet" in output

    def test_a_sample_that_only_a_version_knows_is_shown_from_there(
        self, shared: Labelled, tmp_path: Path
    ) -> None:
        other = labelled_beside(tmp_path / "other", shared.folder / "versions")
        with closing(other.db):
            found = shown(other, "s7")
            assert found["sample"] is None
            assert [one["version"] for one in found["versions"]] == ["1.0.0", "2.0.0"]
            assert "the store does not know it" in other.run("show", "s7").stdout

    def test_a_damaged_version_is_named_and_the_rest_shown(
        self, shared: Labelled, tmp_path: Path
    ) -> None:
        other = labelled_beside(tmp_path / "other", shared.folder / "versions")
        data = other.folder / "versions" / "golden" / "1.0.0" / "data.jsonl"
        data.write_text(data.read_text() + "{}\n")
        with closing(other.db):
            damaged, whole = shown(other, "s0")["versions"]
            assert "is not as it was committed" in damaged["damaged"]
            assert whole["holds_it"] is True
            assert "golden@1.0.0 cannot be read" in other.run("show", "s0").stdout


def labelled_beside(folder: Path, versions: Path) -> Labelled:
    """A project with three samples of its own, beside the versions of another one."""
    folder.mkdir()
    made = labelled(folder, samples=3)
    shutil.copytree(versions, folder / "versions", dirs_exist_ok=True)
    return made


class TestOfNobody:
    def test_an_unknown_sample_is_refused_with_the_nearest_ids(self, shared: Labelled) -> None:
        refused = shared.run("show", "s-5", exit_code=2).stderr.strip()
        assert refused.startswith("goldloop: there is no sample 's-5'; the nearest are: ")
        assert "s5" in refused
        assert len(refused.splitlines()) == 1

    def test_a_hostile_id_is_refused_in_one_harmless_line(self, shared: Labelled) -> None:
        refused = shared.run("show", f"{STEERING}\n{'x' * 5000}", exit_code=2).stderr
        assert "\x1b" not in refused
        assert len(refused.strip().splitlines()) == 1
        assert len(refused) < 600

    def test_an_empty_store_says_that_it_is_empty(self, tmp_path: Path) -> None:
        init_project(tmp_path)
        made = Labelled(tmp_path, None, None)  # type: ignore[arg-type]
        assert "the store is empty" in made.run("show", "s1", exit_code=2).stderr


def test_what_cannot_be_written_as_a_result_is_no_answer(own: Labelled) -> None:
    own.label([replace(own.said(2, 1), result=write_result(own.interface, {}))])
    assert shown(own, "s2")["annotations"][0]["answers"] == {}


@pytest.mark.labelstudio
def test_after_the_loop_on_a_real_label_studio_every_step_is_there(loop: Loop) -> None:
    tasks = loop.pushed(3)
    for person in range(2):
        for task_id in tasks.values():
            loop.answer(person, task_id)
    loop.run("pull")
    loop.run("commit")
    found = loop.json("show", "s-001")
    [task] = found["tasks"]
    assert (task["state"], task["task_id"]) == ("delivered", tasks["s-001"])
    assert task["link"].startswith(f"{loop.server.url}/projects/{loop.project_id}/data?task=")
    people = [one["annotator"] for one in found["annotations"]]
    assert len({*people}) == 2
    assert all(people)
    assert found["consensus"]["labels"]["correctness"] == "correct"
    assert [one["change"]["kind"] for one in found["versions"]] == ["added"]
    report = loop.json("report")
    assert {one["name"] for one in report["annotators"]} == {*people}
    assert report["tools"] == [{"tool": "find_order", "expected": 0, "called": 3}]
