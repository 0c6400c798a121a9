"""Texts as vectors: which samples say something that no labelled sample says?

A text becomes a vector of hashed words and word pairs with TF-IDF weights, and two texts are as
similar as the cosine of their vectors. Before that, whatever differs from case to case without
meaning anything is put as one word: addresses, e-mail addresses, dates, numbers and ids. Otherwise
every order number would be novel. Words that more than half of the texts have are the template that
they came from and count for nothing; neither do words of one letter. In scripts that put no space
between words, each character counts as a word.

Instead of this, an embedding may be given: any callable that turns n texts into an array of shape
(n, d). Texts without a word, and vectors of zeros, are similar to everything: there is nothing in
them that could be new.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from goldloop.errors import RecordError
from goldloop.samples import Message

Floats = NDArray[np.float64]
Embed = Callable[[Sequence[str]], Any]
Rows: TypeAlias = Any  # a sparse CSR matrix or a dense array, rows of length 1 or 0

FEATURES = 2**18
# Of a longer text, only so much is compared: what is new about a case is said by then.
LONGEST = 20_000
CHUNK = 10_000
# Numbers in one block of a product of matrices: about 50 MB.
BLOCK = 4_000_000
# Words that more than this share of the labelled texts have are multiplied as dense columns.
OFTEN = 0.01
# From so many texts on, words that most of them have are taken for a template.
TEMPLATE_FROM = 20

_SCRIPTS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = rf"[{_SCRIPTS}]|[^\W{_SCRIPTS}]{{2,}}"
_URL = re.compile(r"(?:https?://|www\.)\S+")
_EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]+\.[\w.-]+")
_CODE = re.compile(r"\b(?:\w*\d[\w.,:/-]*|[a-f]{8,}\b)")
_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?:[t ]\S*)?[.,]?|\d{1,2}:\d\d(?::\d\d)?[.,]?")
# A unit may stand right behind a number: 20kg, 3pm, 2nd.
_NUMBER = re.compile(r"[\d.,:/-]+[^\W\d]{0,3}[.,]?")


def sample_text(user_input: str, conversation: Iterable[Message] = ()) -> str:
    """What a sample says, for comparing samples: the users' turns, the last one at the end.

    >>> sample_text("The blue one", [Message("user", "I want a refund"), Message("assistant", "?")])
    'I want a refund\\nThe blue one'
    """
    said = [turn.content for turn in conversation if turn.role == "user" and turn.content]
    return "\n".join([*said, user_input])


def similar_form(text: str) -> str:
    """A text as it is compared: NFKC, casefolded, cut after `LONGEST` characters, and with one word
    for every address, e-mail address, date, number and id.

    >>> similar_form("Where is ORDER #4412, sent 2026-01-31 to ann@example.com?")
    'where is order # _number_  sent  _date_  to  _email_ ?'
    """
    form = unicodedata.normalize("NFKC", text[:LONGEST]).casefold()
    if "://" in form or "www." in form:
        form = _URL.sub(" _url_ ", form)
    if "@" in form:
        form = _EMAIL.sub(" _email_ ", form)
    return _CODE.sub(_kind, form)


def _kind(found: re.Match[str]) -> str:
    code = found[0]
    if _DATE.fullmatch(code):
        return " _date_ "
    return " _number_ " if _NUMBER.fullmatch(code) else " _id_ "


@dataclass(frozen=True, slots=True)
class TextVectors:
    """One vector for each of n texts: `rows` of shape (n, d), of length 1, or 0 where `empty`."""

    rows: Rows
    empty: NDArray[np.bool_]

    def nearest(self, places: NDArray[np.intp], others: NDArray[np.intp]) -> Floats:
        """For the texts at `places`: the largest cosine with any of `others` but themselves.

        In [0, 1]; 1 for an empty text, and 0 where there is nothing to compare with.
        """
        found = np.zeros(len(places))
        cosines_with = _cosines_with(self.rows[others])
        own = _positions(places, others)
        step = max(BLOCK // max(len(others), 1), 1)
        for start in range(0, len(places) if len(others) else 0, step):
            block = slice(start, start + step)
            cosines = cosines_with(self.rows[places[block]])
            mine = np.flatnonzero(own[block] >= 0)
            cosines[mine, own[block][mine]] = 0.0
            found[block] = cosines.max(axis=1)
        found[self.empty[places]] = 1.0
        return np.clip(np.round(found, 6), 0.0, 1.0)


def _cosines_with(others: Rows) -> Callable[[Rows], Rows]:
    """A product with the transpose of `others`, as a dense array.

    The few words that many of the others have make most of the work. A dense product of these
    columns alone takes half the time.
    """
    if isinstance(others, np.ndarray):
        return lambda rows: rows @ others.T
    columns = _often(others)
    often = np.zeros(others.shape[1], dtype=np.bool_)
    often[columns] = True
    dense = np.ascontiguousarray(others[:, columns].toarray().T)
    rare = others.copy()
    rare.data[often[rare.indices]] = 0.0
    rare.eliminate_zeros()
    rest = rare.T.tocsr()
    return lambda rows: (rows @ rest).toarray() + rows[:, columns] @ dense


def _often(rows: Rows) -> NDArray[np.intp]:
    """The columns that more than the share `OFTEN` of the rows have, the most frequent of them
    where there are more than fit into one block.
    """
    frequency = np.bincount(rows.indices, minlength=rows.shape[1])
    columns = np.flatnonzero(frequency > rows.shape[0] * OFTEN)
    most_frequent = columns[np.argsort(-frequency[columns], kind="stable")]
    return np.sort(most_frequent[: BLOCK // max(rows.shape[0], 1)])


def _positions(places: NDArray[np.intp], others: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where each place stands among `others`, which do not repeat; -1 where it does not."""
    if not len(others):
        return np.full(len(places), -1, dtype=np.intp)
    order = np.argsort(others)
    at = order[np.minimum(np.searchsorted(others, places, sorter=order), len(others) - 1)]
    return np.where(others[at] == places, at, -1)


def hashed_words(texts: Sequence[str]) -> TextVectors:
    """Texts as hashed words and word pairs with TF-IDF weights, fitted on these texts.

    The weights are scikit-learn's, ln((1 + n) / (1 + df)) + 1, and 0 for the words of a template:
    those of more than half of at least `TEMPLATE_FROM` texts.
    """
    # Loaded here: it takes a second, which no command has to wait for that compares no texts.
    from scipy import sparse
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(
        preprocessor=similar_form,
        token_pattern=_WORD,
        ngram_range=(1, 2),
        n_features=FEATURES,
        alternate_sign=False,
        norm=None,
        dtype=np.float32,
    )
    starts = range(0, len(texts), CHUNK)
    parts = [hashing.transform(texts[start : start + CHUNK]) for start in starts]
    if not parts:
        return TextVectors(sparse.csr_matrix((0, FEATURES)), np.zeros(0, dtype=np.bool_))
    return _weighted(sparse.vstack(parts, format="csr"))


def _weighted(counts: Rows) -> TextVectors:
    from sklearn.feature_extraction.text import TfidfTransformer

    n = counts.shape[0]
    tfidf = TfidfTransformer().fit(counts)
    if n >= TEMPLATE_FROM:
        frequency = np.bincount(counts.indices, minlength=FEATURES)
        tfidf.idf_[frequency > n / 2] = 0.0
    rows = tfidf.transform(counts, copy=False)
    rows.eliminate_zeros()
    return TextVectors(rows, np.diff(rows.indptr) == 0)


def embedded(texts: Sequence[str], embed: Embed) -> TextVectors:
    """Texts as what `embed` makes of them, `CHUNK` at a time.

    Raises RecordError for anything but a finite array of shape (n, d).
    """
    starts = range(0, len(texts), CHUNK)
    parts = [_embedded(texts[start : start + CHUNK], embed) for start in starts]
    rows = np.vstack(parts) if parts else np.zeros((0, 1))
    length = np.linalg.norm(rows, axis=1)
    return TextVectors(rows / np.where(length > 0, length, 1.0)[:, None], length == 0)


def _embedded(texts: Sequence[str], embed: Embed) -> Floats:
    try:
        rows = np.asarray(embed(list(texts)), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise RecordError(f"the embedding gave no array of numbers: {error}") from None
    if rows.ndim != 2 or len(rows) != len(texts) or not np.isfinite(rows).all():
        raise RecordError(
            f"the embedding of {len(texts)} texts must be a finite array of shape ({len(texts)}, d)"
            f", not one of shape {rows.shape}"
        )
    return rows
