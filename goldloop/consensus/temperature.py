"""Temperature: how far to believe the votes' evidence, so that probabilities mean something.

People err together (a hard task is hard for all of them), so their answers are worth less than
independent ones, and a model that takes them for independent is too sure.
"""

from __future__ import annotations

import numpy as np

from goldloop.consensus.inference import softmax
from goldloop.consensus.votes import Floats, Ints, Votes, votes_per_task
from goldloop.errors import RecordError

GOLD_NEEDED = 100
LEAST, MOST, STEP = 0.1, 1.5, 0.025


def default_temperature(votes: Votes) -> float:
    """1 / sqrt(r) for r votes a task, the mean over the tasks with votes; 1 without votes.

    So r answers are believed like sqrt(r) independent ones: 0.71 at two and 0.58 at three, where
    0.5 to 0.7 was measured best, and lower with more, where independence fails most.

    >>> default_temperature(Votes([0, 0, 0, 0], [0, 1, 2, 3], [0, 0, 0, 0], 1, 4, 2))
    0.5
    """
    answered = votes_per_task(votes)
    if not answered.any():
        return 1.0
    return float(answered[answered > 0].mean() ** -0.5)


def fitted_temperature(scores: Floats, prior: Floats, gold: Ints) -> float:
    """The temperature under which known labels are least surprising.

    Minimises the mean of -log softmax(log prior + tau * scores)[gold] over tau from 0.1 to 1.5 in
    steps of 0.025 (temperature scaling, Guo et al. 2017, arXiv:1706.04599); the lower of equal
    ones. `scores` (G, K) are the votes' log likelihoods and `gold` (G,) the labels. Give scores
    that were computed without those labels. Raises RecordError for no labels.
    """
    if not len(gold):
        raise RecordError("a temperature cannot be fitted without gold labels")
    grid = np.arange(LEAST, MOST + STEP / 2, STEP)
    losses = [surprise(scores, prior, gold, float(tau)) for tau in grid]
    return float(grid[int(np.argmin(losses))])


def surprise(scores: Floats, prior: Floats, gold: Ints, temperature: float) -> float:
    """The mean of -log probability of the known labels, in nats."""
    posterior = tempered(scores, prior, temperature)
    chance = posterior[np.arange(len(gold)), gold]
    return float(-np.log(np.maximum(chance, 1e-12)).mean())


def tempered(scores: Floats, prior: Floats, temperature: float) -> Floats:
    """softmax(log prior + temperature * scores), (T, K), as a new array."""
    posterior = scores * temperature
    posterior += np.log(prior)
    softmax(posterior)
    return posterior


def check_temperature(temperature: float) -> float:
    """The temperature; RecordError unless it is a number above 0."""
    if not 0 < temperature < np.inf:
        raise RecordError(f"the temperature must be above 0, not {temperature}")
    return temperature
