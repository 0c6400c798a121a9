"""The hierarchical model, against the same formulas written as plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_votes import any_votes, made_votes

from goldloop.consensus.hierarchical import CONVERGED, EARLY, hierarchical, typical_accuracy
from goldloop.consensus.majority_posterior import majority_posterior
from goldloop.consensus.temperature import (
    default_temperature,
    fitted_temperature,
    surprise,
)
from goldloop.consensus.votes import Votes
from goldloop.errors import RecordError

S_MATRIX, S_SKILL, S_POOLED, S_PRIOR = 12, 10, 300, 300


def _clip(x, low, high):
    return min(max(x, low), high)


def _logit(p):
    return math.log(p / (1 - p))


def _softmax(scores):
    powers = [math.exp(s - max(scores)) for s in scores]
    return [p / sum(powers) for p in powers]


def _a0(rows, n_tasks, k):
    same = pairs = 0
    for t in range(n_tasks):
        given_labels = [label for task, _, label in rows if task == t]
        for i, one in enumerate(given_labels):
            for other in given_labels[i + 1 :]:
                pairs, same = pairs + 1, same + (one == other)
    least = max(0.55, 1 / k + 0.05)
    if not pairs:
        return least
    root = math.sqrt(max((k - 1) * (k * same / pairs - 1), 0))
    return _clip((1 + root) / k, least, 0.97)


def _start(rows, n_tasks, k):
    voted = sorted({t for t, _, _ in rows})
    marginal = [1 / k] * k
    for t in voted:
        labels = [label for task, _, label in rows if task == t]
        for label in labels:
            marginal[label] += 1 / len(labels)
    return [0.5 * m / (len(voted) + 1) + 0.5 / k for m in marginal], voted


def _posterior(rows, n_tasks, k, prior, confusion, tau, gold):
    table = []
    for t in range(n_tasks):
        if t in gold:
            table.append([float(c == gold[t]) for c in range(k)])
            continue
        given_labels = [(w, label) for task, w, label in rows if task == t]
        table.append(
            _softmax(
                [
                    math.log(prior[c])
                    + tau * sum(math.log(confusion[w][c][label]) for w, label in given_labels)
                    for c in range(k)
                ]
            )
        )
    return table


def by_loops(votes, tau, iterations, gold=()):
    """The model as its definition reads, one annotator and one class at a time."""
    gold = dict(gold)
    rows = list(
        zip(*(x.tolist() for x in (votes.tasks, votes.annotators, votes.labels)), strict=True)
    )
    k, n_tasks = votes.n_options, votes.n_tasks
    a0 = _a0(rows, n_tasks, k)
    p0, voted = _start(rows, n_tasks, k)
    b0 = [[a0 if c == o else (1 - a0) / (k - 1) for o in range(k)] for c in range(k)]
    who = range(votes.n_annotators)
    prior, confusion = p0, [b0 for _ in who]
    p = _posterior(rows, n_tasks, k, prior, confusion, 1, gold)
    for _ in range(iterations):
        counts = [[[0.0] * k for _ in range(k)] for _ in who]
        for t, w, label in rows:
            for c in range(k):
                counts[w][c][label] += p[t][c]
        pooled = []
        for c in range(k):
            row = [sum(counts[w][c][o] for w in who) + S_POOLED * b0[c][o] for o in range(k)]
            pooled.append([x / sum(row) for x in row])
        d = [_clip(pooled[c][c], 0.02, 0.98) for c in range(k)]
        confusion = []
        for w in who:
            tot = sum(map(sum, counts[w]))
            cor = sum(counts[w][c][c] for c in range(k))
            ex = sum(sum(counts[w][c]) * d[c] for c in range(k))
            r = _clip((cor + S_SKILL * a0) / (tot + S_SKILL), 0.02, 0.98)
            e = _clip((ex + S_SKILL * a0) / (tot + S_SKILL), 0.02, 0.98)
            matrix = []
            for c in range(k):
                diagonal = 1 / (1 + math.exp(-(_logit(d[c]) + _logit(r) - _logit(e))))
                others = sum(pooled[c][o] for o in range(k) if o != c)
                m = [
                    diagonal if o == c else (1 - diagonal) * pooled[c][o] / others for o in range(k)
                ]
                row = [counts[w][c][o] + S_MATRIX * m[o] for o in range(k)]
                matrix.append([x / sum(row) for x in row])
            confusion.append(matrix)
        q = [sum(p[t][c] for t in voted) + S_PRIOR * p0[c] for c in range(k)]
        prior = [x / sum(q) for x in q]
        p = _posterior(rows, n_tasks, k, prior, confusion, 1, gold)
    return _posterior(rows, n_tasks, k, prior, confusion, tau, gold), prior, confusion


@settings(max_examples=40, deadline=None)
@given(any_votes(), st.sampled_from([0.5, 0.7, 1.0]), st.sampled_from([1, 2, 7]))
def test_it_is_what_the_definition_says(votes, tau, iterations):
    result = hierarchical(votes, temperature=tau, max_iterations=iterations, tolerance=0.0)

    posterior, prior, confusion = by_loops(votes, tau, iterations)
    assert result.posterior == pytest.approx(np.array(posterior), abs=1e-10)
    assert result.prior == pytest.approx(prior, abs=1e-10)
    assert result.confusion == pytest.approx(np.array(confusion), abs=1e-10)


def test_it_is_what_the_definition_says_with_gold():
    votes, _ = made_votes(12, 4, 3, 3, seed=3)
    gold = np.full(12, -1)
    gold[[2, 5]] = 1

    result = hierarchical(votes, gold, temperature=0.6, max_iterations=4, tolerance=0.0)

    posterior, _, _ = by_loops(votes, 0.6, 4, {2: 1, 5: 1})
    assert result.posterior == pytest.approx(np.array(posterior), abs=1e-10)


def test_the_typical_accuracy_follows_from_the_pairwise_agreement():
    """Three of four pairs agree: A = 3/4, K = 2, a0 = (1 + sqrt(1/2)) / 2 = 0.853553."""
    votes = Votes(np.repeat(np.arange(4), 2), [0, 1] * 4, [0, 0, 1, 1, 0, 0, 0, 1], 4, 2, 2)

    assert typical_accuracy(votes) == pytest.approx(0.853553, abs=1e-6)


def test_without_a_shared_task_the_typical_accuracy_is_the_least_one():
    assert typical_accuracy(Votes([0, 1], [0, 1], [0, 1], 2, 2, 4)) == 0.55


def test_it_stops_early_by_default_and_converges_when_asked_to():
    votes, _ = made_votes(200, 8, 3, 3, seed=1)

    early, late = hierarchical(votes), hierarchical(votes, max_iterations=CONVERGED)

    assert (early.iterations, early.converged) == (EARLY, False)
    assert late.converged
    assert EARLY < late.iterations < CONVERGED


@settings(max_examples=30, deadline=None)
@given(any_votes(), st.randoms(use_true_random=False))
def test_renaming_tasks_annotators_and_options_renames_the_result(votes, random):
    new = []
    for count in (votes.n_tasks, votes.n_annotators, votes.n_options):
        names = list(range(count))
        random.shuffle(names)
        new.append(np.array(names))
    task, who, option = new
    renamed = Votes(
        task[votes.tasks],
        who[votes.annotators],
        option[votes.labels],
        votes.n_tasks,
        votes.n_annotators,
        votes.n_options,
    )

    plain, other = hierarchical(votes), hierarchical(renamed)

    back = other.posterior[task][:, option]
    assert back == pytest.approx(plain.posterior, abs=1e-9)
    assert other.accuracy[who] == pytest.approx(plain.accuracy, abs=1e-9)


def test_the_order_of_rows_changes_not_one_bit():
    votes, _ = made_votes(60, 6, 3, 3, seed=2)
    order = np.random.default_rng(0).permutation(len(votes))
    shuffled = Votes(votes.tasks[order], votes.annotators[order], votes.labels[order], 60, 6, 3)

    assert (hierarchical(shuffled).posterior == hierarchical(votes).posterior).all()


def test_two_annotators_who_disagree_in_mirror_image_stay_tied():
    votes = Votes(np.repeat(np.arange(4), 2), [0, 1] * 4, [0, 1, 1, 0] * 2, 4, 2, 2)

    assert hierarchical(votes).posterior == pytest.approx(np.full((4, 2), 0.5), abs=1e-12)


def test_gold_keeps_its_label_and_makes_the_others_follow_the_one_who_was_right():
    labels = [0, 1, 1, 0] * 10  # the two never agree
    votes = Votes(np.repeat(np.arange(20), 2), [0, 1] * 20, labels, 20, 2, 2)
    gold = np.array([0, 1] * 9 + [-1, -1])  # annotator 0 is right

    result = hierarchical(votes, gold)

    assert result.posterior[np.arange(18), gold[:18]].tolist() == [1.0] * 18
    assert result.posterior[18, 0] > 0.9
    assert result.posterior[19, 1] > 0.9
    assert result.accuracy[0] > 0.8 > 0.3 > result.accuracy[1]


def test_a_task_without_votes_gets_the_prior_and_changes_nothing_else():
    votes, _ = made_votes(30, 5, 2, 3, seed=4)
    more = Votes(votes.tasks, votes.annotators, votes.labels, 31, 5, 2)

    plain, result = hierarchical(votes), hierarchical(more)

    assert result.posterior[30] == pytest.approx(result.prior)
    assert result.posterior[:30] == pytest.approx(plain.posterior, abs=1e-12)


def test_an_annotator_worse_than_chance_is_named():
    votes, truth = made_votes(100, 5, 2, 3, accuracy=0.9, seed=5)
    contrary = votes.annotators == 4
    labels = np.where(contrary, 1 - truth[votes.tasks], votes.labels)

    result = hierarchical(Votes(votes.tasks, votes.annotators, labels, 100, 5, 2))

    assert result.warnings.worse_than_chance == (4,)


def test_tasks_where_the_model_overrules_a_majority_are_named():
    votes, truth = made_votes(100, 5, 2, 3, accuracy=0.97, seed=6)
    lazy = votes.annotators >= 3  # two who always say 0
    labels = np.where(lazy, 0, votes.labels)
    result = hierarchical(
        Votes(votes.tasks, votes.annotators, labels, 100, 5, 2), max_iterations=CONVERGED
    )

    top = result.posterior.argmax(axis=1)
    overruled = result.warnings.overruled_majority
    said = {t: [int(x) for x in labels[votes.tasks == t]] for t in overruled}
    assert overruled
    assert all(sum(x == top[t] for x in said[t]) == 1 for t in overruled)
    assert (top == truth).mean() > 0.95


@pytest.mark.parametrize(("votes_each", "expected"), [(1, 1.0), (2, 2**-0.5), (4, 0.5), (9, 1 / 3)])
def test_more_votes_a_task_are_tempered_harder(votes_each, expected):
    votes, _ = made_votes(5, 9, 2, votes_each)

    assert default_temperature(votes) == pytest.approx(expected)
    assert hierarchical(votes).temperature == pytest.approx(expected)


def test_the_temperature_makes_probabilities_less_sure():
    votes, _ = made_votes(50, 6, 3, 3, seed=7)

    sure = hierarchical(votes, temperature=1.0).posterior.max(axis=1)
    tempered = hierarchical(votes, temperature=0.5).posterior.max(axis=1)

    assert tempered.mean() < sure.mean()


def test_a_fitted_temperature_is_the_least_surprising_one():
    rng = np.random.default_rng(8)
    scores = rng.normal(0, 4, (400, 2))
    prior = np.array([0.5, 0.5])
    right = 1 / (1 + np.exp(-0.4 * (scores[:, 0] - scores[:, 1])))
    gold = (rng.random(400) > right).astype(np.int32)

    found = fitted_temperature(scores, prior, gold)

    assert found == pytest.approx(0.4, abs=0.1)
    around = [surprise(scores, prior, gold, found + step) for step in (-0.05, 0.05)]
    assert surprise(scores, prior, gold, found) <= min(around)


def test_from_a_hundred_gold_tasks_on_the_temperature_is_fitted():
    votes, truth = made_votes(300, 8, 2, 3, accuracy=0.8, seed=9)
    few, many = np.full(300, -1), np.full(300, -1)
    few[:99], many[:100] = truth[:99], truth[:100]

    assert hierarchical(votes, few).temperature == default_temperature(votes)
    # These annotators err independently, so the evidence may be believed almost as it is.
    assert 0.75 <= hierarchical(votes, many).temperature <= 1.5


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_a_temperature_that_makes_no_sense_is_refused(temperature):
    votes, _ = made_votes(5, 3, 2, 2)

    with pytest.raises(RecordError, match="temperature must be above 0"):
        hierarchical(votes, temperature=temperature)


@pytest.mark.parametrize("gold", [[0], [5, -1, -1], [0.5, 0, 0], [-2, 0, 0]])
def test_gold_that_does_not_fit_the_votes_is_refused(gold):
    with pytest.raises(RecordError, match="gold must hold 3 codes"):
        hierarchical(Votes([0], [0], [0], 3, 1, 2), np.array(gold))


def test_it_is_more_often_right_than_the_vote_where_annotators_differ():
    rng = np.random.default_rng(10)
    votes, truth = made_votes(600, 10, 3, 2, accuracy=0.9, seed=11)
    guesses = rng.integers(0, 3, len(votes))
    labels = np.where(votes.annotators < 5, guesses, votes.labels)
    noisy = Votes(votes.tasks, votes.annotators, labels, 600, 10, 3)

    model = hierarchical(noisy).posterior.argmax(axis=1) == truth
    vote = majority_posterior(noisy).posterior.argmax(axis=1) == truth

    assert model.mean() > vote.mean() + 0.05
