"""Gold checks: settled tasks that are asked again, to see how well people answer.

A check goes to people who have not seen the task, who cannot tell it from any other. Their answers
are compared with the label that stands; they do not vote on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from goldloop.agreement.rate import all_equal
from goldloop.consensus.states import Annotation
from goldloop.fields import Answers, Field


@dataclass(frozen=True, slots=True)
class Settled:
    """A sample whose labels stand: `prn` is its permanent random number, in [0, 1); `adjudicated`
    says that somebody decided it, not the vote; `seen` are the people who answered or skipped it.
    """

    sample_id: str
    prn: float
    adjudicated: bool
    seen: Set[int]


@dataclass(frozen=True, slots=True)
class Check:
    """A settled sample to be asked again, of so many `people`."""

    sample_id: str
    people: int


def pick_checks(settled: Iterable[Settled], count: int, active: Set[int]) -> list[Check]:
    """At most `count` samples that somebody of `active` has not seen: adjudicated ones first, since
    their labels are the surest, then by permanent random number.

    >>> pick_checks([Settled("a", 0.5, False, {1, 2})], 1, {1, 2, 3})
    [Check(sample_id='a', people=1)]
    """
    order = sorted(settled, key=lambda one: (not one.adjudicated, one.prn, one.sample_id))
    fit = (Check(one.sample_id, len(active - one.seen)) for one in order if active - one.seen)
    return [check for check, _ in zip(fit, range(count), strict=False)]


@dataclass(frozen=True, slots=True)
class CheckScore:
    """How one person did: of `answers` to the questions of checks, `right` equal what stands."""

    answers: int
    right: int


def check_scores(
    fields: Sequence[Field],
    labels: Mapping[str, Answers],
    answers: Mapping[str, Sequence[Annotation]],
) -> dict[int, CheckScore]:
    """Every person's score on the checks that they answered, by person.

    `labels` are what stands, by sample; `answers` those of the people who were checked.
    """
    verdicts: dict[int, list[bool]] = defaultdict(list)
    for sample_id, given in answers.items():
        for annotation in given:
            verdicts[annotation.annotator_id] += _right(fields, labels[sample_id], annotation)
    return {
        person: CheckScore(len(found), sum(found)) for person, found in sorted(verdicts.items())
    }


def doubtful_gold(
    fields: Sequence[Field],
    labels: Mapping[str, Answers],
    answers: Mapping[str, Sequence[Annotation]],
) -> list[str]:
    """The samples that at least two people were checked on, most of whom contradict what stands.

    Then it may be the label that is wrong, so somebody should look.
    """
    found = []
    for sample_id, given in answers.items():
        wrong = sum(not all(_right(fields, labels[sample_id], one)) for one in given)
        if len(given) > 1 and wrong > len(given) / 2:
            found.append(sample_id)
    return sorted(found)


def _right(fields: Sequence[Field], labels: Answers, annotation: Annotation) -> list[bool]:
    """For every question that was answered and has a label: whether the two are equal."""
    return [
        bool(all_equal(field, [annotation.answers[field.name], labels[field.name]]))
        for field in fields
        if field.name in annotation.answers and field.name in labels
    ]
