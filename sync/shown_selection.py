"""What select, estimate, plan and verify show to a person."""

from __future__ import annotations

from goldloop.estimates import Estimate
from sync import terminal
from sync.plan import Plan, WidthPlan
from sync.preview import Preview
from sync.select_batch import Batch
from sync.verify_round import Verdict
from views.estimate import PoolEstimate

_BIASED = "labelled set (biased)"


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
    for sample_id, reason in batch.new_paths.items():
        terminal.say(f"{sample_id}: {reason}")
    _show_left_out(batch)
    if batch.by_rank:
        terminal.say(
            "the runs' confidences come from several methods, and not all are calibrated: runs were"
            " compared by their rank among the runs by the same method; see: goldloop calibrate"
        )
    if batch.without_confidence:
        terminal.say(
            f"{batch.without_confidence} runs in the pool have no confidence and count as 0.5; "
            "for recorded runs of the same cluster_id, goldloop run works one out"
        )


def _show_left_out(batch: Batch) -> None:
    if batch.near_duplicates:
        some = [f"{one} (like {of})" for one, of in list(batch.near_duplicates.items())[:5]]
        more = ", ..." if len(batch.near_duplicates) > len(some) else ""
        terminal.say(
            f"{len(batch.near_duplicates)} near-duplicates were left out: {', '.join(some)}{more};"
            " see [selection] near_duplicate"
        )
    if batch.held:
        some = [f"{one} (like {of})" for one, of in list(batch.held.items())[:5]]
        more = ", ..." if len(batch.held) > len(some) else ""
        terminal.say(
            f"{len(batch.held)} near-duplicates were drawn at random: {', '.join(some)}{more}; they"
            " come first in a later batch, and until then count like what they resemble"
        )
    if batch.short:
        missing = ", ".join(f"{tag}: {count}" for tag, count in batch.short.items())
        terminal.say(f"labels still missing to [selection] min_per_tag: {missing}")


def show_preview(preview: Preview) -> None:
    """The batch, what both modes promise, and what is covered."""
    show_batch(preview.batch)
    terminal.result("")
    rows = [
        (
            one.mode,
            one.picks,
            ", ".join(f"{count} {name}" for name, count in one.reasons.items()),
            f"{one.failures:.1f}",
            _points(one.half_width),
            one.near_duplicates,
        )
        for one in preview.modes
    ]
    terminal.print_table(
        ("mode", "picks", "why", "expected failures", "half-width", "near-duplicates left out"),
        rows,
        "What a batch by either mode promises, by the agent's confidence, once all is labelled",
    )
    terminal.result("")
    covered = [
        (one.slice, one.name, one.samples, one.before, one.picked) for one in preview.coverage
    ]
    headings = ("slice", "name", "samples", "picked before", "picked now")
    terminal.print_table(headings, covered, "What is covered" if covered else "")


def _points(half_width: float | None) -> str:
    """Half of an interval's width; beyond half of the scale it says nothing."""
    if half_width is None or half_width >= 0.5:
        return "nothing can be said"
    return f"±{100 * half_width:.1f} points"


def show_estimate(found: PoolEstimate) -> None:
    """The whole pool, its slices, and every warning."""
    rows = [("whole pool", *_figures(found.estimate))]
    rows += [(name, *_figures(one)) for name, one in found.slices.items()]
    terminal.print_table(
        (found.by or "slice", "estimate", "95% interval", "labels", "worth", _BIASED, "samples"),
        rows,
        f"{found.agent_version}: {found.field} is {' or '.join(found.correct)}, after "
        f"{found.rounds} {'round' if found.rounds == 1 else 'rounds'}",
    )
    terminal.result(
        f"method {found.estimate.method}; worth: how many labels of a simple random sample would "
        "say as much;\nbiased: the plain mean of what was labelled, which was picked to find "
        "failures. Not the agent's quality."
    )
    for note in dict.fromkeys(found.notes):
        terminal.say(f"note: {note}")


def _figures(one: Estimate) -> tuple[str, str, int, str, str, int]:
    return (
        "-" if one.value is None else f"{one.value:.1%}",
        f"{one.low:.1%} to {one.high:.1%}",
        one.labels,
        "-" if one.effective_labels is None else f"{one.effective_labels:.0f}",
        "-" if one.naive is None else f"{one.naive:.1%}",
        one.pool,
    )


def show_plan(plan: Plan) -> None:
    """What is lacking, and how long people are busy with it."""
    source = f"the median of {plan.observed} answers" if plan.observed else "assumed: no answer yet"
    terminal.result(
        f"{plan.agent_version}: {plan.labels} labels stand, {plan.waiting} are waited for; "
        f"{plan.seconds:.0f} s an answer ({source}), {plan.people} people a sample"
    )
    headings = ("to reach", "by", "more samples", "annotator-minutes")
    rows = [
        (
            f"±{100 * one.half_width:.1f} points (now {_points(one.half_width_now)})",
            f"{one.mode} rounds",
            _labels(one),
            None if one.minutes is None else f"{one.minutes:.0f}",
        )
        for one in plan.widths
    ]
    rows.append(
        (
            f"{plan.compare} labels, to compare versions",
            "any rounds",
            str(plan.compare_missing),
            f"{plan.compare_minutes:.0f}",
        )
    )
    terminal.print_table(headings, rows)
    terminal.result("")
    tags = [
        (one.tag, one.pool, one.labels, one.waiting, one.missing, one.out_of_reach, one.minutes)
        for one in plan.tags
    ]
    columns = ("tag", "samples", "labels", "waiting", "missing", "not in the pool", "minutes")
    terminal.print_table(columns, tags, "By tag" if tags else "no sample has a tag")


def _labels(one: WidthPlan) -> str:
    return "more than the pool has" if one.labels is None else str(one.labels)


def show_verdict(verdict: Verdict) -> None:
    """Whether a round fits what was stored of it."""
    if verdict.fits:
        terminal.result(f"round {verdict.round_id} fits: {', '.join(verdict.checked)}")
    else:
        terminal.result(f"round {verdict.round_id} does not fit: {verdict.step}: {verdict.problem}")
    if verdict.unchecked:
        terminal.say(
            f"an older Goldloop wrote this round and did not record: {', '.join(verdict.unchecked)}"
        )
