"""Routing: who is asked next about a task on which people disagree.

One more annotator at a time, so that the answer of each decides whether the next is needed, up to
`max_additional`; what is still disputed after that is ambiguous, until an expert decides.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

from goldloop.consensus.states import State


class Step(StrEnum):
    """What to do about a task.

    `none`: nothing. `wait`: somebody was asked and has not answered yet. `another`: ask one more
    annotator. `nobody_left`: one more should be asked, but everybody has answered or skipped.
    `expert`: further annotators did not settle it, so somebody has to decide.
    """

    NONE = "none"
    WAIT = "wait"
    ANOTHER = "another"
    NOBODY_LEFT = "nobody_left"
    EXPERT = "expert"


@dataclass(frozen=True, slots=True)
class Asked:
    """How far a task has come: who answered, who skipped, and how many people it was given to.

    People are ids; `overlap` counts the annotators that the task asks for, further ones included.
    """

    state: State
    answered: Set[int]
    skipped: Set[int]
    overlap: int


def next_step(asked: Asked, people: Set[int], base_overlap: int, max_additional: int) -> Step:
    """What to do next; `people` are all who may label, `base_overlap` is asked of every task.

    >>> disputed = Asked(State.DISPUTED, {1, 2}, set(), overlap=2)
    >>> next_step(disputed, {1, 2, 3}, base_overlap=2, max_additional=1).value
    'another'
    >>> next_step(disputed, {1, 2}, base_overlap=2, max_additional=1).value
    'nobody_left'
    >>> next_step(Asked(State.DISPUTED, {1, 2, 3}, set(), 3), {1, 2, 3, 4}, 2, 1).value
    'expert'
    >>> next_step(Asked(State.DISPUTED, {1, 2}, {3}, 3), {1, 2, 3}, 2, 1).value
    'nobody_left'
    """
    if asked.state is State.AMBIGUOUS:
        return Step.EXPERT
    if asked.state is not State.DISPUTED:
        return Step.NONE
    left = people - asked.answered - asked.skipped
    if len(asked.answered) < asked.overlap:
        return Step.WAIT if left else Step.NOBODY_LEFT
    if asked.overlap - base_overlap >= max_additional:
        return Step.EXPERT
    return Step.ANOTHER if left else Step.NOBODY_LEFT
