"""The boost: how far novelty moves a sample up the ranking, and how much of a batch it may decide.

The final uncertainty is min(1, raw + boost). Of the places that go by uncertainty at most `most`
may go to samples that would not have been picked without their own boost; whoever is novel beyond
that competes with the raw uncertainty. And what is picked already counts as seen: a sample that is
new only in the way in which a pick ranked before it is new gets no boost either.

Both rules count places and look at scores. They look at nobody's permanent random number (equal
scores are ordered by `prn.tie_break`, which tells nothing of it), nor at who is drawn at random in
this batch, and they hold for labelled samples as if these still competed. So whether a sample ends
up at or beyond the cutoff never depends on its own number, which is what estimates from rounds with
permanent random numbers rest on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goldloop.errors import RecordError, SettingsError
from goldloop.novelty.assess import Novelty
from goldloop.novelty.tool_paths import Transition

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]
# So many of a ranking are compared with what is picked at once.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Boosted:
    """Who gets the boost and what follows; arrays of shape (n,).

    The `n_uncertain` of the pool with the largest `final`, ties by tie break, are the choice that
    keeps the cap; so is any other walk down that ranking. `because` marks those of them that are
    there only by their own boost. `like_a_pick` and `over_cap` mark the novel ones without a boost.
    """

    raw: Floats
    boost: Floats
    final: Floats
    because: Flags
    like_a_pick: Flags
    over_cap: Flags


def most_novel(batch_size: int, cap: float) -> int:
    """How many of a batch may be there because of the boost; rounded down.

    >>> most_novel(20, 0.3), most_novel(3, 0.3)
    (6, 0)
    """
    return int(np.floor(round(batch_size * cap, 9)))


def boost_novel(
    raw: ArrayLike,
    novelty: Novelty,
    ties: ArrayLike,
    in_pool: ArrayLike,
    n_uncertain: int,
    *,
    boost: float,
    most: int,
) -> Boosted:
    """The boost of each of n samples, of which those `in_pool` can be picked.

    `raw` is 1 - confidence and `ties` the tie breaks, both of shape (n,); `n_uncertain` the places
    that go by uncertainty and `most` how many of them the boost may decide. Raises RecordError for
    lengths that differ or a `raw` outside [0, 1], and SettingsError for a boost outside [0, 1].
    """
    # Rounded, because 0.1 + 0.2 must equal 0.3 in a ranking that breaks ties on purpose.
    raw = np.asarray(raw, dtype=np.float64).round(12)
    ties = np.asarray(ties, dtype=np.float64)
    pool = np.asarray(in_pool, dtype=np.bool_)
    if not len(raw) == len(ties) == len(pool) == len(novelty.text):
        raise RecordError("uncertainties, novelties, tie breaks and the pool differ in length")
    if not 0.0 <= boost <= 1.0:
        raise SettingsError(f"the boost must be in [0, 1], not {boost}")
    if len(raw) and not (raw.min() >= 0.0 and raw.max() <= 1.0):
        raise RecordError("an uncertainty before the boost must be in [0, 1]")
    keeps, like, over = _who_keeps(
        _boosted(raw, boost), raw, novelty, ties, pool, max(n_uncertain, 0), max(most, 0)
    )
    given = np.where(keeps, boost, 0.0)
    final = np.where(keeps, _boosted(raw, boost), raw)
    because = _because(raw, final, ties, pool, n_uncertain)
    return Boosted(raw, given, final, because, like, over)


def _boosted(raw: Floats, boost: float) -> Floats:
    return np.minimum(np.round(raw + boost, 12), 1.0)


def _who_keeps(
    raised: Floats,
    raw: Floats,
    novelty: Novelty,
    ties: Floats,
    pool: Flags,
    n_uncertain: int,
    most: int,
) -> tuple[Flags, Flags, Flags]:
    """Who keeps the boost, who is like a pick, and who is over the cap; each of shape (n,).

    The first n_uncertain - most by raw uncertainty are picked whoever else is novel, because only
    `most` can come before them. The other novel ones follow from the top, until `most` were found.
    """
    base = _top(raw, ties, pool, n_uncertain - most)
    novel = novelty.novel
    rivals = novel.copy()
    rivals[base] = False
    ranked = _ranked(raised, ties, np.flatnonzero(rivals))
    like, visited = _walk(ranked, pool, _Seen(novelty, base), most)
    over = np.zeros_like(novel)
    over[ranked[visited:]] = True
    return novel & ~like & ~over, like, over


def _walk(ranked: Places, pool: Flags, seen: _Seen, most: int) -> tuple[Flags, int]:
    """Who is like a pick before it, of shape (n,), and how many were looked at until `most` of the
    pool were found that are not.
    """
    like = np.zeros(len(pool), dtype=np.bool_)
    found = 0
    for start in range(0, len(ranked), CHUNK):
        chunk = ranked[start : start + CHUNK]
        fresh = seen.fresh_texts(chunk)
        for at, place in enumerate(chunk.tolist()):
            if found >= most:
                return like, start + at
            like[place] = not (fresh[at] or seen.fresh_steps(place))
            if pool[place] and not like[place]:
                found += 1
                fresh &= seen.add(place, chunk)
    return like, len(ranked)


def _top(values: Floats, ties: Floats, pool: Flags, count: int) -> Places:
    places = np.flatnonzero(pool)
    count = min(max(count, 0), len(places))
    if count == 0:
        return places[:0]
    cutoff = np.partition(values[places], len(places) - count)[len(places) - count]
    near = places[values[places] >= cutoff]
    return _ranked(values, ties, near)[:count]


def _ranked(values: Floats, ties: Floats, places: Places) -> Places:
    """The places from the largest value down, ties by tie break and then by place."""
    order: Places = np.lexsort((ties[places], -values[places]))
    return places[order]


def _because(raw: Floats, final: Floats, ties: Floats, pool: Flags, n_uncertain: int) -> Flags:
    """Who is among the first by `final`, but without its own boost would come after the first who
    is not.
    """
    because = np.zeros(len(raw), dtype=np.bool_)
    ranked = _top(final, ties, pool, n_uncertain + 1)
    if n_uncertain <= 0 or len(ranked) <= n_uncertain:
        return because
    picked, next_one = ranked[:-1], ranked[-1]
    alone, rival = raw[picked], final[next_one]
    because[picked] = (alone < rival) | ((alone == rival) & (ties[picked] > ties[next_one]))
    return because


class _Seen:
    """What is picked already, and who is still new beside it."""

    def __init__(self, novelty: Novelty, base: Places) -> None:
        self._novelty = novelty
        self._by_text = novelty.by_text
        self._places: list[int] = []
        self._steps: set[Transition] = set()
        for place in base.tolist():
            self._keep(place)

    def _keep(self, place: int) -> None:
        self._places.append(place)
        self._steps.update(self._novelty.new_steps.get(place, ()))

    def add(self, place: int, others: Places) -> Flags:
        """Count one more as picked; whether the texts of `others` are new beside it."""
        self._keep(place)
        return self._apart(others, np.array([place]))

    def fresh_texts(self, places: Places) -> Flags:
        """Whether each text is novel, and new beside everything that is picked."""
        return self._by_text[places] & self._apart(places, np.array(self._places, dtype=np.intp))

    def fresh_steps(self, place: int) -> bool:
        """Whether a tool path has a new transition that no pick has."""
        return not self._steps.issuperset(self._novelty.new_steps.get(place, ()))

    def _apart(self, places: Places, picks: Places) -> Flags:
        vectors, threshold = self._novelty.vectors, self._novelty.threshold
        if vectors is None or threshold is None:
            return np.ones(len(places), dtype=np.bool_)
        away = np.round(1.0 - vectors.nearest(places, picks), 6)
        return np.asarray(away >= threshold, dtype=np.bool_)
