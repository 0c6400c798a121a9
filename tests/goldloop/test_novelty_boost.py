"""Who gets the boost, and how much of a batch it decides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.errors import RecordError, SettingsError
from goldloop.novelty import Novelty, NoveltyRule, assess_novelty, boost_novel, most_novel
from goldloop.novelty import boost as module


def by_path(novel, same=False) -> Novelty:
    """Novel by a tool path: each by one of its own, or all by the same."""
    steps = {
        i: ((None, (f"tool {0 if same else i}", ())),)
        for i, is_novel in enumerate(novel)
        if is_novel
    }
    return Novelty(np.full(len(novel), np.nan), None, steps, frozenset(), None)


def boosted(raw, novel, n_uncertain, most, *, same=False, in_pool=None, ties=None, boost=0.2):
    n = len(raw)
    return boost_novel(
        raw,
        by_path(novel, same),
        np.linspace(0, 0.9, n) if ties is None else ties,
        np.ones(n, dtype=bool) if in_pool is None else in_pool,
        n_uncertain,
        boost=boost,
        most=most,
    )


def top(found, ties, in_pool, count):
    places = np.flatnonzero(in_pool)
    order = np.lexsort((np.asarray(ties)[places], -found.final[places]))
    return set(places[order[:count]].tolist())


pools = st.lists(
    st.tuples(st.integers(0, 20), st.booleans(), st.booleans()), min_size=1, max_size=40
)


def test_without_a_cap_the_boost_is_added_and_the_sum_is_at_most_one():
    found = boosted([0.5, 0.9, 0.1], [True, True, False], 1, 3)
    assert found.boost.tolist() == [0.2, 0.2, 0.0]
    assert found.final.tolist() == [0.7, 1.0, 0.1]
    assert found.raw.tolist() == [0.5, 0.9, 0.1]


def test_what_is_above_the_cutoff_by_itself_is_not_there_because_of_the_boost():
    found = boosted([0.9, 0.5, 0.6, 0.1], [True, True, False, False], 2, 2)
    assert found.because.tolist() == [False, True, False, False]


def test_beyond_the_cap_the_novel_compete_with_their_raw_uncertainty():
    raw = [0.60, 0.59, 0.58, 0.50, 0.49, 0.48]
    found = boosted(raw, [False] * 3 + [True] * 3, 3, 1)
    assert found.boost.tolist() == [0, 0, 0, 0.2, 0, 0]
    assert found.because.tolist() == [False, False, False, True, False, False]
    assert found.over_cap.tolist() == [False] * 4 + [True] * 2
    assert top(found, np.linspace(0, 0.9, 6), np.ones(6, bool), 3) == {3, 0, 1}


def test_a_cap_of_nothing_leaves_the_raw_ranking():
    found = boosted([0.6, 0.5], [False, True], 1, 0)
    assert found.final.tolist() == [0.6, 0.5]
    assert not found.because.any()


def test_what_is_new_like_a_pick_before_it_gets_no_boost():
    found = boosted([0.5, 0.4, 0.45], [True, True, True], 2, 2, same=True)
    assert found.boost.tolist() == [0.2, 0, 0]
    assert found.like_a_pick.tolist() == [False, True, True]


def test_what_is_new_like_a_sure_pick_gets_no_boost():
    found = boosted([0.9, 0.5, 0.6], [True, True, False], 2, 1, same=True)
    assert found.like_a_pick.tolist() == [False, True, False]
    assert found.boost.tolist() == [0.2, 0, 0]


def test_texts_like_a_pick_before_them_get_no_boost():
    texts = ["late parcel", "reset password", "forgot password reset", "blue card fee"]
    novelty = assess_novelty(
        texts, [()] * 4, [True, False, False, False], rule=NoveltyRule(0.0, 0.6)
    )
    assert novelty.by_text.tolist() == [False, True, True, True]
    found = boost_novel(
        [0.1, 0.5, 0.4, 0.3], novelty, np.zeros(4), [False, True, True, True], 3, boost=0.2, most=3
    )
    assert found.boost.tolist() == [0, 0.2, 0, 0.2]
    assert found.like_a_pick.tolist() == [False, False, True, False]


def test_a_labelled_sample_takes_no_place_of_the_cap():
    found = boosted([0.6, 0.5, 0.55], [True, True, False], 1, 1, in_pool=[False, True, True])
    assert found.boost.tolist() == [0.2, 0.2, 0.0]
    assert found.because.tolist() == [False, True, False]


def test_equal_uncertainties_go_by_the_tie_break():
    found = boosted([0.5, 0.5, 0.9], [True, True, False], 2, 1, ties=[0.7, 0.2, 0.1])
    assert found.boost.tolist() == [0, 0.2, 0]


@given(pools, st.integers(0, 45), st.integers(0, 45))
def test_the_boost_never_decides_more_places_than_the_cap(pool, n_uncertain, most):
    raw, novel, in_pool = (np.array(column) for column in zip(*pool, strict=True))
    raw, ties = raw / 20, np.modf(np.arange(len(pool)) * 0.618)[0]
    found = boosted(raw, novel, n_uncertain, most, in_pool=in_pool, ties=ties)
    picked = top(found, ties, in_pool, n_uncertain)
    assert found.because.sum() <= most
    assert set(np.flatnonzero(found.because)) <= picked
    # Nobody who is in by uncertainty alone is pushed out by more than the cap.
    plain = boosted(raw, novel, n_uncertain, 0, in_pool=in_pool, ties=ties)
    assert len(top(plain, ties, in_pool, n_uncertain) - picked) <= most


@given(pools, st.integers(1, 45))
def test_a_cap_that_does_not_bind_changes_nothing(pool, n_uncertain):
    raw, novel, in_pool = (np.array(column) for column in zip(*pool, strict=True))
    raw, ties = raw / 20, np.modf(np.arange(len(pool)) * 0.618)[0]
    free = boosted(raw, novel, n_uncertain, 100, in_pool=in_pool, ties=ties)
    again = boosted(raw, novel, n_uncertain, int(free.because.sum()), in_pool=in_pool, ties=ties)
    picked = top(free, ties, in_pool, n_uncertain)
    assert picked == top(again, ties, in_pool, n_uncertain)
    assert (free.final == np.minimum(np.round(raw + 0.2 * novel, 12), 1.0)).all()


@given(pools, st.integers(1, 20), st.integers(0, 10), st.data())
def test_whether_a_sample_was_drawn_at_random_does_not_move_its_own_boost(
    pool, n_uncertain, most, data
):
    raw, novel, in_pool = (np.array(column) for column in zip(*pool, strict=True))
    raw, ties = raw / 20, np.modf(np.arange(len(pool)) * 0.618)[0]
    one = data.draw(st.integers(0, len(pool) - 1))
    there, gone = in_pool.copy(), in_pool.copy()
    there[one], gone[one] = True, False
    before = boosted(raw, novel, n_uncertain, most, in_pool=there, ties=ties)
    after = boosted(raw, novel, n_uncertain, most, in_pool=gone, ties=ties)
    if before.because[one]:
        assert after.boost[one] == before.boost[one]


@pytest.mark.parametrize("chunk", [1, 2, 500])
def test_the_ranking_is_walked_in_chunks_with_the_same_result(chunk, monkeypatch):
    words = ["late", "blue", "card", "fee", "reset", "login", "refund", "parcel"]
    random = np.random.default_rng(3)
    texts = [" ".join(random.choice(words, 3)) for _ in range(60)]
    novelty = assess_novelty(texts, [()] * 60, np.arange(60) < 2, rule=NoveltyRule(0.2, 0.3))
    raw, ties = random.random(60), random.random(60)
    whole = boost_novel(raw, novelty, ties, np.arange(60) >= 2, 20, boost=0.2, most=6)
    monkeypatch.setattr(module, "CHUNK", chunk)
    again = boost_novel(raw, novelty, ties, np.arange(60) >= 2, 20, boost=0.2, most=6)
    assert whole.like_a_pick.any()
    assert (again.final == whole.final).all()
    assert (again.like_a_pick == whole.like_a_pick).all()


def test_an_empty_pool_has_no_boosts():
    assert boosted([], [], 5, 2).final.shape == (0,)


@pytest.mark.parametrize("raw", [[1.5], [-0.1], [np.nan]])
def test_an_uncertainty_out_of_range_is_refused(raw):
    with pytest.raises(RecordError):
        boosted(raw, [True], 1, 1)


def test_columns_of_different_length_are_refused():
    with pytest.raises(RecordError, match="length"):
        boosted([0.5], [True], 1, 1, ties=[0.1, 0.2])


def test_a_boost_out_of_range_is_refused():
    with pytest.raises(SettingsError, match="boost"):
        boosted([0.5], [True], 1, 1, boost=1.5)


@pytest.mark.parametrize(("size", "cap", "most"), [(20, 0.3, 6), (10, 0.29, 2), (1, 1.0, 1)])
def test_the_cap_is_a_share_of_the_batch_rounded_down(size, cap, most):
    assert most_novel(size, cap) == most
