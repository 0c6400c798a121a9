"""A disputed task as an expert sees it: the earlier answers, without names, beside the questions.

In Label Studio's queue the labelling screen shows no predictions (only the list of tasks does), so
the answers stand on the page too. What everybody agrees on is filled in; what is disputed is not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

from goldloop.agreement.rate import all_equal
from goldloop.fields import Answers, Field, Value
from label_config.interface import Interface, read_interface
from label_config.predictions import prediction
from label_config.trace import BORDER, LABEL_STYLE, render_text

EARLIER_ANSWERS = "earlier_answers_html"
MODEL_VERSION = "earlier answers"
_TAG = (
    '<View><View className="gl-earlier" style="margin-bottom:16px">'
    '<HyperText name="goldloop_earlier_answers" value="$earlier_answers_html" valueType="text" '
    'inline="true" selectionEnabled="false"/></View>'
)
_PROLOG = re.compile(r"^\s*<\?xml.*?\?>", re.DOTALL)
_CELL = f"border:1px solid {BORDER};padding:4px 8px;vertical-align:top;text-align:left"


def expert_interface(interface: Interface) -> Interface:
    """The same questions, with the earlier answers above them."""
    body = _PROLOG.sub("", interface.xml)
    return read_interface(f"{_TAG}{body}</View>", "the experts' interface")


def render_earlier_answers(
    fields: Sequence[Field], answers: Sequence[Answers], disputed: Collection[str]
) -> str:
    """A table of the answers, a column for each person and a row for each field that was answered;
    the disputed fields first and marked. Everything that people wrote is escaped.
    """
    asked = [field for field in fields if any(field.name in given for given in answers)]
    asked.sort(key=lambda field: field.name not in disputed)
    heads = "".join(
        f'<th style="{_CELL}">answer {number}</th>' for number in range(1, len(answers) + 1)
    )
    rows = "".join(_row(field, answers, field.name in disputed) for field in asked)
    return (
        f'<div style="{LABEL_STYLE}">People disagree. Their answers, in no order; yours stands.'
        f'</div><table style="border-collapse:collapse;font-size:13px;line-height:1.4">'
        f'<tr><th style="{_CELL}"></th>{heads}</tr>{rows}</table>'
    )


def _row(field: Field, answers: Sequence[Answers], disputed: bool) -> str:
    name = escape(field.name) + (" (disputed)" if disputed else "")
    tint = ";background:rgba(214,126,36,.12)" if disputed else ""
    cells = "".join(
        f'<td style="{_CELL}{tint}">{render_text(said, "not answered")}</td>'
        for said in (answer_text(given.get(field.name)) for given in answers)
    )
    return f'<tr><th style="{_CELL}{tint}">{name}</th>{cells}</tr>'


def answer_text(value: Value | None) -> str | None:
    """An answer in words; None where there is none.

    >>> answer_text(("b", "c")), answer_text(()), answer_text(4.5)
    ('b, c', 'none', '4.5')
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return ", ".join(" > ".join(v) if isinstance(v, tuple) else str(v) for v in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def earlier_predictions(
    interface: Interface, answers: Sequence[Answers], open_fields: Collection[str]
) -> list[dict[str, Any]]:
    """The answers as predictions, and last what all agree on.

    Label Studio fills the expert's form in from the last one: it leaves out `open_fields`, and what
    only one person answered.
    """
    agreed: dict[str, Value] = {}
    for field in interface.fields:
        given = [one[field.name] for one in answers if field.name in one]
        if field.name not in open_fields and len(given) == len(answers) and all_equal(field, given):
            agreed[field.name] = given[0]
    return [_prediction(interface, one) for one in (*answers, agreed)]


def _prediction(interface: Interface, answers: Mapping[str, Value]) -> dict[str, Any]:
    return prediction(interface, answers, 0.0, MODEL_VERSION)
