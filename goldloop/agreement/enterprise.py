"""The two scores of a task that Label Studio Enterprise shows, so that numbers can be compared.

Source: docs.humansignal.com/guide/stats, "Pairwise" and "Consensus". One thing differs on purpose:
Enterprise's exact match compares several choices as ordered lists, so that [A, B] and [B, A]
disagree. Here a choice of several is a sorted tuple, as a field gives it, and the two are equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import combinations

import numpy as np

from goldloop.agreement.counts import CountTable, FloatArray, is_missing
from goldloop.agreement.pair_scores import PairScore, pair_score_means
from goldloop.agreement.percent import pair_shares


def pairwise_score(answers: Sequence[Hashable], score: PairScore | None = None) -> float | None:
    """The mean over pairs of annotators of their pair score, in [0, 1].

    Equal answers score 1, others 0, unless a `score` gives part credit. Missing answers are left
    out; None below two answers.

    >>> pairwise_score(["A", "A", "C"]), pairwise_score(["A", "B", "C"])
    (0.3333333333333333, 0.0)
    """
    given = [answer for answer in answers if not is_missing(answer)]
    scores = [
        1.0 if one == other else score(one, other) if score else 0.0
        for one, other in combinations(given, 2)
    ]
    return sum(scores) / len(scores) if scores else None


def consensus_score(answers: Sequence[Hashable]) -> float | None:
    """The share of annotators who gave the most common answer, in (0, 1].

    Missing answers are left out; None below two answers.

    >>> consensus_score(["A", "A", "C"]), consensus_score(["A", "B", "C"])
    (0.6666666666666666, 0.3333333333333333)
    """
    given = [answer for answer in answers if not is_missing(answer)]
    return max(Counter(given).values()) / len(given) if len(given) > 1 else None


def pairwise_scores(table: CountTable, score: PairScore | None = None) -> FloatArray:
    """`pairwise_score` of every task of a paired table, shape (tasks,)."""
    return pair_shares(table) if score is None else pair_score_means(table, score)


def consensus_scores(table: CountTable) -> FloatArray:
    """`consensus_score` of every task of a paired table, shape (tasks,)."""
    scores: FloatArray = np.maximum.reduceat(table.count, table.starts()) / table.sizes()
    return scores
