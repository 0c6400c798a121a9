"""Warnings: what is weak about a version, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from goldloop.agreement import FieldAgreement
from goldloop.near_duplicates import NearDuplicate
from goldloop.quality_report.balance import FieldBalance
from goldloop.quality_report.composition import (
    ENOUGH_PER_TAG,
    ENOUGH_TO_COMPARE,
    Capability,
    Composition,
    percent,
)
from goldloop.quality_report.people import (
    AnnotatorFigures,
    Certainty,
    HeldBack,
    beyond_chance,
)
from goldloop.quality_report.selected import Selected
from goldloop.quality_report.tools import ToolCoverage
from goldloop.verification import FEWEST_LABELLED

# Below this, alpha allows no conclusion (Krippendorff, Content Analysis, 2004).
LEAST_ALPHA = 0.667
SKEWED, FEW_LABELS = 0.9, 20
FAR_FROM_OTHERS, FEW_COMPARED = 0.6, 20
NAMED = 100


@dataclass(frozen=True, slots=True)
class Advice:
    """One weakness: `code` for programs, what it `says`, what to `do`, and whom it is `about`, at
    most the first hundred.
    """

    code: str
    says: str
    do: str
    about: tuple[str, ...] = ()


def advice(figures: Mapping[str, Any]) -> tuple[Advice, ...]:
    """What is weak about a version, from the sections of its report, the gravest first."""
    return tuple(
        replace(one, about=one.about[:NAMED])
        for part in (
            _of_size(figures["composition"], figures["capabilities"]),
            _of_agreement(figures["agreement"], figures["annotators"], figures["composition"]),
            _of_certainty(figures["certainty"], figures["held_back"]),
            _of_labels(figures["balance"] or ()),
            _of_origin(figures["composition"]),
            _of_repeats(figures["near_duplicates"], figures["composition"]),
            _of_tools(figures["tools"]),
            _of_weights(figures["selection"]),
        )
        for one in part
    )


def _of_size(whole: Composition, tags: Sequence[Capability]) -> Iterator[Advice]:
    if whole.items < ENOUGH_TO_COMPARE:
        yield Advice(
            "few_items",
            f"{_items(whole.items)} are too few to tell two agents apart (better "
            f"{ENOUGH_TO_COMPARE}): only a difference of many points will be seen",
            f"select and label {ENOUGH_TO_COMPARE - whole.items} more: goldloop push",
        )
    if whole.labelled < FEWEST_LABELLED * whole.items:
        yield Advice(
            "mostly_unlabelled",
            f"{_items(whole.labelled)} of {whole.items} ({percent(whole.labelled / whole.items)})"
            f" are labelled by people, fewer than {FEWEST_LABELLED:.0%}: what is measured with this"
            " version is mostly what a model thinks",
            "label more of it: goldloop push",
        )
    if whole.unlabelled:
        yield Advice(
            "unlabelled",
            f"{_items(whole.unlabelled)} of {whole.items} were labelled by nobody"
            + (f"; a spot check found {whole.spot_checked} good" if whole.spot_checked else ""),
            "let people label them before anything is decided by them",
        )
    if whole.nothing_expected:
        yield Advice(
            "nothing_expected",
            f"{_items(whole.nothing_expected)} have neither an expected response nor expected tool "
            "calls: a grader can hold no answer against them",
            "let annotators write the expected response, or import it with the samples",
        )
    short = [one for one in tags if one.short_of]
    if short:
        yield Advice(
            "few_of_a_tag",
            f"{len(short)} of {len(tags)} tags have fewer than {ENOUGH_PER_TAG} items: a figure "
            "for such a tag alone says little",
            "collect or generate more of these, or report them together under one tag",
            tuple(one.tag for one in short),
        )
    if whole.untagged:
        yield Advice(
            "untagged",
            f"{_items(whole.untagged)} have no tag and are in no slice",
            "name the capability that each of them tests in its tags",
        )


def _of_agreement(
    fields: Sequence[FieldAgreement] | None,
    people: Sequence[AnnotatorFigures] | None,
    whole: Composition,
) -> Iterator[Advice]:
    for one in filter(None, map(beyond_chance, fields or ())):
        if one.value < LEAST_ALPHA:
            yield Advice(
                "low_agreement",
                f"People agree too little on {one.field}: {one.value:.2f} beyond chance by "
                f"{one.measure}, below {LEAST_ALPHA}",
                f"say in the guidelines how to decide {one.field}, and look at: goldloop disputes",
                (one.field,),
            )
    answered = [one for one in people or () if one.answers]
    if people is not None and len(answered) < 2 and whole.labelled:
        yield Advice(
            "one_annotator",
            f"{len(answered) or 'No'} annotator answered: nobody knows how far people agree",
            "let at least two people answer: annotators_per_task in goldloop.toml",
        )
    yield from _of_annotators(answered)


def _of_annotators(people: Sequence[AnnotatorFigures]) -> Iterator[Advice]:
    for one in people:
        who = one.name or f"annotator {one.annotator_id}"
        share = one.with_others
        if share is not None and share < FAR_FROM_OTHERS and one.compared >= FEW_COMPARED:
            yield Advice(
                "far_from_others",
                f"{who} gives the majority's answer in {percent(share)} of {one.compared} answers",
                "talk about the guidelines; see: goldloop annotators",
                (who,),
            )
        if one.hasty and one.hasty * 10 >= one.answers:
            yield Advice(
                "hasty",
                f"{who} gave {one.hasty} of {one.answers} answers faster than anybody reads",
                "look at these answers: goldloop audit",
                (who,),
            )


def _of_certainty(certain: Certainty, held_back: Mapping[str, HeldBack] | None) -> Iterator[Advice]:
    if certain.disputed_items:
        yield Advice(
            "disputed_fields",
            f"{_items(certain.disputed_items)} have fields on which no label stands",
            "leave these fields out of a grade, or let somebody decide: goldloop route",
            tuple(certain.disputed),
        )
    held = [one for state, one in (held_back or {}).items() if state != "waiting"]
    if held:
        yield Advice(
            "held_back",
            f"{sum(one.samples for one in held):,} answered samples are not in the version, "
            "because no label stands: the hardest cases are missing, and figures look better than "
            "they are",
            "settle them: goldloop disputes, then goldloop route",
            tuple(sample_id for one in held for sample_id in one.first),
        )


def _of_labels(fields: Sequence[FieldBalance]) -> Iterator[Advice]:
    for one in fields:
        top = one.top
        if top is None or one.labelled < FEW_LABELS or len(one.values) < 2:
            continue
        if top.share > SKEWED:
            yield Advice(
                "one_sided_labels",
                f"{percent(top.share)} of the labels of {one.field} are {top.name}: whoever always "
                "says so is nearly always right",
                f"add cases where {one.field} is something else",
                (one.field,),
            )
        elif one.never and one.kind != "taxonomy":
            yield Advice(
                "labels_never_given",
                f"{len(one.never)} of {len(one.values)} values of {one.field} are never the label",
                "add such cases, or take the options out of the labelling interface",
                one.never,
            )


def _of_origin(whole: Composition) -> Iterator[Advice]:
    synthetic = next((one for one in whole.sources if one.name == "synthetic"), None)
    if synthetic is not None and synthetic.share > 0.5:
        yield Advice(
            "mostly_synthetic",
            f"{percent(synthetic.share)} of the items are synthetic: they test what their "
            "generator thought of, not what users ask",
            "import recorded runs of production",
        )
    given = [one for one in whole.difficulties if one.count]
    if len(given) == 1 and whole.items >= FEW_LABELS:
        yield Advice(
            "one_difficulty",
            f"The difficulty of every item is {given[0].name}",
            "give each sample its difficulty, and have easy, medium and hard ones",
        )
    if whole.clustered:
        yield Advice(
            "clusters",
            f"{_items(whole.clustered)} belong together with others (the same scenario or "
            "conversation): they are fewer independent cases than they look",
            "count clusters, not items, when you work out an interval",
        )


def _of_repeats(found: Sequence[NearDuplicate] | None, whole: Composition) -> Iterator[Advice]:
    if found:
        yield Advice(
            "near_duplicates",
            f"{_items(len(found))} of {whole.items} ask nearly what another one asks",
            "take one of each pair out, or give both one cluster_id",
            tuple(one.sample_id for one in found),
        )


def _of_tools(tools: Sequence[ToolCoverage]) -> Iterator[Advice]:
    untested = tuple(one.tool for one in tools if not one.expected)
    if untested:
        yield Advice(
            "tools_not_expected",
            f"The agent called {len(untested)} tools that no item expects: nothing tells whether "
            "these calls are right",
            "say in expected_tool_calls where these tools are to be called",
            untested,
        )


def _of_weights(chosen: Selected) -> Iterator[Advice]:
    if chosen.effective is not None and chosen.effective < 0.5 * chosen.weighted:
        yield Advice(
            "unequal_weights",
            f"{chosen.weighted} items with such unequal weights estimate the whole pool as "
            f"{chosen.effective:.0f} with equal ones would",
            "compare agents on the unweighted items; for the pool, use goldloop estimate and look "
            "at its interval, or draw a larger random share",
        )
    if chosen.unweighted and chosen.weighted:
        yield Advice(
            "no_weight",
            f"{_items(chosen.unweighted)} were labelled without a round and have no weight",
            "leave them out of means that are to speak for the whole pool",
        )


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count:,} items"
