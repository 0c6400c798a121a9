"""Smoothed vote shares."""

import numpy as np
import pytest

from goldloop.consensus.inference import top_options
from goldloop.consensus.majority_posterior import majority_posterior, pseudo_votes
from goldloop.consensus.votes import Votes


def test_half_a_vote_is_added_to_every_option():
    votes = Votes([0, 0, 0], [0, 1, 2], [2, 2, 0], 1, 3, 3)

    posterior = majority_posterior(votes).posterior

    assert posterior[0] == pytest.approx([1.5 / 4.5, 0.5 / 4.5, 2.5 / 4.5])


def test_equal_votes_are_tied_whatever_the_options_order():
    votes = Votes([0, 0], [0, 1], [0, 1], 1, 2, 2)

    _, tied = top_options(majority_posterior(votes).posterior)

    assert tied.tolist() == [True]


def test_beyond_five_options_the_added_votes_stay_two_and_a_half():
    assert [pseudo_votes(n) * n for n in (2, 5, 6, 10_000)] == pytest.approx([1, 2.5, 2.5, 2.5])


def test_three_equal_votes_among_ten_thousand_options_are_still_likely_right():
    votes = Votes([0, 0, 0], [0, 1, 2], [77, 77, 77], 1, 3, 10_000)

    assert majority_posterior(votes).posterior[0, 77] == pytest.approx(3 / 5.5, abs=1e-3)


def test_a_task_without_votes_is_uniform():
    votes = Votes([0], [0], [1], 2, 1, 4)

    assert majority_posterior(votes).posterior[1].tolist() == [0.25] * 4


def test_gold_stands_against_the_vote():
    votes = Votes([0, 0, 1], [0, 1, 0], [1, 1, 1], 2, 2, 2)

    posterior = majority_posterior(votes, np.array([0, -1])).posterior

    assert posterior[0].tolist() == [1, 0]
    assert posterior[1, 1] == pytest.approx(0.75)


def test_the_accuracy_is_read_off_the_vote_and_drawn_to_the_mean():
    votes = Votes([0, 0, 0], [0, 1, 2], [0, 0, 1], 1, 3, 2)

    accuracy = majority_posterior(votes).accuracy

    mean = (2.5 / 4 + 2.5 / 4 + 1.5 / 4) / 3
    assert accuracy == pytest.approx([(2.5 / 4 + 2 * mean) / 3] * 2 + [(1.5 / 4 + 2 * mean) / 3])
