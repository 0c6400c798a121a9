"""Near-duplicates among many texts at once: the same as one after another, and in bounded time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from goldloop.errors import SettingsError
from goldloop.near_duplicates import NearDuplicate, Picked
from goldloop.repeated_texts import repeated_texts

WORDS = [f"{a}{b}{c}" for a in "bdfgk" for b in ("a", "el", "ist", "or") for c in "mnprst"]
LETTER = (
    "Dear team, my parcel {n} was to arrive on Monday and has not been seen since; please find "
)
LETTER += "out where it is, and if it is lost, send another one or give me my money back at once."


def one_after_another(texts: list[tuple[str, str]]) -> tuple[NearDuplicate, ...]:
    """What each text repeats of those before it, as a selection finds it."""
    picked, found = Picked(), []
    for sample_id, text in texts:
        near = picked.closest(sample_id, text)
        if near is not None:
            found.append(near)
        picked.add(sample_id, text)
    return tuple(found)


def drawn(chance: np.random.Generator, words: int) -> str:
    return " ".join(chance.choice(WORDS, size=words))


def edited(chance: np.random.Generator, text: str, words: int) -> str:
    """The text with other words in some places."""
    parts = text.split()
    for place in chance.choice(len(parts), size=words, replace=False):
        parts[place] = str(chance.choice(WORDS))
    return " ".join(parts)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("words", [3, 8, 19, 20, 60])
def test_it_finds_what_looking_at_one_after_another_finds(seed: int, words: int) -> None:
    chance = np.random.default_rng(seed)
    texts = [drawn(chance, words) for _ in range(40)]
    texts += [edited(chance, text, 1 + words // 40) for text in texts[:20]]
    texts += [text.upper() + "  " for text in texts[10:15]]
    chance.shuffle(texts)
    named = [(f"s-{number:03}", text) for number, text in enumerate(texts)]
    assert repeated_texts(named) == one_after_another(named)


def test_of_many_made_from_one_template_all_but_the_first_are_found() -> None:
    texts = [(f"s-{number:04}", LETTER.format(n=number)) for number in range(400)]
    found = repeated_texts(texts)
    assert [one.sample_id for one in found] == [sample_id for sample_id, _ in texts[1:]]
    assert all(one.of < one.sample_id and one.similarity > 0.8 for one in found)


def test_two_of_one_template_that_are_more_alike_than_its_others_are_told_as_such() -> None:
    chance = np.random.default_rng(3)
    frame = drawn(chance, 30)
    texts = [(f"s-{number:04}", f"{frame} {drawn(chance, 12)}") for number in range(300)]
    twin = ("t", texts[123][1] + " thanks")
    [found] = [one for one in repeated_texts([*texts, twin]) if one.sample_id == "t"]
    assert found.of == "s-0123"


@pytest.mark.parametrize(
    "make", [lambda n: f"Where is order {n}?", lambda n: f"Refund {n} EUR, ok"]
)
def test_short_texts_with_other_numbers_are_other_questions(make: Callable[[int], str]) -> None:
    texts = [(f"s-{number}", make(number)) for number in range(50)]
    assert repeated_texts(texts) == ()


def test_a_copy_repeats_the_first_of_its_kind() -> None:
    texts = [("b", "Cancel it"), ("a", "cancel  IT"), ("c", "Cancel it")]
    assert [(one.sample_id, one.of, one.similarity) for one in repeated_texts(texts)] == [
        ("a", "b", 1.0),
        ("c", "b", 1.0),
    ]


def test_at_a_threshold_of_one_only_the_same_text_is_found() -> None:
    texts = [("a", LETTER.format(n=1)), ("b", LETTER.format(n=2)), ("c", LETTER.format(n=1))]
    assert [one.sample_id for one in repeated_texts(texts, 1.0)] == ["c"]


@pytest.mark.parametrize("texts", [[], ["one"], ["", "x"], ["", "", "a b"], ["", " "], ["!", "?"]])
def test_few_and_empty_texts_are_no_trouble(texts: list[str]) -> None:
    named = [(str(number), text) for number, text in enumerate(texts)]
    assert repeated_texts(named) == one_after_another(named)


@pytest.mark.parametrize("threshold", [0.0, 1.1, -1.0])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(SettingsError, match="above 0 and at most 1"):
        repeated_texts([], threshold)
