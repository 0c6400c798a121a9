"""Near-duplicates: which candidates of a batch say what a pick of it says already.

Two texts are the same when they are after NFKC, casefolding and putting one space for any white
space; that finds copies. Near-duplicates are found by their shingles, the runs of three words that
a text is made of: the similarity is the Jaccard index of the two sets, and MinHash with locality
sensitive hashing (Broder 1997, "On the resemblance and containment of documents"; datasketch) finds
the pairs to compare. Between two short texts, in which one word is several shingles, the runs of
five characters are compared instead.

In a short text a number or a code is the point: two of them that name other orders or amounts are
two questions, however much of them is the same. In a long one it is a word like all others: two
letters that differ in one number are near-duplicates. What is left out of a batch stays in the
pool, so that nothing is lost by it.

Nothing depends on the order in which texts arrive but the ranking itself, nor on Python's hash
seed. Time and memory grow with the length of the texts, not with what is in them.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from goldloop.errors import SettingsError

if TYPE_CHECKING:
    from datasketch import MinHash

Hashes = NDArray[np.uint64]

WORDS, CHARACTERS = 3, 5
# Below so many words, a text is compared by its characters with one that is short as well.
SHORT = 20
PERMUTATIONS = 128
# Bands and rows: a pair of similarity 0.8 is looked at with a probability of 0.998, one of 0.3 with
# 0.015. What is looked at is compared exactly.
BANDS = (21, 6)
# Shingles that MinHash takes at once: 1,024 x 128 numbers are half a megabyte.
STEP = 1024
# Only from the start of a word, so that a megabyte without a digit is read once.
_CODE = re.compile(r"(?<![a-z\d])[a-z]*\d[a-z\d]*")


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """A sample that says what the sample `of` says; `similarity` is 1 for the same text, and for
    one that is made of the same shingles.
    """

    sample_id: str
    of: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Distinct:
    """The ids that were kept, in the order of the ranking, and those left out on the way there."""

    kept: tuple[str, ...]
    skipped: tuple[NearDuplicate, ...]


def without_near_duplicates(
    ranked: Iterable[tuple[str, str]],
    wanted: int,
    *,
    against: Iterable[tuple[str, str]] = (),
    threshold: float = 0.8,
) -> Distinct:
    """The first `wanted` of a ranking, leaving out near-duplicates of those kept and of `against`.

    `ranked` gives (sample_id, text), the best first, and is read no further than needed; `against`
    are texts that are picked already: by a draw, or in earlier rounds. Each skipped sample names
    the most similar of them; of equally similar ones the one with the smallest id. What was drawn
    at random and is left out has to stay drawn, without an answer so far: to act as if it had not
    been drawn would falsify inclusion probabilities.

    Raises SettingsError for a threshold outside (0, 1]; 1 leaves out the same texts only.

    >>> ranked = [("a", "Where is my order?"), ("b", "where is  MY order?"), ("c", "Refund me")]
    >>> found = without_near_duplicates(ranked, 2)
    >>> found.kept, found.skipped
    (('a', 'c'), (NearDuplicate(sample_id='b', of='a', similarity=1.0),))
    """
    picked = Picked(threshold)
    for sample_id, text in against:
        picked.add(sample_id, text)
    kept: list[str] = []
    skipped: list[NearDuplicate] = []
    for sample_id, text in ranked if wanted > 0 else ():
        found = picked.closest(sample_id, text)
        if found is None:
            kept.append(sample_id)
            picked.add(sample_id, text)
        else:
            skipped.append(found)
        if len(kept) >= wanted:
            break
    return Distinct(tuple(kept), tuple(skipped))


def same_form(text: str) -> str:
    """What two copies have in common: NFKC, casefolded, one space for any white space.

    >>> same_form(" Straße\\u00a0\\n 5 ") == same_form("STRASSE 5")
    True
    """
    # Casefolding may undo the normal form, and some letters need folding once more after it.
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).casefold().split())


@dataclass(frozen=True, slots=True)
class Shingles:
    """The distinct shingles of a text as sorted hashes, and its numbers and codes in order; without
    `characters` and `codes` for a long text.
    """

    words: Hashes
    characters: Hashes | None
    codes: tuple[str, ...] = ()


def shingles(form: str) -> Shingles:
    """The shingles of a text in its `same_form`; a text of fewer than three words is one, and so
    is one of fewer than five characters.
    """
    words = form.split(" ")
    hashed = np.array([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words])
    if len(words) >= SHORT:
        return Shingles(_runs(hashed, WORDS), None)
    characters = _runs(_code_points(form), CHARACTERS)
    return Shingles(_runs(hashed, WORDS), characters, tuple(_CODE.findall(form)))


def _code_points(form: str) -> NDArray[np.uint32]:
    return np.frombuffer(form.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _runs(parts: NDArray[np.integer], length: int) -> Hashes:
    """The distinct hashes of all runs of `length` neighbours, sorted."""
    length = min(length, len(parts))
    count = len(parts) - length + 1 if length else 0
    hashes: Hashes = np.full(count, length, dtype=np.uint64)
    for offset in range(length):
        hashes = _mixed(hashes ^ parts[offset : offset + count].astype(np.uint64))
    return np.unique(hashes)


def _mixed(values: Hashes) -> Hashes:
    """SplitMix64 (Steele, Lea and Flood 2014): every bit of a value moves every bit of the result;
    overflow is what it is made of.
    """
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def jaccard(a: Hashes, b: Hashes) -> float:
    """The Jaccard index of two sorted sets: |a and b| / |a or b|; 1 for two empty ones."""
    common = len(np.intersect1d(a, b, assume_unique=True))
    union = len(a) + len(b) - common
    return common / union if union else 1.0


def similarity(a: Shingles, b: Shingles) -> float:
    """How alike two texts are, in [0, 1]: by their characters where both are short, else by their
    words; 0 for short ones with other numbers or codes.
    """
    if a.characters is not None and b.characters is not None:
        return jaccard(a.characters, b.characters) if a.codes == b.codes else 0.0
    return jaccard(a.words, b.words)


class Picked:
    """What is picked, to find what a further text repeats; it is compared with few of them.

    Raises SettingsError for a threshold outside (0, 1]; at 1 only the same text is found.
    """

    def __init__(self, threshold: float = 0.8) -> None:
        if not 0.0 < threshold <= 1.0:
            raise SettingsError(
                f"the threshold of near-duplicates must be above 0 and at most 1, not {threshold}"
            )
        # Loaded here: it takes a third of a second, which no command has to wait for that compares
        # no texts.
        from datasketch import MinHashLSH

        self._threshold = threshold
        self._same: dict[str, str] = {}
        self._shingles: dict[str, Shingles] = {}
        self._by_words, self._by_characters = (
            MinHashLSH(num_perm=PERMUTATIONS, params=BANDS) for _ in range(2)
        )

    def add(self, sample_id: str, text: str) -> None:
        """Count a text as picked; a sample that is picked already stays as it is."""
        if sample_id in self._shingles:
            return
        form = same_form(text)
        self._same[form] = min(sample_id, self._same.get(form, sample_id))
        found = self._shingles[sample_id] = shingles(form)
        if self._threshold < 1.0:
            self._by_words.insert(sample_id, _min_hash(found.words))
            if found.characters is not None:
                self._by_characters.insert(sample_id, _min_hash(found.characters))

    def closest(self, sample_id: str, text: str) -> NearDuplicate | None:
        """The picked sample that this text repeats; None for a text that is new."""
        form = same_form(text)
        if form in self._same:
            return NearDuplicate(sample_id, self._same[form], 1.0)
        if self._threshold >= 1.0 or not self._shingles:
            return None
        own = shingles(form)
        alike = ((similarity(own, self._shingles[one]), one) for one in self._candidates(own))
        near = [(-value, one) for value, one in alike if value >= self._threshold]
        if not near:
            return None
        value, of = min(near)
        return NearDuplicate(sample_id, of, round(-value, 6))

    def _candidates(self, own: Shingles) -> set[str]:
        found = set(self._by_words.query(_min_hash(own.words)))
        if own.characters is not None:
            found.update(self._by_characters.query(_min_hash(own.characters)))
        return found


def _min_hash(hashes: Hashes) -> MinHash:
    found = _blank().copy()
    # Their upper halves, because datasketch's permutations take 32 bits.
    upper = (hashes >> np.uint64(32)).tolist()
    for start in range(0, len(upper), STEP):
        found.update_batch(upper[start : start + STEP])
    return found


@cache
def _blank() -> MinHash:
    """A MinHash of nothing, always with the same permutations, which take longer than a text."""
    from datasketch import MinHash

    return MinHash(num_perm=PERMUTATIONS, hashfunc=int)
