"""Numbers and dates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.consensus.by_kind import decide, fit_field
from goldloop.consensus.quantities import days
from goldloop.errors import RecordError
from goldloop.fields import Field, FieldKind

SECONDS = Field("seconds", FieldKind.NUMBER, "trace")
SINCE = Field("since", FieldKind.DATE, "trace")


def _numbers(tasks=100, seed=0, noise=0.5):
    """Annotator 2 reads 3 too high."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 100, tasks)
    answers = {
        f"t{task:03}": {
            w: float(truth[task] + 3 * (w == 2) + rng.normal(0, noise)) for w in range(3)
        }
        for task in range(tasks)
    }
    return answers, truth


def test_two_numbers_meet_in_the_middle():
    outcome = fit_field(SECONDS, {"a": {1: 10.0, 2: 10.4}}).outcomes["a"]

    assert outcome.value == pytest.approx(10.2)
    assert outcome.spread == pytest.approx(0.4 / 2**0.5)
    assert not outcome.far_apart


def test_a_number_that_two_gave_stands_against_an_outlier():
    outcome = fit_field(SECONDS, {"a": {1: 3.0, 2: 3.0, 3: 3000.0}}).outcomes["a"]

    assert outcome.value == 3
    assert outcome.far_apart


def test_who_reads_high_is_corrected():
    answers, truth = _numbers()

    fit = fit_field(SECONDS, answers)

    biases = fit.model.fitted.biases
    assert biases[2] - biases[0] == pytest.approx(3, abs=0.6)
    values = np.array([fit.outcomes[task].value for task in sorted(answers)])
    means = np.array([np.mean(list(answers[task].values())) for task in sorted(answers)])
    assert (values - truth).std() < 1.05 * (means - truth).std()


def test_the_usual_noise_is_learned_and_marks_what_is_far_apart():
    answers, _ = _numbers()
    fit = fit_field(SECONDS, answers)

    assert fit.model.fitted.noise == pytest.approx(0.5, rel=0.5)
    assert not decide(fit.model, {0: 50.0, 1: 50.6}).far_apart
    assert decide(fit.model, {0: 50.0, 1: 60.0}).far_apart


def test_an_outlier_moves_the_value_little():
    answers, _ = _numbers()
    fit = fit_field(SECONDS, answers)

    outcome = decide(fit.model, {0: 50.0, 1: 50.2, "new": 900.0})

    assert outcome.value == pytest.approx(50.8, abs=0.6)
    assert outcome.far_apart


def test_numbers_that_are_all_equal_stand_whatever_the_biases():
    answers, _ = _numbers()
    fit = fit_field(SECONDS, answers)

    outcome = decide(fit.model, {0: 7.0, 2: 7.0})

    assert (outcome.value, outcome.spread, outcome.agreement) == (7.0, 0.0, 1.0)


def test_one_number_has_a_value_and_no_spread():
    outcome = fit_field(SECONDS, {"a": {1: 5.0}}).outcomes["a"]

    assert (outcome.value, outcome.spread, outcome.agreement) == (5.0, None, None)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6))
def test_the_value_lies_between_the_smallest_and_the_largest_number(numbers):
    outcome = fit_field(SECONDS, {"a": dict(enumerate(numbers))}).outcomes["a"]

    assert min(numbers) - 1e-6 <= outcome.value <= max(numbers) + 1e-6


@pytest.mark.parametrize("answer", ["5", True, float("inf"), float("nan")])
def test_an_answer_that_is_no_number_is_refused(answer):
    with pytest.raises(RecordError, match="not a finite number"):
        fit_field(SECONDS, {"a": {1: answer}})


def test_gold_stands():
    outcome = fit_field(SECONDS, {"a": {1: 5.0, 2: 50.0}}, gold={"a": 6.0}).outcomes["a"]

    assert (outcome.value, outcome.confidence, outcome.far_apart) == (6.0, 1.0, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-02", 1.0),
        ("1970-01-02T12:00:00", 1.5),
        ("1970-01-02T12:00:00+12:00", 1.0),
        ("1970-02", 31.0),
        ("1971", 365.0),
        ("06:00", 0.25),
    ],
)
def test_dates_are_days_since_1970(text, expected):
    assert days(text) == pytest.approx(expected)


def test_a_date_is_one_that_somebody_gave():
    answers = {"a": {1: "2026-01-01", 2: "2026-01-02", 3: "2026-03-01"}}

    outcome = fit_field(SINCE, answers).outcomes["a"]

    assert outcome.value == "2026-01-02"
    assert outcome.spread > 1


def test_two_different_dates_are_tied():
    outcome = fit_field(SINCE, {"a": {1: "2026-01-01", 2: "2026-01-02"}}).outcomes["a"]

    assert (outcome.value, outcome.tied) == (None, True)


def test_one_moment_in_two_wordings_is_one_date():
    answers = {"a": {1: "2026-01-01T10:00:00+01:00", 2: "2026-01-01T09:00:00Z", 3: "2026-01-01"}}

    outcome = fit_field(SINCE, {"a": {k: answers["a"][k] for k in (1, 2)}}).outcomes["a"]

    assert not outcome.tied
    assert days(outcome.value) == days("2026-01-01T09:00:00Z")


def test_an_answer_that_is_no_date_is_refused():
    with pytest.raises(RecordError, match="'soon' is not a date"):
        fit_field(SINCE, {"a": {1: "soon"}})
