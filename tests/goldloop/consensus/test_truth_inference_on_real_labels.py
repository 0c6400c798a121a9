"""Consensus on the answers of real people."""

import csv
from pathlib import Path

import numpy as np
import pytest

from goldloop.consensus.by_kind import FieldModel, decide, fit_field, learn_field
from goldloop.consensus.dawid_skene import dawid_skene
from goldloop.consensus.hierarchical import CONVERGED, EARLY, hierarchical
from goldloop.consensus.inference import top_options
from goldloop.consensus.majority_posterior import majority_posterior
from goldloop.consensus.votes import CodedVotes, Votes, code_votes
from goldloop.fields import Field, FieldKind


@pytest.fixture(scope="module")
def annotators(shared_data: Path) -> Path:
    folder = shared_data / "annotators"
    if not folder.is_dir():
        pytest.skip(f"the answers of real annotators are not in {folder}")
    return folder


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _votes(folder: Path, name: str) -> CodedVotes:
    rows = _rows(folder / name / "labels.csv")
    columns = ([row[c] for row in rows] for c in ("task_id", "annotator_id", "label"))
    return code_votes(*columns)


def _truth(folder: Path, name: str, coded: CodedVotes) -> np.ndarray:
    truth = {row["task_id"]: row["label"] for row in _rows(folder / name / "truth.csv")}
    codes = {option: code for code, option in enumerate(coded.options)}
    return np.array([codes[truth[str(task)]] for task in coded.tasks])


def _cut(votes: Votes, most: int, seed: int = 0) -> Votes:
    order = np.lexsort((np.random.default_rng(seed).random(len(votes)), votes.tasks))
    tasks = votes.tasks[order]
    kept = order[np.arange(len(tasks)) - np.searchsorted(tasks, tasks) < most]
    sizes = votes.n_tasks, votes.n_annotators, votes.n_options
    return Votes(votes.tasks[kept], votes.annotators[kept], votes.labels[kept], *sizes)


def _expected_accuracy(posterior: np.ndarray, truth: np.ndarray) -> float:
    top = posterior >= posterior.max(axis=1, keepdims=True) - 1e-9
    return float((top[np.arange(len(truth)), truth] / top.sum(axis=1)).mean())


@pytest.mark.parametrize(
    ("name", "iterations"), [("bluebirds", 2), ("rte", 9), ("dog", 14), ("web", 37), ("pandalm", 4)]
)
def test_dawid_skene_takes_as_many_iterations_as_crowd_kit(annotators, name, iterations):
    """Counted with crowd-kit 1.4.2: len(DawidSkene(n_iter=100).fit(labels).loss_history_)."""
    result = dawid_skene(_votes(annotators, name).votes)

    assert (result.iterations, result.converged) == (iterations, True)


@pytest.mark.parametrize("name", ["rte", "dog", "d_product"])
def test_the_default_is_more_often_right_than_the_vote_at_two_answers_a_task(annotators, name):
    coded = _votes(annotators, name)
    votes, truth = _cut(coded.votes, 2), _truth(annotators, name, coded)

    model = _expected_accuracy(hierarchical(votes).posterior, truth)
    vote = _expected_accuracy(majority_posterior(votes).posterior, truth)

    assert model > vote + 0.01


def test_stopping_early_is_better_than_converging_where_annotators_are_weak(annotators):
    rows = _rows(annotators / "web" / "truth.csv")
    coded = _votes(annotators, "web")
    truth = {row["task_id"]: row["label"] for row in rows}
    judged = np.array([str(task) in truth for task in coded.tasks])
    known = np.array(
        [coded.options.index(truth[str(t)]) if str(t) in truth else 0 for t in coded.tasks]
    )

    def accuracy(iterations: int) -> float:
        cuts = [_cut(coded.votes, 2, seed) for seed in range(5)]
        fits = [hierarchical(votes, max_iterations=iterations) for votes in cuts]
        return np.mean([_expected_accuracy(f.posterior[judged], known[judged]) for f in fits])

    assert accuracy(EARLY) > accuracy(CONVERGED) + 0.02


@pytest.mark.parametrize("name", ["agentreward_success", "pandalm"])
def test_every_task_gets_a_value_or_a_tie_and_an_update_says_the_same(annotators, name):
    coded = _votes(annotators, name)
    field = Field("verdict", FieldKind.SINGLE_CHOICE, "trace", options=coded.options)
    answers: dict[str, dict[str, str]] = {str(task): {} for task in coded.tasks}
    votes = coded.votes
    for task, who, label in zip(votes.tasks, votes.annotators, votes.labels, strict=True):
        answers[str(coded.tasks[task])][str(coded.annotators[who])] = coded.options[label]

    fit = fit_field(field, answers)
    stored = FieldModel.from_record(fit.model.to_record())

    posterior = hierarchical(votes).posterior
    top, tied = top_options(posterior)
    for place, task in enumerate(coded.tasks):
        outcome = fit.outcomes[str(task)]
        assert outcome == decide(stored, answers[str(task)])
        assert outcome.method == "hierarchical"
        assert outcome.tied == tied[place]
        assert tied[place] or outcome.value == coded.options[top[place]]


@pytest.mark.parametrize(("name", "shift"), [("usr_topical_overall", 0), ("fed_overall", 1)])
def test_ratings_of_dialogues_are_used_like_a_scale(annotators, name, shift):
    field = Field("overall", FieldKind.RATING, "trace", maximum=5)

    fit = fit_field(field, _ratings(annotators, name, shift))

    assert {outcome.method for outcome in fit.outcomes.values()} == {"bias_corrected_mean"}


def test_relevance_of_web_pages_is_used_like_categories_and_the_median_errs_less(annotators):
    answers = _ratings(annotators, "web", shift=1)
    truth = {r["task_id"]: int(r["label"]) + 1 for r in _rows(annotators / "web" / "truth.csv")}

    fit = fit_field(Field("relevance", FieldKind.RATING, "page", maximum=5), answers)

    median = [abs(float(fit.outcomes[t].value) - label) for t, label in truth.items()]
    mean = [abs(np.mean(list(answers[t].values())) - label) for t, label in truth.items()]
    assert fit.outcomes["0"].method == "posterior_median"
    assert np.mean(median) < 0.8 * np.mean(mean)


def _ratings(folder: Path, name: str, shift: int = 0) -> dict[str, dict[str, int]]:
    answers: dict[str, dict[str, int]] = {}
    for row in _rows(folder / name / "labels.csv"):
        answers.setdefault(row["task_id"], {})[row["annotator_id"]] = int(row["label"]) + shift
    return answers


@pytest.mark.parametrize("name", ["bluebirds", "dog", "rte", "web"])
def test_models_that_miss_a_tenth_of_the_tasks_decide_nearly_as_new_ones(annotators, name):
    """The tolerance of an update with stored models: at most 5 in 100 tasks change their state."""
    coded = _votes(annotators, name)
    field = Field("label", FieldKind.SINGLE_CHOICE, "text", options=coded.options)
    answers: dict = {}
    for task, who, label in zip(
        coded.votes.tasks, coded.votes.annotators, coded.votes.labels, strict=True
    ):
        answers.setdefault(f"t{task}", {})[int(who)] = coded.options[label]
    new = np.random.default_rng(0).permutation(sorted(answers))[: len(answers) // 10]
    before = {task: by for task, by in answers.items() if task not in set(new)}

    stored, _ = learn_field(field, before)
    singly = {task: decide(stored, by) for task, by in answers.items()}
    fully = fit_field(field, answers).outcomes

    sure = [(singly[task].confidence >= 0.7, fully[task].confidence >= 0.7) for task in answers]
    assert np.mean([one == other for one, other in sure]) >= 0.95
    stand = [task for task, both in zip(answers, sure, strict=True) if all(both)]
    assert np.mean([singly[task].value != fully[task].value for task in stand]) <= 0.001
