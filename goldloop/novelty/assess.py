"""Which samples of a pool are novel, by their text or by the tool path of their run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goldloop.errors import RecordError, SettingsError
from goldloop.novelty.texts import Embed, Floats, TextVectors, embedded, hashed_words
from goldloop.novelty.tool_paths import (
    ToolSteps,
    Transition,
    new_transitions,
    transition_text,
    transitions,
)

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class NoveltyRule:
    """A text is novel at or above the `quantile` of the pool's novelties, and never below `floor`.

    Both, because cosines of one kind of text mean little for another: the quantile keeps "novel"
    rare, and the floor keeps it from meaning the oddest of a pool in which nothing is odd. An
    embedding, whose cosines are high throughout, wants a lower floor. `by_text` false leaves texts
    alone.
    """

    quantile: float = 0.9
    floor: float = 0.6
    by_text: bool = True

    def threshold(self, pool: ArrayLike) -> float:
        """The least novelty that counts, given those of the pool, of shape (n,), NaN left out.

        >>> NoveltyRule(0.9, 0.6).threshold([0.1, 0.2, 0.3]), NoveltyRule().threshold([])
        (0.6, 0.6)
        """
        if not (0.0 <= self.quantile <= 1.0 and 0.0 <= self.floor <= 1.0):
            raise SettingsError(
                f"novelty needs a quantile and a floor in [0, 1], not {self.quantile} and "
                f"{self.floor}"
            )
        values = np.asarray(pool, dtype=np.float64)
        known = values[~np.isnan(values)]
        return (
            max(float(np.quantile(known, self.quantile)), self.floor)
            if len(known)
            else (self.floor)
        )


@dataclass(frozen=True, slots=True)
class Novelty:
    """What is new about each of n samples.

    `text` is 1 - the largest cosine with a labelled sample, of shape (n,), NaN where texts were not
    compared; `threshold` what it takes to be novel, None without. `new_steps` holds, by position,
    the transitions of the run that no labelled run has. `known_steps` are those of labelled runs.
    """

    text: Floats
    threshold: float | None
    new_steps: Mapping[int, tuple[Transition, ...]]
    known_steps: frozenset[Transition]
    vectors: TextVectors | None

    @property
    def by_text(self) -> Flags:
        """Whose text is novel."""
        if self.threshold is None:
            return np.zeros(len(self.text), dtype=np.bool_)
        return np.asarray(self.text >= self.threshold, dtype=np.bool_)

    @property
    def by_path(self) -> Flags:
        """Whose run took a new tool path."""
        found = np.zeros(len(self.text), dtype=np.bool_)
        found[list(self.new_steps)] = True
        return found

    @property
    def novel(self) -> Flags:
        """Who is novel by either."""
        return self.by_text | self.by_path

    def path_reason(self, place: int) -> str | None:
        """What is new about the tool path of the sample at `place`; None where nothing is."""
        new = self.new_steps.get(place)
        return transition_text(new, self.known_steps) if new else None


def assess_novelty(
    texts: Sequence[str],
    paths: Sequence[ToolSteps],
    labelled: ArrayLike,
    *,
    rule: NoveltyRule | None = None,
    embed: Embed | None = None,
) -> Novelty:
    """The novelty of n samples, given which of them were labelled; texts, paths and `labelled` are
    in one order. Texts may be empty where `rule.by_text` is false.

    A labelled sample is compared with the other labelled ones: were it compared with itself, its
    score, and so whether it counts as one that had to be picked, would depend on whether it had
    been drawn. While nothing is labelled nothing is novel: a boost for everybody would rank nobody.
    The variety of a first batch comes from leaving out near-duplicates. Raises RecordError where
    the lengths differ, and for an embedding that is no array.
    """
    rule = rule or NoveltyRule()
    given = np.asarray(labelled, dtype=np.bool_)
    if len(paths) != len(given) or (rule.by_text and len(texts) != len(given)):
        raise RecordError(
            f"{len(given)} samples need as many texts and tool paths, not {len(texts)} and "
            f"{len(paths)}"
        )
    known = {paths[i] for i in np.flatnonzero(given).tolist()}
    text: Floats = np.full(len(given), np.nan)
    vectors, threshold = None, None
    if rule.by_text and given.any():
        vectors = hashed_words(texts) if embed is None else embedded(texts, embed)
        text = _text_novelty(vectors, given)
        threshold = rule.threshold(text[~given])
    return Novelty(
        text,
        threshold,
        new_transitions(paths, given),
        frozenset(one for steps in known for one in transitions(steps)),
        vectors,
    )


def _text_novelty(vectors: TextVectors, labelled: Flags) -> Floats:
    """1 - the largest cosine with a labelled sample; NaN for the only labelled one."""
    novelty = 1.0 - vectors.nearest(np.arange(len(labelled)), np.flatnonzero(labelled))
    if labelled.sum() == 1:
        novelty[labelled] = np.nan
    return np.round(novelty, 6)
