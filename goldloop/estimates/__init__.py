"""Estimates: how good the agent is on the whole pool, from a set that was picked to find failures.

`estimate_pool` goes by the sampling design: what every item's chance of being labelled was. The
plain mean of the labelled items stands beside it as `naive`, and is biased by tens of points.
"""

from goldloop.estimates.estimate import Estimate
from goldloop.estimates.hajek import hajek
from goldloop.estimates.pool import by_slice, estimate_pool
from goldloop.estimates.previews import expected_failures, expected_half_width, labels_needed
from goldloop.estimates.stratified import stratified

__all__ = [
    "Estimate",
    "by_slice",
    "estimate_pool",
    "expected_failures",
    "expected_half_width",
    "hajek",
    "labels_needed",
    "stratified",
]
