"""The choice of a method, and its reason in words."""

import numpy as np
import pytest
from made_votes import made_votes

from goldloop.consensus.choice_of_method import (
    MethodSettings,
    choose_method,
    infer,
    typical_answers,
)
from goldloop.consensus.votes import Votes
from goldloop.errors import SettingsError


def test_with_enough_data_the_hierarchical_model_is_chosen():
    votes, _ = made_votes(50, 6, 2, 2)

    name, reason = choose_method(votes)

    assert name == "hierarchical"
    assert "50 tasks have two answers or more (50 are needed)" in reason


def test_one_task_too_few_leaves_it_at_the_vote():
    votes, _ = made_votes(49, 6, 2, 2)

    name, reason = choose_method(votes)

    assert name == "majority_posterior"
    assert reason.startswith("too little to learn each annotator's errors: 49 tasks")


def test_tasks_with_one_answer_do_not_count():
    votes = Votes(np.arange(500), np.zeros(500, int), np.zeros(500, int), 500, 1, 2)

    name, reason = choose_method(votes)

    assert name == "majority_posterior"
    assert "0 tasks have two answers or more" in reason


def test_people_with_too_few_answers_leave_it_at_the_vote():
    votes, _ = made_votes(60, 40, 2, 3)

    name, reason = choose_method(votes)

    assert name == "majority_posterior"
    assert "(15 are needed)" in reason


def test_a_newcomers_first_answer_does_not_change_the_method():
    votes, _ = made_votes(50, 6, 2, 2)
    tasks = [*votes.tasks, 0]
    more = Votes(tasks, [*votes.annotators, 6], [*votes.labels, 1], 50, 7, 2)

    assert choose_method(more)[0] == "hierarchical"


def test_most_answers_count_and_not_most_people():
    """Thirty people came once and three stayed: half of the answers come from those who stayed."""
    tasks = [*np.repeat(np.arange(50), 3), *range(30)]
    who = [*np.tile(np.arange(3), 50), *range(3, 33)]

    votes = Votes(tasks, who, [0] * 180, 50, 33, 2)

    assert typical_answers(votes) == 50
    assert choose_method(votes)[0] == "hierarchical"


def test_the_settings_may_name_the_method():
    votes, _ = made_votes(5, 3, 2, 2)

    result, reason = infer(votes, MethodSettings(method="weighted_vote"))

    assert (result.method, reason) == ("weighted_vote", "the settings name it")


def test_an_unknown_method_is_refused_with_the_names_that_there_are():
    with pytest.raises(SettingsError, match="'magic'; there are: auto, majority_posterior"):
        MethodSettings(method="magic")


@pytest.mark.parametrize("settings", [{"min_tasks": 0}, {"min_answers": 0}])
def test_thresholds_below_one_are_refused(settings):
    with pytest.raises(SettingsError, match="at least 1"):
        MethodSettings(**settings)
