"""Several choices: each option is a question of its own."""

import numpy as np
import pytest

from goldloop.consensus.by_kind import FieldModel, decide, fit_field
from goldloop.errors import RecordError
from goldloop.fields import Field, FieldKind

TOPICS = Field("topics", FieldKind.MULTIPLE_CHOICE, "trace", options=("tool", "tone", "fact"))


def _many(tasks=80, seed=0):
    """Three careful people and one who ticks `tone` everywhere."""
    rng = np.random.default_rng(seed)
    answers, truth = {}, {}
    for task in range(tasks):
        name = f"t{task:02}"
        truth[name] = tuple(sorted(o for o in TOPICS.options if rng.random() < 0.4))
        answers[name] = dict.fromkeys(range(3), truth[name])
        answers[name][3] = tuple(sorted({*truth[name], "tone"}))
    return answers, truth


def test_an_option_stands_when_most_ticked_it():
    answers = {"a": {1: ("tool", "tone"), 2: ("tool",), 3: ("tool", "fact")}}

    outcome = fit_field(TOPICS, answers).outcomes["a"]

    assert outcome.value == ("tool",)
    assert dict(outcome.posterior) == pytest.approx({"fact": 0.375, "tool": 0.875, "tone": 0.375})
    assert outcome.confidence == pytest.approx(0.625)
    assert outcome.agreement == pytest.approx((1 / 2 + 1 / 3 + 1 / 2) / 3)


def test_an_option_that_half_ticked_ties_the_task():
    outcome = fit_field(TOPICS, {"a": {1: ("tool", "tone"), 2: ("tool",)}}).outcomes["a"]

    assert (outcome.value, outcome.tied) == (None, True)


def test_nothing_ticked_is_an_answer():
    outcome = fit_field(TOPICS, {"a": {1: (), 2: ()}}).outcomes["a"]

    assert (outcome.value, outcome.tied, outcome.agreement) == ((), False, 1.0)
    assert outcome.confidence == pytest.approx(2.5 / 3)


def test_who_ticks_everything_is_not_believed():
    answers, truth = _many()

    fit = fit_field(TOPICS, answers)
    outcome = decide(fit.model, {0: ("tool",), 3: ("tone", "tool")})

    assert {task: o.value for task, o in fit.outcomes.items()} == truth
    assert outcome.value == ("tool",)


def test_rare_options_share_one_model_and_common_ones_have_their_own():
    answers, _ = _many()
    answers["t00"] = dict.fromkeys(range(4), ("odd",))

    model = fit_field(TOPICS, answers).model.fitted

    assert sorted(model.models) == ["fact", "tone", "tool"]
    assert model.rare.method == "hierarchical"
    assert decide(FieldModel(FieldKind.MULTIPLE_CHOICE, model), answers["t00"]).value == ("odd",)


def test_gold_stands():
    answers, _ = _many()

    outcome = fit_field(TOPICS, answers, gold={"t00": ("fact", "tool")}).outcomes["t00"]

    assert (outcome.value, outcome.confidence) == (("fact", "tool"), 1.0)


def test_ten_thousand_options_with_a_few_ticks_each_are_decided():
    answers = {
        f"t{task}": {who: (f"o{task}", f"x{task * 3 + who}") for who in range(3)}
        for task in range(60)
    }

    fit = fit_field(TOPICS, answers)

    assert fit.outcomes["t7"].value == ("o7",)


def test_an_answer_that_is_no_set_of_options_is_refused():
    with pytest.raises(RecordError, match="tuple of options"):
        fit_field(TOPICS, {"a": {1: "tool"}})
