"""The weighted vote."""

import numpy as np
import pytest

from goldloop.consensus.inference import top_options
from goldloop.consensus.majority_posterior import majority_posterior
from goldloop.consensus.votes import Votes
from goldloop.consensus.weighted_vote import weighted_vote


def _with_a_dissenter() -> Votes:
    """Annotators 0 and 1 agree on 8 tasks against 2; on the ninth 1 and 2 are alone against each
    other."""
    tasks = [*np.repeat(np.arange(8), 3), 8, 8]
    annotators = [*np.tile(np.arange(3), 8), 1, 2]
    labels = [*([0, 0, 1] * 4), *([1, 1, 0] * 4), 1, 0]
    return Votes(tasks, annotators, labels, 9, 3, 2)


def test_a_tie_goes_to_the_annotator_who_agrees_more_with_the_others():
    votes = _with_a_dissenter()

    _, tied = top_options(majority_posterior(votes).posterior)
    top, still_tied = top_options(weighted_vote(votes).posterior)

    assert tied[8]
    assert not still_tied[8]
    assert top[8] == 1


def test_the_first_weights_follow_the_formula():
    votes = _with_a_dissenter()

    weights = weighted_vote(votes, max_iterations=1).weights

    right, answers = np.array([8, 8.5, 0.5]), np.array([8, 9, 9])
    accuracy = (right + 4 * 17 / 26) / (answers + 4)
    raw = np.maximum(2 * accuracy - 1, 0.01)
    assert weights == pytest.approx(raw / (raw @ answers / 26))


def test_equally_good_annotators_stay_tied():
    votes = Votes([0, 0], [0, 1], [0, 1], 1, 2, 2)

    result = weighted_vote(votes)

    assert result.posterior[0].tolist() == [0.5, 0.5]
    assert result.converged


def test_nobodys_answer_counts_against_itself():
    votes = _with_a_dissenter()

    assert (weighted_vote(votes).weights > 0).all()


def test_gold_teaches_the_weights():
    votes = _with_a_dissenter()
    gold = np.array([1] * 4 + [0] * 4 + [-1])  # the dissenter was right all along

    top, _ = top_options(weighted_vote(votes, gold).posterior)

    assert top[8] == 0
