"""Shares, their differences and drift, against published values and values worked out by hand."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from goldloop.annotators import (
    annotator_reports,
    drift_over_time,
    newcombe_interval,
    wilson_interval,
)
from goldloop.consensus import Annotation
from goldloop.errors import RecordError, SettingsError
from goldloop.fields import Field, FieldKind

START = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = [
    Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad")),
    Field("tools", FieldKind.SINGLE_CHOICE, "run", ("right", "wrong")),
]


def verdicts(*same):
    """Verdicts a minute apart."""
    return [(START + timedelta(minutes=n), bool(one)) for n, one in enumerate(same)]


class TestShares:
    # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
    @pytest.mark.parametrize(
        ("successes", "trials", "low", "high"),
        [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ],
    )
    def test_wilson_as_published(self, successes, trials, low, high):
        assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)

    @given(st.integers(1, 500), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
    def test_wilson_as_scipy(self, trials, data, level):
        successes = data.draw(st.integers(0, trials))
        expected = binomtest(successes, trials).proportion_ci(level, method="wilson")
        found = wilson_interval(successes, trials, level)
        assert found == pytest.approx((expected.low, expected.high), abs=1e-9)

    @pytest.mark.parametrize(("successes", "trials"), [(0, 0), (-1, 5), (6, 5)])
    def test_what_is_no_share_is_refused(self, successes, trials):
        with pytest.raises(RecordError, match="is no share"):
            wilson_interval(successes, trials)

    @pytest.mark.parametrize("level", [0.0, 1.0, 95])
    def test_a_level_is_between_0_and_1(self, level):
        with pytest.raises(SettingsError, match="level"):
            wilson_interval(1, 2, level)


class TestDifferences:
    # Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10.
    @pytest.mark.parametrize(
        ("first", "second", "low", "high"),
        [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((6, 7), (2, 7), 0.0582, 0.8062),
            ((5, 56), (0, 29), -0.0381, 0.1926),
            ((0, 10), (0, 20), -0.1611, 0.2775),
            ((0, 10), (0, 10), -0.2775, 0.2775),
            ((10, 10), (0, 20), 0.6791, 1.0000),
            ((10, 10), (0, 10), 0.6075, 1.0000),
        ],
    )
    def test_newcombe_as_published(self, first, second, low, high):
        assert newcombe_interval(first, second) == pytest.approx((low, high), abs=5e-5)

    @given(st.integers(1, 60), st.integers(1, 60), st.data())
    def test_the_other_way_round_is_the_same_interval_mirrored(self, n, m, data):
        first = data.draw(st.integers(0, n)), n
        second = data.draw(st.integers(0, m)), m
        low, high = newcombe_interval(first, second)
        assert newcombe_interval(second, first) == pytest.approx((-high, -low))
        assert -1 <= low <= high <= 1


class TestDrift:
    def test_somebody_who_falls_from_always_to_rarely_has_drifted(self):
        found = drift_over_time(verdicts(*[1] * 20, *[1] * 8, *[0] * 12))
        assert [(p.answers, p.share) for p in found.periods] == [
            (10, 1.0),
            (10, 1.0),
            (10, 0.8),
            (10, 0.0),
        ]
        assert found.change == pytest.approx(-0.6)
        assert found.interval == newcombe_interval((8, 20), (20, 20))
        assert found.drifted is True

    def test_as_good_as_before_is_no_drift(self):
        found = drift_over_time(verdicts(*[1, 1, 1, 0] * 10))
        assert (found.change, found.drifted) == (0.0, False)

    def test_somebody_who_gets_better_drifts_upwards(self):
        found = drift_over_time(verdicts(*[0] * 20, *[1] * 20))
        assert (found.change, found.drifted) == (1.0, True)

    @pytest.mark.parametrize(
        ("answers", "periods"),
        [(0, []), (9, []), (10, [10]), (19, [19]), (20, [10, 10]), (45, [12, 11, 11, 11])],
    )
    def test_a_period_has_ten_answers_or_more(self, answers, periods):
        found = drift_over_time(verdicts(*[1] * answers))
        assert [period.answers for period in found.periods] == periods
        assert (found.drifted is None) == (answers < 20)

    def test_a_period_says_when_it_was_and_how_sure_its_share_is(self):
        [period] = drift_over_time(verdicts(*[1] * 8, 0, 0)).periods
        assert period.start == "2026-01-01T00:00:00+00:00"
        assert period.end == "2026-01-01T00:09:00+00:00"
        assert period.interval == pytest.approx((0.4902, 0.9433), abs=5e-5)

    def test_the_order_of_arrival_does_not_matter(self):
        given = verdicts(*[1] * 15, *[0] * 15)
        order = np.random.default_rng(3).permutation(len(given))
        assert drift_over_time([given[place] for place in order]) == drift_over_time(given)

    @pytest.mark.parametrize("share", [0.6, 0.9])
    def test_people_who_do_not_drift_are_rarely_said_to(self, share):
        draw = np.random.default_rng(7)
        found = [
            drift_over_time(verdicts(*(draw.random() < share for _ in range(60)))).drifted
            for _ in range(600)
        ]
        assert sum(found) / len(found) < 0.08


def given_by(person, number, verdict, tools="right", at=None):
    """An annotation, a minute after the one before; or `at` this time."""
    when = at or (START + timedelta(minutes=number)).isoformat()
    return Annotation(
        number * 10 + person, person, {"verdict": verdict, "tools": tools}, when, lead_time=30.0
    )


class TestDriftOfAnnotators:
    def test_it_is_measured_against_the_others_in_the_order_of_time(self):
        tasks = {
            f"t{n:02}": [
                given_by(1, n, "good" if n < 15 else "bad"),
                given_by(2, n, "good"),
                given_by(3, n, "good"),
            ]
            for n in reversed(range(30))
        }
        one, two, three = annotator_reports(FIELDS[:1], tasks)
        assert [period.share for period in one.drift.periods] == [1.0, 0.5, 0.0]
        assert one.drift.drifted is True
        # Where 1 and 3 are apart, nobody can say what the others of 2 answered.
        assert [period.answers for period in two.drift.periods] == [15]
        assert [period.answers for period in three.drift.periods] == [15]

    def test_two_questions_of_one_task_count_as_one_answer(self):
        tasks = {f"t{n:02}": [given_by(person, n, "good") for person in (1, 2)] for n in range(12)}
        one, _ = annotator_reports(FIELDS, tasks)
        assert one.compared == 24
        assert [period.answers for period in one.drift.periods] == [12]
        assert one.drift.drifted is None

    def test_a_task_on_which_one_of_two_questions_is_apart_is_apart(self):
        tasks = {
            f"t{n:02}": [given_by(1, n, "good", "wrong"), given_by(2, n, "good")] for n in range(10)
        }
        one, _ = annotator_reports(FIELDS, tasks)
        assert (one.with_others, one.drift.periods[0].share) == (0.5, 0.0)

    def test_a_time_that_is_none_is_named(self):
        tasks = {"t": [given_by(1, 1, "good", at="yesterday"), given_by(2, 1, "good")]}
        with pytest.raises(RecordError, match="updated_at of annotation 11"):
            annotator_reports(FIELDS, tasks)
