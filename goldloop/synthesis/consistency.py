"""The second filter: does the model, asked to solve a sample twice, come to what is expected?

The two solutions are compared with each other first. Where they differ, the task is ambiguous or
too hard for the model, which says little against the sample; where they agree on something else
than the sample expects, the expectation is the more doubtful one. Both are put before a person and
never thrown away: what is removed here is hard before it is wrong, so the rates are shown by
difficulty and by tag.

Calls are compared by their structure: names and canonical arguments, whatever their order, unless
that is asked for. An argument that is null, or its schema's default, is as good as left out, and
texts count without case, spacing and Unicode's variants. What a text means is for a judge or an
embedding to say; their verdict comes in as groups, one number for each text, the same for those
that mean the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from goldloop.canonical import canonical_calls, canonical_json, normalise_text
from goldloop.errors import RecordError
from goldloop.samples import DIFFICULTIES, ToolCall
from goldloop.schemas import Schema
from goldloop.synthesis.values import CONSISTENCY, Candidate, Rejection
from goldloop.wilson import score_interval

# Two-sided 95% of the normal distribution.
QUANTILE = 1.959963984540054
MAX_SHOWN = 400
MAX_SAID = 1_000


@dataclass(frozen=True, slots=True)
class Solution:
    """What the model did with a sample's task; `error` says why there is nothing to compare."""

    calls: tuple[ToolCall, ...] = ()
    response: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """How often this filter rejects on one `axis`, such as difficulty, for one `name` on it.

    `rejected` of `judged`, with Wilson's 95% interval from `low` to `high`. What could not be
    solved twice got no verdict: it is counted in `unsolved` only.
    """

    axis: str
    name: str
    judged: int
    rejected: int
    unsolved: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        """rejected / judged; None where nothing was judged."""
        return self.rejected / self.judged if self.judged else None


def judged_calls(
    candidate: Candidate,
    first: Solution,
    second: Solution,
    schemas: Mapping[str, Schema] | None = None,
    *,
    ordered: bool = False,
) -> Rejection | None:
    """What the two solutions' calls say about a candidate; None when there is nothing against it.

    `unsolved` where a solution has an error, or calls that have no canonical form;
    `different_calls` where the two do not make the same calls; `unexpected_calls` where they do,
    and others are expected. A candidate without an expectation of calls (None) takes any.
    """
    error = first.error or second.error
    if error is not None:
        return _rejected("unsolved", f"it could not be solved twice: {error}")
    expected = candidate.sample.expected_tool_calls
    try:
        one, other, right = (
            _form(calls, schemas, ordered) for calls in (first.calls, second.calls, expected or ())
        )
    except RecordError as problem:
        return _rejected("unsolved", f"the calls cannot be compared: {problem}")
    if one != other:
        said = f"one solution calls {_shown(first.calls)}, the other {_shown(second.calls)}"
        return _rejected("different_calls", said)
    if expected is None or right == one:
        return None
    said = f"both solutions call {_shown(first.calls)}, expected is {_shown(expected)}"
    return _rejected("unexpected_calls", said)


def _rejected(reason: str, said: str) -> Rejection:
    return Rejection(CONSISTENCY, reason, said[:MAX_SAID])


def _shown(calls: Sequence[ToolCall]) -> str:
    said = "; ".join(f"{call.name} {canonical_json(call.arguments).decode()}" for call in calls)
    return _cut(said) or "nothing"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _form(
    calls: Sequence[ToolCall], schemas: Mapping[str, Schema] | None, ordered: bool
) -> tuple[bytes, ...]:
    plain = [ToolCall(call.name, _plain_arguments(call, schemas or {})) for call in calls]
    if not ordered:
        return canonical_calls(plain)
    return tuple(canonical_json([call.name, call.arguments]) for call in plain)


def _plain_arguments(call: ToolCall, schemas: Mapping[str, Schema]) -> Mapping[str, Any]:
    schema = schemas.get(call.name)
    # Its depth is bounded before anything walks it.
    canonical_json(call.arguments)
    return _plain_object(call.arguments, schema.schema if schema else {})


def _plain_object(value: Mapping[str, Any], schema: object) -> dict[str, Any]:
    kinds = schema.get("properties") if isinstance(schema, Mapping) else None
    known: Mapping[str, Any] = kinds if isinstance(kinds, Mapping) else {}
    return {
        key: _plain(item, known.get(key))
        for key, item in value.items()
        if not _is_left_out(key, item, schema, known.get(key))
    }


def _plain(value: Any, schema: object) -> Any:
    if isinstance(value, str):
        return normalise_text(value)
    if isinstance(value, Mapping):
        return _plain_object(value, schema)
    if isinstance(value, list | tuple):
        items = schema.get("items") if isinstance(schema, Mapping) else None
        return [_plain(item, items) for item in value]
    return value


def _is_left_out(key: str, value: Any, schema: object, kind: object) -> bool:
    """Whether a value says no more than its absence: null where the schema has the key at will or
    lets it be null, as strict definitions do instead, and the default that the schema names.
    """
    if not isinstance(schema, Mapping) or not isinstance(kind, Mapping):
        return False
    if "default" in kind and canonical_json(kind["default"]) == canonical_json(value):
        return True
    return value is None and (key not in schema.get("required", ()) or _may_be_null(kind))


def _may_be_null(kind: Mapping[str, Any]) -> bool:
    types = kind.get("type")
    if types == "null" or (isinstance(types, list | tuple) and "null" in types):
        return True
    either = (*kind.get("anyOf", ()), *kind.get("oneOf", ()))
    return any(isinstance(one, Mapping) and _may_be_null(one) for one in either)


def answers_to_judge(
    candidate: Candidate, first: Solution, second: Solution
) -> tuple[str, str, str] | None:
    """(expected, first, second): the texts whose meaning has to be compared.

    None where there is nothing to ask: no text is expected, all three are the same text, or calls
    were made and a solution says nothing besides, since it would need their results. Without calls,
    saying nothing is an answer: the empty text.
    """
    expected = candidate.sample.expected_response or "\n".join(candidate.key_points)
    said = (expected, first.response or "", second.response or "")
    forms = [normalise_text(text) for text in said]
    if not forms[0] or len(set(forms)) == 1:
        return None
    waits = bool(first.calls) and not all(forms)
    return None if waits else said


def judged_answers(groups: Sequence[int], answers: Sequence[str] = ()) -> Rejection | None:
    """What the groups of (expected, first, second) say: `different_answer` where the two solutions
    do not mean the same, `unexpected_answer` where they do and the expected text does not.

    With the `answers` of the three, the rejection says what the solutions answered. Raises
    ValueError for another number of groups than three.

    >>> judged_answers([1, 2, 2]).reason, judged_answers([1, 1, 2]).reason
    ('unexpected_answer', 'different_answer')
    """
    expected, first, second = groups
    one, other = (repr(_cut(text)) for text in answers[1:]) if answers else ("", "")
    if first != second:
        right = "one of them as expected" if expected in (first, second) else "neither as expected"
        said = f"the two solutions answer differently, {right}"
        return _rejected("different_answer", f"{said}: {one}, {other}" if answers else said)
    if expected != first:
        said = "both solutions answer the same, not as expected"
        return _rejected("unexpected_answer", f"{said}: {one}" if answers else said)
    return None


def groups_by_cosine(vectors: ArrayLike, threshold: float = 0.85) -> tuple[int, int, int]:
    """The groups of (expected, first, second) by their embeddings, instead of a judge.

    The two solutions are one group when their cosine is at least `threshold`, and what is expected
    joins the more alike of them on the same condition. A vector of zeros is alike to nothing.
    Raises RecordError for anything but a finite array of shape (3, d).

    >>> groups_by_cosine([[1, 0], [0.9, 0.1], [0, 1]])
    (1, 1, 2)
    """
    rows = np.asarray(vectors, dtype=np.float64)
    if rows.ndim != 2 or len(rows) != 3 or not np.isfinite(rows).all():
        raise RecordError(f"embeddings must be a finite array of shape (3, d), not {rows.shape}")
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    expected, first, second = rows / np.where(length > 0, length, 1.0)
    group_of_second = 1 if first @ second >= threshold else 2
    with_first, with_second = float(expected @ first), float(expected @ second)
    if max(with_first, with_second) < threshold:
        return 3, 1, group_of_second
    return 1 if with_first >= with_second else group_of_second, 1, group_of_second


def rejected_by(judged: Iterable[tuple[Candidate, Rejection | None]]) -> tuple[Rate, ...]:
    """How often this filter rejects, by difficulty from easy to hard and by tag from A to Z.

    A candidate with two tags counts for both.
    """
    by_difficulty: dict[str, list[Rejection | None]] = {}
    by_tag: dict[str, list[Rejection | None]] = {}
    for candidate, rejection in judged:
        by_difficulty.setdefault(candidate.slot.cell.difficulty, []).append(rejection)
        for tag in candidate.sample.tags:
            by_tag.setdefault(tag, []).append(rejection)
    known = [name for name in DIFFICULTIES if name in by_difficulty]
    return (
        *(rate("difficulty", name, by_difficulty[name]) for name in known),
        *(rate("tag", name, by_tag[name]) for name in sorted(by_tag)),
    )


def rate(axis: str, name: str, outcomes: Iterable[Rejection | None]) -> Rate:
    """The rate of one group: what became of each candidate of it, None for what was kept."""
    found = list(outcomes)
    unsolved = sum(one is not None and one.reason == "unsolved" for one in found)
    judged = len(found) - unsolved
    rejected = sum(one is not None for one in found) - unsolved
    low, high = score_interval(rejected / max(judged, 1), judged, QUANTILE)
    return Rate(axis, name, judged, rejected, unsolved, low, high)
