"""How diverse a batch of texts is, beside the pool: words, nearest neighbours, Vendi score.

Every measure of diversity moves with the number and the length of the texts, so a batch and the
pool are measured on equally many, at most `MOST`, and words are counted over pieces of the same
size: the first `WORDS` words of `TEXTS` texts at a time, the mean over all such pieces. Otherwise
whoever writes shorter texts looks the more diverse (Deshpande et al., arXiv 2507.15092).

The texts are taken as they come, so they have to come in a random order: that of the permanent
random numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goldloop.errors import RecordError
from goldloop.near_duplicates import same_form
from goldloop.novelty.texts import Embed, Floats, TextVectors, embedded, hashed_words

# Eigenvalues of a dense matrix of 2,000 x 2,000 take about a second.
MOST = 2_000
# A batch is looked for in so many texts of the pool.
MOST_POOL = 20_000
WORDS, TEXTS = 10, 100
# Scripts without spaces: each character is a word.
_WORD = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]|\w+")


@dataclass(frozen=True, slots=True)
class Measures:
    """How diverse some texts are.

    `distinct_1` and `distinct_2` are the shares of words and of pairs of words that are different
    ones, over `lexical_texts` texts, the others being too short; `nearest` is the mean cosine of a
    text with the one most like it, of the others; `vendi` the effective number of texts. None where
    too few texts say it: one for the first two, two for the third.
    """

    distinct_1: float | None
    distinct_2: float | None
    nearest: float | None
    vendi: float | None
    lexical_texts: int


@dataclass(frozen=True, slots=True)
class Compared:
    """A batch and the pool, each measured on `n` texts; `nearest_in_pool` is the mean cosine of a
    text of the batch with the one of the pool most like it. None where there is no pool.
    """

    n: int
    batch: Measures
    pool: Measures | None
    nearest_in_pool: float | None


def compared(
    batch: Sequence[str], pool: Sequence[str] = (), embed: Embed | None = None
) -> Compared:
    """A batch beside the pool it is to join, with which it has no text in common.

    The vectors of both are made together, from an embedding where there is one and else from words
    with TF-IDF weights. Texts without a word count as one and the same.
    """
    n = min(len(batch), len(pool) or len(batch), MOST)
    batch, pool = batch[:MOST], pool[:MOST_POOL]
    texts = [*batch, *pool]
    vectors = embedded(texts, embed) if embed else hashed_words(texts)
    first, rest = np.arange(len(batch)), np.arange(len(batch), len(texts))
    size = _piece(batch[:n], pool[:n])
    return Compared(
        n,
        _measures(batch[:n], vectors, first[:n], size),
        _measures(pool[:n], vectors, rest[:n], size) if pool else None,
        _mean(vectors.nearest(first, rest)) if pool and batch else None,
    )


def _measures(
    texts: Sequence[str], vectors: TextVectors, places: NDArray[np.intp], size: int
) -> Measures:
    long = _long_enough(texts)
    return Measures(
        distinct(long, 1, size),
        distinct(long, 2, size),
        _mean(vectors.nearest(places, places)) if len(texts) > 1 else None,
        vendi_score(_cosines(vectors, places)) if len(texts) else None,
        len(long),
    )


def _mean(values: Floats) -> float:
    return round(float(values.mean()), 6)


def _long_enough(texts: Sequence[str]) -> list[list[str]]:
    """The first `WORDS` words of every text that has as many."""
    words = (_WORD.findall(same_form(text[: 100 * WORDS]))[:WORDS] for text in texts)
    return [found for found in words if len(found) == WORDS]


def _piece(batch: Sequence[str], pool: Sequence[str]) -> int:
    """How many texts one piece has: as many as both sides can give, at most `TEXTS`."""
    counts = [len(_long_enough(texts)) for texts in (batch, pool) if texts]
    return min([TEXTS, *(count for count in counts if count)])


def distinct(texts: Sequence[Sequence[str]], length: int, size: int) -> float | None:
    """The share of runs of `length` words that are different ones: the mean over the pieces of
    `size` texts, of which the last is left out where it is incomplete. None without a piece.

    Texts are words in order, all of one length. Source: Li et al. 2016, "A Diversity-Promoting
    Objective Function for Neural Conversation Models", here over pieces of one size.

    >>> distinct([["a", "b", "a"], ["a", "b", "c"]], 2, 2)
    0.75
    """
    starts = range(0, len(texts) - size + 1, size)
    shares = []
    for start in starts:
        runs = [
            tuple(words[place : place + length])
            for words in texts[start : start + size]
            for place in range(len(words) - length + 1)
        ]
        shares.append(len(set(runs)) / max(len(runs), 1))
    return round(float(np.mean(shares)), 6) if shares else None


def _cosines(vectors: TextVectors, places: NDArray[np.intp]) -> Floats:
    """The cosines of texts with each other, of shape (n, n); texts without a word are one."""
    rows = vectors.rows[places]
    product = rows @ rows.T
    kernel = np.asarray(product if isinstance(product, np.ndarray) else product.toarray(), float)
    empty = vectors.empty[places]
    kernel[np.ix_(empty, empty)] = 1.0
    np.fill_diagonal(kernel, 1.0)
    return kernel


def vendi_score(kernel: ArrayLike) -> float:
    """The effective number of different things: exp of the entropy of the eigenvalues of K / n.

    `kernel` is K, of shape (n, n), symmetric, positive semidefinite, with ones on the diagonal: n
    things that are alike give 1, n that have nothing in common n. 0 for none. Source: Friedman and
    Dieng 2023, "The Vendi Score: A Diversity Evaluation Metric for Machine Learning", TMLR.

    Raises RecordError for a matrix that is not square, finite and symmetric with such a diagonal.

    >>> round(vendi_score([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]]), 4)
    2.1573
    """
    similarity = np.asarray(kernel, dtype=np.float64)
    if similarity.size == 0:
        return 0.0
    _check_kernel(similarity)
    values = np.linalg.eigvalsh(similarity / len(similarity))
    shares = values[values > 1e-12]
    score = float(np.exp(-np.sum(shares * np.log(shares))))
    return round(min(max(score, 1.0), float(len(similarity))), 6)


def _check_kernel(kernel: Floats) -> None:
    square = kernel.ndim == 2 and kernel.shape[0] == kernel.shape[1]
    if not square or not np.isfinite(kernel).all() or not np.allclose(kernel, kernel.T, atol=1e-6):
        raise RecordError(
            f"similarities must be a finite symmetric matrix, not of shape {kernel.shape}"
        )
    if not np.allclose(np.diagonal(kernel), 1.0, atol=1e-6):
        raise RecordError("every text must have a similarity of 1 with itself")
