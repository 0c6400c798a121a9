"""Ask a model which answers to the same question mean the same."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from agents.base import Model
from agents.case_text import ReplyError, cut_text, question_about, shown_turns
from agents.usage import Usage
from goldloop.samples import Sample, asked_turns

TASK = (
    "You are given a conversation and several answers to its last turn. Say which answers mean the "
    "same: two do where each follows from the other, given what was asked; wording, tone and order "
    "do not matter, while another number, name, date, decision or refusal does. Do not judge which "
    'is right. Reply with {"groups": [...]}: for every answer, in the order given, the number of '
    "its group, a whole number from 1; answers that mean the same have the same number."
)
MAX_REPLY = 20_000
_OBJECT = re.compile(r"\{[^{}]*\}")
SCHEMA = {
    "type": "object",
    "properties": {"groups": {"type": "array", "items": {"type": "integer"}}},
    "required": ["groups"],
    "additionalProperties": False,
}


def judged_groups(model: Model, sample: Sample, answers: Sequence[str]) -> tuple[list[int], Usage]:
    """The group of each answer, in order, as the model sees it, and what the question took.

    Raises `AgentError` when the endpoint fails for good, and `ReplyError` when its reply does
    not give each answer one group.
    """
    question = groups_question(sample, answers)
    completion = model.ask(question, temperature=0.0, schema=SCHEMA)
    groups = groups_said(completion.text, len(answers))
    if groups is None:
        raise ReplyError(
            f"the judge's reply does not give each of {len(answers)} answers one group",
            completion.spent,
        )
    return groups, completion.spent


def groups_question(sample: Sample, answers: Sequence[str]) -> list[dict[str, Any]]:
    """The question which of the answers to a sample mean the same, to be asked with `SCHEMA`."""
    case = {
        "conversation": shown_turns(asked_turns(sample)),
        "answers": [cut_text(answer) for answer in answers],
    }
    return question_about(TASK, case)


def groups_said(reply: str, answers: int) -> list[int] | None:
    """The group of each answer that a reply gives; None when it does not give each one."""
    # Endpoints that do not know schemas wrap the object into words or a code block.
    objects = _OBJECT.findall(reply[:MAX_REPLY])
    try:
        value = json.loads(objects[-1]) if objects else None
    except (ValueError, RecursionError):
        return None
    groups = value.get("groups") if isinstance(value, dict) else None
    if not isinstance(groups, list) or len(groups) != answers:
        return None
    sound = all(type(group) is int and 1 <= group <= answers for group in groups)
    return groups if sound else None
