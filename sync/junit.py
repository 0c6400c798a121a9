"""Evaluations and gates as JUnit XML, which continuous integration shows case by case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from junitparser import Error, Failure, JUnitXml, Properties, Property, Skipped, TestCase, TestSuite

from goldloop.evaluation import (
    CaseError,
    CaseOutcome,
    Evaluation,
    Flip,
    Summary,
    Verdict,
    case_outcomes,
)
from views.flips import cut, output_of, why
from views.gate_words import points, share

LONG = 2000
# XML 1.0 has no way to write the other characters, not even as a reference.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def evaluation_junit(evaluation: Evaluation, summary: Summary) -> str:
    """One suite with one test a case: it fails unless all its graded runs pass."""
    facts = {
        "agent_version": evaluation.agent_version,
        "content_fingerprint": evaluation.content_fingerprint,
        "score": share(summary.whole.mean),
        "metric": summary.metric,
    }
    outcomes = case_outcomes(evaluation, summary.metric)
    return _document(evaluation, f"evaluation {evaluation.name}", facts, map(_evaluated, outcomes))


def gate_junit(verdict: Verdict, baseline: Evaluation, candidate: Evaluation) -> str:
    """One suite with one test a case of the candidate, and one more for the verdict.

    A case fails that went from right to wrong. One that the baseline does not have is skipped.
    """
    flips = {flip.sample_id: flip for flip in verdict.flips}
    errors = {error.sample_id: error for error in verdict.errors}
    change = None if verdict.paired is None else verdict.paired.change
    facts = {
        "status": verdict.status,
        "policy": verdict.rules.policy,
        "baseline": verdict.baseline.name,
        "change_points": points(change),
    }
    known = {(case.sample_id, case.content) for case in baseline.cases}
    cases = (
        _gated(one, flips.get(one.case.sample_id), errors.get(one.case.sample_id))
        if (one.case.sample_id, one.case.content) in known
        else _skipped(one)
        for one in case_outcomes(candidate, verdict.rules.metric, verdict.without)
    )
    return _document(candidate, f"gate {candidate.name}", facts, [_verdict(verdict), *cases])


def _document(
    evaluation: Evaluation, name: str, facts: Mapping[str, str], cases: Iterable[TestCase]
) -> str:
    suite = TestSuite(plain(name, 200))
    for key, value in facts.items():
        suite.add_property(key, plain(value, 200))
    if evaluation.created_at:
        suite.timestamp = plain(evaluation.created_at, 40)
    suite.add_testcases(cases)
    whole = JUnitXml(plain(name, 200))
    whole.add_testsuite(suite)
    whole.update_statistics()
    return str(whole.tostring().decode("utf-8"))


def _case(outcome: CaseOutcome) -> TestCase:
    one = outcome.case
    case = TestCase(
        plain(one.sample_id, 200), classname=plain(one.slices[0] if one.slices else "cases", 200)
    )
    seconds = [attempt.seconds for attempt in one.attempts if attempt.seconds is not None]
    case.time = sum(seconds) if seconds else 0.0
    properties = Properties()
    for name in one.slices[:20]:
        properties.add_property(Property("slice", plain(name, 200)))
    if outcome.value is not None:
        properties.add_property(Property("score", f"{outcome.value:.4f}"))
    case.append(properties)
    return case


def _evaluated(outcome: CaseOutcome) -> TestCase:
    case = _case(outcome)
    if outcome.value is None:
        case.result = [Error(plain(outcome.error or "it came to nothing"), "error")]
    elif outcome.passes < outcome.graded:
        said = f"{outcome.passes} of {outcome.graded} runs passed"
        case.result = [_failure(said, _reasons(outcome), "failed")]
    return case


def _reasons(outcome: CaseOutcome) -> str:
    return "\n".join(
        f"{grade.grader}: {grade.reason}"
        for attempt in outcome.case.attempts
        for grade in attempt.grades
        if grade.passed is False
    )


def _gated(outcome: CaseOutcome, flip: Flip | None, error: CaseError | None) -> TestCase:
    case = _case(outcome)
    if error is not None:
        case.result = [Error(plain(f"{error.side}: {error.error}"), "error")]
    elif flip is not None and flip.direction == "regressed":
        text = f"{why(flip)}\n\nbaseline:\n{output_of(flip.baseline)}\n\ncandidate:\n"
        text += output_of(flip.candidate)
        case.result = [_failure("went from right to wrong", text, "regressed")]
    elif outcome.value is None:
        case.result = [Skipped("no grader that counts applies to it", "skipped")]
    return case


def _skipped(outcome: CaseOutcome) -> TestCase:
    case = _case(outcome)
    case.result = [Skipped("the baseline does not have it", "skipped")]
    return case


def _verdict(verdict: Verdict) -> TestCase:
    case = TestCase("verdict", classname="gate")
    said = plain(verdict.sentence, LONG)
    if verdict.status == "regression":
        case.result = [Failure(said, "regression")]
    elif verdict.status == "errors":
        case.result = [Error(said, "errors")]
    elif verdict.status != "pass":
        case.result = [Skipped(said, plain(verdict.status, 40))]
    return case


def _failure(message: str, text: str, kind: str) -> Failure:
    failure = Failure(plain(message, LONG), kind)
    failure.text = plain(text, 2 * LONG)
    return failure


def plain(text: str, limit: int = LONG) -> str:
    """Text that XML can hold, at most so many characters of it.

    >>> plain("red\\x1b[31m \\x00 ok")
    'red\\ufffd[31m \\ufffd ok'
    """
    return cut(_FORBIDDEN.sub("\ufffd", text), limit)
