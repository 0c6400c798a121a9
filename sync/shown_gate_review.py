"""What is shown of a gate review: where to label, how far people are, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sync import terminal

if TYPE_CHECKING:
    from sync.push_gate import PushedGate


def show_pushed_gate(done: PushedGate) -> None:
    """What was sent, and where people label."""
    if not done.cases:
        terminal.result(
            f"gate {done.gate} of evaluation {done.evaluation}: no such case flipped; nothing sent"
        )
        return
    if done.fetched.doubles:
        terminal.say(f"{done.fetched.doubles} tasks that had arrived twice were removed")
    if done.fetched.deleted:
        terminal.say(
            f"{done.fetched.deleted} tasks are gone from Label Studio; answers to them are kept"
        )
    others = "" if done.sent == done.cases else "; the others are there, or answered"
    terminal.result(
        f"project {done.project_id}: {done.sent} of {done.cases} flipped cases sent{others}\n"
        f"label here: {done.url}\nthen: goldloop pull; goldloop gate-review {done.evaluation}"
    )


def show_gate_review(found: Mapping[str, Any]) -> None:
    """The counts, a line a case, and what follows."""
    for direction in ("regressed", "recovered"):
        if found[direction]["cases"]:
            terminal.result(f"{direction} by the graders: {_counts(found[direction])}")
    terminal.print_table(
        ("sample", "flip", f"people say ({found['field']})", "answers", "task"),
        [
            [one["sample_id"], one["direction"], _said(one), one["answers"], _place(one)]
            for one in found["cases"]
        ],
    )
    if found["regressed"]["right"]:
        terminal.result(
            "regressed and right all the same: the expected answer or the grader is wrong. Correct "
            "the answer in the review project and commit a new version, or mend the grader"
        )
    if found["recovered"]["wrong"]:
        terminal.result(
            "recovered and wrong all the same: a grader lets through what it should not"
        )
    if found["regressed"]["disputed"] + found["recovered"]["disputed"]:
        terminal.say("where people disagree, one more person has to answer: open the task's link")
    if found["regressed"]["open"] + found["recovered"]["open"]:
        where = f"label here: {found['url']}; then: goldloop pull"
        again = f"send them: goldloop push --from-gate {found['evaluation']}"
        terminal.say(f"some are open; {where if found['url'] else again}")


def _counts(counts: Mapping[str, int]) -> str:
    said = ", ".join(f"{counts[name]} {name}" for name in counts if name != "cases")
    return f"{counts['cases']}; by people: {said}"


def _said(one: Mapping[str, Any]) -> str:
    """The verdict, with the answers where they differ."""
    given = [str(said["answer"]) for said in one["said"] if said["answer"] is not None]
    skips = f", {one['skips']} skipped" if one["skips"] else ""
    return f"{one['verdict']}{': ' + ', '.join(given) if given else ''}{skips}"


def _place(one: Mapping[str, Any]) -> str:
    return str(one["url"] or one["state"])
