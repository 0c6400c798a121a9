"""Taxonomies: agreement is credited up the tree."""

import pytest

from goldloop.consensus.by_kind import FieldModel, fit_field
from goldloop.errors import RecordError
from goldloop.fields import Field, FieldKind

KIND = Field("kind", FieldKind.TAXONOMY, "trace")
APPLE, PEAR = ("food", "fruit", "apple"), ("food", "fruit", "pear")
LEEK, CAR = ("food", "leaf", "leek"), ("thing", "car")


def _decide(*answers):
    return fit_field(KIND, {"a": dict(enumerate(answers))}).outcomes["a"]


def test_paths_that_part_late_agree_on_what_is_above():
    outcome = _decide((APPLE,), (PEAR,))

    assert outcome.value == (("food", "fruit"),)
    assert outcome.confidence == 1.0
    assert outcome.agreement == pytest.approx(2 / 4)


def test_a_majority_reaches_as_deep_as_it_goes():
    outcome = _decide((APPLE,), (APPLE,), (LEEK,))

    assert outcome.value == (APPLE,)
    assert outcome.confidence == pytest.approx(2 / 3)


def test_two_against_one_split_below_stay_above():
    assert _decide((APPLE,), (PEAR,), (LEEK,)).value == (("food", "fruit"),)


def test_several_paths_may_stand():
    assert _decide((APPLE, CAR), (APPLE, CAR), (LEEK,)).value == (APPLE, CAR)


def test_different_roots_are_tied():
    outcome = _decide((APPLE,), (CAR,))

    assert (outcome.value, outcome.tied, outcome.agreement) == (None, True, 0)


def test_nothing_chosen_by_most_is_an_answer_and_by_half_is_a_tie():
    assert _decide((), (), (APPLE,)).value == ()
    assert _decide((), (APPLE,)).tied


def test_there_is_no_model_to_store():
    model = fit_field(KIND, {"a": {1: (APPLE,)}}).model

    assert model.to_record() == {"kind": "taxonomy", "fitted": None}
    assert FieldModel.from_record(model.to_record()) == model


def test_an_answer_that_is_no_set_of_paths_is_refused():
    with pytest.raises(RecordError, match="tuple of paths"):
        _decide(("food", "fruit"))
