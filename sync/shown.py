"""What the commands show: results as tables for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import Any

from goldloop.agreement import FieldAgreement, Interval, PairAgreement
from goldloop.annotators import AnnotatorReport
from goldloop.consensus import State
from goldloop.disagreement import Cause, Why
from store.consensus import StoredConsensus
from store.summary import Summary
from sync import terminal
from sync.disputes import Dispute
from sync.doctor import Finding
from sync.route import Routed
from sync.select_batch import Batch

NOBODY = "nobody has answered yet"
LONG = 30


def show_finding(finding: Finding) -> None:
    """One check of doctor, and how to mend it."""
    mark = {True: "ok   ", False: "WRONG", None: "note "}[finding.ok]
    mend = f"\n        -> {finding.mend}" if finding.mend else ""
    terminal.result(f"{mark} {finding.check}: {finding.says}{mend}")


def show_batch(batch: Batch) -> None:
    """What was picked and why."""
    headings = ("rank", "sample", "why", "confidence", "novel", "uncertainty", "probability")
    rows = [
        (
            pick.rank,
            pick.sample_id,
            pick.reason,
            pick.confidence,
            pick.novel,
            pick.uncertainty,
            pick.inclusion_probability,
        )
        for pick in batch.picks
    ]
    written = f"round {batch.round_id}" if batch.round_id else "dry run, nothing written"
    title = f"{len(batch.picks)} of {batch.pool_size} samples in the pool ({written})"
    terminal.print_table(headings, rows, title)
    if batch.without_confidence:
        terminal.say(
            f"{batch.without_confidence} runs in the pool have no confidence and count as 0.5; "
            "for recorded runs of the same cluster_id, goldloop run works one out"
        )


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
    for one in results:
        for warning in one.warnings:
            terminal.say(f"{one.sample_id}: {terminal.printable(warning, 300)}")


def _short(value: object) -> bool:
    return isinstance(value, str) and len(value) < LONG


def show_agreement(fields: Sequence[FieldAgreement]) -> None:
    """The agreement on every field, with its warnings."""
    headings = ("field", "tasks", "people", "percent", "measure", "score", "95%", "AC1")
    rows = [
        (
            one.field,
            one.tasks,
            one.annotators,
            one.percent.value,
            one.measure,
            one.score.value,
            _interval(one.score.interval),
            one.ac1.value,
        )
        for one in fields
    ]
    terminal.print_table(headings, rows, "" if rows else NOBODY)
    for one in fields:
        for warning in one.warnings:
            terminal.say(f"{one.field}: {terminal.printable(warning, 300)}")


def _interval(interval: Interval | None) -> str:
    return "-" if interval is None else f"{interval.low:.3f} to {interval.high:.3f}"


def show_pairs(pairs: Iterable[tuple[str, PairAgreement]], names: Mapping[Any, str]) -> None:
    """The agreement of every two people on every field."""
    headings = ("field", "first", "second", "tasks", "percent", "kappa")
    rows = [
        (
            field,
            names.get(pair.first, pair.first),
            names.get(pair.second, pair.second),
            pair.tasks,
            pair.percent.value,
            pair.kappa.value,
        )
        for field, pair in pairs
    ]
    terminal.print_table(headings, rows, "" if rows else "no two people answered one task yet")


def show_annotators(reports: Iterable[AnnotatorReport], names: Mapping[int, str]) -> None:
    """How each person answers."""
    headings = (
        *("annotator", "answers", "skips", "as the others", "of", "as the truth", "of"),
        *("median seconds", "under 5 s", "confidence"),
    )
    rows = [
        (names.get(one.annotator_id, str(one.annotator_id)), *astuple(one)[1:]) for one in reports
    ]
    terminal.print_table(headings, rows, "" if rows else NOBODY)


def show_routed(routed: Routed) -> None:
    """What was done about the disputed tasks."""
    terminal.result(
        f"{len(routed.asked)} tasks given to one more annotator, {len(routed.waiting)} waiting for "
        f"theirs, {len(routed.mended)} asked again because Label Studio forgot"
    )
    if routed.nobody_left:
        terminal.say(
            f"{len(routed.nobody_left)} tasks need one more annotator, but everybody has answered "
            f"or skipped them; invite somebody: {', '.join(routed.nobody_left[:10])}"
        )


def show_disputes(disputes: Sequence[Dispute], names: Mapping[int, str]) -> None:
    """What people disagree on, and why."""
    headings = ("sample", "state", "field", "answers", "asked in all", "why", "task")
    rows = [
        (
            *(one.sample_id, one.state, one.field, ", ".join(map(str, one.answers)), one.overlap),
            _cause(one.why, names),
            one.link,
        )
        for one in disputes
    ]
    samples = len({dispute.sample_id for dispute in disputes})
    terminal.print_table(headings, rows, f"{samples} samples are disputed or ambiguous")


def _cause(why: Why, names: Mapping[int, str]) -> str:
    if why.cause is Cause.ANNOTATOR:
        far = ", ".join(names.get(person, str(person)) for person in why.annotators)
        return f"far from the others everywhere: {far}"
    if why.cause is Cause.GUIDELINE:
        pair = " and ".join(map(str, why.options))
        return f"{pair} are confused, also in {', '.join(why.examples)}"
    return "a hard case: people are unsure or slow" if why.cause is Cause.HARD_CASE else "-"


def show_commit(manifest: Mapping[str, Any]) -> None:
    """The version that was written, and why it has its number."""
    prints = manifest["fingerprints"]
    terminal.result(
        f"{manifest['dataset']}@{manifest['version']}: {manifest['items']} items "
        f"(parent {manifest['parent'] or 'none'}; {manifest['reason']})\n"
        f"content {prints['content']}\nlabels  {prints['labels']}"
    )


def show_versions(manifests: Iterable[Mapping[str, Any]]) -> None:
    """Every version, oldest first."""
    headings = ("dataset", "version", "parent", "items", "why", "content", "when")
    rows = [
        (
            one["dataset"],
            one["version"],
            one["parent"],
            one["items"],
            one["reason"],
            one["fingerprints"]["content"][:12],
            one["created_at"][:19],
        )
        for one in manifests
    ]
    title = "" if rows else "no version yet; make one: goldloop commit"
    terminal.print_table(headings, rows, title)


def show_status(found: Summary, versions: Mapping[str, Sequence[str]]) -> None:
    """The whole flow in one table, and the annotators in another."""
    newest = {name: names[-1] for name, names in versions.items() if names}
    rows = [
        ("samples", found.samples, f"{found.pool} in the pool"),
        ("runs", sum(found.runs.values()), _listed(found.runs, f"{found.failed_runs} failed")),
        ("rounds", found.rounds, f"{found.undelivered_rounds} not delivered"),
        ("tasks", sum(found.tasks.values()), _listed(found.tasks)),
        ("annotations", found.annotations, f"{found.skips} skips, {found.deleted} deleted"),
        ("consensus", sum(found.consensus.values()), _listed(found.consensus)),
        ("versions", sum(map(len, versions.values())), _listed(newest)),
    ]
    terminal.print_table(("step", "count", "of which"), rows)
    if found.annotators:
        terminal.result("")
        headings = ("annotator", "answers", "skips", "median seconds")
        terminal.print_table(headings, found.annotators)


def _listed(counts: Mapping[str, Any], *more: str) -> str:
    return ", ".join([f"{key}: {value}" for key, value in counts.items()] + list(more))
