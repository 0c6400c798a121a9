"""The gate: whether a candidate has got worse than its baseline on the same cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from goldloop.errors import IncomparableError
from goldloop.evaluation.changes import Changes, changes, grader_change
from goldloop.evaluation.comparable import comparable
from goldloop.evaluation.flips import flips
from goldloop.evaluation.gate_notes import (
    judge_notes,
    left_out_notes,
    method_notes,
    slice_notes,
)
from goldloop.evaluation.judges import JudgeCheck, unproven
from goldloop.evaluation.one_sided import told_errors
from goldloop.evaluation.rules import NONINFERIOR, Rules
from goldloop.evaluation.summary import is_error, is_ungraded
from goldloop.evaluation.values import CaseOutcome, Evaluation, case_outcomes
from goldloop.evaluation.verdict import (
    ERRORS,
    INCONCLUSIVE,
    NO_EVIDENCE,
    PASS,
    REGRESSION,
    CaseError,
    GraderChange,
    Side,
    Verdict,
)

_NO_CHECKS: Mapping[str, JudgeCheck] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Comparison:
    """What the gate looks at: both evaluations as compared, the judges that are not proven and
    why (`doubts`; those that count: `counted`), and the outcomes and changes without those; `every`
    counts them too.

    Where only such judges are left, `alone` is true, and they are not left out.
    """

    baseline: Evaluation
    candidate: Evaluation
    rules: Rules
    doubts: Mapping[str, str]
    counted: Mapping[str, str]
    alone: bool
    before: Sequence[CaseOutcome]
    after: Sequence[CaseOutcome]
    whole: Changes | None
    every: Changes | None

    @property
    def without(self) -> tuple[str, ...]:
        """The graders that are left out."""
        return () if self.alone else tuple(self.counted)

    @property
    def runs(self) -> int:
        """Runs a case, by the one that has fewer."""
        return _runs(self.baseline, self.candidate)


def gate(
    baseline: Evaluation,
    candidate: Evaluation,
    rules: Rules,
    checks: Mapping[str, JudgeCheck] = _NO_CHECKS,
    *,
    intersect: bool = False,
) -> Verdict:
    """Compare a candidate with its baseline, case by case, and say whether it has got worse.

    `checks` are comparisons of judges with people, by the judges' versions. Judges without one that
    proves them do not count; a block that needs them is "inconclusive". Cases that came to nothing
    in either are left out and counted, with those that were never run or that only one of the two
    graded; over `rules.max_errors` of either there is no verdict. Each case counts the same: it is
    a verdict on these cases, not on the pool. Slices named in the rules block too, where they have
    enough cases; Holm's correction is among them, and the whole keeps its own alpha. Raises
    IncomparableError as `comparable` does, and where no case was graded in both though few came to
    nothing, or none was run at all.
    """
    base, cand, notes = comparable(baseline, candidate, intersect)
    doubts = {
        facts.name: why
        for facts in cand.graders
        if facts.is_judge and (why := unproven(checks.get(facts.version), rules))
    }
    compared = _compare(base, cand, rules, doubts)
    whole = compared.whole
    if whole is None and not (_too_many_errors(compared) and _was_run(base, cand)):
        raise IncomparableError(
            f"evaluations {base.evaluation_id} and {cand.evaluation_id} have no case that was"
            " graded in both; look at their graders (goldloop runs)"
        )
    return Verdict(
        status=_status(compared),
        rules=rules,
        baseline=_side(base, compared.before),
        candidate=_side(cand, compared.after),
        paired=whole.paired if whole else None,
        with_unproven=compared.every.paired if compared.every else None,
        power=whole.power if whole else None,
        slices=whole.slices if whole else (),
        graders=tuple(_grader_changes(compared)),
        flips=flips(base, cand, rules.metric, compared.without),
        errors=(*_errors(compared.before, "baseline"), *_errors(compared.after, "candidate")),
        notes=(*notes, *_notes(compared)),
        without=compared.without,
    )


def _compare(
    baseline: Evaluation, candidate: Evaluation, rules: Rules, doubts: Mapping[str, str]
) -> _Comparison:
    sides = (baseline, candidate)
    weighing = {facts.name for facts in candidate.graders if facts.weight > 0.0}
    counted = {name: why for name, why in doubts.items() if name in weighing}
    before, after = (case_outcomes(one, rules.metric, counted) for one in sides)
    # Errors count as graded: who is down today has not become a case for nobody.
    alone = bool(counted) and all(map(is_ungraded, (*before, *after)))
    every_before, every_after = (case_outcomes(one, rules.metric) for one in sides)
    every_before, every_after = told_errors(every_before, every_after)
    before, after = (every_before, every_after) if alone else told_errors(before, after)
    runs = _runs(baseline, candidate)
    return _Comparison(
        baseline=baseline,
        candidate=candidate,
        rules=rules,
        doubts=doubts,
        counted=counted,
        alone=alone,
        before=before,
        after=after,
        whole=changes(before, after, rules, runs),
        every=changes(every_before, every_after, rules, runs) if counted and not alone else None,
    )


def _runs(baseline: Evaluation, candidate: Evaluation) -> int:
    return max(1, min(baseline.runs_per_case, candidate.runs_per_case))


def _was_run(*evaluations: Evaluation) -> bool:
    return any(case.attempts for one in evaluations for case in one.cases)


def _status(compared: _Comparison) -> str:
    whole, every = compared.whole, compared.every
    if whole is None or _too_many_errors(compared):
        return ERRORS
    if whole.blocks:
        return INCONCLUSIVE if compared.alone else REGRESSION
    if whole.doubts or (every is not None and every.blocks):
        return INCONCLUSIVE
    # What could not have blocked whatever happened is no evidence either.
    return NO_EVIDENCE if compared.alone or _blind(whole, compared.rules) else PASS


def _too_many_errors(compared: _Comparison) -> bool:
    sides = compared.before, compared.after
    return any(_error_share(outcomes) > compared.rules.max_errors for outcomes in sides)


def _error_share(outcomes: Sequence[CaseOutcome]) -> float:
    asked = sum(not is_ungraded(one) for one in outcomes)
    return sum(map(is_error, outcomes)) / asked if asked else 0.0


def _blind(whole: Changes, rules: Rules) -> bool:
    """Whether a drop of `smallest_drop` could have been missed: neither would it have been seen
    four times in five, nor does the interval rule it out. A drop within the margin is put up with,
    so where `smallest_drop` is not over it, twice the margin counts.
    """
    drop = rules.smallest_drop if rules.smallest_drop > rules.margin else 2.0 * rules.margin
    if rules.policy == NONINFERIOR or whole.paired.lower > -drop:
        return False
    seen = whole.power.smallest_drop
    return seen is None or seen > drop


def _side(evaluation: Evaluation, outcomes: Sequence[CaseOutcome]) -> Side:
    return Side(
        evaluation_id=evaluation.evaluation_id,
        name=evaluation.name,
        dataset=evaluation.dataset,
        version=evaluation.version,
        agent_version=evaluation.agent_version,
        cases=len(outcomes),
        errors=sum(map(is_error, outcomes)),
    )


def _grader_changes(compared: _Comparison) -> Iterator[GraderChange]:
    for facts in compared.candidate.graders:
        found = grader_change(
            facts.name, compared.baseline, compared.candidate, compared.rules, compared.runs
        )
        yield GraderChange(facts, found, compared.doubts.get(facts.name))


def _errors(outcomes: Iterable[CaseOutcome], side: str) -> Iterator[CaseError]:
    for one in outcomes:
        if is_error(one):
            yield CaseError(one.case.sample_id, side, one.error or "")


def _notes(compared: _Comparison) -> Iterator[str]:
    whole, rules = compared.whole, compared.rules
    yield from left_out_notes(compared.before, compared.after, bool(compared.without))
    yield from judge_notes(compared.counted, whole, compared.every, compared.alone)
    if whole is not None:
        yield from method_notes(whole, rules)
        yield from slice_notes(whole, rules)
