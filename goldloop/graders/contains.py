"""Whether the agent says certain things."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from goldloop.canonical import normalise_text
from goldloop.errors import SettingsError
from goldloop.graders.grader import Grade, Grader, grade_of
from goldloop.graders.reading import (
    Object,
    choice_at,
    flag_at,
    refuse_unknown,
    text_at,
    texts_at,
)
from goldloop.graders.texts import PLACES, cut, quoted, text_of
from goldloop.samples import Run, Sample

KEYS = ("values", "from_metadata", "mode", "ignore_case", "ignore_characters", "on")
MODES = ("all", "any", "none")
_NAMED = 3


def read(record: Object, where: str) -> dict[str, Any]:
    """The settings of a `contains` grader: `values`, or the case's own under `from_metadata`."""
    refuse_unknown(record, KEYS, where)
    values = texts_at(record, "values", where)
    key = text_at(record, "from_metadata", where, "")
    if bool(values) == bool(key):
        raise SettingsError(
            f"{where} must have either values, a list of texts, or from_metadata, the key of the "
            "case's metadata that holds them"
        )
    settings = {
        "values": values,
        "from_metadata": key,
        "mode": choice_at(record, "mode", MODES, where),
        "ignore_case": flag_at(record, "ignore_case", where, True),
        "ignore_characters": text_at(record, "ignore_characters", where, ""),
        "on": choice_at(record, "on", PLACES, where),
    }
    if (empty := next((one for one in values if not _left(one, settings)), None)) is not None:
        raise SettingsError(
            f"{where}.values: ignore_characters leaves nothing of {quoted(empty)}, which would be "
            "found in every text; leave one of them out"
        )
    return settings


def wanted(grader: Grader, sample: Sample) -> list[str]:
    """The texts to look for in this case; empty where it names none of which something is left."""
    key = grader.settings["from_metadata"]
    found = sample.metadata.get(key) if key else grader.settings["values"]
    one = [found] if isinstance(found, str) else found
    if not isinstance(one, list | tuple):
        return []
    return [text for text in one if isinstance(text, str) and _left(text, grader.settings)]


def grade(grader: Grader, sample: Sample, run: Run) -> Grade:
    """`all`: the share that is found; `any` and `none`: 1 or 0.

    With `ignore_case` also white space and the width of characters make no difference;
    `ignore_characters` (",$", say) are left out on both sides. Nothing to look for: 1.
    """
    text = _spelled(text_of(sample, run, grader.settings["on"]), grader.settings)
    values = wanted(grader, sample)
    found = [value for value in values if _spelled(value, grader.settings) in text]
    missing = [value for value in values if value not in found]
    score, reason = _judged(grader.settings["mode"], found, missing)
    details = {"found": [cut(v, 200) for v in found], "missing": [cut(v, 200) for v in missing]}
    return grade_of(grader, score, reason, details)


def _judged(mode: str, found: Sequence[str], missing: Sequence[str]) -> tuple[float, str]:
    total = len(found) + len(missing)
    if mode == "none":
        return float(
            not found
        ), f"says {_list(found)}" if found else "says nothing of what it must not"
    if mode == "any":
        hit = bool(found) or not total
        return float(hit), f"says {_list(found)}" if hit else f"says none of {_list(missing)}"
    score = len(found) / total if total else 1.0
    said = f"says {len(found)} of {total}"
    return score, f"{said}; missing: {_list(missing)}" if missing else said


def _list(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(quoted(text, 60) for text in texts[:_NAMED]) + more


def _left(value: str, settings: Object) -> str:
    """What is looked for of a text; nothing would be found in any."""
    return _spelled(value, settings).strip()


def _spelled(text: str, settings: Object) -> str:
    without = str.maketrans("", "", settings["ignore_characters"])
    plain = unicodedata.normalize("NFC", text).translate(without)
    return normalise_text(plain) if settings["ignore_case"] else plain
