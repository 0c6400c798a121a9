"""Part credit: how alike two answers are, averaged over the pairs of answers to a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from goldloop.agreement.counts import CountTable, FloatArray

# How alike two answers are, in [0, 1]: symmetric, and 1 for equal answers.
PairScore: TypeAlias = Callable[[Any, Any], float]


def mean_pair_score(table: CountTable, score: PairScore) -> float | None:
    """The mean over tasks of the mean score of their pairs of answers, in [0, 1].

    With a score of 1 for equal and 0 for different answers this is the percent agreement. Tasks
    with fewer than two answers are left out; None when that leaves none.

    >>> from goldloop.agreement.counts import count_table
    >>> from goldloop.agreement.text import token_f1
    >>> mean_pair_score(count_table([(1, "in the bag"), (1, "the bag is")]), token_f1)
    0.6666666666666666
    """
    scores = pair_score_means(table.paired(), score)
    return float(scores.mean()) if len(scores) else None


def pair_score_means(table: CountTable, score: PairScore) -> FloatArray:
    """The mean score over the pairs of answers to each task of a paired table, shape (tasks,).

    The score is asked once for each pair of different answers that meet in a task, however often
    they meet, and never for equal ones: those score 1.
    """
    left, right = table.cell_pairs()
    met, place = np.unique(
        table.option[left] * len(table.options) + table.option[right], return_inverse=True
    )
    firsts, seconds = np.divmod(met, max(len(table.options), 1))
    scores = [
        score(table.options[first], table.options[second])
        for first, second in zip(firsts, seconds, strict=True)
    ]
    equal = table.task_sums(table.count * (table.count - 1)) / 2
    total = equal + table.pair_sums(left, right, np.array(scores, dtype=np.float64)[place])
    sizes = table.sizes()
    means: FloatArray = total / (sizes * (sizes - 1) / 2)
    return means
