"""Whether two evaluations can be compared: the same cases, graded alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from goldloop.errors import IncomparableError
from goldloop.evaluation.values import Evaluation, GraderFacts

_NAMED = 5
_LONGEST = 60


def comparable(
    baseline: Evaluation, candidate: Evaluation, intersect: bool
) -> tuple[Evaluation, Evaluation, tuple[str, ...]]:
    """Both, with the same cases and graders, and notes that say what was done to get there.

    Without `intersect` it changes nothing, and raises IncomparableError where content fingerprints,
    cases, graders (name, version, weight) or the score to pass are not the same. With it, cases of
    the same sample id and content are kept, and graders of the same name and version, with the
    candidate's weights and score to pass; IncomparableError where that leaves none of either. Other
    labels alone are noted.
    """
    reasons = list(_differences(baseline, candidate))
    notes = tuple(_notes(baseline, candidate))
    if not intersect:
        if reasons:
            raise IncomparableError(
                f"evaluations {baseline.evaluation_id} and {candidate.evaluation_id} cannot be"
                f" compared: {'; '.join(reasons)}. Evaluate the baseline again, or compare what"
                " both have in common with --intersect"
            )
        return baseline, candidate, notes
    base, cand, graders = _with_common_graders(baseline, candidate)
    base, cand, cases = _with_common_cases(base, cand)
    return base, cand, (*notes, *cases, *graders)


def _differences(baseline: Evaluation, candidate: Evaluation) -> Iterator[str]:
    if baseline.content_fingerprint != candidate.content_fingerprint:
        yield (
            f"{_version(baseline)} and {_version(candidate)} do not hold the same cases"
            " (content fingerprints differ)"
        )
    elif (common := len(_common_ids(baseline, candidate))) != len(baseline.cases) or (
        common != len(candidate.cases)
    ):
        yield (
            f"the baseline has {len(baseline.cases)} cases, the candidate {len(candidate.cases)},"
            f" and only {common} are in both"
        )
    yield from _grader_differences(baseline, candidate)
    if baseline.pass_score != candidate.pass_score:
        yield (
            "a case passes at other scores"
            f" ({_score(baseline.pass_score)}; {_score(candidate.pass_score)})"
        )


def _version(evaluation: Evaluation) -> str:
    return _short(f"{evaluation.dataset}@{evaluation.version}")


def _score(score: float | None) -> str:
    return "by every grader" if score is None else f"from {score:g} on"


def _grader_differences(baseline: Evaluation, candidate: Evaluation) -> Iterator[str]:
    before, after = _by_name(baseline), _by_name(candidate)
    if alone := sorted(before.keys() - after.keys()):
        yield f"the candidate was not graded by {_listed(alone)}"
    if alone := sorted(after.keys() - before.keys()):
        yield f"the baseline was not graded by {_listed(alone)}"
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        if old.version != new.version:
            versions = f"{_graded_by(old)} to {_graded_by(new)}"
            yield f"grader {_short(name)} changed from version {versions}"
        elif old.weight != new.weight:
            weights = f"{old.weight:g} in the baseline and {new.weight:g} now"
            yield f"grader {_short(name)} weighs {weights}"


def _by_name(evaluation: Evaluation) -> dict[str, GraderFacts]:
    return {facts.name: facts for facts in evaluation.graders}


def _graded_by(facts: GraderFacts) -> str:
    return facts.version if facts.model is None else f"{facts.version} ({_short(facts.model)})"


def _short(name: str) -> str:
    """A name from outside, on one line and cut: it may come from another tool's file."""
    line = " ".join(name.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(map(_short, names[:_NAMED])) + (f" and {more} more" if more > 0 else "")


def _ours(*evaluations: Evaluation) -> bool:
    """Whether we made them: of other tools' files we know the provider alone, not the prompt."""
    return all(one.made_by == "goldloop" for one in evaluations)


def _notes(baseline: Evaluation, candidate: Evaluation) -> Iterator[str]:
    if baseline.evaluation_id == candidate.evaluation_id and baseline == candidate:
        yield "An evaluation is compared with itself."
    elif _ours(baseline, candidate) and baseline.agent_version == candidate.agent_version:
        yield "Both are of the same agent version: what differs between them is chance."
    if baseline.content_fingerprint != candidate.content_fingerprint:
        return
    if baseline.labels_fingerprint != candidate.labels_fingerprint:
        yield (
            f"{_version(baseline)} and {_version(candidate)} hold the same cases with other labels."
        )


def _common_ids(baseline: Evaluation, candidate: Evaluation) -> set[str]:
    content = {case.sample_id: case.content for case in candidate.cases}
    return {
        case.sample_id for case in baseline.cases if content.get(case.sample_id) == case.content
    }


def _with_common_cases(
    baseline: Evaluation, candidate: Evaluation
) -> tuple[Evaluation, Evaluation, list[str]]:
    common = _common_ids(baseline, candidate)
    if not common:
        raise IncomparableError(
            f"evaluations {baseline.evaluation_id} and {candidate.evaluation_id} have no case in"
            " common: no sample id with the same content. Evaluate both agents on one version"
        )
    both = {case.sample_id for case in baseline.cases} & {c.sample_id for c in candidate.cases}
    left = [
        f"{count} {what}"
        for count, what in (
            (len(baseline.cases) - len(both), "only the baseline has"),
            (len(candidate.cases) - len(both), "only the candidate has"),
            (len(both) - len(common), "whose content changed"),
        )
        if count
    ]
    notes = [f"Only the {len(common)} cases of both are compared; left out: {', '.join(left)}."]
    return _of(baseline, common), _of(candidate, common), notes if left else []


def _of(evaluation: Evaluation, ids: set[str]) -> Evaluation:
    return replace(evaluation, cases=tuple(c for c in evaluation.cases if c.sample_id in ids))


def _with_common_graders(
    baseline: Evaluation, candidate: Evaluation
) -> tuple[Evaluation, Evaluation, list[str]]:
    before, after = _by_name(baseline), _by_name(candidate)
    kept = tuple(
        facts
        for facts in candidate.graders
        if facts.name in before and before[facts.name].version == facts.version
    )
    if not kept:
        raise IncomparableError(
            f"evaluations {baseline.evaluation_id} and {candidate.evaluation_id} have no grader in"
            " common: none of the same name and version. Evaluate the baseline again"
        )
    left = sorted((before.keys() | after.keys()) - {facts.name for facts in kept})
    notes = []
    if left:
        notes.append(f"Graders left out, as both do not have them alike: {_listed(left)}.")
    if any(before[facts.name].weight != facts.weight for facts in kept):
        notes.append("The candidate's weights of graders count for both.")
    if baseline.pass_score != candidate.pass_score:
        notes.append(f"For both a case passes {_score(candidate.pass_score)}, as the candidate's.")
    return (
        replace(baseline, graders=kept, pass_score=candidate.pass_score),
        replace(candidate, graders=kept),
        notes,
    )
