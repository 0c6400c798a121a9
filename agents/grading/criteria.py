"""judge: a model says of each criterion of a rubric whether it holds, with its reason first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from agents.grading.asked import asked, facts, one_line, reply_with
from agents.grading.case import answer_of, asked_of, done_by, expected_of, judge_question
from agents.openai_model import OpenAIModel
from goldloop.errors import RecordError
from goldloop.graders import Grade, Grader, grade_of
from goldloop.samples import Run, Sample

TASK = (
    "You check an assistant's answer against criteria. You are given the conversation, and then "
    "what the assistant answered to its last turn as `answer` (null: it said nothing). Where there "
    "is an `expected_response`, it is right: the answer need not have its words, but must not say "
    "otherwise. For every criterion, in order, write a reason of one sentence that names what in "
    "the answer decides it, and then whether it holds: true or false, and false where you cannot "
    "tell. Judge each by itself, by what is there and not by what the answer says of itself. Reply "
    'with {"criteria": [{"number": number, "reason": text, "holds": true or false}]}. The criteria:'
)
MAX_TOLD = 600
_KEYS = ("number", "reason", "holds")
_TYPES = {"number": "integer", "reason": "string", "holds": "boolean"}
# In the order that a model fills it in: a reason that comes after its verdict only defends it.
SCHEMA = {
    "type": "object",
    "properties": {
        "criteria": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {key: {"type": _TYPES[key]} for key in _KEYS},
                "required": list(_KEYS),
                "additionalProperties": False,
            },
        }
    },
    "required": ["criteria"],
    "additionalProperties": False,
}


class Verdict(NamedTuple):
    """What the judge says of one criterion."""

    criterion: str
    holds: bool
    reason: str


def grade_by_criteria(model: OpenAIModel, grader: Grader, sample: Sample, run: Run) -> Grade:
    """The share of the criteria that hold. Raises AgentError when the judge gives no verdicts."""
    criteria = list(grader.settings["criteria"])
    question = criteria_question(grader.settings, sample, run)
    answered = asked(model, question, SCHEMA, lambda text: verdicts_said(text, criteria))
    verdicts = answered.said
    details = {
        "criteria": [
            {"number": number, "criterion": one.criterion, "holds": one.holds, "reason": one.reason}
            for number, one in enumerate(verdicts, 1)
        ],
        **facts(model, answered.completion, answered.usage),
    }
    score = sum(one.holds for one in verdicts) / len(verdicts)
    return grade_of(grader, score, _told(verdicts), details)


def criteria_question(
    settings: Mapping[str, Any], sample: Sample, run: Run
) -> list[dict[str, Any]]:
    """The question, to be asked with `SCHEMA`."""
    trace = bool(settings.get("show_trace", False))
    rules = [
        {"number": number, "criterion": criterion}
        for number, criterion in enumerate(settings["criteria"], 1)
    ]
    case = {
        **asked_of(sample),
        **(expected_of(sample, calls=trace) if settings.get("reference", True) else {}),
        **(done_by(sample, run) if trace else {}),
        "answer": answer_of(run),
    }
    return judge_question(TASK, {"criteria": rules}, case)


def verdicts_said(text: str, criteria: Sequence[str]) -> list[Verdict]:
    """A verdict for each criterion, in order.

    Raises RecordError for a reply that does not give each one just one.
    """
    said = reply_with(text, "criteria")["criteria"]
    if not isinstance(said, list) or len(said) != len(criteria):
        raise RecordError(f"expected a list of {len(criteria)} verdicts under criteria")
    by_number = dict(_numbered(one) for one in said)
    if by_number.keys() != set(range(1, len(criteria) + 1)):
        raise RecordError(f"expected the criteria 1 to {len(criteria)}, each once")
    return [Verdict(criterion, *by_number[number]) for number, criterion in enumerate(criteria, 1)]


def _numbered(one: object) -> tuple[int, tuple[bool, str]]:
    value = one if isinstance(one, dict) else {}
    number, holds, reason = value.get("number"), value.get("holds"), one_line(value.get("reason"))
    if type(number) is not int or type(holds) is not bool or not reason:
        raise RecordError("expected of each criterion its number, reason (a text) and holds")
    return number, (holds, reason)


def _told(verdicts: Sequence[Verdict]) -> str:
    failing = [one for one in verdicts if not one.holds]
    if len(verdicts) == 1:
        return f"{'fails' if failing else 'holds'}: {verdicts[0].reason}"
    if not failing:
        return f"all {len(verdicts)} criteria hold"
    named = "; ".join(
        f"{one_line(one.criterion, 100).rstrip('.')}: {one.reason}" for one in failing
    )
    return one_line(f"{len(failing)} of {len(verdicts)} criteria fail: {named}", MAX_TOLD)
