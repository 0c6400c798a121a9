"""The benchmarks' command line, and how `bench truth` scores."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.__main__ import names, run
from bench._dawid_skene_fit import measure, synthetic
from bench.truth import cut_votes, main, score, truth_sets
from goldloop.consensus.votes import Votes

REPOSITORY = Path(__file__).resolve().parents[2]


def test_an_unknown_name_lists_the_benchmarks(capsys):
    assert run(["magic"]) == 2

    said = capsys.readouterr().err
    assert ", ".join(names()) in said


def test_the_benchmarks_are_found_by_their_files():
    assert {"consensus", "truth"} <= set(names())
    assert all(not name.startswith("_") for name in names())


def test_a_tie_scores_as_expected_accuracy():
    votes = Votes([0, 1], [0, 0], [0, 0], 3, 1, 2)
    posterior = np.array([[0.5, 0.5], [0.8, 0.2], [0.0, 1.0]])

    accuracy, brier, loss, error = score(posterior, np.array([1, 0, 0]), votes)

    assert accuracy == 0.75
    assert brier == pytest.approx((0.5 + 0.08) / 2)
    assert loss == pytest.approx(-np.log(0.5 * 0.8) / 2)
    assert error == pytest.approx(0.2 / 2)


def test_a_cut_leaves_at_most_so_many_answers_a_task():
    votes = Votes([0, 0, 0, 1], [0, 1, 2, 0], [0, 1, 0, 1], 2, 3, 2)

    cut = cut_votes(votes, 2, seed=1)

    assert np.bincount(cut.tasks).tolist() == [2, 1]


def test_sets_without_truth_are_not_scored(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "labels.csv").write_text("task_id,annotator_id,label\na,x,1\nb,x,0\n")
    assert list(truth_sets(tmp_path)) == []

    (tmp_path / "one" / "truth.csv").write_text("task_id,label\na,1\n")
    (one,) = truth_sets(tmp_path)
    assert (one.name, one.truth.tolist()) == ("one", [1, -1])


def test_truth_says_that_it_was_skipped_where_there_is_no_data(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.truth.DATA", tmp_path / "nowhere")

    assert "no data sets with truth" in main(quick=True)["skipped"]


def test_the_default_beats_the_vote_on_the_sets_with_truth(shared_data, monkeypatch, capsys):
    monkeypatch.setattr("bench.truth.QUICK_SEEDS", 1)

    figures = main(quick=True)

    assert figures["default_accuracy"] > figures["majority_accuracy"]
    assert figures["default_brier"] < figures["majority_brier"]
    assert "hierarchical_100" in capsys.readouterr().out


def test_our_model_and_plain_pandas_agree_and_stop_together():
    answers = synthetic(3000)

    ours, peer = (measure(name, answers, 1, 100) for name in ("goldloop", "pandas"))

    assert ours["iterations"] == peer["iterations"]
    assert ours["accuracy"] == pytest.approx(peer["accuracy"], abs=1e-3)


def test_the_last_line_is_one_json_object():
    nowhere = "import bench.truth as t; t.DATA = t.Path('/nowhere')"
    code = f"{nowhere}; from bench.__main__ import run; run(['truth'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )

    assert "skipped" in json.loads(done.stdout.splitlines()[-1])
