"""goldloop gate: what it compares, what it says, how it ends and what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from goldloop.evaluation.rules import POLICIES
from goldloop.evaluation.values import METRICS
from store.evaluations import newest_gate
from sync.commands import gate as command
from sync.evaluation_file import write_evaluation
from sync.init import init_project
from sync.page import write_whole
from tests.sync.gating import JUDGE, TOOLS, evaluation, gating
from tests.sync.loop import Loop


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """Evaluations 1 (v1, main), 2 (v2, feature) and 3 (broken, fix), of which v1 is the best."""
    with gating(tmp_path_factory.mktemp("gate") / "project") as loop:
        yield loop


@pytest.fixture
def alone(tmp_path: Path) -> Loop:
    """A project without any evaluation."""
    init_project(tmp_path)
    return Loop(tmp_path, "")


@contextmanager
def changed(path: Path, content: bytes) -> Iterator[None]:
    """A file with other content for a while."""
    before = path.read_bytes()
    path.write_bytes(content)
    yield
    path.write_bytes(before)


class TestWhatIsCompared:
    def test_the_newest_evaluation_is_the_candidate(self, made: Loop) -> None:
        found = made.json("gate", "--baseline", "1", exit_code=1)
        assert (found["baseline"]["evaluation_id"], found["candidate"]["evaluation_id"]) == (
            "1",
            "3",
        )

    def test_the_candidate_can_be_the_newest_of_a_dataset_or_of_its_version(
        self, made: Loop
    ) -> None:
        for dataset in ("golden", "golden@1.0.0"):
            found = made.json("gate", "--baseline", "1", "--dataset", dataset, exit_code=1)
            assert found["candidate"]["evaluation_id"] == "3"
        line = made.refused("gate", "--baseline", "1", "--dataset", "golden@1.1.0", exit_code=2)
        assert "no finished evaluation of golden@1.1.0; evaluate first" in line

    def test_a_baseline_can_be_an_agent_version_or_a_branch(self, made: Loop) -> None:
        by_version = made.json("gate", "--baseline", "v2", "--candidate", "1")
        by_branch = made.json("gate", "--baseline", "feature", "--candidate", "1")
        assert by_version["baseline"] == by_branch["baseline"]
        assert by_branch["resolved"] == ["baseline: evaluation 2, the newest of branch feature"]

    def test_a_baseline_can_be_a_file(self, made: Loop) -> None:
        file = str(made.folder / "v1.json")
        found = made.json("gate", "--baseline", file, "--candidate", "2")
        assert found["baseline"]["evaluation_id"] == file
        assert found["paired"]["change"] == pytest.approx(-2 / 80)

    def test_a_file_is_not_a_baseline_of_itself(self, made: Loop) -> None:
        line = made.refused(
            *("gate", "--baseline", str(made.folder / "v1.json"), "--candidate", "1"), exit_code=2
        )
        assert "is the candidate itself (evaluation 1)" in line

    def test_an_unknown_name_lists_what_there_is_with_the_nearest_first(self, made: Loop) -> None:
        line = made.refused("gate", "--baseline", "featur", exit_code=2)
        assert line.endswith("there are: feature, 1, 2, main, v1, v2")

    def test_a_number_that_nothing_has_is_told(self, made: Loop) -> None:
        assert "is called '99'" in made.refused("gate", "--baseline", "99", exit_code=2)

    def test_without_an_evaluation_it_says_what_to_do(self, alone: Loop) -> None:
        line = alone.refused("gate", "--baseline", "main", exit_code=2)
        assert "there is no finished evaluation; evaluate first: goldloop evaluate" in line

    def test_an_unfinished_evaluation_is_refused_and_never_the_newest(self, made: Loop) -> None:
        with made.store() as db:
            [row] = db.query("SELECT * FROM evaluations WHERE evaluation_id = 3")
            db.table("evaluations").insert(row | {"evaluation_id": 9, "finished_at": None})
        line = made.refused("gate", "--baseline", "1", "--candidate", "9", exit_code=2)
        assert line.endswith("evaluation 9 is not finished; go on with it: goldloop evaluate")
        found = made.json("gate", "--baseline", "1", exit_code=1)
        assert found["candidate"]["evaluation_id"] == "3"

    def test_two_files_need_no_store(self, alone: Loop) -> None:
        (alone.folder / "goldloop.db").unlink()
        for name in ("a", "b"):
            write_evaluation(alone.folder / f"{name}.json", evaluation(name))
        found = alone.json("gate", *pair(alone.folder))
        assert (found["status"], found["gate_id"]) == ("pass", None)
        assert not (alone.folder / "goldloop.db").exists()

    def test_a_number_that_is_also_a_file_is_told(
        self, made: Loop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("1").write_text("{}")
        found = made.json("gate", "--baseline", "1", exit_code=1)
        assert found["resolved"] == ["1 is evaluation 1; for the file write ./1"]

    @pytest.mark.parametrize("content", [b"", b"[]", b'{"results": 1}', b"\xff", b"PK\x03\x04"])
    def test_a_file_of_anything_else_is_refused_in_one_line(
        self, made: Loop, content: bytes
    ) -> None:
        with changed(made.folder / "v1.json", content):
            line = made.refused("gate", "--baseline", str(made.folder / "v1.json"), exit_code=2)
        assert str(made.folder / "v1.json") in line


def pair(folder: Path) -> tuple[str, ...]:
    """Two files as options."""
    return ("--baseline", str(folder / "a.json"), "--candidate", str(folder / "b.json"))


class TestHowItEnds:
    def test_a_regression_ends_with_1_and_a_pass_with_0(self, made: Loop) -> None:
        assert "Regression" in made.run("gate", "--baseline", "v1", exit_code=1).stdout
        assert made.run("gate", "--baseline", "broken", "--candidate", "1").stdout.startswith(
            "Pass"
        )

    def test_a_small_drop_passes_unless_evidence_is_asked_for(self, made: Loop) -> None:
        options = ("gate", "--baseline", "1", "--candidate", "2")
        assert made.json(*options)["status"] == "inconclusive"
        assert made.json(*options, "--strict", exit_code=3)["exit_code"] == 3

    def test_the_literal_rule_blocks_it_and_says_how_often_it_is_wrong(self, made: Loop) -> None:
        options = ("--baseline", "1", "--candidate", "2", "--policy", "point")
        assert "of agents that did not change" in made.run("gate", *options, exit_code=1).stdout

    def test_too_many_errors_end_with_2(self, alone: Loop) -> None:
        write_evaluation(alone.folder / "a.json", evaluation("a"))
        write_evaluation(alone.folder / "b.json", evaluation("b", errors=range(30)))
        assert alone.json("gate", *pair(alone.folder), exit_code=2)["status"] == "errors"

    def test_another_dataset_is_refused_unless_asked_to_intersect(self, alone: Loop) -> None:
        write_evaluation(alone.folder / "a.json", evaluation("a"))
        other = replace(evaluation("b", count=100), content_fingerprint="d" * 64)
        write_evaluation(alone.folder / "b.json", other)
        assert "--intersect" in alone.refused("gate", *pair(alone.folder), exit_code=2)
        assert alone.json("gate", *pair(alone.folder), "--intersect")["paired"]["pairs"] == 100

    def test_an_unproven_judge_alone_does_not_block(self, alone: Loop) -> None:
        for name, wrong in (("a", ()), ("b", range(0, 120, 3))):
            made = evaluation(name, wrong, graders=(JUDGE,))
            write_evaluation(alone.folder / f"{name}.json", made)
        found = alone.json("gate", *pair(alone.folder))
        assert found["status"] == "inconclusive"
        shown = alone.run("gate", *pair(alone.folder)).stdout
        assert "response is an unproven judge, which cannot block alone" in shown

    @pytest.mark.parametrize(
        ("cause", "exit_code", "says"),
        [
            (KeyboardInterrupt(), 130, "stopped; there is no verdict"),
            (ZeroDivisionError("by 0"), 2, "says nothing of the agent (ZeroDivisionError: by 0)"),
        ],
    )
    def test_what_stops_it_is_no_regression(
        self,
        made: Loop,
        monkeypatch: pytest.MonkeyPatch,
        cause: BaseException,
        exit_code: int,
        says: str,
    ) -> None:
        def stops(*_: object, **__: object) -> None:
            raise cause

        monkeypatch.setattr("sync.gate.gate", stops)
        assert says in made.refused("gate", "--baseline", "1", exit_code=exit_code)

    def test_a_file_that_cannot_be_written_leaves_nothing_behind(self, tmp_path: Path) -> None:
        with pytest.raises(UnicodeEncodeError):
            write_whole(tmp_path / "g.json", "\ud800")
        assert not list(tmp_path.iterdir())

    def test_a_named_slice_is_among_those_that_can_block(self, made: Loop) -> None:
        options = ("--baseline", "1", "--candidate", "2", "--slice", "tag:cancel")
        slices = made.json("gate", *options)["slices"]
        assert [one["name"] for one in slices if one["gates"]] == ["tag:cancel"]


class TestWhatIsSaid:
    def test_the_verdict_comes_first_and_the_flips_last(self, made: Loop) -> None:
        lines = made.run("gate", "--baseline", "1", exit_code=1).stdout.splitlines()
        assert lines[0].startswith("Regression: ")
        start = lines.index("Flipped cases")
        assert "from right to wrong" in lines[start + 1]
        assert lines[start + 2].strip().startswith("baseline: right: cancel_order(")
        assert lines[-1] == "and 21 more: goldloop gate with -o gate.html, or --json"

    def test_both_scores_stand_with_their_intervals(self, made: Loop) -> None:
        shown = made.run("gate", "--baseline", "1", exit_code=1).stdout
        assert "95.0% (87.8% to 98.0%)" in shown
        assert "70.0% (59.2% to 78.9%)" in shown

    def test_steering_characters_do_not_reach_the_terminal(self, alone: Loop) -> None:
        for name, wrong in (("a", ()), ("b", range(40))):
            made = evaluation(name, wrong, hostile=True)
            write_evaluation(alone.folder / f"{name}.json", made)
        shown = alone.run("gate", *pair(alone.folder), exit_code=1).stdout
        assert "\x1b" not in shown
        assert "\u202e" not in shown


class TestWhatIsKept:
    def test_the_gate_is_in_the_store_with_its_flips(self, made: Loop) -> None:
        found = made.json("gate", "--baseline", "1", exit_code=1)
        with made.store() as db:
            kept = newest_gate(db, 3)
        assert kept is not None
        assert (kept.gate_id, kept.baseline_id, kept.status) == (found["gate_id"], 1, "regression")
        assert {one["direction"] for one in kept.record["flips"]} == {"regressed", "recovered"}

    def test_what_was_said_is_kept_cut_and_told_whole(
        self, made: Loop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sync.gate.LONGEST_KEPT", 9)
        told = made.json("gate", "--baseline", "1", exit_code=1)["flips"]
        with made.store() as db:
            gate = newest_gate(db, 3)
        assert gate is not None
        for whole, kept in zip(told, gate.record["flips"], strict=True):
            assert whole["candidate"]["response"] in ("Which order?", "Order AB-1234 it is.")
            assert kept["candidate"]["response"] in ("Which or…", "Order AB…")
            assert kept["candidate"]["attempt"] == whole["candidate"]["attempt"]

    def test_a_file_as_baseline_leaves_it_without_a_number(self, made: Loop) -> None:
        made.run("gate", "--baseline", str(made.folder / "v1.json"), exit_code=1)
        with made.store() as db:
            kept = newest_gate(db, 3)
        assert kept is not None
        assert kept.baseline_id is None

    def test_reports_are_written_although_it_blocks(self, made: Loop) -> None:
        files = [made.folder / f"gate.{ending}" for ending in ("json", "md", "xml", "html")]
        options = [part for file in files for part in ("-o", str(file))]
        made.run("gate", "--baseline", "1", *options, exit_code=1)
        assert json.loads(files[0].read_text())["status"] == "regression"
        assert all(file.stat().st_size > 1000 for file in files)

    def test_a_file_that_exists_is_refused_before_anything_is_compared(self, made: Loop) -> None:
        there = made.folder / "goldloop.toml"
        assert "must end in" in made.refused(
            "gate", "--baseline", "1", "-o", str(there), exit_code=2
        )
        there = made.folder / "v1.json"
        assert "--force" in made.refused("gate", "--baseline", "1", "-o", str(there), exit_code=2)


def test_the_command_offers_what_can_be_decided() -> None:
    assert (command.POLICIES, command.METRICS) == (POLICIES, METRICS)


def test_equal_evaluations_by_two_agents_pass(alone: Loop) -> None:
    for name in ("a", "b"):
        made = evaluation(name, range(0, 120, 9), graders=(TOOLS,))
        write_evaluation(alone.folder / f"{name}.json", made)
    assert alone.json("gate", *pair(alone.folder))["paired"]["change"] == 0.0
