"""Texts: equal after normalisation, and the overlap of their words."""

from __future__ import annotations

import re
from collections import Counter

from goldloop.canonical import normalise_text

_WORD = re.compile(r"\w+")


def exact_match(first: str, second: str) -> float:
    """1.0 when two texts are equal but for case, spacing and compatible characters, else 0.0.

    >>> exact_match(" Yes, please", "yes,  PLEASE")
    1.0
    """
    return float(normalise_text(first) == normalise_text(second))


def token_f1(first: str, second: str) -> float:
    """The harmonic mean of the shares of each text's words that the other one has, in [0, 1].

    2 x common words / words of both, each word as often as it occurs, after `normalise_text` and
    without punctuation; the order of words does not count. A script without spaces makes one word
    of a phrase. Where neither text has a word it is `exact_match`. Source: the F1 of SQuAD
    (Rajpurkar et al., EMNLP 2016), here without dropping English articles.

    >>> token_f1("refund the order", "Refund order 17!")
    0.6666666666666666
    """
    one, other = _words(first), _words(second)
    words = one.total() + other.total()
    return 2 * (one & other).total() / words if words else exact_match(first, second)


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(normalise_text(text)))
