"""Majority vote: the answer that more people gave than any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice

from goldloop.agreement.answers import scale
from goldloop.agreement.rate import all_equal, comparable
from goldloop.consensus.states import FieldConsensus, State
from goldloop.fields import Field, FieldKind, Value

METHOD = "majority_vote"
VERSION = 1
LISTED = 10
PER_OPTION = 0.5
AT_MOST = 2.5


def majority_vote(field: Field, votes: Sequence[Value], min_votes: int) -> FieldConsensus:
    """The vote on one field; `votes` holds one answer a person, in any order.

    Answers are counted in their comparable form (text without case and spacing), and the wording
    that stands is the most frequent one of the winning form, the first by code point among equals.
    A tie for the most votes is disputed, whatever the order of the votes. Below `min_votes` the
    field is waiting. One choice of several gets the smoothed shares as its posterior.
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
        posterior=_smoothed(field, votes),
    )


def pseudo_votes(n_options: int) -> float:
    """What is added to each option's votes: 0.5, and 2.5 shared out evenly beyond five options.

    With 0.5 for each of 10,000 options three equal votes would be worth a probability of 0.0007.
    """
    return min(PER_OPTION, AT_MOST / max(n_options, 1))


def _smoothed(field: Field, votes: Sequence[Value]) -> tuple[tuple[Value, float], ...]:
    """The ten highest shares of the votes, each option with `pseudo_votes` more; empty for a field
    that is no choice of one, and without votes.
    """
    if field.kind not in (FieldKind.SINGLE_CHOICE, FieldKind.PAIRWISE) or not votes:
        return ()
    counts = Counter(votes)
    options = dict.fromkeys((*(scale(field) or ()), *votes))
    more = pseudo_votes(len(options))
    total = len(votes) + more * len(options)
    chosen = sorted(counts, key=lambda option: (-counts[option], str(option)))
    others = (option for option in options if option not in counts)
    first = (*chosen[:LISTED], *islice(others, max(LISTED - len(chosen), 0)))
    return tuple((option, (counts[option] + more) / total) for option in first)


def _wording(field: Field, votes: Sequence[Value], form: Value) -> Value:
    wordings = Counter(vote for vote in votes if comparable(field, vote) == form)
    return min(wordings, key=lambda wording: (-wordings[wording], str(wording)))
