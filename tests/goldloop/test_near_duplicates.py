"""Which candidates of a batch repeat what is picked already."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldloop.errors import SettingsError
from goldloop.near_duplicates import (
    NearDuplicate,
    same_form,
    shingles,
    similarity,
    without_near_duplicates,
)

VOCABULARY = ["".join(letters) for letters in product("bdfgk", "aeiou", "lmnrst", "aeo")]


def letter(seed: int, words: int = 100) -> list[str]:
    return list(np.random.default_rng(seed).choice(VOCABULARY, words))


def with_changes(words: list[str], changes: int, seed: int = 9) -> str:
    changed = list(words)
    for place in np.random.default_rng(seed).choice(len(words), changes, replace=False):
        changed[place] = VOCABULARY[place][::-1] + "xyz"
    return " ".join(changed)


def word_sets(text: str) -> set[tuple[str, ...]]:
    words = same_form(text).split(" ")
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}


def character_sets(text: str) -> set[str]:
    form = same_form(text)
    return {form[i : i + 5] for i in range(len(form) - 4)}


def by_sets(one, other) -> float:
    return len(one & other) / len(one | other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is my order?", "  where is\tMY\n\norder? "),
        ("ﬁne ①", "FINE 1"),
        ("Straße", "STRASSE"),
        ("e\u0301te\u0301", "été"),
        ("a\u00a0b", "a b"),
        ("", " \n "),
    ],
)
def test_the_same_text_in_other_letters_and_spaces_is_left_out(one, other):
    found = without_near_duplicates([("a", one), ("b", other)], 2, threshold=1.0)
    assert found.kept == ("a",)
    assert found.skipped == (NearDuplicate("b", "a", 1.0),)


@given(st.text())
def test_the_same_form_of_a_same_form_is_itself(text):
    assert same_form(same_form(text)) == same_form(text)


def test_a_long_text_with_one_other_word_is_left_out():
    words = letter(1)
    found = without_near_duplicates(
        [("a", " ".join(words)), ("b", with_changes(words, 1)), ("c", " ".join(letter(2)))], 3
    )
    assert found.kept == ("a", "c")
    assert found.skipped == (NearDuplicate("b", "a", round(95 / 101, 6)),)


@pytest.mark.parametrize("digits", range(1, 7))
@pytest.mark.parametrize("question", ["Where is my order {}?", "Refund order W{} to my card now"])
def test_short_questions_about_other_orders_are_other_questions(question, digits):
    numbers = str(10**digits - 1), str(10**digits - 2)
    ranked = [(number, question.format(number)) for number in numbers]
    assert without_near_duplicates(ranked, 2).kept == numbers


def test_short_questions_about_the_same_order_are_the_same_question():
    ranked = [("a", "Where is my order 4412 now?"), ("b", "Where is my order 4412 now")]
    assert without_near_duplicates(ranked, 2).kept == ("a",)


def test_short_questions_with_a_slip_are_the_same_question():
    one = "Please tell me where my order with the blue shoes is right now"
    ranked = [("a", one), ("b", one.replace("right now", "right now?"))]
    assert without_near_duplicates(ranked, 2).kept == ("a",)


def test_long_texts_that_differ_in_an_order_number_are_near_duplicates():
    words = letter(3)
    ranked = [(n, " ".join([*words[:50], n, *words[50:]])) for n in ("4412", "9983")]
    assert without_near_duplicates(ranked, 2).kept == ("4412",)


@pytest.mark.parametrize("words", [3, 10, 19, 20, 21, 60])
def test_the_similarity_is_the_jaccard_index_of_the_shingles(words):
    one, other = " ".join(letter(4, words)), with_changes(letter(4, words), 1)
    expected = by_sets(*map(character_sets if words < 20 else word_sets, (one, other)))
    assert similarity(shingles(one), shingles(other)) == pytest.approx(expected)


def test_a_short_and_a_long_text_are_compared_by_their_words():
    words = letter(5, 21)
    short, long = " ".join(words[:19]), " ".join(words)
    expected = by_sets(word_sets(short), word_sets(long))
    assert similarity(shingles(short), shingles(long)) == pytest.approx(expected)


def test_what_brute_force_finds_is_found():
    texts = {
        f"{base}-{copy}": with_changes(letter(base, 60), copy * 2, seed=copy)
        for base in range(25)
        for copy in range(5)
    }
    ids = list(texts)
    alike = {
        (a, b): by_sets(word_sets(texts[a]), word_sets(texts[b])) for a, b in combinations(ids, 2)
    }
    kept: list[str] = []
    for one in ids:
        if all(alike[other, one] < 0.8 for other in kept):
            kept.append(one)
    assert len(kept) < len(ids)
    assert without_near_duplicates(texts.items(), 1000).kept == tuple(kept)


def test_a_skipped_text_is_replaced_by_the_next_of_the_ranking_which_is_read_no_further():
    read = []

    def ranking():
        for sample_id, text in [("a", "one"), ("b", "One"), ("c", "two"), ("d", "three")]:
            read.append(sample_id)
            yield sample_id, text

    assert without_near_duplicates(ranking(), 2).kept == ("a", "c")
    assert read == ["a", "b", "c"]


def test_what_was_picked_before_counts_whatever_its_order():
    words = letter(6)
    before = [("z", " ".join(words)), ("y", with_changes(words, 1)), ("x", " ".join(words))]
    for against in (before, before[::-1]):
        found = without_near_duplicates([("a", " ".join(words))], 1, against=against)
        assert found.skipped == (NearDuplicate("a", "x", 1.0),)


@pytest.mark.parametrize("wanted", [0, -1])
def test_nothing_wanted_reads_nothing(wanted):
    assert without_near_duplicates(iter([("a", "b")]), wanted).kept == ()


@pytest.mark.parametrize("threshold", [0.0, -0.1, 1.1, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(SettingsError, match="threshold"):
        without_near_duplicates([], 1, threshold=threshold)


@given(
    st.lists(st.text(alphabet="ab c", max_size=30), max_size=12),
    st.lists(st.text(alphabet="ab c", max_size=30), max_size=5),
)
@settings(max_examples=50, deadline=None)
def test_everybody_is_kept_or_skipped_and_no_two_kept_are_alike(texts, before):
    ranked = [(f"s{i}", text) for i, text in enumerate(texts)]
    against = [(f"p{i}", text) for i, text in enumerate(before)]
    found = without_near_duplicates(ranked, 100, against=against)
    assert sorted([*found.kept, *(one.sample_id for one in found.skipped)]) == sorted(dict(ranked))
    kept = [same_form(dict(ranked)[one]) for one in found.kept]
    assert len(set(kept)) == len(kept)
    assert not set(kept) & {same_form(text) for text in before}
    assert all(one.similarity >= 0.8 for one in found.skipped)


HOSTILE = {
    "empty": "",
    "one word": "spam " * 200_000,
    "one long word": "x" * 1_000_000,
    "no spaces": "我的订单" * 250_000,
    "lone surrogate": "\ud800 order",
    "many words": " ".join(str(n) for n in range(150_000)),
}


def test_hostile_texts_are_compared_like_any_others():
    ranked = list(HOSTILE.items())
    found = without_near_duplicates([*ranked, *((f"{n} again", t) for n, t in ranked)], 100)
    assert found.kept == tuple(HOSTILE)
    assert {one.of for one in found.skipped} == set(HOSTILE)


def test_the_result_does_not_depend_on_the_hash_seed():
    code = (
        "from goldloop.near_duplicates import without_near_duplicates as f;"
        "t = [(str(i), ' '.join(f'w{(i // 3 * j) % 40}' for j in range(60)) + f' end{i}')"
        " for i in range(40)]; print(f(t, 100))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    (output,) = outputs
    assert "skipped=(NearDuplicate(" in output
