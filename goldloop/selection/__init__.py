"""Selection: which samples people are asked about, as a sampling design that can be checked.

The seed's rule is `hard_round`: the most uncertain of the pool, and for the rest a random sample of
what is left. `soft_round` makes the same shares into inclusion probabilities. Random means: by the
items' permanent random numbers, so that every draw can be repeated, and the random picks of many
rounds remain one random sample.
"""

from goldloop.selection.batch import Selection, select
from goldloop.selection.design import RANDOM, UNCERTAIN, Admit, Design, Round, TagMinimum, design
from goldloop.selection.hard import hard_round
from goldloop.selection.minimums import shortfalls
from goldloop.selection.scores import (
    AIMS,
    UNKNOWN_CONFIDENCE,
    interest,
    mid_ranks,
    needs_ranks,
    uncertainty,
)
from goldloop.selection.shares import split_batch
from goldloop.selection.soft import soft_round

__all__ = [
    "AIMS",
    "RANDOM",
    "UNCERTAIN",
    "UNKNOWN_CONFIDENCE",
    "Admit",
    "Design",
    "Round",
    "Selection",
    "TagMinimum",
    "design",
    "hard_round",
    "interest",
    "mid_ranks",
    "needs_ranks",
    "select",
    "shortfalls",
    "soft_round",
    "split_batch",
    "uncertainty",
]
