"""Confidence: how sure an agent's answer is, in [0, 1]; one estimator a file, none asks anybody.

    logprob      the model's own token probabilities of the answer
    agreement    the share of further answers that agree with it
    entropy      how few different answers there are among all
    verbalized   the probability that a model states when it is asked how sure it is
    process      what the trajectory looks like: steps, errors, repetitions
    reported     what the agent said along with its answer
    combined     the mean of those of agreement, logprob, process and verbalized that there are

`with_estimates` puts what they said into a run and takes its confidence from there.
"""

from goldloop.confidence.agreement import agreement, entropy_confidence, share_agreeing
from goldloop.confidence.answers import Answer, answer_of, likeness, similarity
from goldloop.confidence.logprob import answer_probability, mean_token_probability
from goldloop.confidence.names import (
    AGREEMENT,
    AUTO,
    COMBINED,
    ENTROPY,
    ESTIMATORS,
    LOGPROB,
    METHODS,
    PROCESS,
    REPORTED,
    VERBALIZED,
    combined,
    comparing,
    kind_of,
    with_estimates,
)
from goldloop.confidence.process import (
    ProcessFeatures,
    process_confidence,
    process_estimate,
    process_features,
)
from goldloop.confidence.verbalized import stated_probability

__all__ = [
    "AGREEMENT",
    "AUTO",
    "COMBINED",
    "ENTROPY",
    "ESTIMATORS",
    "LOGPROB",
    "METHODS",
    "PROCESS",
    "REPORTED",
    "VERBALIZED",
    "Answer",
    "ProcessFeatures",
    "agreement",
    "answer_of",
    "answer_probability",
    "combined",
    "comparing",
    "entropy_confidence",
    "kind_of",
    "likeness",
    "mean_token_probability",
    "process_confidence",
    "process_estimate",
    "process_features",
    "share_agreeing",
    "similarity",
    "stated_probability",
    "with_estimates",
]
