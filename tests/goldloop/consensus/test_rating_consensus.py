"""Ratings: the corrected mean, or the median where levels are used like categories."""

import numpy as np
import pytest

from goldloop.consensus.by_kind import decide, fit_field
from goldloop.consensus.choice_of_method import MethodSettings
from goldloop.consensus.ratings import alpha, used_like_categories
from goldloop.consensus.votes import Votes
from goldloop.errors import RecordError
from goldloop.fields import Field, FieldKind

STARS = Field("stars", FieldKind.RATING, "trace", maximum=5)


def _like_a_scale(tasks=120, seed=0):
    """True quality plus noise; annotator 3 is a star and a half too kind."""
    rng = np.random.default_rng(seed)
    quality = rng.uniform(1.5, 3.5, tasks)
    kindness = [0.0, 0.0, 0.0, 1.5]
    answers = {}
    for task in range(tasks):
        who = rng.choice(4, 3, replace=False)
        noise = rng.normal(0, 0.5, 3)
        answers[f"t{task:03}"] = {
            int(w): int(np.clip(np.rint(quality[task] + kindness[w] + e), 1, 5))
            for w, e in zip(who, noise, strict=True)
        }
    return answers, quality


def _like_categories(tasks=200, seed=1):
    """Levels as names: an error is any other level as likely."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 6, tasks)
    answers = {}
    for task in range(tasks):
        answers[f"t{task:03}"] = {
            w: int(truth[task] if rng.random() < 0.7 else rng.integers(1, 6)) for w in range(3)
        }
    return answers, truth


def test_the_mean_is_the_value_where_nothing_is_known_of_the_annotators():
    outcome = fit_field(STARS, {"a": {1: 3, 2: 4}}).outcomes["a"]

    assert outcome.value == pytest.approx(3.5)
    assert outcome.method == "bias_corrected_mean"
    assert outcome.spread == pytest.approx(0.5**0.5)
    assert not outcome.tied


def test_never_the_mode():
    outcome = fit_field(STARS, {"a": {1: 1, 2: 1, 3: 4}}).outcomes["a"]

    assert outcome.value == 2
    assert outcome.vote == 1


def test_a_kind_annotator_is_corrected_downwards():
    answers, _ = _like_a_scale()

    fit = fit_field(STARS, answers)

    biases = fit.model.fitted.biases.biases
    assert biases[3] > 0.4 > 0 > biases[0]
    assert decide(fit.model, {0: 3, 3: 4}).value < 3.4


def test_the_corrected_mean_errs_less_than_the_plain_mean():
    answers, quality = _like_a_scale()

    outcomes = fit_field(STARS, answers).outcomes

    corrected = np.array([outcomes[task].value for task in sorted(answers)], dtype=float)
    plain = np.array([np.mean(list(answers[task].values())) for task in sorted(answers)])

    def error(values):
        return np.sqrt((((values - values.mean()) - (quality - quality.mean())) ** 2).mean())

    assert error(corrected) < 0.95 * error(plain)


def test_ratings_that_are_all_equal_stand_as_they_are():
    answers, _ = _like_a_scale()
    fit = fit_field(STARS, answers)

    assert decide(fit.model, {0: 4, 3: 4}).value == 4


def test_the_value_stays_on_the_scale():
    answers, _ = _like_a_scale()
    fit = fit_field(STARS, answers)

    assert decide(fit.model, {0: 5, 1: 5, 2: 4}).value <= 5
    assert decide(fit.model, {3: 1, 0: 2, 1: 1}).value >= 1


def test_levels_used_like_names_get_the_posterior_median():
    answers, truth = _like_categories()

    outcomes = fit_field(STARS, answers).outcomes

    found = [outcomes[task] for task in sorted(answers)]
    assert {outcome.method for outcome in found} == {"posterior_median"}
    assert "used like categories" in found[0].reason
    right = [outcome.value == label for outcome, label in zip(found, truth, strict=True)]
    assert np.mean(right) > 0.75


def test_levels_used_like_a_scale_get_the_mean_and_the_reason_says_why():
    answers, _ = _like_a_scale()

    outcome = next(iter(fit_field(STARS, answers).outcomes.values()))

    assert outcome.method == "bias_corrected_mean"
    assert "used like a scale" in outcome.reason


def test_answers_half_the_scale_apart_are_marked():
    fit = fit_field(STARS, {"a": {1: 1, 2: 4}, "b": {1: 1, 2: 3}})

    assert fit.outcomes["a"].far_apart
    assert not fit.outcomes["b"].far_apart


def test_alpha_is_the_published_one():
    """Krippendorff 2011, example C: 4 observers, 12 units; nominal .743, interval .849."""
    c = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    rows = [(t, w, x - 1) for w, row in enumerate(c) for t, x in enumerate(row) if x]
    votes = Votes(*([row[i] for row in rows] for i in range(3)), 12, 4, 5)

    assert alpha(votes, squared=False) == pytest.approx(0.743421, abs=1e-6)
    assert alpha(votes, squared=True) == pytest.approx(0.849107, abs=1e-6)


def test_alpha_is_undefined_where_all_answers_are_one_level():
    votes = Votes([0, 0], [0, 1], [2, 2], 1, 2, 5)

    assert alpha(votes, squared=True) is None


@pytest.mark.parametrize("levels", [1, 8, 100])
def test_only_two_to_seven_levels_can_be_categories(levels):
    votes = Votes([0, 0], [0, 1], [0, 0], 1, 2, levels)

    assert not used_like_categories(votes, MethodSettings(method="hierarchical"))[0]


def test_gold_stands():
    outcome = fit_field(STARS, {"a": {1: 1, 2: 2}}, gold={"a": 5}).outcomes["a"]

    assert (outcome.value, outcome.confidence) == (5, 1.0)


@pytest.mark.parametrize("answer", ["3", True, 0, 2.5, float("nan")])
def test_an_answer_that_is_no_rating_is_refused(answer):
    with pytest.raises(RecordError, match=r"ratings of field stars|not a finite number"):
        fit_field(STARS, {"a": {1: answer}})
