"""Whether the response is the expected one."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from goldloop.canonical import normalise_text
from goldloop.graders.grader import Grade, Grader, grade_of
from goldloop.graders.reading import Object, flag_at, refuse_unknown, text_at, tolerance_at
from goldloop.graders.texts import quoted
from goldloop.samples import Run, Sample

_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])[^,]*$")
KEYS = ("value", "normalise", "tolerance")


def read(record: Object, where: str) -> dict[str, Any]:
    """The settings of an `exact` grader; without `value` the case's expected response counts."""
    refuse_unknown(record, KEYS, where)
    return {
        "value": text_at(record, "value", where, ""),
        "normalise": flag_at(record, "normalise", where, True),
        "tolerance": tolerance_at(record, "tolerance", where),
    }


def grade(grader: Grader, sample: Sample, run: Run) -> Grade:
    """1 when they are equal, else 0.

    With `normalise`, case, white space and the width of characters make no difference. With
    `tolerance` both are read as numbers ("1,250.00" is one); where one is none, as texts.
    """
    expected = grader.settings["value"] or sample.expected_response or ""
    response = run.response or ""
    if _same(expected, response, grader):
        return grade_of(grader, 1.0, "says what is expected")
    reason = f"says {quoted(response)}, expected {quoted(expected)}"
    return grade_of(grader, 0.0, reason)


def _same(expected: str, response: str, grader: Grader) -> bool:
    tolerance = grader.settings["tolerance"]
    if tolerance is not None:
        wanted, got = _number(expected), _number(response)
        if wanted is not None and got is not None:
            return close(wanted, got, tolerance)
    if grader.settings["normalise"]:
        return normalise_text(expected) == normalise_text(response)
    return unicodedata.normalize("NFC", expected) == unicodedata.normalize("NFC", response)


def close(expected: float, got: float, tolerance: Mapping[str, float]) -> bool:
    """Whether a number is within the absolute tolerance or the share of the expected one."""
    room = max(tolerance["absolute"], tolerance["relative"] * abs(expected))
    return abs(expected - got) <= room + 1e-12 * max(1.0, abs(expected))


def _number(text: str) -> float | None:
    """The number that a text is; commas part thousands alone, for 1,5 may be one and a half."""
    plain = text.strip()
    if "_" in plain or ("," in plain and not _THOUSANDS.match(plain)):
        return None
    try:
        value = float(plain.replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
