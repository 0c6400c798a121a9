"""logprob: how likely the model itself held the tokens of its answer to be."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from goldloop.errors import RecordError

_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_JSON = re.compile(
    rf"(?P<syntax>[\s{{}}\[\]:,]+|{_STRING}(?=\s*:))|(?P<value>{_STRING}|[-+.0-9eE]+|true|false|null)",
    re.DOTALL,
)
# A model that is asked for JSON often puts it into a Markdown code block.
_STRUCTURED = re.compile(r"\s*(?:```(?:json)?)?\s*([\[{].*[\]}])\s*(?:```)?\s*", re.DOTALL)


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


def answer_probability(tokens: Sequence[tuple[str, float]]) -> float | None:
    """The mean token probability of an answer, given as (text, log probability) of each token.

    For a JSON object or list it is the least of its values' (strings, numbers, true, false, null),
    each over the tokens that reach into it: brackets and keys are sure, and would hide the one
    value that is not; an answer is right only where all of them are. None when there are no tokens.
    Raises `RecordError` as `mean_token_probability` does.

    >>> sure, unsure = 0.0, math.log(0.25)
    >>> round(answer_probability([("Not", unsure), (" sure", sure)]), 3)
    0.5
    >>> answer_probability([('{"city": "', sure), ("Rome", unsure), ('", "n": 1}', sure)])
    0.25
    """
    spans = list(_values("".join(text for text, _ in tokens)))
    fields = [mean_token_probability(values) for values in _within(tokens, spans) if values]
    if known := [value for value in fields if value is not None]:
        return min(known)
    return mean_token_probability([logprob for _, logprob in tokens])


def _values(text: str) -> Iterator[tuple[int, int]]:
    """Where the values of a JSON text begin and end, strings without their quotes; nothing where
    the text is not of JSON's parts alone.
    """
    structured = _STRUCTURED.fullmatch(text)
    if structured is None:
        return
    place, end = structured.span(1)
    found = []
    while place < end:
        part = _JSON.match(text, place, end)
        if part is None:
            return
        if part["value"]:
            found.append(_unquoted(text, part.start(), part.end()))
        place = part.end()
    yield from found


def _unquoted(text: str, start: int, end: int) -> tuple[int, int]:
    """An empty string is its quotes: whichever token holds them decided that it is empty."""
    return (start + 1, end - 1) if text[start] == '"' and end - start > 2 else (start, end)


def _within(
    tokens: Sequence[tuple[str, float]], spans: Sequence[tuple[int, int]]
) -> Iterator[list[float]]:
    """For each span, in order, the log probabilities of the tokens that reach into it."""
    ends, place = [], 0
    for text, _ in tokens:
        place += len(text)
        ends.append(place)
    token = 0
    for start, end in spans:
        while ends[token] <= start:
            token += 1
        last = token
        found = [tokens[last][1]]
        while ends[last] < end:
            last += 1
            found.append(tokens[last][1])
        yield found
