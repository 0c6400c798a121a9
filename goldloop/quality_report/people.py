"""Who answered, and how sure the labels of a version are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from goldloop.agreement import FieldAgreement, field_agreement
from goldloop.agreement.field import SKEWED
from goldloop.annotators import annotator_reports
from goldloop.consensus import counted
from goldloop.consensus.states import Annotation
from goldloop.fields import Field
from goldloop.quality_report.composition import Share, shares
from goldloop.versions import Item

NAMED = 100


@dataclass(frozen=True, slots=True)
class AnnotatorFigures:
    """One person's work on the version's items; a share is in [0, 1], None where it rests on
    nothing. `with_others` is how often the answers equal the majority of the others', over
    `compared` answers; `with_truth` how often they equal a ground truth of somebody else, over
    `checked`. `hasty` answers came faster than anybody reads.
    """

    annotator_id: int
    name: str | None
    answers: int
    skips: int
    with_others: float | None
    compared: int
    with_truth: float | None
    checked: int
    median_seconds: float | None
    hasty: int


@dataclass(frozen=True, slots=True)
class Certainty:
    """What the items say of their own labels.

    `annotators` is how many people answered an item. Of the items that two or more answered, the
    labels of `unanimous` ones are what everybody said. `disputed` has the fields on which nothing
    stands, by sample, of at most the first 100 of the `disputed_items`; `disputed_fields` counts
    them by field, as shares of all items.
    """

    annotators: tuple[Share, ...]
    answered_by_several: int
    unanimous: int
    disputed_items: int
    disputed_fields: tuple[Share, ...]
    disputed: dict[str, tuple[str, ...]]


@dataclass(slots=True)
class CertaintyTally:
    """Counts one item after another."""

    items: int = 0
    annotators: Counter[str] = field(default_factory=Counter)
    several: int = 0
    unanimous: int = 0
    disputed_items: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    disputed: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        """Count the evidence of an item."""
        self.items += 1
        evidence = item.get("evidence") or {}
        people = evidence.get("annotators")
        self.annotators["not given" if people is None else str(people)] += 1
        if (people or 0) > 1:
            self.several += 1
            self.unanimous += evidence.get("agreement_rate") == 1.0
        names = evidence.get("disputed_fields")
        if names:
            self._dispute(str(item["sample_id"]), tuple(names))

    def _dispute(self, sample_id: str, names: tuple[str, ...]) -> None:
        self.disputed_items += 1
        self.fields.update(names)
        if len(self.disputed) < NAMED:
            self.disputed[sample_id] = names

    def found(self) -> Certainty:
        """What was counted."""
        order = sorted(self.annotators, key=lambda name: (not name.isdigit(), len(name), name))
        return Certainty(
            annotators=shares(self.annotators, self.items, order),
            answered_by_several=self.several,
            unanimous=self.unanimous,
            disputed_items=self.disputed_items,
            disputed_fields=shares(self.fields, self.items),
            disputed=self.disputed,
        )


@dataclass(frozen=True, slots=True)
class HeldBack:
    """How many samples are in one state, and the first hundred of them."""

    samples: int
    first: tuple[str, ...]


def held_back_by_state(states: Mapping[str, Sequence[str]] | None) -> dict[str, HeldBack] | None:
    """The samples of each state, counted; None where they are not known."""
    if states is None:
        return None
    return {state: HeldBack(len(ids), tuple(ids[:NAMED])) for state, ids in states.items()}


def certainty(items: Sequence[Item]) -> Certainty:
    """How sure the labels of these items are, by what the items themselves say."""
    tally = CertaintyTally()
    for item in items:
        tally.add(item)
    return tally.found()


def agreements(
    fields: Sequence[Field], answers: Mapping[str, Sequence[Annotation]], draws: int
) -> tuple[FieldAgreement, ...]:
    """The agreement on every field that somebody answered, in the order of the fields."""
    standing = {sample_id: counted(given) for sample_id, given in answers.items()}
    found = []
    for question in fields:
        rows = [
            (sample_id, one.annotator_id, one.answers[question.name], one.updated_at)
            for sample_id, given in standing.items()
            for one in given
            if question.name in one.answers
        ]
        if rows:
            found.append(field_agreement(question, rows, draws=draws))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class BeyondChance:
    """How far people agree on a field beyond chance, by the measure that can be trusted there."""

    field: str
    value: float
    measure: str


def beyond_chance(agreement: FieldAgreement) -> BeyondChance | None:
    """Alpha, or AC1 where most answers are the same and alpha is low although people agree; None
    where neither is defined, and for measures that are not corrected for chance.
    """
    skewed = (agreement.prevalence or 0.0) > SKEWED
    if skewed and agreement.ac1.value is not None:
        return BeyondChance(agreement.field, agreement.ac1.value, "AC1")
    if agreement.score.value is None or not agreement.measure.startswith("alpha"):
        return None
    return BeyondChance(agreement.field, agreement.score.value, agreement.measure)


def lowest_agreement(fields: Sequence[FieldAgreement] | None) -> BeyondChance | None:
    """The field on which people agree least; None where nothing is known of any."""
    found = [one for one in map(beyond_chance, fields or ()) if one is not None]
    return min(found, key=lambda one: one.value, default=None)


def annotator_figures(
    fields: Sequence[Field],
    answers: Mapping[str, Sequence[Annotation]],
    names: Mapping[int, str],
    words: Mapping[str, int],
) -> tuple[AnnotatorFigures, ...]:
    """Everybody who answered or skipped, by id; `fields` are the questions that make gold."""
    return tuple(
        AnnotatorFigures(
            annotator_id=one.annotator_id,
            name=names.get(one.annotator_id),
            answers=one.answers,
            skips=one.skips,
            with_others=one.with_others,
            compared=one.compared,
            with_truth=one.with_truth,
            checked=one.checked,
            median_seconds=one.median_seconds,
            hasty=one.hasty,
        )
        for one in annotator_reports(fields, answers, words)
    )
