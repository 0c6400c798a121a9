"""What `consensus` shows: a table of all samples, or everything about a few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from goldloop.consensus import FieldConsensus, State
from goldloop.fields import Value
from goldloop.printable import printable
from store.consensus import StoredConsensus
from sync import terminal

NOBODY = "nobody has answered yet"
LONG = 30
MOST_PROBABLE = 3
NAMED = 5


def show_consensus(results: Sequence[StoredConsensus]) -> None:
    """Every sample's state, labels and disputes."""
    headings = (
        *("sample", "state", "agreement rate", "annotators", "confidence", "labels"),
        "disputed",
    )
    rows = [
        (
            one.sample_id,
            one.state.value,
            one.agreement_rate,
            one.annotators,
            one.mean_confidence,
            ", ".join(f"{k}={v}" for k, v in one.labels.items() if _short(v)),
            ", ".join(one.disputed),
        )
        for one in results
    ]
    states = {state: sum(one.state is state for one in results) for state in State}
    title = ", ".join(f"{count} {state.value}" for state, count in states.items() if count)
    terminal.print_table(headings, rows, title or NOBODY)
    methods = Counter((name, how) for one in results for name, how in one.methods.items())
    for (name, how), count in sorted(methods.items()):
        terminal.say(f"{name}: {count} by {how.replace('_', ' ')}")
    _say_warnings(results)


def show_samples(results: Sequence[StoredConsensus]) -> None:
    """For each sample and field what stands, and why."""
    for one in results:
        rate = "-" if one.agreement_rate is None else f"{one.agreement_rate:.3f}"
        sure = "-" if one.mean_confidence is None else f"{one.mean_confidence:.3f}"
        terminal.result(
            f"{printable(one.sample_id)}: {one.state.value}; {one.annotators} annotators, "
            f"{one.skips} skips; agreement rate {rate}; the annotators' own confidence {sure}"
        )
        for field in one.fields.values():
            terminal.result(f"  {field.field}: {field.state.value}")
            for what, text in _facts(field):
                terminal.result(f"    {what:<10} {printable(text, 300)}")


def _facts(field: FieldConsensus) -> Iterator[tuple[str, str]]:
    yield "value", "-" if field.value is None else _text(field.value)
    probable = [f"{_text(value)} {p:.3f}" for value, p in field.posterior[:MOST_PROBABLE]]
    yield "posterior", ", ".join(probable) or "-"
    yield "votes", _votes(field)
    yield "method", f"{field.method}, version {field.method_version}"
    if field.reason:
        yield "why", field.reason
    if field.spread is not None:
        yield "spread", f"{field.spread:.3f}"
    for warning in field.warnings:
        yield "warning", warning


def _votes(field: FieldConsensus) -> str:
    """How many, whether they are equal, and what most said where that is not what stands."""
    if not field.votes:
        return "none"
    equal = {True: ", all equal", False: ", not all equal", None: ""}[field.agreement]
    if field.vote is not None and field.vote != field.value:
        return f"{field.votes}{equal}; {field.share or 0:.0%} say {_text(field.vote)}"
    return f"{field.votes}{equal}"


def _text(value: Value) -> str:
    if not isinstance(value, tuple):
        return f"{value:g}" if isinstance(value, float) else str(value)
    parts = (part if isinstance(part, str) else " > ".join(part) for part in value)
    return "{" + ", ".join(parts) + "}"


def _say_warnings(results: Sequence[StoredConsensus]) -> None:
    """Every warning once, with the samples that it is about."""
    samples: dict[str, list[str]] = {}
    for one in results:
        for warning in one.warnings:
            samples.setdefault(warning, []).append(one.sample_id)
    for warning, ids in samples.items():
        more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
        named = printable(", ".join(ids[:NAMED]), 300)
        terminal.say(f"{named}{more}: {printable(warning, 300)}")


def _short(value: object) -> bool:
    return isinstance(value, str) and len(value) < LONG
