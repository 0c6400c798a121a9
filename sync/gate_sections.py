"""The sections of a gate's report, as tables that Markdown, HTML and the terminal show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from goldloop.evaluation import Evaluation, Paired, Summary, Verdict
from goldloop.evaluation.rules import SIGNIFICANT
from goldloop.evaluation.verdict import SliceChange
from sync.gate import Gated
from views.gate_words import (
    METRICS,
    TITLES,
    between,
    chance,
    counted,
    points,
    points_between,
    scored,
    share,
)
from views.page_values import (
    Cell,
    Section,
    Span,
    Table,
    table_of,
)

SLICES = "slices"


def glance(gated: Gated) -> list[tuple[str, str, str]]:
    """The figures to look at first: what, how much, and a word on it."""
    verdict, paired = gated.verdict, gated.verdict.paired
    old, new = gated.baseline_summary.whole, gated.candidate_summary.whole
    figures = [
        ("Verdict", TITLES.get(verdict.status, verdict.status), f"policy {verdict.rules.policy}"),
        ("Baseline", share(old.mean), between(old.low, old.high)),
        ("Candidate", share(new.mean), between(new.low, new.high)),
    ]
    if paired is None:
        return figures
    change = f"points, {points_between(paired.low, paired.high)}"
    figures.append(("Change", points(paired.change), change))
    note = "that an unchanged agent would do as badly"
    figures.append(("Chance", chance(paired.p), note))
    figures.append(
        ("Compared", f"{paired.pairs:,}", f"cases: {paired.worse} worse, {paired.better} better")
    )
    power = verdict.power
    if power is not None:
        seen = "-" if power.smallest_drop is None else points(-power.smallest_drop)
        figures.append(("Smallest drop", seen, "points, seen four times in five"))
    return figures


def warnings(gated: Gated) -> list[str]:
    """What a reader must know before trusting the verdict."""
    found = [
        f"{one.facts.name} is an unproven judge, which cannot block alone: {one.unproven}"
        for one in gated.verdict.graders
        if one.unproven
    ]
    errors = gated.verdict.baseline.errors + gated.verdict.candidate.errors
    if errors:
        found.append(
            f"{counted(errors, 'case', 'cases')} came to nothing for an error and "
            f"{'is' if errors == 1 else 'are'} left out"
        )
    return found


def _sentence(note: str) -> str:
    return note if note.endswith(".") else f"{note}."


def sections(gated: Gated) -> list[Section]:
    """Everything but the flipped cases."""
    verdict = gated.verdict
    found = [
        Section("scores", "Scores", tuple(map(_sentence, verdict.notes)), (sides_table(gated),)),
        Section(SLICES, "Slices", _slice_says(verdict), _slice_tables(gated)),
        Section("graders", "Graders", (), (_graders(verdict),)),
        Section("errors", "Errors", (), (_errors(verdict),)),
        Section("notes", "What was compared", tuple(_notes(gated))),
    ]
    return [one for one in found if one.says or any(table.rows for table in one.tables)]


def _notes(gated: Gated) -> Iterator[str]:
    said = (*gated.notes, *gated.baseline.notes, *gated.candidate.notes)
    yield from (_sentence(note) for note in dict.fromkeys(said))


def sides_table(gated: Gated) -> Table:
    """Both evaluations side by side."""
    old, new = gated.baseline_summary, gated.candidate_summary
    rows: list[tuple[Cell, ...]] = [
        ("evaluation", _named(gated.baseline), _named(gated.candidate)),
        (METRICS[old.metric], _whole(old), _whole(new)),
    ]
    paired, unproven = gated.verdict.paired, gated.verdict.with_unproven
    if paired is not None:
        rows.append(("of the cases compared", share(paired.baseline), share(paired.candidate)))
    if unproven is not None:
        rows.append(("with unproven judges", share(unproven.baseline), share(unproven.candidate)))
    if old.pool is not None or new.pool is not None:
        rows.append(("whole pool, estimated", _pool(old), _pool(new)))
    if max(old.runs_per_case, new.runs_per_case) > 1:
        rows.append(
            ("cases that pass in each run", share(old.whole.always), share(new.whole.always))
        )
    rows.append(("cases", f"{old.whole.cases:,}", f"{new.whole.cases:,}"))
    sides = gated.verdict.baseline, gated.verdict.candidate
    rows.append(("errors", *(f"{one.errors:,}" for one in sides)))
    rows.append(("cost", _cost(old), _cost(new)))
    return table_of("Both evaluations", ("figure", "baseline", "candidate"), rows)


def _named(evaluation: Evaluation) -> str:
    return f"{evaluation.evaluation_id}: {evaluation.name}"


def _whole(summary: Summary) -> str:
    return scored(summary.whole.mean, summary.whole.low, summary.whole.high)


def _pool(summary: Summary) -> str:
    pool = summary.pool
    return "-" if pool is None else scored(pool.value, pool.low, pool.high)


def _cost(summary: Summary) -> str:
    usd = summary.whole.usage.usd
    return "-" if usd is None else f"${usd}"


def _slice_says(verdict: Verdict) -> tuple[str, ...]:
    gating = [one for one in verdict.slices if one.gates]
    if not gating:
        return ()
    by = (
        "Their p is corrected for their number by Holm's method."
        if _corrects(verdict)
        else "Each blocks by itself, and the more there are, the likelier one does by chance."
    )
    return (
        f"{counted(len(gating), 'slice', 'slices')} can block: named in [gate] slices or by "
        f"--slice, and large enough. {by}",
    )


def _corrects(verdict: Verdict) -> bool:
    """Whether the policy goes by p, of which those of slices are then corrected."""
    return verdict.rules.policy == SIGNIFICANT


def _slice_tables(gated: Gated) -> tuple[Table, ...]:
    return (_slice_changes(gated.verdict), _slice_scores(gated))


def _slice_changes(verdict: Verdict) -> Table:
    scale = _scale([one.paired for one in verdict.slices], verdict.rules.margin)
    rows: list[tuple[Cell, ...]] = [
        (
            one.name,
            one.paired.pairs,
            share(one.paired.baseline),
            share(one.paired.candidate),
            points(one.paired.change),
            points_between(one.paired.low, one.paired.high),
            chance(one.p if one.gates and _corrects(verdict) else one.paired.p),
            "blocks" if one.blocks else "can block" if one.gates else "no",
            change_span(one.paired, scale),
        )
        for one in sorted(verdict.slices, key=_clearest_drop)
    ]
    headings = (
        "slice",
        "cases",
        "baseline",
        "candidate",
        "change",
        "95% interval",
        "p",
        "gates",
        "",
    )
    caption = "Change by slice in points, the clearest drop first (the mark is no change)"
    return table_of(caption, headings, rows)


def _clearest_drop(one: SliceChange) -> tuple[bool, float, float]:
    return not one.gates, one.paired.p, one.paired.change


def _slice_scores(gated: Gated) -> Table:
    before = {part.name: part.mean for part in gated.baseline_summary.slices}
    rows: list[tuple[Cell, ...]] = [
        (
            part.name,
            part.graded,
            share(part.mean),
            between(part.low, part.high),
            ""
            if part.mean is None
            else Span(part.low, part.mean, part.high, before.get(part.name)),
        )
        for part in gated.candidate_summary.slices
    ]
    caption = "The candidate's score by slice (the mark is the baseline's)"
    return table_of(caption, ("slice", "cases", "score", "95% interval", ""), rows)


def _graders(verdict: Verdict) -> Table:
    scale = _scale([one.paired for one in verdict.graders], verdict.rules.margin)
    rows: list[tuple[Cell, ...]] = []
    for one in verdict.graders:
        paired = one.paired
        standing = "unproven judge" if one.unproven else "judge" if one.facts.is_judge else ""
        kind = one.facts.kind + (f" ({one.facts.model})" if one.facts.model else "")
        rows.append(
            (
                one.facts.name,
                f"{kind} {standing}".strip() if standing == "unproven judge" else kind,
                0 if paired is None else paired.pairs,
                share(None if paired is None else paired.baseline),
                share(None if paired is None else paired.candidate),
                points(None if paired is None else paired.change),
                chance(None if paired is None else paired.p),
                "" if paired is None else change_span(paired, scale),
            )
        )
    headings = ("grader", "kind", "cases", "baseline", "candidate", "change", "p", "")
    return table_of("Each grader by itself, change in points", headings, rows)


def _errors(verdict: Verdict) -> Table:
    rows = [(one.sample_id, one.side, one.error) for one in verdict.errors]
    return table_of("Cases that came to nothing", ("case", "side", "error"), rows)


def _scale(found: Sequence[Paired | None], margin: float) -> float:
    """The largest change that the plots of a table have to show, so that they can be compared."""
    ends = [
        abs(value)
        for one in found
        if one is not None
        for value in (one.change, one.low, one.high)
        if value is not None
    ]
    return min(max([*ends, 2 * margin, 0.02]), 1.0)


def change_span(paired: Paired, scale: float) -> Span:
    """A change with its interval, no change in the middle."""

    def place(change: float | None) -> float | None:
        return None if change is None else 0.5 + change / (2 * scale)

    says = f"{points(paired.change)} points, from {points_between(paired.low, paired.high)}"
    middle = place(paired.change)
    return Span(place(paired.low), 0.5 if middle is None else middle, place(paired.high), 0.5, says)
