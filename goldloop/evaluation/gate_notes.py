"""What a gate did, in sentences: what it left out, how it tested, and what it could have seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from goldloop.evaluation.changes import Changes
from goldloop.evaluation.paired import SIGN_FLIPS
from goldloop.evaluation.rules import NONINFERIOR, POINT, SIGNIFICANT, Rules
from goldloop.evaluation.summary import WHOLE, is_error, is_ungraded
from goldloop.evaluation.values import CaseOutcome
from goldloop.evaluation.verdict import SliceChange, moved_points


def method_notes(found: Changes, rules: Rules) -> Iterator[str]:
    """How the whole was tested, and what the policy means on data like this."""
    paired, power = found.paired, found.power
    tested = f"{paired.pairs} cases" + (
        f" in {paired.clusters} clusters" if paired.clusters < paired.pairs else ""
    )
    by = "exact sign flips (mid-p)" if paired.test == SIGN_FLIPS else "Student's t, paired"
    yield (
        f"Both are compared on the same {tested}, each counting the same; {paired.worse} got worse,"
        f" {paired.better} better. Test: {by}, one-sided."
    )
    yield _policy_note(rules, power.false_blocks, power.literal_false_blocks)
    yield _sight(found, rules)


def _policy_note(rules: Rules, false_blocks: float, literal: float) -> str:
    margin = f"{100 * rules.margin:g} points"
    if rules.policy == POINT:
        return (
            f"Policy point: any drop over {margin} blocks, and so {literal:.0%} of agents that did"
            " not change would be blocked on data like this."
        )
    if rules.policy == NONINFERIOR:
        return (
            f"Policy noninferior: what is not shown to drop by less than {margin} blocks, and so"
            f" {false_blocks:.0%} of agents that did not change would be blocked on data like this."
        )
    return (
        f"Policy significant: a drop over {margin} blocks when its p is below {rules.alpha:g}; the"
        f" drop alone would block {literal:.0%} of agents that did not change."
    )


def _sight(found: Changes, rules: Rules) -> str:
    power = found.power
    if power.smallest_drop is None:
        seen = "No drop would have been seen four times in five on so few cases."
    else:
        points = f"{100 * power.smallest_drop:.1f} points"
        seen = f"A drop of {points} would have been seen four times in five."
    if WHOLE in found.doubts and power.cases_for_drop is not None:
        return f"{seen} About {power.cases_for_drop:,} cases would settle the drop that was seen."
    if power.cases_for_margin is not None:
        return (
            f"{seen} About {power.cases_for_margin:,} cases would tell a drop of"
            f" {100 * rules.margin:g} points from none."
        )
    return seen


def left_out_notes(
    before: Sequence[CaseOutcome], after: Sequence[CaseOutcome], doubted: bool
) -> Iterator[str]:
    """What came to nothing; `doubted`: judges that are not proven are left out of these."""
    errors = sum(map(is_error, before)), sum(map(is_error, after))
    if any(errors):
        yield (
            f"{errors[0]} cases of the baseline and {errors[1]} of the candidate came to nothing"
            " (an error is no failure) and are left out."
        )
    runs = sum(one.errors for one in (*before, *after) if one.value is not None)
    if runs:
        yield f"{runs} further runs came to nothing, of cases whose other runs count."
    ungraded = len({one.case.sample_id for one in (*before, *after) if is_ungraded(one)})
    if ungraded:
        by = "a grader that is proven" if doubted else "a grader"
        yield f"{ungraded} cases are left out because {by} does not apply to them."


def slice_notes(found: Changes, rules: Rules) -> Iterator[str]:
    """Which named slices gate, and why others do not."""
    sizes = {one.name: one.paired.pairs for one in found.slices}
    for name in dict.fromkeys(rules.slices):
        if name not in sizes:
            yield f"Slice {name} does not gate: no case that is compared is of it."
        elif sizes[name] < rules.min_slice:
            yield (
                f"Slice {name} does not gate: it has {sizes[name]} cases and needs"
                f" {rules.min_slice}."
            )
    gating = [one for one in found.slices if one.gates]
    if len(gating) > 1 and rules.policy == SIGNIFICANT:
        yield (
            f"The {len(gating)} slices that gate share one alpha by Holm's correction; the whole"
            " has its own."
        )
    for one in gating:
        if one.blocks:
            yield f"Slice {one.name} blocks: {moved_points(one.paired.change)}, {_why(one, rules)}."


def _why(one: SliceChange, rules: Rules) -> str:
    if rules.policy == SIGNIFICANT:
        return f"p {one.p:.3f} (corrected)"
    return f"at worst {100 * one.paired.lower:+.1f} points (one-sided, at {rules.alpha:g})"


def judge_notes(
    doubts: Mapping[str, str],
    whole: Changes | None,
    every: Changes | None,
    alone: bool,
) -> Iterator[str]:
    """Which judges are not proven and what they would have done; `alone`: no other is left."""
    for name, why in doubts.items():
        yield f"Judge {name} is unproven: it {why}."
    if not doubts:
        return
    if alone:
        yield "No grader is left that is proven, so nothing here can block by itself."
    elif every is not None and every.blocks and not (whole is not None and whole.blocks):
        yield (
            f"With {' and '.join(doubts)} it would block ({', '.join(every.blocks)}); without, it"
            " does not."
        )
    else:
        yield "The verdict is made without them."
