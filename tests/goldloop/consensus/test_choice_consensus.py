"""Single choices and pairs: outcomes of a field."""

from dataclasses import replace

import numpy as np
import pytest
from made_votes import made_votes

from goldloop.consensus.by_kind import FieldModel, decide, fit_field
from goldloop.consensus.choice_of_method import MethodSettings
from goldloop.fields import Field, FieldKind

VERDICT = Field("verdict", FieldKind.SINGLE_CHOICE, "trace", options=("pass", "fail"))
BETTER = Field("better", FieldKind.PAIRWISE, "answers")


def _answers(tasks=60, annotators=6, each=3, **made):
    votes, truth = made_votes(tasks, annotators, 2, each, **made)
    answers = {f"t{task:03}": {} for task in range(tasks)}
    for task, who, label in zip(votes.tasks, votes.annotators, votes.labels, strict=True):
        answers[f"t{task:03}"][int(who)] = VERDICT.options[label]
    return answers, [VERDICT.options[label] for label in truth]


def test_with_little_data_the_majority_stands_and_the_reason_says_why():
    fit = fit_field(VERDICT, {"a": {1: "pass", 2: "pass", 3: "fail"}})

    outcome = fit.outcomes["a"]
    assert (outcome.value, outcome.method) == ("pass", "majority_posterior")
    assert outcome.confidence == pytest.approx(2.5 / 4)
    assert outcome.posterior == (("pass", pytest.approx(0.625)), ("fail", pytest.approx(0.375)))
    assert (outcome.votes, outcome.vote, outcome.share) == (3, "pass", 2 / 3)
    assert outcome.agreement == pytest.approx(1 / 3)
    assert "1 tasks have two answers or more (50 are needed)" in outcome.reason


def test_a_tie_has_no_value_whichever_answer_came_first():
    fit = fit_field(VERDICT, {"a": {1: "fail", 2: "pass"}, "b": {2: "pass", 1: "fail"}})

    for outcome in fit.outcomes.values():
        assert (outcome.value, outcome.tied, outcome.vote) == (None, True, None)
        assert outcome.agreement == 0


def test_with_enough_data_the_model_decides_and_shows_the_vote_beside_it():
    answers, truth = _answers(accuracy=0.9)

    fit = fit_field(VERDICT, answers)

    outcomes = [fit.outcomes[task] for task in sorted(answers)]
    assert {outcome.method for outcome in outcomes} == {"hierarchical"}
    right = [outcome.value == label for outcome, label in zip(outcomes, truth, strict=True)]
    assert np.mean(right) > 0.9
    assert all(outcome.vote in VERDICT.options for outcome in outcomes)


def test_a_disagreement_of_two_goes_to_the_better_annotator():
    """2 guesses; on the last task 0 and 2 stand against each other."""
    rng = np.random.default_rng(0)
    answers = {}
    for task in range(80):
        right, guess = rng.choice(VERDICT.options, 2)
        answers[f"t{task:03}"] = {0: str(right), 1: str(right), 2: str(guess)}
    answers["z"] = {2: "fail", 0: "pass"}

    outcome = fit_field(VERDICT, answers).outcomes["z"]

    assert outcome.value == "pass"
    assert outcome.confidence > 0.7
    assert outcome.vote is None


def test_gold_stands_and_is_named_as_the_reason():
    answers, _ = _answers()

    fit = fit_field(VERDICT, answers, gold={"t000": "fail", "elsewhere": "pass"})

    outcome = fit.outcomes["t000"]
    assert (outcome.value, outcome.confidence) == ("fail", 1.0)
    assert outcome.reason.startswith("gold")
    assert set(fit.outcomes) == set(answers)


def test_a_task_that_everybody_skipped_has_no_value_and_no_tie():
    outcome = fit_field(VERDICT, {"a": {}, "b": {1: "pass"}}).outcomes["a"]

    assert (outcome.value, outcome.votes, outcome.tied, outcome.share) == (None, 0, False, None)
    assert outcome.reason.startswith("no answers")


def test_a_field_that_was_added_later_has_outcomes_for_nobody():
    fit = fit_field(VERDICT, {})

    assert fit.outcomes == {}
    assert decide(fit.model, {1: "pass", 2: "pass"}).value == "pass"


def test_an_option_that_was_added_later_is_voted_on_until_the_next_fit():
    answers, _ = _answers()
    fit = fit_field(VERDICT, answers)

    outcome = decide(fit.model, {1: "unsure", 2: "unsure", 3: "pass"})

    assert (outcome.value, outcome.method) == ("unsure", "majority_posterior")
    assert "does not know the option 'unsure'" in outcome.reason


def test_the_model_says_where_it_overrules_all_who_answered():
    answers, _ = _answers(accuracy=0.97)
    fit = fit_field(VERDICT, answers)
    model = fit.model.fitted
    contrary = {place: matrix[:, ::-1] for place, matrix in enumerate(model.confusion)}
    confusion = model.confusion.copy()
    confusion[4:] = [contrary[4], contrary[5]]  # as if these two always meant the opposite
    fitted = replace(model, confusion=confusion)

    outcome = decide(replace(fit.model, fitted=fitted), {4: "pass", 5: "pass"})

    assert outcome.value == "fail"
    assert outcome.warnings == ("the model says 'fail' where all 2 say 'pass'",)


def test_an_annotator_worse_than_chance_is_told_by_name():
    answers, truth = _answers(tasks=100, accuracy=0.95)
    opposite = {"pass": "fail", "fail": "pass"}
    for task, label in zip(sorted(answers), truth, strict=True):
        answers[task].pop(99, None)
        answers[task][99] = opposite[label]

    fit = fit_field(VERDICT, answers)

    assert any(said.startswith("annotator 99 is right less often") for said in fit.warnings)


def test_ten_thousand_options_are_voted_on_and_reported():
    options = tuple(f"o{i:05}" for i in range(10_000))
    field = Field("which", FieldKind.SINGLE_CHOICE, "trace", options=options)
    rng = np.random.default_rng(1)
    answers = {
        f"t{task}": {who: options[rng.integers(10_000)] for who in range(2)} | {2: options[task]}
        for task in range(300)
    }
    answers["t0"] = dict.fromkeys(range(3), "o09999")

    outcome = fit_field(field, answers).outcomes["t0"]

    assert (outcome.value, outcome.votes) == ("o09999", 3)
    assert outcome.confidence > 0.5
    assert len(outcome.posterior) == 10


def test_pairs_are_choices_between_left_and_right():
    fit = fit_field(BETTER, {"a": {1: "left", 2: "left"}, "b": {1: "left", 2: "right"}})

    assert fit.outcomes["a"].value == "left"
    assert fit.outcomes["a"].confidence == pytest.approx(2.5 / 3)
    assert fit.outcomes["b"].tied


@pytest.mark.parametrize("method", ["majority_posterior", "weighted_vote", "dawid_skene"])
def test_the_settings_choose_the_method(method):
    answers, _ = _answers()

    fit = fit_field(VERDICT, answers, MethodSettings(method=method))

    assert {outcome.method for outcome in fit.outcomes.values()} == {method}


def test_a_model_that_was_stored_decides_the_same():
    answers, _ = _answers()
    fit = fit_field(VERDICT, answers)

    model = FieldModel.from_record(fit.model.to_record())

    assert {task: decide(model, answers[task]) for task in answers} == fit.outcomes
