"""Which method suits a field's votes, and why, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from goldloop.consensus.dawid_skene import dawid_skene
from goldloop.consensus.hierarchical import hierarchical
from goldloop.consensus.inference import Inference, too_large
from goldloop.consensus.majority_posterior import majority_posterior
from goldloop.consensus.votes import Votes, votes_per_task
from goldloop.consensus.weighted_vote import weighted_vote
from goldloop.errors import SettingsError

AUTO = "auto"
METHODS: Mapping[str, Callable[[Votes, ArrayLike | None], Inference]] = {
    "majority_posterior": majority_posterior,
    "weighted_vote": weighted_vote,
    "dawid_skene": dawid_skene,
    "hierarchical": hierarchical,
}


@dataclass(frozen=True, slots=True)
class MethodSettings:
    """How the method is chosen: `method` names one, or is "auto".

    With "auto" the hierarchical model is used from `min_tasks` tasks with two answers or more and
    `min_answers` answers an annotator on, see `choose_method`. Raises SettingsError for an unknown
    method and for numbers below 1.
    """

    method: str = AUTO
    min_tasks: int = 50
    min_answers: int = 15

    def __post_init__(self) -> None:
        if self.method != AUTO and self.method not in METHODS:
            known = ", ".join([AUTO, *METHODS])
            raise SettingsError(f"unknown consensus method {self.method!r}; there are: {known}")
        if min(self.min_tasks, self.min_answers) < 1:
            raise SettingsError("min_tasks and min_answers must be at least 1")


def choose_method(
    votes: Votes,
    settings: MethodSettings = MethodSettings(),
) -> tuple[str, str]:
    """The name of the method for these votes, and the reason in words.

    An annotator's answers are judged by the median over the answers: half of all answers must come
    from people who gave `min_answers` or more. Not every annotator must have that many, because a
    newcomer's first answer would then throw everyone back to the vote, and the model draws
    newcomers to the others anyway; nor the median annotator, because in a long tail of people who
    came once most answers still come from those who stayed.

    >>> choose_method(Votes([0], [0], [0], 1, 1, 2))[0]
    'majority_posterior'
    """
    if settings.method != AUTO:
        return settings.method, "the settings name it"
    why = too_large(votes)
    if why is not None:
        return "majority_posterior", why
    shared = int((votes_per_task(votes) >= 2).sum())
    given = typical_answers(votes)
    facts = (
        f"{shared} tasks have two answers or more ({settings.min_tasks} are needed) and half of the"
        f" answers come from people who gave {given} or more ({settings.min_answers} are needed)"
    )
    if shared >= settings.min_tasks and given >= settings.min_answers:
        return "hierarchical", f"enough to learn each annotator's errors: {facts}"
    return "majority_posterior", f"too little to learn each annotator's errors: {facts}"


def typical_answers(votes: Votes) -> int:
    """The median, over the answers, of how many answers its annotator gave; 0 without answers.

    >>> typical_answers(Votes([0, 1, 2, 0], [0, 0, 0, 1], [0, 0, 0, 0], 3, 2, 2))
    3
    """
    if not len(votes):
        return 0
    given = np.bincount(votes.annotators)[votes.annotators]
    return int(np.sort(given)[(len(given) - 1) // 2])


def infer(
    votes: Votes,
    settings: MethodSettings = MethodSettings(),
    gold: ArrayLike | None = None,
) -> tuple[Inference, str]:
    """The inference of the chosen method, and why it was chosen."""
    name, reason = choose_method(votes, settings)
    return METHODS[name](votes, gold), reason
