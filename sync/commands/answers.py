"""Commands on what people answered: pull, consensus, agreement, annotators and disputes."""

from __future__ import annotations

from dataclasses import asdict

import click

from goldloop.gold_checks import CheckScore
from store.annotations import people
from store.consensus import stored_consensus
from sync import terminal
from sync.audit import audit
from sync.commands.common import json_option, print_result, project_of
from sync.consensus import look_at, refit, refit_due
from sync.pull import tasks_to_fetch
from sync.reconcile import reconcile
from sync.route import route_disputes
from sync.shown import show_audit, show_disputes, show_routed
from sync.shown_consensus import show_consensus, show_samples
from sync.shown_people import (
    show_agreement,
    show_annotator,
    show_annotators,
    show_pairs,
    show_periods,
    show_slices,
)
from views.disputes import list_disputes
from views.gold_checks import checked
from views.people import (
    PERIODS,
    SLICES,
    agreement_by_field,
    agreement_by_pair,
    agreement_by_period,
    agreement_in_slices,
    everything_answered,
    find_annotator,
    reports,
    slices_of,
    words_shown,
)


@click.command()
@click.option("--full", is_flag=True, help="Fetch every task, not only those that changed.")
@json_option
@click.pass_context
def pull(ctx: click.Context, full: bool, as_json: bool) -> None:
    """Fetch the annotations and update the consensus of what changed.

    Answers to the cases of a gate come along. Example: goldloop pull
    """
    project = project_of(ctx)
    db = project.open_store()
    total = tasks_to_fetch(db, full=full)
    with terminal.progress("fetching tasks", total) as meter, project.client() as client:
        pulled = reconcile(project, db, client, full=full, on_task=meter)
    if refit_due(project, db):
        terminal.say(
            "much has changed since the annotators' models were learned: the worker learns them "
            "anew, or: goldloop consensus"
        )
    if as_json:
        found = asdict(pulled).items()
        terminal.print_json({k: sorted(v) if isinstance(v, set) else v for k, v in found})
        return
    terminal.result(f"{pulled.tasks} tasks fetched, {len(pulled.changed)} samples changed")
    if pulled.expert_answers:
        terminal.say(f"experts answered {len(pulled.expert_answers)} cases: goldloop route")
    if pulled.gate_answers:
        terminal.say(f"{pulled.gate_answers} answers to flipped cases: goldloop gate-review RUN")
    if pulled.doubles_removed:
        terminal.say(f"{pulled.doubles_removed} tasks that had arrived twice were removed")
    if pulled.unreadable:
        shown = ", ".join(map(str, pulled.unreadable[:10]))
        terminal.say(f"Label Studio breaks on {len(pulled.unreadable)} tasks, left out: {shown}")
    if pulled.deleted:
        terminal.say(f"{pulled.deleted} tasks are gone from Label Studio; their answers are kept")
    if pulled.foreign:
        terminal.say(f"{pulled.foreign} tasks of the project did not come from here; left alone")


@click.command()
@click.argument("sample_ids", nargs=-1)
@json_option
@click.pass_context
def consensus(ctx: click.Context, sample_ids: tuple[str, ...], as_json: bool) -> None:
    """Compute the consensus of every sample again, and show it; of some samples, in detail.

    With few answers the majority decides; with enough, what was learned of each annotator's errors
    does. Ties are disputed, and nothing is decided below min_annotators. With SAMPLE_IDS nothing is
    learned anew, and every field is shown with its probabilities, votes, method and reason.
    Example: goldloop consensus refund-17
    """
    project = project_of(ctx)
    db = project.open_store()
    if sample_ids:
        results = look_at(project, db, sample_ids)
    else:
        refit(project, db, terminal.progress)
        results = stored_consensus(db)
    show = show_samples if sample_ids else show_consensus
    print_result(as_json, [one.record() for one in results], lambda: show(results))


@click.command()
@click.option("--pairs", is_flag=True, help="Show every pair of annotators instead.")
@click.option("--by", type=click.Choice(SLICES), help="Show every slice of the samples instead.")
@click.option("--over-time", is_flag=True, help="Show periods instead, the oldest first.")
@click.option(
    "--periods", type=click.IntRange(1, 100), help=f"With --over-time: how many; default {PERIODS}."
)
@json_option
@click.pass_context
def agreement(
    ctx: click.Context,
    pairs: bool,
    by: str | None,
    over_time: bool,
    periods: int | None,
    as_json: bool,
) -> None:
    """Show how far annotators agree on every field, corrected for chance, with 95% intervals.

    Of everything, or pair by pair, slice by slice, or period by period.
    Example: goldloop agreement --by tag
    """
    if pairs + bool(by) + over_time > 1:
        raise click.UsageError("--pairs, --by and --over-time exclude each other; give one of them")
    if periods and not over_time:
        raise click.UsageError("--periods goes with --over-time")
    project = project_of(ctx)
    db = project.open_store()
    with terminal.busy("reading answers"):
        answered = everything_answered(project, db)
    if pairs:
        with terminal.busy("comparing people"):
            found = agreement_by_pair(answered)
        machine = [{"field": name, **asdict(pair)} for name, pair in found]
        print_result(as_json, machine, lambda: show_pairs(found, people(db)))
    elif by:
        slices = slices_of(db, by, answered.tasks)
        without = sum(not names for names in slices.values())
        with terminal.busy("comparing slices"):
            sliced = agreement_in_slices(answered, by, slices)
        machine = [{"slice": name, **asdict(one)} for name, one in sliced]
        print_result(as_json, machine, lambda: show_slices(by, sliced, without))
    elif over_time:
        with terminal.busy("comparing periods"):
            parts = agreement_by_period(answered, periods or PERIODS)
        machine = [{"start": o.start, "end": o.end, **asdict(o.agreement)} for o in parts]
        print_result(as_json, machine, lambda: show_periods(parts))
    else:
        with terminal.busy("comparing answers"):
            fields = agreement_by_field(answered)
        print_result(as_json, [asdict(one) for one in fields], lambda: show_agreement(fields))


@click.command()
@click.argument("who", required=False, metavar="[NAME_OR_ID]")
@json_option
@click.pass_context
def annotators(ctx: click.Context, who: str | None, as_json: bool) -> None:
    """Show how each annotator answers: against the others, the ground truth and the clock.

    With a name, an e-mail address or an id: that person's confusions, biases and drift.
    Example: goldloop annotators "Ann Lee"
    """
    project = project_of(ctx)
    db = project.open_store()
    with terminal.busy("comparing people"):
        answered = everything_answered(project, db)
        found = reports(answered, words_shown(db, answered.tasks))
    names, checks = people(db), checked(project, db)
    machine = [
        {
            "name": names.get(r.annotator_id),
            **asdict(r),
            "gold_checks": asdict(checks.scores.get(r.annotator_id, CheckScore(0, 0))),
        }
        for r in found
    ]
    if who is None:
        print_result(as_json, machine, lambda: show_annotators(found, names, checks))
        return
    one = find_annotator(db, who, found)
    print_result(
        as_json, machine[found.index(one)], lambda: show_annotator(one, found, names, checks)
    )


@click.command()
@json_option
@click.pass_context
def route(ctx: click.Context, as_json: bool) -> None:
    """Give every disputed task to one more annotator, and then to the experts' project.

    What experts decided goes back to the disputed task as ground truth. The worker does all this by
    itself. Example: goldloop route
    """
    project = project_of(ctx)
    with terminal.busy("routing disputes"), project.client() as client:
        routed = route_disputes(project, project.open_store(), client)
    print_result(as_json, asdict(routed), lambda: show_routed(routed))


@click.command()
@json_option
@click.pass_context
def disputes(ctx: click.Context, as_json: bool) -> None:
    """List what people disagree on, with the answers, why they differ, and who is next.

    Example: goldloop disputes
    """
    project = project_of(ctx)
    db = project.open_store()
    with terminal.busy("reading disputes"):
        found, names = list_disputes(project, db), people(db)
    print_result(
        as_json, [asdict(dispute) for dispute in found], lambda: show_disputes(found, names)
    )


@click.command("audit")
@json_option
@click.pass_context
def audit_command(ctx: click.Context, as_json: bool) -> None:
    """List what others than their authors did to answers, hasty answers, and ground truths.

    Label Studio Community has no roles: everybody may change, delete or mark everybody's answers.
    A form that was replaced between two pulls was never seen. Example: goldloop audit
    """
    db = project_of(ctx).open_store()
    found = audit(db)
    print_result(as_json, [asdict(one) for one in found], lambda: show_audit(found, people(db)))
