"""Whatever decided, a result says how probable each value is and whom to look at."""

from dataclasses import replace

import numpy as np
import pytest

from goldloop.consensus import Annotation, Rules, State, majority_vote, task_consensus
from goldloop.consensus.annotator_model import AnnotatorModel, distrust, model_of
from goldloop.consensus.by_kind import FieldModel, decide, fit_field, learn_field
from goldloop.consensus.hierarchical import hierarchical
from goldloop.consensus.majority_posterior import majority_posterior
from goldloop.consensus.votes import CodedVotes, Votes
from goldloop.fields import Field, FieldKind

VERDICT = Field("verdict", FieldKind.SINGLE_CHOICE, "trace", options=("pass", "fail", "unclear"))
BETTER = Field("better", FieldKind.PAIRWISE, "answers")
STARS = Field("stars", FieldKind.RATING, "trace", maximum=5)
RULES = Rules((VERDICT,), ("verdict",))


def _annotation(person, verdict, **more):
    return Annotation(person, person, {"verdict": verdict}, "2026-01-01T00:00:00Z", **more)


def test_the_vote_on_a_choice_has_smoothed_shares_the_most_probable_first():
    found = majority_vote(VERDICT, ["fail", "pass", "fail"], 2)

    assert found.posterior == (("fail", 2.5 / 4.5), ("pass", 1.5 / 4.5), ("unclear", 0.5 / 4.5))


def test_the_vote_on_a_pair_has_both_sides():
    assert majority_vote(BETTER, ["left"], 1).posterior == (("left", 0.75), ("right", 0.25))


def test_the_vote_says_the_same_as_the_counting_model():
    answers = {1: "pass", 2: "fail", 3: "fail"}
    counted = decide(fit_field(VERDICT, {"t": answers}).model, answers)

    assert majority_vote(VERDICT, list(answers.values()), 2).posterior == counted.posterior


@pytest.mark.parametrize("votes", [[], [4, 5]])
def test_without_votes_or_options_the_vote_has_no_posterior(votes):
    assert majority_vote(STARS if votes else VERDICT, votes, 2).posterior == ()


def test_of_ten_thousand_options_the_ten_most_probable_are_listed():
    field = replace(VERDICT, options=tuple(f"o{n}" for n in range(10_000)))

    found = majority_vote(field, ["o7", "o9000", "o9000"], 2).posterior

    assert [option for option, _ in found[:3]] == ["o9000", "o7", "o0"]
    assert len(found) == 10
    assert found[0][1] == pytest.approx(2 / 5.5, abs=1e-4)


def test_a_task_that_waits_has_its_probabilities_and_no_value():
    model = FieldModel(VERDICT.kind, _model())

    (field,) = task_consensus(RULES, [_annotation(1, "pass")], {"verdict": model}).fields

    assert (field.state, field.value) == (State.WAITING, None)
    assert field.posterior[0][0] == "pass"
    assert field.confidence == field.posterior[0][1]


def test_the_ground_truth_is_certain_whatever_the_model_says():
    model = FieldModel(VERDICT.kind, _model())
    answers = [*(_annotation(n, "pass") for n in (1, 2)), _annotation(3, "fail", ground_truth=True)]

    (field,) = task_consensus(RULES, answers, {"verdict": model}).fields

    assert (field.value, field.confidence, field.posterior) == ("fail", 1.0, (("fail", 1.0),))
    assert (field.vote, field.votes, field.warnings) == ("pass", 3, ())


def test_a_model_of_another_kind_of_field_is_not_used():
    model = learn_field(STARS, {"t": {1: 4, 2: 5}})[0]

    (field,) = task_consensus(RULES, [_annotation(1, "pass")], {"verdict": model}).fields

    assert field.method == "majority_vote"
    assert "nothing was learned" in field.reason


def test_what_is_learned_is_what_a_fit_keeps():
    answers = {"a": {1: "pass", 2: "fail"}, "b": {1: "pass", 2: "pass"}}

    model, warnings = learn_field(VERDICT, answers)

    fit = fit_field(VERDICT, answers)
    assert model.to_record() == fit.model.to_record()
    assert warnings == fit.warnings


def _model() -> AnnotatorModel:
    """Persons 1 to 3 are right, 4 never is; 60 tasks."""
    tasks, who = np.repeat(np.arange(60), 4), np.tile(np.arange(4), 60)
    labels = np.where(who < 3, tasks % 3, (tasks + 1) % 3)
    coded = CodedVotes(Votes(tasks, who, labels, 60, 4, 3), (), (1, 2, 3, 4), VERDICT.options)
    return model_of(hierarchical(coded.votes), coded, "why")


class TestWhoIsDistrusted:
    def test_an_annotator_worse_than_chance_is_named_with_every_answer(self):
        said = decide(FieldModel(VERDICT.kind, _model()), {1: "pass", 4: "fail"}).warnings

        assert said == ("the model takes annotator 4 for worse than chance",)

    def test_the_others_are_not(self):
        assert distrust(_model(), [1, 2, 3, 99]) == ()

    def test_it_is_kept_with_the_model(self):
        model = _model()

        assert AnnotatorModel.from_record(model.to_record()).distrusted == model.distrusted == (4,)

    def test_a_record_from_before_distrusts_nobody(self):
        record = _model().to_record()
        del record["distrusted"]

        assert AnnotatorModel.from_record(record).distrusted == ()

    def test_a_method_that_only_counts_distrusts_nobody(self):
        tasks, who = np.repeat(np.arange(60), 4), np.tile(np.arange(4), 60)
        labels = np.where(who < 3, tasks % 3, (tasks + 1) % 3)
        coded = CodedVotes(Votes(tasks, who, labels, 60, 4, 3), (), (1, 2, 3, 4), VERDICT.options)

        assert model_of(majority_posterior(coded.votes), coded, "why").distrusted == ()

    def test_on_several_choices_it_is_said_of_which_option(self):
        field = Field("modes", FieldKind.MULTIPLE_CHOICE, "trace", options=("slow", "rude"))
        ticked = {True: ("slow",), False: ()}
        answers = {
            f"t{n}": {**dict.fromkeys((1, 2, 3), ticked[n % 2 == 0]), 4: ticked[n % 2 == 1]}
            for n in range(80)
        }

        said = decide(fit_field(field, answers).model, {1: ("slow",), 4: ()}).warnings

        assert said == ("the model takes annotator 4 for worse than chance on 'slow'",)


def test_of_somebody_unknown_nothing_is_kept_and_he_counts_as_a_stranger():
    tasks, who = np.repeat(np.arange(60), 3), np.tile(np.arange(3), 60)
    votes = Votes(tasks, who, tasks % 2, 60, 3, 2)
    coded = CodedVotes(votes, (), (-7, 1, 2), ("pass", "fail"))

    model = model_of(hierarchical(votes), coded, "why")

    assert model.annotators == (1, 2)
    assert model.confusion.shape == (2, 2, 2)
    given = decide(FieldModel(VERDICT.kind, model), {-7: "pass"})
    stranger = decide(FieldModel(VERDICT.kind, model), {99: "pass"})
    assert given.posterior == stranger.posterior
