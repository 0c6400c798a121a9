"""Majority vote: the answer that more people gave than any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from goldloop.agreement.rate import all_equal, comparable
from goldloop.consensus.states import FieldConsensus, State
from goldloop.fields import Field, Value

METHOD = "majority_vote"
VERSION = 1


def majority_vote(field: Field, votes: Sequence[Value], min_votes: int) -> FieldConsensus:
    """The vote on one field; `votes` holds one answer a person, in any order.

    Answers are counted in their comparable form (text without case and spacing), and the wording
    that stands is the most frequent one of the winning form, the first by code point among equals.
    A tie for the most votes is disputed, whatever the order of the votes. Below `min_votes` the
    field is waiting.
    """
    share = None
    state, value = State.WAITING, None
    if votes:
        counts = Counter(comparable(field, vote) for vote in votes)
        top = max(counts.values())
        winners = [form for form, count in counts.items() if count == top]
        share = top / len(votes)
        if len(votes) >= min_votes:
            state = State.AGREED if len(winners) == 1 else State.DISPUTED
        if state is State.AGREED:
            value = _wording(field, votes, winners[0])
    return FieldConsensus(
        field=field.name,
        state=state,
        value=value,
        votes=len(votes),
        share=share,
        agreement=all_equal(field, votes),
        method=METHOD,
        method_version=VERSION,
    )


def _wording(field: Field, votes: Sequence[Value], form: Value) -> Value:
    wordings = Counter(vote for vote in votes if comparable(field, vote) == form)
    return min(wordings, key=lambda wording: (-wordings[wording], str(wording)))
