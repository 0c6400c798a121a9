"""Slices: which samples have a tag or a difficulty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from store.database import Store
from store.samples import slices_of_samples

Flags: TypeAlias = NDArray[np.bool_]


def tag_members(db: Store, sample_ids: Sequence[str]) -> dict[str, Flags]:
    """Of every tag, which of the samples have it; by name."""
    places: dict[str, list[int]] = {}
    for place, one in enumerate(slices_of_samples(db, sample_ids)):
        for tag in one.tags:
            places.setdefault(tag, []).append(place)
    return {tag: _flags(len(sample_ids), own) for tag, own in sorted(places.items())}


def difficulty_members(db: Store, sample_ids: Sequence[str]) -> dict[str, Flags]:
    """Of every difficulty, which of the samples have it; samples without one are left out."""
    places: dict[str, list[int]] = {}
    for place, one in enumerate(slices_of_samples(db, sample_ids)):
        if one.difficulty:
            places.setdefault(one.difficulty, []).append(place)
    return {name: _flags(len(sample_ids), own) for name, own in sorted(places.items())}


def _flags(count: int, places: Sequence[int]) -> Flags:
    flags = np.zeros(count, dtype=np.bool_)
    flags[list(places)] = True
    return flags
