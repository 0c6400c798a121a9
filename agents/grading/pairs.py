"""judge_pair: a model says whether the answer is at least as good as the expected one, asked in
both orders, because judges like one place better than the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from agents.case_text import ReplyError, cut_text
from agents.grading.asked import asked, facts, known_total, one_line, reply_with
from agents.grading.case import answer_of, asked_of, judge_question
from agents.openai_model import OpenAIModel
from agents.retry import CallError
from agents.usage import Usage, total
from goldloop.errors import RecordError
from goldloop.graders import Grade, Grader, failed_grade, grade_of
from goldloop.samples import Run, Sample

A, B, EQUAL = "A", "B", "equal"
TASK = (
    "You compare two answers, A and B, to the last turn of a conversation. Which place an answer "
    "has says nothing about it, and neither do its length and what it says of itself. Write a "
    "reason of one sentence that names what decides, and then which is better by the measure "
    'below: "A", "B", or "equal" where neither is. Reply with {"reason": text, "better": "A" or '
    '"B" or "equal"}. The measure:'
)
SCHEMA = {
    "type": "object",
    "properties": {
        "reason": {"type": "string"},
        "better": {"type": "string", "enum": [A, B, EQUAL]},
    },
    "required": ["reason", "better"],
    "additionalProperties": False,
}


class Comparison(NamedTuple):
    """What the judge says of one order."""

    better: str
    reason: str


def grade_by_pair(model: OpenAIModel, grader: Grader, sample: Sample, run: Run) -> Grade:
    """1 where the answer is at least as good as the expected one in both orders, 0 where it is
    worse in both, and 0.5 where the order decides.

    Raises AgentError when the judge gives no verdict.
    """
    answer, expected = answer_of(run), sample.expected_response
    if expected is None:
        return failed_grade(grader, "the case has no expected_response to compare with")
    expected = cut_text(expected)
    if answer is None:
        return grade_of(grader, 0.0, "the agent said nothing")
    if answer == expected:
        return grade_of(grader, 1.0, "the answer is the expected one", {"same": True})
    return _compared(model, grader, sample, answer, expected)


def _compared(
    model: OpenAIModel, grader: Grader, sample: Sample, answer: str, expected: str
) -> Grade:
    spent: list[Usage] = []
    orders = []
    for place, first, second in ((A, answer, expected), (B, expected, answer)):
        question = pair_question(grader.settings, sample, first, second)
        try:
            answered = asked(model, question, SCHEMA, comparison_said)
        except (ReplyError, CallError) as error:
            error.usage = known_total([*spent, error.usage])
            raise
        spent.append(answered.usage)
        worse = answered.said.better not in (place, EQUAL)
        orders.append({"answer_is": place, **answered.said._asdict(), "worse": worse})
    unstable = orders[0]["worse"] != orders[1]["worse"]
    details = {
        "orders": orders,
        "unstable": unstable,
        **facts(model, answered.completion, total(spent)),
    }
    score = 0.5 if unstable else float(not orders[0]["worse"])
    return grade_of(grader, score, _told(orders, score), details)


def pair_question(
    settings: Mapping[str, Any], sample: Sample, first: str, second: str
) -> list[dict[str, Any]]:
    """The question about two answers in one order, to be asked with `SCHEMA`.

    Which of the two was expected is not told: a judge would find for that one.
    """
    measure = settings.get("criteria") or "which answer is more right, complete and to the point"
    case = {**asked_of(sample), "answer_A": first, "answer_B": second}
    return judge_question(TASK, {"better": measure}, case)


def comparison_said(text: str) -> Comparison:
    """Which is better, and why; raises RecordError for a reply that does not say."""
    value = reply_with(text, "better")
    better, reason = value["better"], one_line(value.get("reason"))
    if better not in (A, B, EQUAL) or not reason:
        raise RecordError('expected a reason (a text), and better: "A", "B" or "equal"')
    return Comparison(better, reason)


def _told(orders: list[dict[str, Any]], score: float) -> str:
    if score == 0.5:
        return "the order of the two answers decided: better in one, worse in the other"
    how = "at least as good as" if score else "worse than"
    return f"{how} the expected answer in both orders: {orders[0]['reason']}"
