"""Texts as vectors, and whose text is novel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from goldloop.errors import RecordError, SettingsError
from goldloop.novelty import NoveltyRule, assess_novelty, sample_text, similar_form
from goldloop.novelty import texts as module
from goldloop.novelty.texts import LONGEST, embedded, hashed_words
from goldloop.samples import Message

WORDS = ("order", "refund", "late", "blue", "invoice", "password", "reset", "parcel", "card", "fee")


def some_texts(count: int, seed: int = 0) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, random.integers(1, 6))) for _ in range(count)]


def brute_force(vectors, places, others):
    rows = vectors.rows.toarray().astype(float)
    found = []
    for i in places:
        cosines = [rows[i] @ rows[j] for j in others if j != i]
        found.append(max(cosines, default=0.0) if rows[i].any() else 1.0)
    return np.array(found)


def novelty_of(texts, labelled, **more):
    return assess_novelty(texts, [()] * len(texts), np.array(labelled, dtype=bool), **more)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is order 4412?", "Where is order 99812?"),
        ("Refund #W-2041 please", "Refund #W-9 please"),
        ("id 5f2c9a1b04d7", "id 00ffeedd1122"),
        ("id deadbeef", "id 5f2c9a1b"),
        ("see f47ac10b-58cc-4372-a567-0e02b2c3d479", "see 0a1b2c3d-0000-4372-a567-0e02b2c3d470"),
        ("on 2026-01-31", "on 1999-12-01"),
        ("on 31.01.2026.", "on 1.2.2027"),
        ("at 14:30", "at 9:05:11"),
        ("from 2026-01-31T10:00:00Z on", "from 2024-02-29 on"),
        ("write to Ann.Lee+x@example.com now", "write to bob@mail.example.org now"),
        ("open https://a.example/x?y=1 now", "open www.b.example now"),
        ("it costs 1,250.00 USD", "it costs 3 USD"),
        ("ﬁle ①", "file 7"),
        ("2 kg, 3pm", "70 kg, 11am"),
    ],
)
def test_what_differs_from_case_to_case_without_meaning_is_one_word(one, other):
    assert similar_form(one).split() == similar_form(other).split()


@pytest.mark.parametrize(
    ("one", "other"),
    [("a refund of 5", "a refund of five"), ("ann@example.com", "4412"), ("on 2026-01-31", "on 7")],
)
def test_kinds_of_variables_and_words_stay_apart(one, other):
    assert similar_form(one).split() != similar_form(other).split()


def test_another_order_number_is_not_novel():
    texts = [f"Where is my order {n}?" for n in range(8)] + ["Cancel my subscription"]
    found = novelty_of(texts, [True] + [False] * 8)
    assert found.text[1:8].max() == 0.0
    assert found.text[8] > 0.6


@given(st.text(max_size=200))
def test_every_text_has_a_form_and_a_vector(text):
    similar_form(text)
    vectors = hashed_words([text, "refund"])
    assert np.isfinite(vectors.rows.data).all()


@pytest.mark.parametrize(
    "text",
    ["", " \n", "a " * 500_000, "a" * 1_000_000, "1" * 1_000_000, "a@" * 500_000, "0-" * 500_000],
    ids=["empty", "blank", "one word", "one long word", "digits", "addresses", "codes"],
)
def test_hostile_texts_are_cut_and_read(text):
    form = similar_form(text)
    assert len(form) <= 10 * LONGEST
    assert novelty_of(["refund", text], [True, False]).text[1] >= 0.0


def test_the_weights_are_those_of_scikit_learn():
    texts = [text for text in some_texts(15) if " " in text]
    plain = HashingVectorizer(
        ngram_range=(1, 2), n_features=2**18, alternate_sign=False, norm=None
    ).transform(texts)
    expected = TfidfTransformer().fit_transform(plain)
    assert abs(hashed_words(texts).rows - expected).max() < 1e-6


@pytest.mark.parametrize("block", [1, 7, 10_000])
def test_the_nearest_in_blocks_is_what_brute_force_finds(block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", block)
    vectors = hashed_words([*some_texts(40), "", "?"])
    places, others = np.arange(42), np.array([3, 41, 7, 30, 12])
    expected = brute_force(vectors, places, others)
    np.testing.assert_allclose(vectors.nearest(places, others), expected, atol=2e-6)


@given(st.lists(st.sampled_from(WORDS), max_size=12), st.data())
def test_novelty_is_one_minus_the_largest_cosine(words, data):
    texts = [*words, "refund", "late fee"]
    labelled = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    labelled[-1] = True
    found = novelty_of(texts, labelled).text
    others = np.flatnonzero(labelled)
    expected = 1.0 - brute_force(hashed_words(texts), range(len(texts)), others)
    alone = np.array(labelled) & (len(others) == 1)
    np.testing.assert_allclose(found[~alone], expected[~alone], atol=3e-6)
    assert np.isnan(found[alone]).all()


def test_chunks_change_nothing(monkeypatch):
    texts = some_texts(50)
    whole = hashed_words(texts).rows
    monkeypatch.setattr(module, "CHUNK", 7)
    assert (hashed_words(texts).rows != whole).nnz == 0


def test_a_text_without_a_word_has_nothing_that_could_be_new():
    found = novelty_of(["refund", "", "?!", "a"], [True, False, False, False])
    assert found.text[1:].tolist() == [0.0, 0.0, 0.0]


def test_a_labelled_sample_is_compared_with_the_other_labelled_ones_alone():
    texts = ["late parcel", "reset password", "late parcel"]
    found = novelty_of(texts, [True, True, False])
    assert found.text.tolist() == [1.0, 1.0, 0.0]


def test_a_sample_s_novelty_is_the_same_whether_it_was_drawn_itself_or_not():
    texts = some_texts(30)
    before = np.arange(30) % 3 == 0
    drawn = before.copy()
    drawn[1] = True
    assert novelty_of(texts, before).text[1] == novelty_of(texts, drawn).text[1]


def test_nothing_is_novel_while_nothing_is_labelled():
    found = novelty_of(["refund", "late parcel"], [False, False])
    assert np.isnan(found.text).all()
    assert found.threshold is None
    assert not found.novel.any()


def test_words_that_most_texts_have_are_a_template_and_count_for_nothing():
    letter = "Dear support team, thank you for your help with the following request:"
    texts = [f"{letter} {WORDS[n % 10]}" for n in range(30)]
    found = novelty_of(texts, [True] + [False] * 29)
    assert set(found.text[1:].tolist()) == {0.0, 1.0}
    assert found.text[10] == 0.0


def test_scripts_without_spaces_are_compared_by_their_characters():
    labelled = "我的订单在哪里"
    found = novelty_of([labelled, "我的订单现在在哪里", "如何重置密码"], [True, False, False])
    assert found.text[1] < 0.6 < found.text[2]


@pytest.mark.parametrize(
    ("pool", "threshold"),
    [
        ([], 0.6),
        ([np.nan], 0.6),
        ([0.9], 0.9),
        ([0.0] * 9 + [1.0], 0.6),
        ([1.0] * 5 + [0.0] * 5, 1.0),
        (np.linspace(0, 1, 11), 0.9),
        ([0.95, np.nan, 0.95], 0.95),
    ],
)
def test_the_threshold_is_the_quantile_or_the_floor_whichever_is_stricter(pool, threshold):
    assert NoveltyRule(0.9, 0.6).threshold(pool) == pytest.approx(threshold)


@given(st.lists(st.floats(0, 1), min_size=10, max_size=60, unique=True))
def test_no_more_than_a_tenth_of_a_pool_without_ties_is_novel(novelties):
    threshold = NoveltyRule(0.9, 0.0).threshold(novelties)
    assert sum(one >= threshold for one in novelties) <= -(-len(novelties) // 10) + 1


@pytest.mark.parametrize("rule", [NoveltyRule(quantile=1.2), NoveltyRule(floor=-0.1)])
def test_a_rule_out_of_range_is_refused(rule):
    with pytest.raises(SettingsError, match="in \\[0, 1\\]"):
        rule.threshold([0.5])


def test_an_embedding_is_compared_by_cosine():
    directions = {"a": [2.0, 0.0], "b": [0.0, 3.0], "c": [5.0, 0.1], "zero": [0.0, 0.0]}
    found = novelty_of(
        list(directions),
        [True, False, False, False],
        embed=lambda texts: [directions[text] for text in texts],
    )
    assert found.text[1] == 1.0
    assert found.text[2] == pytest.approx(1 - 5 / np.hypot(5, 0.1), abs=1e-6)
    assert found.text[3] == 0.0


@pytest.mark.parametrize(
    "made", [[[1.0]], [[1.0, np.nan]] * 2, [1.0, 2.0], "no numbers", [[1.0], [1.0, 2.0]]]
)
def test_an_embedding_that_is_no_array_is_refused(made):
    with pytest.raises(RecordError, match="embedding"):
        embedded(["a", "b"], lambda _: made)


def test_texts_and_samples_of_different_number_are_refused():
    with pytest.raises(RecordError, match="2 samples need as many texts"):
        assess_novelty(["a"], [(), ()], [True, False])


def test_texts_may_be_left_out_when_they_do_not_count():
    found = assess_novelty([], [(), ()], [True, False], rule=NoveltyRule(by_text=False))
    assert found.vectors is None
    assert not found.novel.any()


def test_a_sample_says_what_its_users_said():
    turns = [Message("system", "Be kind"), Message("user", "Hi"), Message("assistant", "Hello")]
    assert sample_text("Refund me", turns) == "Hi\nRefund me"
