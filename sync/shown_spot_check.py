"""What `synthesis check` shows: where to label, how far it is, the rate, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from goldloop.printable import printable
from sync import terminal
from sync.spot_check import Checked

SHOWN_REASONS = 10


def show_spot_check(checked: Checked) -> None:
    """Everything that a person needs to go on."""
    found = checked.result
    _show_work(checked)
    if found["drawn"]:
        terminal.result(
            f"batch {checked.batch}: {found['answered']} of {found['drawn']} drawn samples "
            f"answered, {found['left']} left{_and(found['skipped'], 'skipped')}; they stand for "
            f"{found['population']}"
        )
    else:
        terminal.result(f"batch {checked.batch}: none of its samples were drawn")
    if found["answered"]:
        terminal.result(f"rejected: {found['rejected']} ({_rate(found)})")
        terminal.print_table(
            ("difficulty", "in the batch", "checked", "rejected", "rate", "low", "high"),
            _strata(found["by_difficulty"]),
        )
    _show_needs_human(found["needs_human"])
    _show_reasons(found)
    for line in _next(checked):
        terminal.result(line)


def _show_work(checked: Checked) -> None:
    if checked.sent:
        terminal.say(f"{checked.sent} tasks sent")
    if checked.fetched.deleted:
        terminal.say(
            f"{checked.fetched.deleted} tasks are gone from Label Studio; answers to them are kept"
        )
    if checked.fetched.doubles:
        terminal.say(f"{checked.fetched.doubles} tasks that had arrived twice were removed")
    if checked.fetched.unreadable:
        shown = ", ".join(map(str, checked.fetched.unreadable[:10]))
        terminal.say(f"Label Studio breaks on these tasks, left out: {shown}")
    if checked.url:
        terminal.result(f"label here: {checked.url}")


def _rate(found: Mapping[str, Any]) -> str:
    whole = "; all were checked, so that this is the batch's own rate" if found["exact"] else ""
    return f"{found['rate']:.1%}, 95% interval {found['low']:.1%} to {found['high']:.1%}{whole}"


def _strata(strata: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    return [
        [
            one["difficulty"],
            one["population"],
            one["checked"],
            one["rejected"],
            one["rate"],
            one["low"],
            one["high"],
        ]
        for one in strata
    ]


def _show_needs_human(found: Mapping[str, int]) -> None:
    if found["tasks"]:
        terminal.result(
            f"kept back for a person to decide: {found['tasks']}, {found['right']} found right, "
            f"{found['wrong']} rejected{_and(found['skipped'], 'skipped')}; they are no part of "
            "the rate"
        )


def _show_reasons(found: Mapping[str, Any]) -> None:
    if found["faults"]:
        faults = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in found["faults"].items())
        terminal.result(f"what was wrong: {faults}")
    said = [one for one in found["reasons"] if one["said"]]
    for one in said[:SHOWN_REASONS]:
        words = printable("; ".join(one["said"]))
        terminal.result(f"  {one['sample_id']} ({one['difficulty']}): {words}")
    if found["corrected"]:
        terminal.result(f"difficulties corrected: {found['corrected']}")
    if found["incomplete"]:
        terminal.say(f"{found['incomplete']} answers leave a question out, and are not counted")
    if found["rejected_in_pool"]:
        shown = ", ".join(found["rejected_in_pool"][:SHOWN_REASONS]) + _more(found)
        terminal.say(f"people reject by now what is in the pool already, where it stays: {shown}")


def _more(found: Mapping[str, Any]) -> str:
    more = len(found["rejected_in_pool"]) - SHOWN_REASONS
    return f" and {more} more" if more > 0 else ""


def _next(checked: Checked) -> list[str]:
    found, number = checked.result, checked.batch
    open_cases = found["needs_human"]["tasks"] - found["needs_human"]["answered"]
    if found["decision"] == "accepted":
        lines = [f"accepted: {checked.added} samples entered the pool"]
        if open_cases:
            lines.append(f"{open_cases} wait for a person; then: goldloop synthesis check {number}")
        return lines
    if found["decision"] == "stopped":
        return [
            f"stopped: surely more than {found['max_rejected']:.0%} are rejected; nothing enters "
            "the pool. Mend the task description or the prompt, then generate a new batch; to "
            f"take it all the same: goldloop synthesis accept {number} --unchecked"
        ]
    if found["left"]:
        return [f"open: label the rest, then: goldloop synthesis check {number}"]
    return [
        f"open: the {found['skipped']} skipped samples could decide it; somebody else has to "
        f"answer them, then: goldloop synthesis check {number}"
    ]


def _and(count: int, what: str) -> str:
    return f", {count} {what}" if count else ""
