"""Votes for tests: any small ones, and ones from annotators of known quality."""

import numpy as np
from hypothesis import strategies as st

from goldloop.consensus.votes import Votes


@st.composite
def any_votes(draw: st.DrawFn, least: int = 1) -> Votes:
    """Up to 8 tasks, 5 annotators and 4 options, with or without an answer at each place."""
    tasks = draw(st.integers(1, 8))
    annotators = draw(st.integers(1, 5))
    options = draw(st.integers(2, 4))
    places = [(t, w) for t in range(tasks) for w in range(annotators)]
    chosen = draw(st.lists(st.sampled_from(places), unique=True, min_size=least))
    labels = draw(st.lists(st.integers(0, options - 1), min_size=len(chosen), max_size=len(chosen)))
    return Votes([t for t, _ in chosen], [w for _, w in chosen], labels, tasks, annotators, options)


def made_votes(
    tasks: int, annotators: int, options: int, each: int, accuracy: float = 0.75, seed: int = 0
) -> tuple[Votes, np.ndarray]:
    """`each` answers a task from annotators who are right with this probability, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, options, tasks)
    task = np.repeat(np.arange(tasks), each)
    who = np.concatenate([rng.choice(annotators, each, replace=False) for _ in range(tasks)])
    wrong = (truth[task] + rng.integers(1, options, len(task))) % options
    label = np.where(rng.random(len(task)) < accuracy, truth[task], wrong)
    return Votes(task, who, label, tasks, annotators, options), truth
