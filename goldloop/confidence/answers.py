"""Whether two runs answered the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from goldloop.canonical import canonical_calls, canonical_json, normalise_text
from goldloop.samples import Run


@dataclass(frozen=True, slots=True)
class Answer:
    """What is compared of a run.

    `calls` are the canonical tool calls, sorted, or in the order in which they were made where
    `ordered`. `said` is the normalised response, or, where `judged`, the group that a judge put it
    into, with 0 for saying nothing; only answers that were judged together can be compared by it.
    """

    calls: tuple[bytes, ...]
    said: Hashable
    ordered: bool = False
    judged: bool = False

    @property
    def meaning(self) -> Hashable:
        """Equal for two answers that are the same in full."""
        return self.calls, self.said if self.judged or not self.calls else None


def answer_of(run: Run, *, ordered: bool = False, group: Hashable = None) -> Answer:
    """What is compared of a run; `group` is what a judge put its response into, if one did."""
    judged = group is not None
    return Answer(
        calls=_in_order(run) if ordered else canonical_calls(run.tool_calls),
        said=group if judged else normalise_text(run.response or ""),
        ordered=ordered,
        judged=judged,
    )


def _in_order(run: Run) -> tuple[bytes, ...]:
    return tuple(canonical_json([call.name, call.arguments]) for call in run.tool_calls)


def likeness(a: Answer, b: Answer) -> float:
    """How alike two answers are, in [0, 1]; symmetric.

    Where neither called tools: 1 when they say the same, else 0. Where either did, how far the
    calls agree: 2 · common / (calls of a + calls of b), which is the F1 of one against the other.
    Common are the multisets' common calls, or, for ordered answers, the longest sequence of calls
    that both made in that order. The words of who called tools do not count, as the same is hardly
    ever said in the same words; what a judge says of them does, and then counts half, unless
    neither said anything.

    >>> answer = lambda text, group=None: answer_of(Run("s", "v", response=text), group=group)
    >>> likeness(answer("Yes"), answer(" yes ")), likeness(answer("Yes"), answer("Indeed"))
    (1.0, 0.0)
    >>> likeness(answer("Yes", 1), answer("Indeed", 1))
    1.0
    """
    said = float(a.said == b.said)
    if not (a.calls or b.calls):
        return said
    common = _common_in_order(a.calls, b.calls) if a.ordered else _common(a.calls, b.calls)
    called = 2 * common / (len(a.calls) + len(b.calls))
    spoken = a.judged and b.judged and (a.said or b.said)
    return (called + said) / 2 if spoken else called


def _common(a: Sequence[bytes], b: Sequence[bytes]) -> int:
    return (Counter(a) & Counter(b)).total()


def _common_in_order(a: Sequence[bytes], b: Sequence[bytes]) -> int:
    """The length of the longest common subsequence, a machine word of `b` at a time.

    Source: Hyyrö, AWOCA 2004, 16-27. Each call of `b` is a bit, 0 once it is matched.
    """
    places: dict[bytes, int] = {}
    for place, call in enumerate(b):
        places[call] = places.get(call, 0) | 1 << place
    everything = (1 << len(b)) - 1
    unmatched = everything
    for call in a:
        met = unmatched & places.get(call, 0)
        unmatched = ((unmatched + met) | (unmatched - met)) & everything
    return len(b) - unmatched.bit_count()


def similarity(a: Run, b: Run, *, ordered: bool = False) -> float:
    """How alike two runs answered, in [0, 1]; symmetric. See `likeness`.

    >>> from goldloop.samples import ToolCall
    >>> one, two = ToolCall("find", {"id": 1}), ToolCall("book", {"id": 1})
    >>> similarity(Run("s", "v", tool_calls=(one,)), Run("s", "v", tool_calls=(two, one)))
    0.6666666666666666
    >>> there, back = Run("s", "v", tool_calls=(one, two)), Run("s", "v", tool_calls=(two, one))
    >>> similarity(there, back), similarity(there, back, ordered=True)
    (1.0, 0.5)
    """
    return likeness(answer_of(a, ordered=ordered), answer_of(b, ordered=ordered))
