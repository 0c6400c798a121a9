"""The graders of an evaluation, and those that a case has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from goldloop.canonical import canonical_json
from goldloop.errors import SettingsError
from goldloop.graders.contains import wanted
from goldloop.graders.grader import JUDGES, Grader
from goldloop.graders.kinds import listed, read_grader, unique
from goldloop.samples import Sample

OWN = "graders"
_FOR_CASES = ("contains", "exact", "regex", "json_schema", "tool_calls", *JUDGES)
_RESPONSE = "The response says the same as the expected response and contradicts it in nothing."


@dataclass(frozen=True, slots=True)
class GraderSet:
    """The graders, by the order of their file, and the score from which on a case passes.

    `pass_score` None: a case passes when it passes every grader that counts.
    """

    graders: tuple[Grader, ...]
    pass_score: float | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hexadecimal: changes with whatever may change what a case comes to."""
        each = [
            [grader.name, grader.version, grader.weight, asdict(grader.when)]
            for grader in sorted(self.graders, key=lambda grader: grader.name)
        ]
        return sha256(canonical_json([self.pass_score, each])).hexdigest()


def expected_graders(judge_model: str | None = None) -> GraderSet:
    """What each case expects: its tool calls, and with a judge its response in substance."""
    graders = [read_grader({"name": "tool_calls", "kind": "tool_calls"}, "tool_calls")]
    if judge_model:
        judge = {"name": "response", "kind": "judge", "model": judge_model}
        graders.append(read_grader({**judge, "criteria": [_RESPONSE]}, "response"))
    return GraderSet(tuple(graders))


def case_graders(graders: GraderSet, sample: Sample) -> tuple[Grader, ...]:
    """The graders that score a case's runs, in the set's order, and then its own.

    Left out are those that are for other cases (`when`), and those that compare with what the case
    does not say: expected tool calls, an expected response, a key of its metadata. What the case
    brings under its metadata's `graders` replaces the set's of the same name. It may bring no
    Python function, and its judges ask the model of the set's judge (of its name, else the first):
    a case is what somebody imported, and names no code and nobody to send texts to.

    Raises SettingsError, naming the sample, where what it brings cannot be read.
    """
    own = {grader.name: grader for grader in _own_graders(graders, sample)}
    of_set = [own.pop(grader.name, grader) for grader in graders.graders]
    return tuple(one for one in (*of_set, *own.values()) if _is_for(one, sample))


def _own_graders(graders: GraderSet, sample: Sample) -> tuple[Grader, ...]:
    given = sample.metadata.get(OWN)
    if given is None:
        return ()
    where = f"sample {sample.sample_id}: metadata.{OWN}"
    values = enumerate(listed(given, where))
    return unique((_own_grader(graders, one, f"{where}[{n}]") for n, one in values), where)


def _own_grader(graders: GraderSet, value: Any, where: str) -> Grader:
    grader = read_grader(value, where)
    if grader.kind not in _FOR_CASES:
        raise SettingsError(f"{where} is of kind {grader.kind}; write it into the graders' file")
    replaced = next((one for one in graders.graders if one.name == grader.name), None)
    if replaced is not None:
        if replaced.kind != grader.kind:
            said = f"{where}: {grader.name!r} is of kind {replaced.kind} in the graders' file"
            raise SettingsError(f"{said}, and {grader.kind} here; give this one another name")
        grader = replace(grader, weight=grader.weight if "weight" in value else replaced.weight)
    return _own_judge(graders, grader, where) if grader.kind in JUDGES else grader


def _own_judge(graders: GraderSet, grader: Grader, where: str) -> Grader:
    judges = [one for one in graders.graders if one.kind in JUDGES]
    judges.sort(key=lambda one: one.name != grader.name)
    if not judges or grader.settings["model"]:
        raise SettingsError(
            f"{where} may name no model, and needs a judge in the graders' file, to ask its model"
        )
    return replace(grader, settings={**grader.settings, "model": judges[0].settings["model"]})


def _is_for(grader: Grader, sample: Sample) -> bool:
    when = grader.when
    return (
        (not when.tags or bool(set(when.tags) & set(sample.tags)))
        and (not when.difficulty or sample.difficulty in when.difficulty)
        and (not when.source or sample.source in when.source)
        and _has_expectation(grader, sample)
    )


def _has_expectation(grader: Grader, sample: Sample) -> bool:
    settings: Mapping[str, Any] = grader.settings
    if grader.kind == "tool_calls":
        return sample.expected_tool_calls is not None
    if grader.kind == "contains":
        return bool(wanted(grader, sample))
    compares = (
        (grader.kind == "exact" and not settings["value"])
        or (grader.kind == "judge" and settings["reference"])
        or grader.kind == "judge_pair"
    )
    return not compares or bool(sample.expected_response)
