"""Confidence: how sure an agent's answer is, in [0, 1], from one run or from a few."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from goldloop.canonical import canonical_calls, normalise_text
from goldloop.errors import RecordError
from goldloop.samples import Run

TOKEN_PROBABILITY = "token_probability"  # noqa: S105 - the name of a method, not a password
AGREEMENT = "agreement"
REPORTED = "reported"


def mean_token_probability(logprobs: Sequence[float]) -> float | None:
    """exp(mean of the natural log probabilities): the geometric mean probability of a token.

    None when there are no tokens. A value above 0 counts as 0, because endpoints round; minus
    infinity gives 0. Raises `RecordError` on NaN and plus infinity.

    >>> mean_token_probability([math.log(0.25), 0.0])
    0.5
    >>> mean_token_probability([]) is None
    True
    """
    if not logprobs:
        return None
    if any(math.isnan(value) or value == math.inf for value in logprobs):
        raise RecordError("log probabilities must be numbers of at most 0, got NaN or infinity")
    return math.exp(sum(min(value, 0.0) for value in logprobs) / len(logprobs))


def similarity(a: Run, b: Run) -> float:
    """How alike two runs are, in [0, 1]; symmetric.

    Where either called tools: Dice's coefficient of their multisets of canonical calls,
    2 |A and B| / (|A| + |B|), which is the F1 of one against the other; the words do not count.
    Where neither did: 1 when the responses are equal after `normalise_text`, else 0.

    >>> from goldloop.samples import ToolCall
    >>> one, two = ToolCall("find", {"id": 1}), ToolCall("book", {"id": 1})
    >>> similarity(Run("s", "v", tool_calls=(one,)), Run("s", "v", tool_calls=(two, one)))
    0.6666666666666666
    >>> similarity(Run("s", "v", response="Yes"), Run("s", "v", response=" yes "))
    1.0
    """
    if not (a.tool_calls or b.tool_calls):
        return float(normalise_text(a.response or "") == normalise_text(b.response or ""))
    left, right = Counter(canonical_calls(a.tool_calls)), Counter(canonical_calls(b.tool_calls))
    return 2 * (left & right).total() / (left.total() + right.total())


def agreement(main: Run, others: Sequence[Run]) -> float | None:
    """The mean similarity of a run to other runs of the same sample.

    Runs with an error are left out. None when no other is left, or when `main` itself failed.

    >>> yes, no = Run("s", "v", response="yes"), Run("s", "v", response="no")
    >>> agreement(yes, [yes, no, Run("s", "v", error="time-out")])
    0.5
    >>> agreement(yes, []) is None
    True
    """
    answered = [run for run in others if run.error is None]
    if main.error is not None or not answered:
        return None
    return sum(similarity(main, run) for run in answered) / len(answered)
