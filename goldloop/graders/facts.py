"""What is remembered of the graders of an evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256

from goldloop.canonical import canonical_json
from goldloop.errors import SettingsError
from goldloop.evaluation.values import GraderFacts
from goldloop.graders.grader import Grader
from goldloop.graders.grader_set import OWN, GraderSet, case_graders
from goldloop.samples import Sample


def facts_of(grader: Grader) -> GraderFacts:
    """What is remembered of one grader."""
    model = grader.settings.get("model") or None
    return GraderFacts(
        grader.name, grader.kind, grader.version, grader.weight, grader.threshold, model
    )


def facts_of_cases(graders: GraderSet, samples: Iterable[Sample]) -> tuple[GraderFacts, ...]:
    """The set's graders, and then those that cases bring, each name once.

    Where cases bring a grader of a name that others have too, its version is the hash of all of
    its versions: it changes when one of them does. Raises SettingsError where one cannot be read,
    and where two of one name differ in kind or weight.
    """
    found = {grader.name: [facts_of(grader)] for grader in graders.graders}
    for sample in samples:
        if sample.metadata.get(OWN) is not None:
            for grader in case_graders(graders, sample):
                _add(found.setdefault(grader.name, []), facts_of(grader), sample)
    return tuple(_together(versions) for versions in found.values())


def _add(versions: list[GraderFacts], facts: GraderFacts, sample: Sample) -> None:
    if versions and (versions[0].kind, versions[0].weight) != (facts.kind, facts.weight):
        raise SettingsError(
            f"sample {sample.sample_id}: metadata.{OWN}: {facts.name!r} differs in kind or weight "
            "from others of this name; give it a name of its own"
        )
    if facts not in versions:
        versions.append(facts)


def _together(versions: Sequence[GraderFacts]) -> GraderFacts:
    if len(versions) == 1:
        return versions[0]
    each = sorted(facts.version for facts in versions)
    return replace(versions[0], version=sha256(canonical_json(each)).hexdigest()[:12])
