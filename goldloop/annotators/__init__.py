"""Annotators: how each person answers, against the others, the ground truth and the clock.

`annotator_reports` gives a report on everybody; what it holds is worked out one file each.
"""

from goldloop.annotators.drift import Drift, Period, drift_over_time
from goldloop.annotators.errors_made import Bias, Confusion, FieldErrors, field_errors
from goldloop.annotators.pace import FASTEST_SECONDS, WORDS_PER_MINUTE, is_hasty, words_to_read
from goldloop.annotators.proportions import newcombe_interval, wilson_interval
from goldloop.annotators.references import Comparison, comparisons
from goldloop.annotators.report import AnnotatorReport, annotator_reports

__all__ = [
    "FASTEST_SECONDS",
    "WORDS_PER_MINUTE",
    "AnnotatorReport",
    "Bias",
    "Comparison",
    "Confusion",
    "Drift",
    "FieldErrors",
    "Period",
    "annotator_reports",
    "comparisons",
    "drift_over_time",
    "field_errors",
    "is_hasty",
    "newcombe_interval",
    "wilson_interval",
    "words_to_read",
]
