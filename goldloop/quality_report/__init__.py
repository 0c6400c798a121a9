"""The quality report of a dataset version: what it covers, how far it can be trusted, what to do.

One kind of figure a file. `quality_report` takes the version's items and what is known beside them,
and gives plain values that become JSON, Markdown or a page. A figure that cannot be had is None,
with the reason in `missing`; it is never a zero.
"""

from goldloop.quality_report.advice import Advice
from goldloop.quality_report.balance import FieldBalance, field_balance
from goldloop.quality_report.composition import Composition, Share, capabilities, composition
from goldloop.quality_report.facts import Facts
from goldloop.quality_report.people import AnnotatorFigures, annotator_figures, certainty
from goldloop.quality_report.repeats import repeats
from goldloop.quality_report.report import SCHEMA, QualityReport, quality_report
from goldloop.quality_report.selected import Selected, kish_size, selected
from goldloop.quality_report.tools import ToolCoverage, tool_coverage

__all__ = [
    "SCHEMA",
    "Advice",
    "AnnotatorFigures",
    "Composition",
    "Facts",
    "FieldBalance",
    "QualityReport",
    "Selected",
    "Share",
    "ToolCoverage",
    "annotator_figures",
    "capabilities",
    "certainty",
    "composition",
    "field_balance",
    "kish_size",
    "quality_report",
    "repeats",
    "selected",
    "tool_coverage",
]
