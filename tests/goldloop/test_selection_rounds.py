"""Rounds as sampling designs: hard and soft, by hand and by simulation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.errors import RecordError, SettingsError
from goldloop.prn import tie_break
from goldloop.selection import (
    Design,
    Round,
    TagMinimum,
    design,
    hard_round,
    interest,
    shortfalls,
    soft_round,
)

NAN = math.nan
Rule = Callable[..., Round]
RULES = pytest.mark.parametrize("rule", [hard_round, soft_round])
RULE = st.sampled_from([hard_round, soft_round])


def flags(size: int, *positions: int) -> np.ndarray:
    return np.isin(np.arange(size), positions)


def chain(rule: Rule, scores: list[np.ndarray], prn: np.ndarray, batch: int, **more: Any) -> Design:
    """The design after a round by each of `scores`; the pool grows with their length."""
    sample = design(prn[: len(scores[0])])
    for score in scores:
        sample = sample.joined(prn[len(sample) : len(score)])
        sample = rule(sample, score, batch, 0.7, **more).design
    return sample


# The design


def test_a_level_of_0_draws_nothing_not_even_the_random_number_0():
    assert design([0.0, 0.5]).drawn.tolist() == [False, False]


def test_an_item_is_drawn_when_certain_or_at_most_at_its_level():
    sample = design([0.1, 0.2, 0.3, 0.9], level=[0.2] * 4, certain=[False, False, False, True])
    assert sample.drawn.tolist() == [True, True, False, True]
    assert sample.probability.tolist() == [0.2, 0.2, 0.2, 1.0]


def test_the_realised_chance_is_the_share_of_a_level_that_was_drawn():
    prn = [0.05, 0.06, 0.07, 0.08, 0.09, 0.5, 0.6, 0.7, 0.8, 0.9, 0.01, 0.99]
    level = [0.1] * 10 + [0.02] * 2
    # One draw says little of the second level's share, so that keeps its level.
    assert design(prn, level=level).realised().tolist() == [0.5] * 10 + [0.02] * 2


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"prn": [0.1], "level": [0.1, 0.2]}, "columns of one length"),
        ({"prn": [[0.1]]}, "columns of one length"),
        ({"prn": [0.1, NAN]}, "permanent random number at position 1 is nan"),
        ({"prn": [0.1], "level": [1.5]}, "the level at position 0 is 1.5"),
    ],
)
def test_a_design_that_makes_no_sense_is_refused(columns: dict[str, Any], message: str):
    with pytest.raises(RecordError, match=message):
        design(**columns)


# Hard rounds, by hand


def test_a_labelled_item_beyond_the_cutoff_is_certain_and_not_picked_again():
    before = design([0.05, 0.5, 0.6, 0.7], labelled=flags(4, 0), level=[0.05] * 4)
    found = hard_round(before, [0.9, 0.8, 0.1, 0.2], 1, uncertain_share=1.0)
    assert found.picks.tolist() == [1]
    assert found.certain.tolist() == [True, True, False, False]
    assert found.design.labelled.tolist() == [True, True, False, False]


def test_the_random_part_continues_where_the_last_round_stopped():
    prn = [0.4, 0.1, 0.3, 0.2, 0.5]
    first = hard_round(design(prn), [0.0] * 5, 2, uncertain_share=0.0)
    second = hard_round(first.design, [0.0] * 5, 2, uncertain_share=0.0)
    assert (first.picks.tolist(), second.picks.tolist()) == ([1, 3], [2, 0])
    assert (first.prn_level, second.prn_level) == (0.2, 0.4)
    assert second.inclusion_probability.tolist() == [0.8] * 5


def test_new_arrivals_below_the_level_come_first_and_the_level_never_falls():
    old = design([0.1, 0.2, 0.9], labelled=flags(3, 0, 1), level=[0.2] * 3)
    found = hard_round(old.joined([0.05, 0.8, 0.3]), [0.0] * 6, 2, uncertain_share=0.0)
    assert found.picks.tolist() == [3, 5]
    assert found.design.level.tolist() == [0.3] * 6


def test_arrivals_that_a_batch_cannot_all_take_are_caught_up_with_later():
    old = design([0.1, 0.2, 0.9], labelled=flags(3, 0, 1), level=[0.2] * 3)
    grown = old.joined([0.05, 0.15, 0.8])
    first = hard_round(grown, [0.0] * 6, 1, uncertain_share=0.0)
    assert first.design.level.tolist() == [0.2] * 3 + [0.05] * 3
    second = hard_round(first.design, [0.0] * 6, 1, uncertain_share=0.0)
    assert second.picks.tolist() == [4]
    assert second.design.level.tolist() == [0.2] * 3 + [0.15] * 3


def test_what_was_pushed_by_hand_is_not_picked_and_drawn_only_when_the_level_passes_it():
    before = design([0.1, 0.2, 0.9], labelled=flags(3, 0, 2))
    found = hard_round(before, [0.0] * 3, 1, uncertain_share=0.0)
    assert found.picks.tolist() == [1]
    assert found.design.drawn.tolist() == [True, True, False]


def test_ties_at_the_cutoff_are_certain_by_the_tie_break_labelled_or_not():
    prn = np.random.default_rng(3).random(30)
    order = np.argsort(tie_break(prn))
    before = design(prn, labelled=flags(30, order[0], order[20]))
    found = hard_round(before, np.full(30, 0.5), 5, uncertain_share=1.0)
    assert found.picks.tolist() == order[1:6].tolist()
    assert set(np.flatnonzero(found.certain)) == set(order[:6].tolist())
    assert found.cutoff_tie == tie_break(prn[order[[5]]])[0]


def test_a_pool_that_is_labelled_whole_has_chances_of_1():
    found = hard_round(design([0.1, 0.5, 0.9]), [0.3, 0.2, 0.1], 10, uncertain_share=0.7)
    assert len(found.picks) == 3
    assert found.inclusion_probability.tolist() == [1.0] * 3


def test_nothing_is_picked_from_a_pool_without_unlabelled_items():
    for rule in (hard_round, soft_round):
        found = rule(design([0.1, 0.5], labelled=[True, True]), [0.5, 0.5], 5, 0.7)
        assert (found.picks.tolist(), found.reasons, found.cutoff) == ([], (), None)


# Near-duplicates


def test_what_is_not_admitted_is_passed_over_reported_and_not_certain():
    found = hard_round(
        design([0.1, 0.9, 0.3, 0.4, 0.5]),
        [0.9, 0.8, 0.7, 0.1, 0.1],
        3,
        uncertain_share=0.67,
        admit=lambda position: position != 1,
    )
    assert found.picks.tolist() == [0, 2, 3]
    assert found.skipped.tolist() == [1]
    assert found.certain.tolist() == [True, False, True, False, False]


def test_what_was_passed_over_can_still_be_drawn_and_is_then_held_back():
    found = hard_round(
        design([0.5, 0.1, 0.3, 0.2]), [0.9, 0.8, 0.7, 0.6], 2, 0.5, admit=lambda one: one > 1
    )
    assert (found.picks.tolist(), found.reasons) == ([2, 3], ("uncertain", "random"))
    assert (found.skipped.tolist(), found.held.tolist()) == ([0], [1])


@RULES
def test_a_draw_that_is_turned_away_stays_drawn_and_others_fill_the_batch(rule: Rule):
    prn = np.random.default_rng(6).random(40)
    order = np.argsort(prn).tolist()
    away = {order[2], order[5], order[30]}
    found = rule(design(prn), np.full(40, 0.5), 10, 0.0, admit=lambda one: one not in away)
    assert found.picks.tolist() == [one for one in order[:12] if one not in away]
    assert found.held.tolist() == [order[2], order[5]]
    assert np.flatnonzero(found.design.drawn).tolist() == sorted(order[:12])
    assert not found.design.labelled[found.held].any()


@RULES
def test_what_was_held_back_comes_first_in_the_next_round(rule: Rule):
    prn = np.random.default_rng(6).random(40)
    away = np.argsort(prn)[[2, 5]].tolist()
    first = rule(design(prn), np.full(40, 0.5), 10, 0.0, admit=lambda one: one not in away)
    second = rule(first.design, np.full(40, 0.5), 4, 0.0)
    assert sorted(second.picks[:2].tolist()) == sorted(away)


@RULES
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_batch_is_full_as_long_as_anybody_is_admitted(rule: Rule, share: float):
    random = np.random.default_rng(3)
    away = set(random.permutation(2000)[:900].tolist())
    scores = random.random(2000)
    before = design(random.random(2000))
    found = rule(before, scores, 300, share, admit=lambda one: one not in away)
    assert len(found.picks) == 300
    assert not away & set(found.picks.tolist())
    everything = rule(before, scores, 2000, share, admit=lambda one: one not in away)
    assert set(everything.picks.tolist()) == set(range(2000)) - away


@RULES
def test_what_is_below_its_level_and_unlabelled_comes_first(rule: Rule):
    before = design([0.25, 0.1, 0.2, 0.4], labelled=flags(4, 1), level=[0.3, 0.1, 0.1, 0.1])
    found = rule(before, [0.1, 0.5, 0.5, 9.0], 1, 0.0)
    assert found.picks.tolist() == [0]
    assert found.design.level.tolist() == before.level.tolist()


# Minimums and strata


def test_a_tag_short_of_its_minimum_gets_random_picks_and_a_level_of_its_own():
    prn = [0.1, 0.2, 0.3, 0.4, 0.8, 0.9]
    rare = TagMinimum("refund", flags(6, 4, 5), 1)
    found = hard_round(design(prn), [0.0] * 6, 2, 0.0, minimums=[rare])
    assert found.picks.tolist() == [4, 0]
    assert found.design.level.tolist() == [0.1] * 4 + [0.8] * 2
    assert (found.design.drawn == found.design.labelled).all()


def test_a_budget_that_is_too_small_is_shared_between_short_tags():
    prn = np.arange(1, 41) / 50
    tags = [
        TagMinimum("a", np.arange(40) < 20, 10),
        TagMinimum("b", np.arange(40) >= 20, 10),
    ]
    found = hard_round(design(prn), np.zeros(40), 8, 0.0, minimums=tags)
    assert (found.picks < 20).sum() == 4


def test_uncertain_picks_count_towards_a_minimum():
    tag = TagMinimum("a", flags(4, 0), 1)
    found = hard_round(design([0.9, 0.1, 0.2, 0.3]), [0.9, 0, 0, 0], 2, 0.5, minimums=[tag])
    assert found.picks.tolist() == [0, 1]


def test_shortfalls_count_what_can_still_be_had():
    tag = TagMinimum("a", flags(4, 0, 1), 50)
    assert shortfalls([tag], flags(4, 0)) == {"a": 1}
    assert shortfalls([tag], flags(4, 0, 1)) == {}


def test_the_random_part_is_spread_over_strata_in_proportion():
    prn = np.random.default_rng(4).random(400)
    strata = np.repeat([7, 9], [300, 100])
    found = hard_round(design(prn), np.zeros(400), 40, 0.0, strata=strata)
    assert np.bincount(strata[found.picks])[[7, 9]].tolist() == [30, 10]


def test_a_soft_round_is_divided_over_strata_by_their_rates():
    prn = np.random.default_rng(4).random(400)
    strata = np.repeat([0, 1], [300, 100])
    learnt = np.repeat([0.1, 0.3], [300, 100])
    found = soft_round(design(prn), learnt, 40, 1.0, strata=strata)
    # 40 * 30 / 60 each, but for the last digit of a float.
    assert abs(np.bincount(strata[found.picks]) - 20).max() <= 1
    assert (found.design.drawn == found.design.labelled).all()


@given(st.integers(0, 2**32), st.integers(1, 25), st.booleans(), RULE)
def test_minimums_and_strata_leave_nobody_below_the_level_unlabelled(
    seed: int, batch: int, by_stratum: bool, rule: Rule
):
    rng = np.random.default_rng(seed)
    sample = design(rng.random(50))
    tags = [TagMinimum(name, rng.random(50) < share, 8) for name, share in (("a", 0.2), ("b", 0.5))]
    strata = rng.integers(0, 4, 50) if by_stratum else None
    for _ in range(3):
        left = int((~sample.labelled).sum())
        found = rule(sample, rng.random(50), batch, 0.5, minimums=tags, strata=strata)
        assert len(set(found.picks.tolist())) == len(found.reasons) == min(batch, left)
        assert (found.design.drawn == found.design.labelled).all()
        sample = found.design


# Soft rounds


def test_a_soft_round_takes_the_smallest_ratios_of_random_number_and_rate():
    # Rates 0.5 q + 0.125 with q = 0.1, 0.1, 0.4, 0.4: 0.175 and 0.325.
    found = soft_round(design([0.2, 0.1, 0.8, 0.9]), [0.1, 0.1, 0.4, 0.4], 2, 0.5)
    assert found.picks.tolist() == [1, 0]
    assert found.scale == pytest.approx(0.8 / 0.325)
    assert found.inclusion_probability == pytest.approx([0.8 * 7 / 13, 0.8 * 7 / 13, 0.8, 0.8])
    assert found.design.drawn.tolist() == [True, True, False, False]


def test_the_level_is_the_largest_over_rounds_those_after_labelling_too():
    first = soft_round(design([0.1, 0.5, 0.9]), [0.2, 0.2, 0.2], 1, 1.0)
    assert first.design.level == pytest.approx([0.5, 0.5, 0.5])
    second = soft_round(first.design, [0.4, 0.3, 0.3], 1, 1.0)
    assert second.picks.tolist() == [1]
    assert second.design.level == pytest.approx([1.0, 0.9, 0.9])
    third = soft_round(first.design, [0.1, 0.6, 0.3], 1, 1.0)
    assert third.design.level == pytest.approx([0.5, 1.0, 0.9])


def test_without_any_interest_a_soft_round_is_a_plain_random_sample():
    prn = np.random.default_rng(5).random(50)
    found = soft_round(design(prn), np.zeros(50), 10, 0.7)
    assert found.picks.tolist() == np.argsort(prn)[:10].tolist()


def test_with_interest_alone_what_has_none_is_never_picked():
    found = soft_round(design([0.1, 0.2, 0.3]), [0.0, 0.5, 0.5], 3, 1.0)
    assert sorted(found.picks.tolist()) == [1, 2]


@given(
    st.integers(1, 60),
    st.integers(1, 30),
    st.floats(0, 1),
    st.integers(0, 2**32),
    RULE,
)
def test_after_any_rounds_exactly_those_at_most_at_their_level_are_labelled(
    items: int, batch: int, share: float, seed: int, rule: Rule
):
    rng = np.random.default_rng(seed)
    sample = design(rng.random(items))
    for _ in range(3):
        score = rng.choice([0.1, 0.2, 0.5, 0.9], size=len(sample))
        unlabelled = int((~sample.labelled).sum())
        found = rule(sample, score, batch, share)
        assert len(found.picks) == len(found.reasons) == min(batch, unlabelled)
        assert (found.design.level >= sample.level).all()
        assert (found.design.drawn == found.design.labelled).all()
        sample = found.design.joined(rng.random(3))


@RULES
def test_the_order_of_the_items_never_matters(rule: Rule):
    rng = np.random.default_rng(8)
    prn, score, order = rng.random(80), rng.choice([0.2, 0.5], size=80), rng.permutation(80)
    one = rule(design(prn), score, 20, 0.7)
    other = rule(design(prn[order]), score[order], 20, 0.7)
    assert order[other.picks].tolist() == one.picks.tolist()
    assert other.design.level.tolist() == one.design.level[order].tolist()


@RULES
def test_over_many_secrets_items_are_drawn_as_often_as_their_chances_say(rule: Rule):
    rng, runs, items = np.random.default_rng(9), 3_000, 60
    scores = [rng.random(items), rng.random(items)]
    drawn, weight = np.zeros(items), np.zeros(items)
    for _ in range(runs):
        sample = chain(rule, scores, rng.random(items), 10)
        drawn += sample.drawn
        chance = sample.realised() if rule is hard_round else sample.probability
        weight += np.where(sample.drawn, 1.0 / chance, 0.0)
    # Each item stands for itself on average; its weight is at most about 12.
    assert (drawn > 0).all()
    assert np.abs(weight / runs - 1.0).max() < 5 * math.sqrt(12 / runs)
    assert abs(weight.sum() / runs / items - 1.0) < 0.02


@RULES
@pytest.mark.parametrize(("batch", "share"), [(0, 0.7), (5, 1.1), (5, NAN)])
def test_a_batch_that_makes_no_sense_is_refused(rule: Rule, batch: int, share: float):
    with pytest.raises(SettingsError, match="at least 1 sample and a share"):
        rule(design([0.5]), [0.5], batch, share)


@RULES
@pytest.mark.parametrize("scores", [[NAN, 0.1], [0.1], [[0.1, 0.2]]])
def test_scores_that_do_not_fit_the_pool_are_refused(rule: Rule, scores: list[Any]):
    with pytest.raises(RecordError):
        rule(design([0.5, 0.6]), scores, 1, 0.7)


def test_a_negative_interest_is_refused():
    with pytest.raises(RecordError, match="interest at position 1"):
        soft_round(design([0.5, 0.6]), [0.1, -0.1], 1, 0.7)


# What there is to learn


def test_interest_for_precision_is_the_standard_deviation_of_the_outcome():
    found = interest([0.9, 0.5, 0.1, NAN], [False] * 4, 0.2)
    assert found == pytest.approx([0.3, 0.5, 0.3, 0.5])


def test_novelty_raises_interest_and_never_lowers_it():
    confidence = np.linspace(0, 1, 21)
    for aim in ("precision", "failures"):
        plain = interest(confidence, np.zeros(21, dtype=bool), 0.2, aim)
        novel = interest(confidence, np.ones(21, dtype=bool), 0.2, aim)
        assert (novel >= plain).all()
        assert novel[18] > plain[18]


def test_an_aim_that_there_is_not_is_refused():
    with pytest.raises(SettingsError, match="precision or failures, not at 'fun'"):
        interest([0.5], [False], 0.2, aim="fun")
