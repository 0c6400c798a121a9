"""The settings of the graders that are asked elsewhere: judges, and Python functions."""

from __future__ import annotations

import re
from typing import Any

from goldloop.errors import SettingsError
from goldloop.graders.reading import Object, choice_at, flag_at, refuse_unknown, text_at, texts_at

MOST_CRITERIA = 20
JUDGE_KEYS = ("model", "criteria", "reference", "show_trace")
PAIR_KEYS = ("model", "criteria", "against")
PYTHON_KEYS = ("target",)
_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_BETTER = "The better response answers what the user asks for, correctly and completely."


def read_judge(record: Object, where: str) -> dict[str, Any]:
    """A judge: a model that says of each criterion whether it holds; the score is their share.

    With `reference` it sees the case's expected response, and is only for cases that have one.
    Without `model` it is the one of the settings.
    """
    refuse_unknown(record, JUDGE_KEYS, where)
    criteria = texts_at(record, "criteria", where)
    if not 1 <= len(criteria) <= MOST_CRITERIA:
        raise SettingsError(
            f"{where}.criteria must be 1 to {MOST_CRITERIA} sentences that are true or false of a "
            f"response, not {len(criteria)}"
        )
    return {
        "model": text_at(record, "model", where, ""),
        "criteria": criteria,
        "reference": flag_at(record, "reference", where, True),
        "show_trace": flag_at(record, "show_trace", where, False),
    }


def read_pair(record: Object, where: str) -> dict[str, Any]:
    """A judge that compares with the expected response, asked twice, in both orders.

    It gives 1 where the agent's is better in both, 0.5 where that is open, and else 0.
    """
    refuse_unknown(record, PAIR_KEYS, where)
    return {
        "model": text_at(record, "model", where, ""),
        "criteria": text_at(record, "criteria", where, _BETTER),
        "against": choice_at(record, "against", ("expected",), where),
    }


def read_python(record: Object, where: str) -> dict[str, Any]:
    """A Python function; `source` becomes the hash of its source when it is imported."""
    refuse_unknown(record, PYTHON_KEYS, where)
    target = text_at(record, "target", where)
    if not _TARGET.fullmatch(target):
        raise SettingsError(f"{where}.target must be module:function, not {target[:80]!r}")
    return {"target": target, "source": ""}
