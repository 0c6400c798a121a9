"""Consensus learns who errs: with enough answers a label is more than a count of heads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from goldloop.consensus import State
from label_config.interface import builtin_interface
from label_config.results import write_result
from store.annotations import RawAnnotation, store_task_annotations
from store.consensus import Learned, learned, stored_consensus, stored_models
from store.database import open_store, transaction
from store.tasks import ReviewProject, save_review_project
from sync.cli import main
from sync.consensus import refit_due, update_consensus
from sync.project import open_project

INTERFACE = builtin_interface()
PROJECT = 7
START = datetime(2026, 1, 1, tzinfo=UTC)
TRUTHS = ("correct", "incorrect", "partially_correct")


@pytest.fixture
def project(tmp_path):
    """A project with 90 samples that were pushed."""
    assert CliRunner().invoke(main, ["-C", str(tmp_path), "init"]).exit_code == 0
    lines = "".join(f'{{"sample_id": "s{n}", "user_input": "question {n}"}}\n' for n in range(90))
    (tmp_path / "samples.jsonl").write_text(lines)
    files = str(tmp_path / "samples.jsonl")
    assert CliRunner().invoke(main, ["-C", str(tmp_path), "import", files]).exit_code == 0
    db = open_store(tmp_path / "goldloop.db")
    save_review_project(db, ReviewProject(PROJECT, "http://there", "Review", INTERFACE.xml))
    yield open_project(tmp_path), db
    db.close()


def said(number, person, verdict, **more):
    """One person's verdict on one sample, as it came from Label Studio."""
    when = (START + timedelta(seconds=number)).isoformat()
    result = write_result(INTERFACE, {"correctness": verdict, "tool_use": "right", **more})
    return RawAnnotation(
        annotation_id=number * 10 + person,
        project_id=PROJECT,
        task_id=number,
        sample_id=f"s{number}",
        annotator_id=person,
        updated_by=None,
        result=result,
        was_cancelled=False,
        ground_truth=False,
        lead_time=30.0,
        created_at=when,
        updated_at=when,
    )


def label(db, annotations):
    by_task = {}
    for one in annotations:
        by_task.setdefault((PROJECT, one.task_id), []).append(one)
    with transaction(db):
        return store_task_annotations(db, by_task)


def careless(number):
    """Person 3 answers the same thing to everything."""
    truth = TRUTHS[number % 3]
    return [said(number, 1, truth), said(number, 2, truth), said(number, 3, "correct")]


def test_with_few_answers_the_vote_decides_and_says_why(project):
    where, db = project
    label(db, [one for n in range(5) for one in careless(n)])
    update_consensus(where, db)
    found = stored_consensus(db)
    assert {one.methods["correctness"] for one in found} == {"majority_posterior"}
    assert all(one.labels["correctness"] == TRUTHS[int(one.sample_id[1:]) % 3] for one in found)
    [reason] = {
        row["reason"]
        for row in db.query("SELECT reason FROM field_consensus WHERE field = 'correctness'")
    }
    assert "too little to learn" in reason


def test_with_enough_answers_a_disagreement_is_settled_for_whoever_errs_less(project):
    where, db = project
    label(db, [one for n in range(80) for one in careless(n)])
    # Two answers that differ: the vote is tied, but person 3 says "correct" to everything.
    label(db, [said(81, 1, "incorrect"), said(81, 3, "correct")])
    update_consensus(where, db)
    found = {one.sample_id: one for one in stored_consensus(db)}
    assert found["s81"].methods["correctness"] == "hierarchical"
    assert found["s81"].labels["correctness"] == "incorrect"
    assert found["s81"].state is State.AGREED
    assert 0.7 <= found["s81"].confidences["correctness"] < 1.0
    rows = db.query(
        "SELECT vote FROM field_consensus WHERE sample_id = 's81' AND field = 'correctness'"
    )
    assert next(rows)["vote"] is None


def test_what_the_model_is_not_sure_of_stays_disputed(project):
    where, db = project
    label(db, [one for n in range(80) for one in careless(n)])
    # Persons 1 and 2 are equally good, so nothing speaks for either.
    label(db, [said(81, 1, "incorrect"), said(81, 2, "partially_correct")])
    update_consensus(where, db)
    found = {one.sample_id: one for one in stored_consensus(db)}
    assert found["s81"].state is State.DISPUTED
    assert "correctness" in found["s81"].disputed


def test_one_new_answer_is_judged_as_a_full_computation_would(project, monkeypatch):
    where, db = project
    monkeypatch.setattr("sync.consensus.SMALL", 0)
    label(db, [one for n in range(80) for one in careless(n)])
    update_consensus(where, db)
    before, models = learned(db), stored_models(db)
    changed = label(db, [said(81, 1, "incorrect"), said(81, 3, "correct")])
    update_consensus(where, db, sorted(changed))
    assert learned(db) == replace(before, changed=1)  # nothing was learned again
    assert stored_models(db) == models
    quick = {one.sample_id: (one.state, one.labels) for one in stored_consensus(db)}
    update_consensus(where, db)
    assert learned(db).annotations == before.annotations + 2
    assert {one.sample_id: (one.state, one.labels) for one in stored_consensus(db)} == quick


def test_a_refit_is_due_when_more_than_a_tenth_of_the_samples_changed(project, monkeypatch):
    where, db = project
    monkeypatch.setattr("sync.consensus.SMALL", 0)
    label(db, [one for n in range(20) for one in careless(n)])
    update_consensus(where, db)
    for number, due in ((20, False), (21, False), (22, True)):
        changed = label(db, careless(number))
        update_consensus(where, db, sorted(changed))
        assert refit_due(where, db) is due
    update_consensus(where, db)
    assert not refit_due(where, db)
    assert learned(db) == Learned(2, 69, 23, 0)


def test_with_few_annotations_everything_is_learned_again_with_every_answer(project):
    where, db = project
    for number in range(3):
        update_consensus(where, db, sorted(label(db, careless(number))))
        assert learned(db) == Learned(number + 1, 3 * (number + 1), number + 1, 0)
    assert not refit_due(where, db)


def test_a_rating_is_a_mean_and_never_a_mode(project):
    where, db = project
    answers = ((1, 5), (2, 4))
    label(db, [said(0, person, "correct", helpfulness=stars) for person, stars in answers])
    update_consensus(where, db)
    [found] = stored_consensus(db)
    assert found.labels["helpfulness"] == 4.5
    assert found.state is State.AGREED


def test_the_ground_truth_stands_whatever_the_model_says(project):
    where, db = project
    label(db, [one for n in range(80) for one in careless(n)])
    wrong = said(81, 1, "incorrect")
    truth = said(81, 9, "partially_correct")
    label(
        db,
        [
            wrong,
            RawAnnotation(
                **{**{name: getattr(truth, name) for name in truth.__slots__}, "ground_truth": True}
            ),
        ],
    )
    update_consensus(where, db)
    found = {one.sample_id: one for one in stored_consensus(db)}
    assert found["s81"].state is State.ADJUDICATED
    assert found["s81"].labels["correctness"] == "partially_correct"
    field = found["s81"].fields["correctness"]
    assert (field.method, field.confidence) == ("ground_truth", 1.0)
    assert field.posterior == (("partially_correct", 1.0),)
    assert field.reason == "an annotation was marked as the ground truth"
    assert field.votes == 2
