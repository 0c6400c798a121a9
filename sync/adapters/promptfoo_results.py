"""promptfoo: the results that `promptfoo eval --output results.json` writes, version 3 and newer.

Each assertion is a grader, under its metric or its type. A case passes when its assertions do;
where promptfoo decides otherwise (a threshold of the test, a scoring function of its own), its
verdict counts as the grader `promptfoo`, and the assertions are shown and count for nothing. That
is read from how the tests are set up, so that all results of one set-up are graded alike. Repeats
of a test are attempts: they have the same variables, or the same `sample_id` in the metadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from goldloop.errors import RecordError
from goldloop.evaluation import Attempt, Evaluation, GraderFacts
from goldloop.graders.grader import Grade
from sync.adapters.foreign import (
    About,
    Row,
    count,
    evaluation_of,
    grader_version,
    listed,
    mapping,
    name,
    number,
    print_of,
    sample_id_of,
    text,
)

OLDEST = 3
WHOLE = "promptfoo"
_ERROR = 2  # failureReason: no assertion rejected it, but something else broke
_JUDGED = ("llm-rubric", "g-eval", "factuality", "pi", "search-rubric", "agent-rubric")
_JUDGED_LIKE = ("model-graded", "answer-relevance", "context-", "conversation-relevance")
_GOAL = "trajectory:goal-success"
Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Subject:
    """What was evaluated: a provider with a prompt."""

    provider: str
    prompt: str


def is_promptfoo(document: object) -> bool:
    """Whether a JSON document is promptfoo's."""
    return isinstance(mapping(mapping(document).get("results")).get("results"), list)


def read_promptfoo(document: Mapping[str, Any], file: str, wanted: str = "") -> Evaluation:
    """The evaluation of one provider and prompt; `wanted` names it where the file has several.

    Raises RecordError for a file of another version, and where `wanted` names none or several.
    """
    found = mapping(document.get("results"))
    version = number(found.get("version"))
    if version is None or version < OLDEST:
        raise RecordError(
            f"{file} is not of version {OLDEST} of promptfoo's results; make it with a promptfoo "
            "of 2025 or newer"
        )
    results = [one for one in listed(found.get("results")) if isinstance(one, Mapping)]
    subject, kept = _chosen(results, file, wanted)
    grades = [_grades(one) for one in kept]
    facts = [_facts_of(one, graded) for one, graded in zip(kept, grades, strict=True)]
    composite = _composite(kept, grades, facts)
    return evaluation_of(
        _rows(kept, grades, file, composite),
        About(
            file=file,
            made_by="promptfoo",
            agent_version=name(subject.provider, "promptfoo"),
            dataset=name(mapping(document.get("config")).get("description"), "promptfoo"),
            graders=tuple(_graders(kept, facts, composite)),
            created_at=name(found.get("timestamp"), "") or None,
            notes=(_OWN_VERDICT,) if composite else (),
        ),
    )


_OWN_VERDICT = (
    "promptfoo's own verdict is graded: its tests have thresholds, or assertions that weigh more in"
    " one case than in another; single assertions are shown and count for nothing"
)


def _chosen(results: Sequence[Result], file: str, wanted: str) -> tuple[_Subject, list[Result]]:
    subjects: dict[_Subject, list[Result]] = {}
    for one in results:
        subjects.setdefault(_subject(one), []).append(one)
    several_prompts = len({one.prompt for one in subjects}) > 1
    names = {
        subject: f"{subject.provider} / {subject.prompt}" if several_prompts else subject.provider
        for subject in subjects
    }
    matching = [one for one in subjects if not wanted or wanted in (names[one], one.provider)]
    if len(matching) == 1:
        return matching[0], subjects[matching[0]]
    known = "; ".join(sorted(names.values())[:10]) or "none"
    wrong = f"has no {wanted!r}" if wanted and not matching else "compares several agents"
    raise RecordError(f"{file} {wrong}; name one after the file, as {file}#NAME. It has: {known}")


def _subject(result: Result) -> _Subject:
    provider, prompt = result.get("provider"), mapping(result.get("prompt"))
    if isinstance(provider, Mapping):
        provider = provider.get("label") or provider.get("id")
    label = prompt.get("label") or prompt.get("raw") or result.get("promptIdx")
    return _Subject(name(provider, "no provider"), name(label, "prompt")[:80])


def _rows(
    results: Sequence[Result], grades: Sequence[list[_Graded]], file: str, composite: bool
) -> Iterable[Row]:
    for place, (result, graded) in enumerate(zip(results, grades, strict=True)):
        where = f"{file}: results[{place}]"
        test = mapping(result.get("testCase"))
        metadata = mapping(test.get("metadata")) or mapping(result.get("metadata"))
        given = mapping(test.get("vars")) or mapping(result.get("vars"))
        asked = print_of([given, test.get("description")])
        sample_id = sample_id_of(metadata, f"{where}.metadata") or f"case-{asked[:12]}"
        said = given.get("user_input", given.get("messages", given))
        yield Row(sample_id, asked, text(said), metadata, _attempt(result, graded, composite))


def _attempt(result: Result, graded: Sequence[_Graded], composite: bool) -> Attempt:
    tokens, response = mapping(result.get("tokenUsage")), mapping(result.get("response"))
    latency, cost = number(result.get("latencyMs")), number(result.get("cost"))
    output = response.get("output")
    return Attempt(
        grades=() if _broke(result) else tuple(_shown(result, graded, composite)),
        error=text(result.get("error") or "promptfoo says no more", 1000)
        if _broke(result)
        else None,
        response=None if output is None else text(output),
        seconds=None if latency is None or latency < 0 else latency / 1000,
        input_tokens=count(tokens.get("prompt")),
        output_tokens=count(tokens.get("completion")),
        usd=None if cost is None or cost < 0 else f"{Decimal(repr(cost)):f}",
    )


def _broke(result: Result) -> bool:
    failed = result.get("failureReason") == _ERROR
    return failed or (bool(result.get("error")) and not mapping(result.get("gradingResult")))


def _shown(result: Result, graded: Sequence[_Graded], composite: bool) -> Iterable[Grade]:
    if composite:
        passed = result.get("success") is True
        score = _share(result.get("score"), passed)
        yield Grade(WHOLE, score, passed, text(_grading(result).get("reason"), 2000))
    for one in graded:
        yield one.grade


@dataclass(frozen=True, slots=True)
class _Graded:
    """What an assertion said, and what it is."""

    grade: Grade
    facts: GraderFacts


def _grading(result: Result) -> Mapping[str, Any]:
    return mapping(result.get("gradingResult"))


def _grades(result: Result) -> list[_Graded]:
    """What every assertion of a result says; those of one name are told apart by their number."""
    if _broke(result):
        return []
    components = [mapping(one) for one in listed(_grading(result).get("componentResults"))]
    facts = _each_facts([mapping(one.get("assertion")) for one in components])
    return [
        _Graded(_grade(known.name, said), known)
        for said, known in zip(components, facts, strict=True)
    ]


def _facts_of(result: Result, graded: Sequence[_Graded]) -> list[GraderFacts]:
    """Who graded a result; of one that broke, who would have."""
    if not _broke(result):
        return [one.facts for one in graded]
    return _each_facts(list(_assertions(mapping(result.get("testCase")))))


def _assertions(test: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """What a test asserts, in the order of its results: those within a set follow it."""
    for one in map(mapping, listed(test.get("assert"))):
        inner = [mapping(part) for part in listed(one.get("assert"))]
        # What a set came to says nothing of the set itself.
        yield {} if inner else one
        yield from inner


def _each_facts(assertions: Sequence[Mapping[str, Any]]) -> list[GraderFacts]:
    found: list[GraderFacts] = []
    taken: dict[str, int] = {}
    for one in assertions:
        label = name(one.get("metric") or one.get("type"), "assertion")
        taken[label] = taken.get(label, 0) + 1
        label = label if taken[label] == 1 else f"{label} #{taken[label]}"
        found.append(_facts(label, one))
    return found


def _grade(label: str, said: Mapping[str, Any]) -> Grade:
    reason = text(said.get("reason"), 2000)
    if mapping(said.get("metadata")).get("graderError") is True:
        return Grade(label, None, None, error=reason or "the grader failed")
    passed = said.get("pass") is True
    return Grade(label, _share(said.get("score"), passed), passed, reason)


def _share(score: object, passed: bool) -> float:
    found = number(score)
    return float(passed) if found is None else min(max(found, 0.0), 1.0)


def _facts(label: str, assertion: Mapping[str, Any]) -> GraderFacts:
    kind = name(assertion.get("type"), "assertion")
    weight = 0.0 if assertion.get("metricOnly") is True else number(assertion.get("weight"))
    provider = assertion.get("provider")
    if isinstance(provider, Mapping):
        provider = provider.get("id")
    model = name(provider, "") if isinstance(provider, str) else ""
    return GraderFacts(
        name=label,
        kind="judge" if _judged(kind) else f"promptfoo:{kind}",
        version=grader_version(kind, assertion.get("threshold"), model),
        weight=1.0 if weight is None or weight < 0 else weight,
        model=model or None,
    )


def _judged(kind: str) -> bool:
    plain = kind.removeprefix("not-")
    return plain in (*_JUDGED, _GOAL) or plain.startswith(_JUDGED_LIKE)


def _composite(
    results: Sequence[Result],
    grades: Sequence[list[_Graded]],
    facts: Sequence[Sequence[GraderFacts]],
) -> bool:
    """Whether promptfoo's verdicts are not those of its assertions, so that they have to count.

    A verdict that is another shows that too, for what the tests do not say.
    """
    known: dict[str, GraderFacts] = {}
    for result, graded, named in zip(results, grades, facts, strict=True):
        if any(_own_rule(result)) or any(known.setdefault(one.name, one) != one for one in named):
            return True
        if not _broke(result) and _differs(result, graded):
            return True
    return not known


def _own_rule(result: Result) -> list[str]:
    """By what a test passes although not all of its assertions do."""
    test = mapping(result.get("testCase"))
    asserted = [mapping(one) for one in listed(test.get("assert"))]
    sets = [number(one.get("threshold")) for one in asserted if listed(one.get("assert"))]
    rule = (number(test.get("threshold")), test.get("assertScoringFunction"), *sets)
    return [str(one) for one in rule if one is not None]


def _differs(result: Result, graded: Sequence[_Graded]) -> bool:
    counted = [one.grade.passed for one in graded if one.facts.weight > 0]
    agrees = all(counted) == (result.get("success") is True)
    return not counted or not (agrees or None in counted)


def _graders(
    results: Sequence[Result], facts: Sequence[Sequence[GraderFacts]], composite: bool
) -> Iterable[GraderFacts]:
    known: dict[str, GraderFacts] = {}
    for one in (one for named in facts for one in named):
        known.setdefault(one.name, one)
    if composite:
        judged = any(one.is_judge and one.weight > 0 for one in known.values())
        versions = sorted((one.name, one.version, one.weight) for one in known.values())
        rules = sorted({print_of(_own_rule(one)) for one in results})
        kind = "judge" if judged else "promptfoo:test"
        yield GraderFacts(WHOLE, kind, grader_version(WHOLE, versions, rules))
    for _, one in sorted(known.items()):
        yield replace(one, weight=0.0) if composite else one
