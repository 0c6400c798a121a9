"""One task decided again with the stored model of the annotators."""

import json

import numpy as np
import pytest
from made_votes import made_votes

from goldloop.consensus.annotator_model import AnnotatorModel, model_of, update_task
from goldloop.consensus.hierarchical import hierarchical
from goldloop.consensus.votes import CodedVotes
from goldloop.errors import RecordError

OPTIONS = ("good", "fair", "bad")


def _model(tasks: int = 300, annotators: int = 6) -> tuple[AnnotatorModel, CodedVotes, np.ndarray]:
    votes, _ = made_votes(tasks, annotators, 3, 3, seed=1)
    coded = CodedVotes(votes, tuple(range(tasks)), tuple(range(annotators)), OPTIONS)
    result = hierarchical(votes)
    return model_of(result, coded, "why"), coded, result.posterior


def test_a_stranger_counts_as_the_pooled_annotator():
    model, _, _ = _model()

    posterior = update_task(model, {"new": "bad"})

    likelihood = model.unknown[:, 2] ** model.temperature
    expected = model.prior * likelihood
    assert posterior == pytest.approx(expected / expected.sum())


def test_no_answers_give_the_prior():
    model, _, _ = _model()

    assert update_task(model, {}) == pytest.approx(model.prior)


def test_gold_puts_everything_on_its_option():
    model, _, _ = _model()

    assert update_task(model, {0: "bad"}, gold="fair").tolist() == [0, 1, 0]


def test_the_order_of_answers_changes_not_one_bit():
    model, _, _ = _model()

    one = update_task(model, {0: "bad", 3: "good", "new": "fair"})
    other = update_task(model, {"new": "fair", 3: "good", 0: "bad"})

    assert (one == other).all()


def test_an_option_that_the_model_does_not_know_asks_for_a_new_fit():
    model, _, _ = _model()

    with pytest.raises(RecordError, match="option 'ugly'; fit it again"):
        update_task(model, {0: "ugly"})


def test_the_record_holds_the_annotators_and_never_the_tasks():
    small, large = (len(json.dumps(_model(tasks)[0].to_record())) for tasks in (30, 3000))

    assert large < 1.1 * small < 6000


@pytest.mark.parametrize(
    "damage",
    [
        {"prior": [0.5, 0.5]},
        {"prior": [0.5, "x", 0.5]},
        {"confusion": [[[1.0]]]},
        {"unknown": [[float("nan")] * 3] * 3},
        {"options": None},
        {"method_version": "new"},
    ],
)
def test_a_damaged_record_is_refused(damage):
    record = _model()[0].to_record() | damage

    with pytest.raises(RecordError, match="stored annotator model"):
        AnnotatorModel.from_record(record)


def test_a_record_without_a_part_is_refused():
    record = _model()[0].to_record()
    del record["temperature"]

    with pytest.raises(RecordError, match="temperature"):
        AnnotatorModel.from_record(record)
