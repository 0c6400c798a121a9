"""agreement and entropy: how far an agent says the same when it is asked again."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from goldloop.confidence.answers import Answer, answer_of, likeness
from goldloop.samples import Run


def agreement(main: Run, others: Sequence[Run], *, ordered: bool = False) -> float | None:
    """The mean similarity of a run to other runs of the same sample.

    Runs with an error are left out. None when no other is left, or when `main` itself failed. A
    run must not be among its own `others`: it would vouch for itself.

    >>> yes, no = Run("s", "v", response="yes"), Run("s", "v", response="no")
    >>> agreement(yes, [yes, no, Run("s", "v", error="time-out")])
    0.5
    >>> agreement(yes, []) is None
    True
    """
    answered = [answer_of(run, ordered=ordered) for run in others if run.error is None]
    if main.error is not None:
        return None
    return share_agreeing(answer_of(main, ordered=ordered), answered)


def share_agreeing(main: Answer, others: Sequence[Answer]) -> float | None:
    """The share of the other answers that agree with the main one, one that agrees in part counting
    in part (`likeness`). None without others.
    """
    if not others:
        return None
    # An exact sum: the order of the others must not show, not even in the last digit.
    return math.fsum(likeness(main, other) for other in others) / len(others)


def entropy_confidence(answers: Sequence[Answer]) -> float | None:
    """1 - H / log k of k answers, the main one among them, where H is the entropy of the shares
    that mean the same.

    1 where all are the same, 0 where no two are: an answer gains nothing from being like itself.
    None for fewer than two. Answers that agree in part do not mean the same. The discrete semantic
    entropy of Farquhar et al., Nature 630 (2024), put on a scale from 0 to 1.

    >>> said = [answer_of(Run("s", "v", response=text)) for text in ("yes", "Yes", "no")]
    >>> round(entropy_confidence(said), 3)
    0.421
    """
    if len(answers) < 2:
        return None
    shares = [n / len(answers) for n in Counter(one.meaning for one in answers).values()]
    entropy = -math.fsum(share * math.log(share) for share in shares)
    # Rounding may leave either end by a hair.
    return min(max(1 - entropy / math.log(len(answers)), 0.0), 1.0)
