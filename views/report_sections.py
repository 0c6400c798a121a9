"""The sections of the quality report, as tables that Markdown, HTML and the terminal all show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from goldloop.quality_report.advice import LEAST_ALPHA
from goldloop.quality_report.composition import ENOUGH_PER_TAG, ENOUGH_TO_COMPARE, percent
from views.page_values import (
    UNKNOWN,
    Bar,
    Cell,
    Section,
    Span,
    Table,
    table_of,
)

Record: TypeAlias = Mapping[str, Any]


def glance(report: Record) -> list[tuple[str, str, str]]:
    """The figures to look at first: what, how much, and a word on it."""
    whole, certain = report["composition"], report["certainty"]
    repeated, weights = report["near_duplicates"], report["selection"]
    enough = "enough to compare" if whole["items"] >= ENOUGH_TO_COMPARE else "few to compare"
    tags = [one for one in report["capabilities"] if not one["short_of"]]
    return [
        ("Items", f"{whole['items']:,}", f"{enough} two agents (better {ENOUGH_TO_COMPARE})"),
        ("Labelled", f"{whole['labelled']:,}", f"{whole['unlabelled']:,} by nobody"),
        ("Tags", f"{whole['unique_tags']:,}", f"{len(tags)} with {ENOUGH_PER_TAG} items or more"),
        _lowest_agreement(report),
        ("Disputed", f"{certain['disputed_items']:,}", "items with a field that is open"),
        (
            "Near-duplicates",
            UNKNOWN if repeated is None else f"{len(repeated):,}",
            "items that repeat another one",
        ),
        (
            "Effective size",
            UNKNOWN if weights["effective"] is None else f"{weights['effective']:,.0f}",
            "items of equal weight, for the whole pool",
        ),
    ]


def _lowest_agreement(report: Record) -> tuple[str, str, str]:
    found = report["lowest_agreement"]
    if found is None:
        return "Agreement", UNKNOWN, "beyond chance, where it is lowest"
    note = f"on {found['field']}, where it is lowest; {found['measure']}"
    return "Agreement", f"{found['value']:.2f}", note


def sections(report: Record) -> list[Section]:
    """Everything after the first figures and the warnings."""
    return [make(report) for make in _SECTIONS]


def _mix(caption: str, what: str, found: Sequence[Record]) -> Table:
    rows = [(one["name"], one["count"], percent(one["share"]), Bar(one["share"])) for one in found]
    return table_of(caption, (what, "items", "share", ""), rows)


def _unknown(report: Record, section: str) -> tuple[str, ...]:
    why = report["missing"].get(section)
    return (f"Not known: {why}.",) if why else ()


def _composition(report: Record) -> Section:
    whole = report["composition"]
    rows = [
        ("items", whole["items"]),
        ("with a label", whole["labelled"]),
        ("without any label", whole["unlabelled"]),
        ("of those, found good in a spot check", whole["spot_checked"]),
        ("with a conversation before", whole["conversations"]),
        ("with an expected response", whole["with_response"]),
        ("with expected tool calls", whole["with_tool_calls"]),
        ("with nothing expected", whole["nothing_expected"]),
        ("without a tag", whole["untagged"]),
        ("clusters", whole["clusters"]),
        ("in a cluster with others", whole["clustered"]),
    ]
    tables = (
        table_of("Totals", ("what", "items"), rows),
        _mix("Difficulty", "difficulty", whole["difficulties"]),
        _mix("Source: manual is what people wrote", "source", whole["sources"]),
        _mix("Why the labels stand", "state", whole["states"]),
    )
    return Section("composition", "What it is made of", (), tables)


def _capabilities(report: Record) -> Section:
    found = report["capabilities"]
    # So that the mark of enough is always on the scale.
    scale = max([one["items"] for one in found] + [ENOUGH_PER_TAG * 1.25])
    rows = [
        (
            one["tag"],
            one["items"],
            one["short_of"] or "enough",
            Bar(one["items"] / scale, ENOUGH_PER_TAG / scale),
        )
        for one in found
    ]
    says = (
        f"A tag is a capability; {ENOUGH_PER_TAG} items or more (the mark) make a figure for it "
        "alone worth reading. An item counts for each of its tags.",
    )
    table = table_of("Items of each tag", ("tag", "items", "too few by", ""), rows)
    return Section(
        "capabilities", "Capabilities", says if found else ("No item has a tag.",), (table,)
    )


def _balance(report: Record) -> Section:
    found = report["balance"]
    if found is None:
        why = report["missing"].get("balance", "its labelling interface cannot be read")
        return Section("balance", "Labels", (f"Not known: {why}.",))
    tables = [
        _mix(
            f"{one['field']}: {one['labelled']:,} labelled, {one['without']:,} without",
            "label",
            one["values"],
        )
        for one in found
        if one["values"] and one["labelled"]
    ]
    others = [one for one in found if one["labelled"] and not one["values"]]
    rows = [
        (
            one["field"],
            one["labelled"],
            one["without"],
            one["distinct"],
            one["smallest"],
            one["middle"],
            one["largest"],
        )
        for one in others
    ]
    if rows:
        headings = ("field", "labelled", "without", "different", "smallest", "median", "largest")
        tables.append(table_of("Texts, numbers and dates", headings, rows))
    says = ["How often each answer is the label. Shares are of the items with a label there."]
    never = [one["field"] for one in found if not one["labelled"]]
    if never:
        says.append(f"Without a label in any item: {', '.join(never)}.")
    return Section("balance", "Labels", tuple(says), tuple(tables))


def _agreement(report: Record) -> Section:
    title, found = "How far people agree", report["agreement"]
    if found is None:
        return Section("agreement", title, _unknown(report, "agreement"))
    rows = [
        (
            one["field"],
            one["tasks"],
            one["annotators"],
            _estimate(one["percent"], percent),
            one["measure"],
            _estimate(one["score"]) or "undefined",
            _estimate(one["ac1"]) or "-",
            _span(one["score"]),
        )
        for one in found
    ]
    headings = ("field", "items", "people", "equal pairs", "measure", "value", "AC1", "")
    says = (
        "95% intervals by bootstrap over the items that two or more answered. Alpha is 1 where "
        "people always agree and 0 where they agree as by chance; below "
        f"{LEAST_ALPHA} (the mark) it allows no conclusion.",
        *(f"{one['field']}: {warning}." for one in found for warning in one["warnings"]),
    )
    return Section("agreement", title, says, (table_of("Agreement by field", headings, rows),))


def _estimate(
    found: Record, show: Callable[[float], str] = lambda value: f"{value:.2f}"
) -> str | None:
    if found["value"] is None:
        return None
    if not found["interval"]:
        return show(found["value"])
    low, high = found["interval"]
    return f"{show(found['value'])} ({show(low)} to {show(high)})"


def _span(found: Record) -> Cell:
    if found["value"] is None:
        return ""
    low, high = found["interval"] or (None, None)
    return Span(low, found["value"], high, LEAST_ALPHA)


def _annotators(report: Record) -> Section:
    found = report["annotators"]
    if found is None:
        return Section("annotators", "Annotators", _unknown(report, "annotators"))
    rows = [
        (
            one["name"] or f"annotator {one['annotator_id']}",
            one["answers"],
            one["skips"],
            _share(one["with_others"], one["compared"]),
            _share(one["with_truth"], one["checked"]),
            "not timed" if one["median_seconds"] is None else one["median_seconds"],
            one["hasty"],
            "" if one["with_others"] is None else Bar(one["with_others"]),
        )
        for one in found
    ]
    headings = (
        *("annotator", "answers", "skips", "as the others", "as the ground truth"),
        *("median seconds", "hasty", ""),
    )
    says = (
        "As the others: how often an answer is what most of the other people said (the bar). "
        "Hasty answers came faster than anybody reads.",
    )
    return Section("annotators", "Annotators", says, (table_of("Annotators", headings, rows),))


def _share(share: float | None, of: int) -> str:
    return "nothing to compare" if share is None else f"{percent(share)} of {of:,}"


def _certainty(report: Record) -> Section:
    found = report["certainty"]
    tables = [_mix("How many people answered an item", "people", found["annotators"])]
    if found["disputed_fields"]:
        tables.append(_mix("Fields on which nothing stands", "field", found["disputed_fields"]))
        rows = [(one, ", ".join(names)) for one, names in found["disputed"].items()]
        tables.append(table_of("Disputed items", ("item", "fields"), rows))
    held = report["held_back"]
    if held:
        states = [(n, one["samples"], ", ".join(one["first"][:5])) for n, one in held.items()]
        tables.append(
            table_of("Answered, but not in the version", ("state", "samples", "such as"), states)
        )
    says = (
        f"Of {found['answered_by_several']:,} items that two or more people answered, "
        f"{found['unanimous']:,} were answered alike in every field.",
        *_unknown(report, "held_back"),
    )
    return Section("certainty", "Ambiguous and disputed items", says, tuple(tables))


def _near_duplicates(report: Record) -> Section:
    title, found = "Near-duplicates", report["near_duplicates"]
    if found is None:
        return Section("near_duplicates", title, _unknown(report, "near_duplicates"))
    rows = [
        (one["sample_id"], one["of"], percent(one["similarity"]), Bar(one["similarity"]))
        for one in sorted(found, key=lambda one: -one["similarity"])
    ]
    says = ("What the user says in an item, compared with every other item.",)
    if not rows:
        return Section("near_duplicates", title, (*says, "No item repeats another one."))
    table = table_of("Items that repeat another one", ("item", "repeats", "alike", ""), rows)
    return Section("near_duplicates", title, says, (table,))


def _tools(report: Record) -> Section:
    found, items = report["tools"], report["composition"]["items"] or 1
    rows = [(one["tool"], one["expected"], one["called"], Bar(one["expected"] / items))
            for one in found]  # fmt: skip
    says = ["In how many items a tool is expected to be called (the bar), and was called."]
    says += [
        text.replace("Not known", "Calls are not known") for text in _unknown(report, "called")
    ]
    if not rows:
        says = ["No item expects a tool to be called, and no run called one."]
    table = table_of("Tools", ("tool", "expected in items", "called in runs", ""), rows)
    return Section("tools", "Tools", tuple(says), (table,) if rows else ())


def _selection(report: Record) -> Section:
    found = report["selection"]
    tables = [_mix("Why the items were labelled", "reason", found["reasons"])]
    if found["rounds"]:
        tables.append(_mix("By round", "round", found["rounds"]))
    if found["effective"] is None:
        says = ["No item has a weight: none was selected by a round."]
    else:
        says = [
            f"{found['weighted']:,} items have a weight, from {found['smallest']:.3g} to "
            f"{found['largest']:.3g}; they stand for about {found['speaks_for']:,.0f} samples, and "
            f"estimate a mean over these as well as {found['effective']:,.1f} items of equal "
            "weight would (Kish).",
        ]
    if found["unweighted"] and found["weighted"]:
        says.append(f"{found['unweighted']:,} items were labelled without a round.")
    return Section("selection", "Selection", tuple(says), tuple(tables))


_CHANGED = {
    "added": "added",
    "removed": "removed",
    "modified": "expected values changed",
    "relabelled": "labels changed",
    "redescribed": "descriptions or evidence changed",
}


def _changes(report: Record) -> Section:
    title, found = "What changed", report["changes"]
    if found is None:
        return Section("changes", title, ("It is the first version.",))
    rows = [
        (
            says,
            found[kind]["items"],
            ", ".join(f"{key} {count}" for key, count in found[kind]["keys"].items()),
            ", ".join(found[kind]["first"][:5]),
        )
        for kind, says in _CHANGED.items()
    ]
    says = [f"Since {found['parent']}: {found['reason'] or 'no reason is given'}."]
    if found["guidelines"]:
        says.append("The labelling interface changed.")
    table = table_of("Items by change", ("what", "items", "where", "such as"), rows)
    return Section("changes", title, tuple(says), (table,))


_SECTIONS: Sequence[Callable[[Record], Section]] = (
    _composition,
    _capabilities,
    _balance,
    _agreement,
    _annotators,
    _certainty,
    _near_duplicates,
    _tools,
    _selection,
    _changes,
)


def warnings_of(report: Record) -> Iterator[tuple[str, str, str]]:
    """Each warning: what it says, what to do, and whom it is about where that is not said."""
    for one in report["warnings"]:
        names = [name for name in one["about"] if name not in one["says"]]
        more = " and others" if len(names) > 5 else ""
        about = ", ".join(names[:5]) + more
        yield one["says"], one["do"], about
