"""Every method survives whatever votes there are, with probabilities and no NaN."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_votes import any_votes

from goldloop.consensus.annotator_model import AnnotatorModel, model_of, update_task
from goldloop.consensus.choice_of_method import METHODS, choose_method
from goldloop.consensus.inference import top_options
from goldloop.consensus.votes import CodedVotes, Votes

CASES = {
    "nobody answered": Votes([], [], [], 3, 2, 2),
    "no tasks at all": Votes([], [], [], 0, 0, 2),
    "no options": Votes([], [], [], 2, 0, 0),
    "one option": Votes([0, 0, 1], [0, 1, 0], [0, 0, 0], 2, 2, 1),
    "one annotator": Votes([0, 1, 2], [0, 0, 0], [0, 1, 0], 3, 1, 2),
    "all the same answer": Votes(np.repeat(np.arange(9), 3), [0, 1, 2] * 9, [1] * 27, 9, 3, 3),
    "one annotator always gives one answer": Votes(
        np.repeat(np.arange(9), 3), [0, 1, 2] * 9, [0, 0, 0, 1, 1, 0, 2, 2, 0] * 3, 9, 3, 3
    ),
    "two classes never seen together": Votes([0, 0, 1, 1], [0, 1, 2, 3], [0, 0, 1, 1], 2, 4, 2),
    "all disagree": Votes(np.repeat(np.arange(4), 2), [0, 1] * 4, [0, 1] * 4, 4, 2, 2),
    "ten thousand options": Votes(
        np.repeat(np.arange(50), 2), [0, 1] * 50, np.arange(100) * 99, 50, 2, 10_000
    ),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", CASES)
def test_the_posterior_is_a_distribution_for_every_task(method, case):
    votes = CASES[case]

    result = METHODS[method](votes, None)

    assert result.posterior.shape == (votes.n_tasks, votes.n_options)
    assert np.isfinite(result.posterior).all()
    assert (result.posterior >= 0).all()
    if votes.n_options:
        assert result.posterior.sum(axis=1) == pytest.approx(np.ones(votes.n_tasks))
    assert np.isfinite(result.accuracy).all()
    assert np.isfinite(result.prior).all()
    assert result.confusion is None or np.isfinite(result.confusion).all()


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25, deadline=None)
@given(votes=any_votes(least=0), data=st.data())
def test_any_small_votes_and_gold_give_distributions(method, votes, data):
    codes = st.integers(-1, votes.n_options - 1)
    gold = np.array(data.draw(st.lists(codes, min_size=votes.n_tasks, max_size=votes.n_tasks)))

    result = METHODS[method](votes, gold)

    assert result.posterior.sum(axis=1) == pytest.approx(np.ones(votes.n_tasks))
    assert (result.posterior[gold >= 0, gold[gold >= 0]] == 1).all()
    assert ((result.accuracy >= 0) & (result.accuracy <= 1)).all()


@pytest.mark.parametrize("method", METHODS)
def test_what_everyone_says_stands(method):
    votes = CASES["all the same answer"]

    top, tied = top_options(METHODS[method](votes, None).posterior)

    assert top.tolist() == [1] * 9
    assert not tied.any()


@pytest.mark.parametrize("method", METHODS)
def test_a_mirror_image_disagreement_is_tied(method):
    votes = Votes(np.repeat(np.arange(4), 2), [0, 1] * 4, [0, 1, 1, 0] * 2, 4, 2, 2)

    _, tied = top_options(METHODS[method](votes, None).posterior)

    assert tied.all()


@pytest.mark.parametrize("method", ["dawid_skene", "hierarchical"])
def test_with_ten_thousand_options_the_votes_are_counted_and_a_note_says_so(method):
    result = METHODS[method](CASES["ten thousand options"], None)

    assert result.method == "majority_posterior"
    assert "10000 options by 2 annotators" in result.warnings.notes[0]


def test_with_ten_thousand_options_the_vote_is_chosen_and_the_reason_given():
    name, reason = choose_method(CASES["ten thousand options"])

    assert name == "majority_posterior"
    assert "the votes are counted instead" in reason


@pytest.mark.parametrize("method", METHODS)
def test_an_always_equal_annotator_has_a_flat_column_and_no_weight_of_its_own(method):
    votes = CASES["one annotator always gives one answer"]

    top, _ = top_options(METHODS[method](votes, None).posterior)

    assert top.tolist() == [0, 1, 2] * 3


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25, deadline=None)
@given(votes=any_votes())
def test_an_update_of_each_task_equals_the_full_fit(method, votes):
    result = METHODS[method](votes, None)
    names = tuple(f"o{k}" for k in range(votes.n_options))
    coded = CodedVotes(votes, tuple(range(votes.n_tasks)), tuple(range(votes.n_annotators)), names)
    kept = json.loads(json.dumps(model_of(result, coded, "why").to_record()))
    model = AnnotatorModel.from_record(kept)

    for task in np.unique(votes.tasks):
        here = votes.tasks == task
        answers = {
            int(who): names[label]
            for who, label in zip(votes.annotators[here], votes.labels[here], strict=True)
        }
        assert update_task(model, answers) == pytest.approx(result.posterior[task], abs=1e-10)
