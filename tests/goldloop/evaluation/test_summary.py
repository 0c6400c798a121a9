"""What an evaluation comes to."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_evaluations import TONE, TOOLS, case, evaluation, graded, judged, passing

from goldloop.errors import RecordError
from goldloop.evaluation import SCORE, Attempt, summarise
from goldloop.graders import Grade
from goldloop.wilson import score_interval


def test_one_run_of_cases_of_their_own_gets_wilson_s_interval():
    found = summarise(passing([1.0] * 8 + [0.0] * 2)).whole
    assert (found.name, found.cases, found.graded, found.mean) == ("all", 10, 10, 0.8)
    assert (found.low, found.high) == pytest.approx(score_interval(0.8, 10, 1.959964), abs=1e-6)
    assert (found.method, found.clusters) == ("wilson", 10)


def test_errors_are_counted_and_are_no_failures():
    found = summarise(passing([1.0, None, None, 0.0]))
    assert (found.whole.graded, found.whole.errors, found.whole.mean) == (2, 2, 0.5)
    assert found.errors == (("the agent did not answer", 2),)


def test_each_run_counts_for_its_own_error():
    runs = (Attempt(error="down"), Attempt(error="late"), graded(1.0), Attempt())
    found = summarise(evaluation([replace(case(n), attempts=runs[n:]) for n in range(3)]))
    assert found.errors == (("late", 2), ("down", 1))


def test_cases_that_no_grader_applies_to_are_neither():
    found = summarise(judged([1.0, None], [None, None])).whole
    assert (found.cases, found.graded, found.errors, found.ungraded) == (2, 1, 0, 1)


def test_a_grader_that_failed_is_an_error_of_its_own_and_of_the_case():
    failed = Attempt((Grade("tools", 1.0, True), Grade("tone", None, None, error="no answer")))
    graders = (TOOLS, TONE)
    good = Attempt((Grade("tools", 1.0, True), Grade("tone", 0.0, False)))
    found = summarise(
        evaluation(
            [replace(case(0), attempts=(failed,)), replace(case(1), attempts=(good,))],
            graders=graders,
        )
    )
    assert (found.whole.errors, found.errors) == (1, (("grader tone: no answer", 1),))
    tools, tone = found.graders
    assert (tools.runs, tools.errors, tools.mean, tools.pass_rate) == (2, 0, 1.0, 1.0)
    assert (tone.runs, tone.errors, tone.mean) == (1, 1, 0.0)


def test_several_runs_give_their_mean_and_pass_k():
    found = summarise(evaluation([case(0, 1, 1), case(1, 1, 0), case(2, 0, 0), case(3, 1, None)]))
    assert found.runs_per_case == 2
    # The case of which a run failed counts in the mean, but neither as always nor as never.
    assert found.whole.mean == pytest.approx((1 + 0.5 + 0 + 1) / 4)
    assert (found.whole.always, found.whole.ever) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert found.whole.method == "clustered"


def test_clusters_widen_the_interval():
    right = [1.0] * 60 + [0.0] * 40
    alone = summarise(passing(right)).whole
    cases = [case(n, one, cluster_id=f"k-{n // 10}") for n, one in enumerate(right)]
    together = summarise(evaluation(cases)).whole
    assert together.clusters == 10
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_slices_are_by_tag_difficulty_and_source():
    cases = [
        case(0, 1, tags=("a", "b"), difficulty="easy", source="trace"),
        case(1, 0, tags=("a",), difficulty="hard"),
    ]
    found = {part.name: part for part in summarise(evaluation(cases)).slices}
    assert list(found) == ["difficulty:easy", "difficulty:hard", "source:trace", "tag:a", "tag:b"]
    assert (found["tag:a"].cases, found["tag:a"].mean) == (2, 0.5)
    assert found["difficulty:hard"].mean == 0.0


def test_tokens_seconds_and_exact_costs_are_added_up():
    runs = [
        graded(1.0, usd="0.1", input_tokens=10, output_tokens=3, seconds=0.5),
        graded(0.0, usd="0.2", input_tokens=5, seconds=1.5),
        Attempt(error="gone", usd="0.0000001"),
    ]
    cases = [replace(case(n), attempts=(run,)) for n, run in enumerate(runs)]
    usage = summarise(evaluation(cases)).whole.usage
    assert (usage.runs, usage.input_tokens, usage.output_tokens) == (3, 15, 3)
    assert (usage.usd, usage.seconds) == ("0.3000001", 2.0)
    nothing = summarise(passing([1.0])).whole.usage
    assert (nothing.input_tokens, nothing.usd, nothing.seconds) == (None, None, None)


def test_the_pool_is_estimated_by_the_inverse_of_the_chances():
    # Picked with certainty and wrong; one in ten and right: 10 + 10 of 22 cases.
    chances = [(0.0, 1.0), (0.0, 1.0), (1.0, 0.1), (1.0, 0.1)]
    cases = [case(n, one, inclusion_probability=pi) for n, (one, pi) in enumerate(chances)]
    found = summarise(evaluation([*cases, case(9, 0.0)]))
    assert found.whole.mean == 0.4
    assert found.pool.value == pytest.approx(20 / 22)
    assert (found.pool.cases, found.pool.graded) == (5, 4)
    assert found.pool.effective == pytest.approx(22**2 / (2 + 200))
    assert summarise(passing([1.0])).pool is None


def test_a_case_that_nothing_can_have_picked_is_refused():
    cases = [case(n, 1.0, inclusion_probability=chance) for n, chance in enumerate((0.5, 1e-320))]
    with pytest.raises(RecordError, match="case 's-0001' has an inclusion_probability of 1e-320"):
        summarise(evaluation(cases))


@pytest.mark.slow
def test_the_interval_of_the_pool_covers_its_mean():
    random = np.random.default_rng(8)
    covered = 0
    for _ in range(60):
        right = random.random(1_200) < 0.8
        chance = np.where(right, 0.05, 0.3)
        picked = np.flatnonzero(random.random(1_200) < chance)
        cases = [case(int(n), float(right[n]), inclusion_probability=chance[n]) for n in picked]
        pool = summarise(evaluation(cases)).pool
        covered += pool.low <= right.mean() <= pool.high
    assert covered / 60 > 0.86


def test_by_score_the_mean_is_that_of_the_scores():
    found = summarise(evaluation([case(0, 0.5), case(1, 0.7)]), SCORE)
    assert (found.metric, found.whole.mean) == (SCORE, pytest.approx(0.6))
    assert found.whole.always == 0.0


def test_nothing_graded_gives_no_figure_and_no_crash():
    found = summarise(passing([None, None]))
    assert (found.whole.mean, found.whole.low, found.whole.method) == (None, None, None)
    assert found.whole.always is None
    empty = summarise(evaluation([]))
    assert (empty.whole.cases, empty.slices, empty.pool) == (0, (), None)


def test_the_record_is_json():
    cases = [case(0, 1, tags=("a",), inclusion_probability=0.5), case(1, None)]
    record = json.loads(json.dumps(summarise(evaluation(cases)).record()))
    assert record["whole"]["usage"]["runs"] == 2
    assert record["slices"][0]["name"] == "tag:a"
    assert record["graders"][0]["facts"]["name"] == "tools"
    assert record["pool"]["graded"] == 1
    assert record["errors"] == [{"error": "the agent did not answer", "runs": 1}]
