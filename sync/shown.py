"""What the commands show: results as tables for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from store.inbox import SetAside
from sync import terminal
from sync.audit import Finding as AuditFinding
from sync.doctor import Finding
from sync.route import Routed
from views.disputes import Dispute, next_text, why_text
from views.status import Status


def show_finding(finding: Finding) -> None:
    """One check of doctor, and how to mend it."""
    mark = {True: "ok   ", False: "WRONG", None: "note "}[finding.ok]
    mend = f"\n        -> {finding.mend}" if finding.mend else ""
    terminal.result(f"{mark} {finding.check}: {finding.says}{mend}")


def show_routed(routed: Routed) -> None:
    """What was done about the disputed tasks."""
    terminal.result(
        f"{len(routed.asked)} tasks given to one more annotator, {len(routed.waiting)} waiting for "
        f"theirs, {len(routed.mended)} asked again because Label Studio forgot\n"
        f"{len(routed.to_experts)} given to the experts, {len(routed.returned)} of their answers "
        f"brought back, {routed.taken_back} cases settled without them"
    )
    if routed.nobody_left:
        terminal.say(
            f"{len(routed.nobody_left)} tasks need one more annotator, but everybody has answered "
            f"or skipped them; invite somebody: {', '.join(routed.nobody_left[:10])}"
        )


def show_disputes(disputes: Sequence[Dispute], names: Mapping[int, str]) -> None:
    """What people disagree on, why, and who is next."""
    headings = ("sample", "state", "field", "answers", "asked in all", "why", "next", "task")
    rows = [
        (
            *(one.sample_id, one.state, one.field, ", ".join(map(str, one.answers)), one.overlap),
            why_text(one.why, names),
            next_text(one),
            one.link or "-",
        )
        for one in disputes
    ]
    samples = len({dispute.sample_id for dispute in disputes})
    terminal.print_table(headings, rows, f"{samples} samples are disputed or ambiguous")


def show_commit(manifest: Mapping[str, Any]) -> None:
    """The version that was written, and why it has its number."""
    prints = manifest["fingerprints"]
    terminal.result(
        f"{manifest['dataset']}@{manifest['version']}: {manifest['items']} items "
        f"(parent {manifest['parent'] or 'none'}; {manifest['reason']})\n"
        f"{_quality(manifest['quality'])}\n"
        f"content {prints['content']}\nlabels  {prints['labels']}"
    )


def show_exported(done: Mapping[str, Any]) -> None:
    """Where an export is, and what it could not hold."""
    terminal.result(
        f"{done['items']} items of {done['dataset']}@{done['version']} written to {done['output']}"
    )
    for reason, count in done["left_out"].items():
        terminal.say(f"{count} items are left out of {done['format']}, because {reason}")


def _quality(found: Mapping[str, Any]) -> str:
    return (
        f"{found['human_labelled']} labelled by annotators, {found['synthetic']} synthetic,"
        f" {found['spot_checked']} found good in a spot check, {found['unverified']} seen by nobody"
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


def show_status(status: Status) -> None:
    """The whole flow in one table, the annotators in another, and what waits, for whom."""
    found, versions = status.counts, status.versions
    newest = {name: names[-1] for name, names in versions.items() if names}
    rows = [
        ("samples", found.samples, f"{found.pool} in the pool"),
        ("runs", sum(found.runs.values()), _listed(found.runs, f"{found.failed_runs} failed")),
        ("rounds", found.rounds, f"{found.undelivered_rounds} not delivered"),
        ("tasks", sum(found.tasks.values()), _listed(found.tasks)),
        ("annotations", found.annotations, f"{found.skips} skips, {found.deleted} deleted"),
        ("consensus", sum(found.consensus.values()), _listed(found.consensus)),
        ("events", found.waiting_hints, f"waiting; {found.hints_set_aside} set aside"),
        ("versions", sum(map(len, versions.values())), _listed(newest)),
    ]
    terminal.print_table(("step", "count", "of which"), rows)
    if found.annotators:
        terminal.result("")
        headings = ("annotator", "answers", "skips", "median seconds")
        terminal.print_table(headings, found.annotators)
    terminal.result("")
    waiting = [(one.who, one.what, one.command) for one in status.waiting]
    terminal.print_table(("waits for", "what", "next"), waiting)


def _listed(counts: Mapping[str, Any], *more: str) -> str:
    return ", ".join([f"{key}: {value}" for key, value in counts.items()] + list(more))


def show_audit(findings: Sequence[AuditFinding], names: Mapping[int, str]) -> None:
    """What was done to answers, and by whom."""
    headings = ("when", "what", "answer", "sample", "author", "by", "task")
    rows = [
        (
            one.when[:19],
            f"{one.kind.value} ({one.seconds:.1f} s)"
            if one.seconds is not None
            else one.kind.value,
            one.annotation_id,
            one.sample_id,
            names.get(one.annotator_id, one.annotator_id),
            None if one.by is None else names.get(one.by, one.by),
            one.link or "-",
        )
        for one in findings
    ]
    terminal.print_table(headings, rows, f"{len(rows)} findings" if rows else "nothing was found")


def show_set_aside(hints: Sequence[SetAside]) -> None:
    """The events that could not be followed up."""
    headings = ("event", "action", "received", "set aside", "attempts", "why")
    rows = [
        (h.event_id, h.action, h.received_at[:19], h.set_aside_at[:19], h.attempts, h.reason)
        for h in hints
    ]
    terminal.print_table(headings, rows, "" if rows else "nothing was set aside")
