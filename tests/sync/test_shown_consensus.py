"""`goldloop consensus` and `goldloop pull` say what a result is, how it came about, what is due."""

from __future__ import annotations

import json

import pytest

from store.annotations import annotated_samples
from store.consensus import learned
from store.database import transaction
from sync.consensus import refit, update_consensus
from sync.pull import Pulled
from tests.sync.labelled import labelled

HOSTILE = "\x1b[31m[red]\u202e"


@pytest.fixture
def made(tmp_path):
    """80 answered samples; on s81 only the careless person and one other, who disagree."""
    one = labelled(tmp_path / "project")
    one.label([answer for n in range(80) for answer in one.careless(n)])
    one.label(one.three(81, ("incorrect", "", "correct")))
    yield one
    one.db.close()


def test_everything_about_a_result_is_in_the_json(made):
    results = json.loads(made.run("consensus", "--json").stdout)
    assert len(results) == 81
    [found] = [one for one in results if one["sample_id"] == "s81"]
    assert found["state"] == "agreed"
    assert found["labels"] == {"correctness": "incorrect", "tool_use": "right"}
    assert found["methods"]["correctness"] == "hierarchical"
    assert (found["disputed"], found["warnings"]) == ([], [])
    field = found["fields"]["correctness"]
    assert field["value"] == "incorrect"
    assert field["posterior"][0] == ["incorrect", found["confidences"]["correctness"]]
    assert sum(p for _, p in field["posterior"]) == pytest.approx(1)
    assert (field["votes"], field["agreement"], field["vote"]) == (2, False, None)
    assert (field["method"], field["method_version"], field["state"]) == (
        *("hierarchical", 1, "agreed"),
    )
    assert "enough to learn each annotator's errors" in field["reason"]


def test_a_sample_is_shown_with_what_stands_and_why(made):
    made.run("consensus")
    shown = made.run("consensus", "s81").stdout
    assert shown.startswith("s81: agreed; 2 annotators, 0 skips; agreement rate 0.500;")
    lines = [line.strip() for line in shown.splitlines()]
    assert "correctness: agreed" in lines
    assert "value      incorrect" in lines
    assert any(line.startswith("posterior  incorrect 0.") for line in lines)
    assert "votes      2, not all equal; 50% say" not in shown
    assert "votes      2, not all equal" in lines
    assert "method     hierarchical, version 1" in lines
    assert any(line.startswith("why        enough to learn") for line in lines)


def test_the_vote_stands_beside_a_value_that_it_does_not_share(made):
    made.label(made.three(82, ("incorrect", "incorrect", "correct")))
    made.configure("[consensus]\nmin_confidence = 1.0\n")
    made.run("consensus")
    shown = made.run("consensus", "s82").stdout
    assert "value      -" in shown
    assert "votes      3, not all equal; 67% say incorrect" in shown


def test_several_samples_are_shown_and_no_others(made):
    made.run("consensus")
    results = json.loads(made.run("consensus", "s81", "s3", "--json").stdout)
    assert [one["sample_id"] for one in results] == ["s3", "s81"]


def test_looking_at_a_sample_learns_nothing_and_counts_nothing(made):
    made.run("consensus")
    before = learned(made.db)
    made.run("consensus", "s81")
    assert learned(made.db) == before


def test_looking_at_a_sample_decides_it_by_the_settings_of_now(made):
    made.run("consensus")
    made.configure("[consensus]\nmin_annotators = 3\n")
    assert made.run("consensus", "s81").stdout.startswith("s81: waiting;")


def test_an_unknown_sample_is_an_error(made):
    refused = made.run("consensus", "s81", HOSTILE, exit_code=1)
    assert refused.stderr.startswith("goldloop: there is no sample '\\x1b[31m[red]\\u202e'")
    assert refused.stdout == ""


def test_a_sample_without_answers_is_an_error_and_gets_no_consensus(made):
    refused = made.run("consensus", "s85", exit_code=1)
    assert refused.stderr == "goldloop: nobody has answered sample 's85' yet\n"
    assert "s85" not in annotated_samples(made.db)


def test_what_annotators_wrote_cannot_steer_the_terminal(made):
    answers = {"correctness": "correct", "tool_use": "right", "expected_response": HOSTILE}
    made.label([made.said(82, person, **answers) for person in (1, 2)])
    shown = made.run("consensus", "s82").stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "value       [31m[red]" in shown


def test_a_warning_is_shown_once_with_the_samples_that_it_is_about(made):
    for number in range(80):
        truth = made.careless(number)[:2]
        contrary = "incorrect" if number % 3 == 0 else "correct"
        more = made.said(number, 4, correctness=contrary, tool_use="right")
        made.label([*truth, more])
    said = made.run("consensus").stderr
    [line] = [one for one in said.splitlines() if "annotator 4" in one and "tool_use" not in one]
    assert line.startswith("s0, s1, s10, s11, s12 and 75 more: correctness: the model takes")


class TestPull:
    @pytest.fixture
    def pull(self, made, monkeypatch):
        """A pull that finds what is in the store already."""

        def pull(changed):
            pulled = Pulled(tasks=len(changed), changed=set(changed))
            monkeypatch.setattr("sync.reconcile.pull", lambda *_, **__: pulled)
            with transaction(made.db):
                made.db.conn.executemany(
                    "INSERT OR IGNORE INTO stale_samples VALUES (?)", [(one,) for one in changed]
                )
            made.folder.joinpath(".env").write_text("LABEL_STUDIO_API_KEY=" + "0" * 40)
            return made.run("pull").stderr

        return pull

    def test_with_many_annotations_it_uses_the_stored_models_and_says_that_a_refit_is_due(
        self, made, pull, monkeypatch
    ):
        monkeypatch.setattr("sync.consensus.SMALL", 0)
        refit(made.project, made.db)
        assert "goldloop consensus" not in pull(["s0"])
        assert "goldloop consensus" in pull([f"s{n}" for n in range(20)])
        assert learned(made.db).version == 1
        made.run("consensus")
        assert "goldloop consensus" not in pull(["s0"])

    def test_with_few_it_learns_anew(self, made, pull):
        update_consensus(made.project, made.db)
        assert "goldloop consensus" not in pull([f"s{n}" for n in range(20)])
        assert learned(made.db).version == 2
