"""Near-duplicates among all texts of a set at once, for tens of thousands of them.

What counts as alike is as in `near_duplicates`, which looks at one text after another; this works
on arrays of all of them, and its time grows with their number also where most are made from one
template. MinHash gives each text 126 numbers in 21 bands (Broder 1997); texts that have a whole
band in common are candidates, and every pair of candidates is compared exactly. Of a band that
more than a few share, a text is compared with those that have the next bands in common too, and
with the first: so every text that is like others is found, but the one that it is said to repeat
may then be a little less like it than the most similar of all.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goldloop.errors import SettingsError
from goldloop.near_duplicates import BANDS, Hashes, NearDuplicate, Shingles, same_form, shingles

Numbers = NDArray[np.int64]
Pairs = tuple[Numbers, Numbers]
Compared = tuple[Numbers, Numbers, NDArray[np.float64]]

# With so many neighbours of its band, in the order of what they have in common, a text is compared.
NEIGHBOURS = 4
# Pairs that are compared at once: with texts of 50 shingles some 30 MB.
STEP = 20_000


@dataclass(frozen=True, slots=True)
class _Sets:
    """Sets of hashes one after another; `ends` are their ends, and none of them is empty."""

    hashes: Hashes
    ends: Numbers

    @classmethod
    def of(cls, sets: Sequence[Hashes]) -> _Sets:
        """These sets."""
        return cls(np.concatenate(sets), np.cumsum([len(one) for one in sets]))

    @property
    def starts(self) -> Numbers:
        """Where each begins."""
        return np.concatenate([[0], self.ends[:-1]])


def repeated_texts(
    texts: Iterable[tuple[str, str]], threshold: float = 0.8
) -> tuple[NearDuplicate, ...]:
    """Every text (sample_id, text) that is like one before it, in their order, each with the most
    similar of those that it was compared with; of equally similar ones with the first.

    Raises SettingsError for a threshold outside (0, 1]; 1 finds the same texts only.

    >>> repeated_texts([("a", "Where is it?"), ("b", "Refund me"), ("c", "where  is IT?")])
    (NearDuplicate(sample_id='c', of='a', similarity=1.0),)
    """
    if not 0.0 < threshold <= 1.0:
        raise SettingsError(
            f"the threshold of near-duplicates must be above 0 and at most 1, not {threshold}"
        )
    ids, forms, copies = _without_copies(texts)
    found = copies if threshold >= 1.0 else copies + _alike(ids, forms, threshold)
    return tuple(one for _, one in sorted(found, key=lambda placed: placed[0]))


Placed = tuple[int, NearDuplicate]


def _without_copies(
    texts: Iterable[tuple[str, str]],
) -> tuple[list[tuple[int, str]], list[str], list[Placed]]:
    """Each text once: its place and id, and its form; and the copies of them."""
    first: dict[str, tuple[int, str]] = {}
    copies = []
    for place, (sample_id, text) in enumerate(texts):
        _, of = first.setdefault(same_form(text), (place, sample_id))
        if of != sample_id:
            copies.append((place, NearDuplicate(sample_id, of, 1.0)))
    return list(first.values()), list(first), copies


def _alike(ids: Sequence[tuple[int, str]], forms: Sequence[str], threshold: float) -> list[Placed]:
    """The texts that are like one before them, by the measure that fits each pair."""
    if len(forms) < 2:
        return []
    every = [shingles(form) for form in forms]
    compared = zip(_by_words(every), _by_characters(every), strict=True)
    earlier, later, values = (np.concatenate(both) for both in compared)
    near = np.flatnonzero(values >= threshold)
    # For each text the most similar first, and of equally similar ones the first.
    near = near[np.lexsort((earlier[near], -values[near], later[near]))]
    chosen = near[np.unique(later[near], return_index=True)[1]]
    return [
        (ids[at][0], NearDuplicate(ids[at][1], ids[of][1], round(float(value), 6)))
        for at, of, value in zip(later[chosen], earlier[chosen], values[chosen], strict=True)
    ]


def _by_words(every: Sequence[Shingles]) -> Compared:
    """Pairs of which one at least is long, and how alike they are."""
    sets = _Sets.of([one.words for one in every])
    long = np.array([one.characters is None for one in every])
    earlier, later = _candidates(_bands(sets))
    wanted = long[earlier] | long[later]
    return _compared(sets, earlier[wanted], later[wanted])


def _by_characters(every: Sequence[Shingles]) -> Compared:
    """Pairs of short texts with the same numbers and codes, and how alike they are."""
    # A text without a character has no runs of them, and is like no other.
    parts = {n: one.characters for n, one in enumerate(every) if one.characters is not None}
    short = np.array([n for n, runs in parts.items() if len(runs)], dtype=np.int64)
    if not len(short):
        return short, short, np.empty(0)
    chosen = [every[n] for n in short]
    sets = _Sets.of([parts[n] for n in short.tolist()])
    coded = np.array([zlib.crc32(repr(one.codes).encode()) for one in chosen], dtype=np.uint64)
    earlier, later = _candidates(_bands(sets) ^ coded)
    same = [chosen[a].codes == chosen[b].codes for a, b in zip(earlier, later, strict=True)]
    wanted = np.array(same, dtype=bool)
    earlier, later, values = _compared(sets, earlier[wanted], later[wanted])
    return short[earlier], short[later], values


def _bands(sets: _Sets) -> Hashes:
    """What each text has in each band, as one number: an array of 21 rows."""
    # Multiply-shift: the hashes are well mixed, so that this is enough for a random order of them.
    drawn = np.random.default_rng(0).integers(0, 2**64, size=(2, *BANDS), dtype=np.uint64)
    factors, terms = drawn[0] | np.uint64(1), drawn[1]
    rows = np.zeros((BANDS[0], len(sets.ends)), dtype=np.uint64)
    for band, row in np.ndindex(BANDS):
        ordered = (sets.hashes * factors[band, row] + terms[band, row]) >> np.uint64(32)
        least = np.minimum.reduceat(ordered, sets.starts)
        rows[band] = (rows[band] ^ least) * np.uint64(0x9E3779B97F4A7C15)
        rows[band] ^= rows[band] >> np.uint64(32)
    return rows


def _candidates(bands: Hashes) -> Pairs:
    """The pairs to compare, each once, as (earlier, later)."""
    count = bands.shape[1]
    found = [pair for band in range(len(bands)) for pair in _in_band(bands, band)]
    keys = np.unique(np.concatenate([low * count + high for low, high in found]))
    return keys // count, keys % count


def _in_band(bands: Hashes, band: int) -> Iterator[Pairs]:
    """The pairs of one band: neighbours in the order of this band and the two after it, and each
    text with the first that has the same.
    """
    own, second, third = (bands[(band + step) % len(bands)] for step in range(3))
    order = np.lexsort((third, second, own))
    ordered = own[order]
    for step in range(1, NEIGHBOURS + 1):
        together = ordered[step:] == ordered[:-step]
        yield _in_order(order[step:][together], order[:-step][together])
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sizes = np.diff(np.append(starts, len(order)))
    first = np.repeat(np.minimum.reduceat(order, starts), sizes)
    yield _in_order(order[first != order], first[first != order])


def _in_order(a: Numbers, b: Numbers) -> Pairs:
    return np.minimum(a, b), np.maximum(a, b)


def _compared(sets: _Sets, earlier: Numbers, later: Numbers) -> Compared:
    """The Jaccard index of each pair of sets."""
    # Loaded here: no command has to wait for it that compares no texts.
    from scipy.sparse import csr_array

    columns = np.unique(sets.hashes, return_inverse=True)[1]
    bounds = np.append(0, sets.ends)
    table = csr_array((np.ones(len(columns), dtype=np.int32), columns, bounds))
    sizes = np.diff(bounds)
    values = np.empty(len(earlier))
    for start in range(0, len(earlier), STEP):
        a, b = earlier[start : start + STEP], later[start : start + STEP]
        common = (table[a] * table[b]).sum(axis=1)
        values[start : start + STEP] = common / (sizes[a] + sizes[b] - common)
    return earlier, later, values
