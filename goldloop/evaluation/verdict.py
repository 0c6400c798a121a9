"""What a gate says: whether the candidate has got worse, by how much, and where."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from goldloop.evaluation.flips import Flip
from goldloop.evaluation.paired import Paired
from goldloop.evaluation.power import Power
from goldloop.evaluation.rules import NONINFERIOR, Rules
from goldloop.evaluation.values import SCORE, GraderFacts

PASS, INCONCLUSIVE, REGRESSION = "pass", "inconclusive", "regression"
ERRORS, NO_EVIDENCE = "errors", "no_evidence"
STATUSES = (PASS, INCONCLUSIVE, REGRESSION, ERRORS, NO_EVIDENCE)
SCHEMA = "goldloop-gate-1"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two evaluations; `errors` of its `cases` came to nothing."""

    evaluation_id: str
    name: str
    dataset: str
    version: str
    agent_version: str
    cases: int
    errors: int


@dataclass(frozen=True, slots=True)
class SliceChange:
    """A slice by itself. Where it `gates`, `p` is corrected for the number of slices that do, and
    it may block; else `p` is None.
    """

    name: str
    paired: Paired
    gates: bool
    p: float | None
    blocks: bool

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "name": self.name,
            "gates": self.gates,
            "p": self.p,
            "blocks": self.blocks,
            "paired": self.paired.record(),
        }


@dataclass(frozen=True, slots=True)
class GraderChange:
    """A grader by itself, on the cases that it graded in both (None: on none); `unproven` says why
    a judge cannot block by itself.
    """

    facts: GraderFacts
    paired: Paired | None
    unproven: str | None

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self.facts) | {
            "unproven": self.unproven,
            "paired": None if self.paired is None else self.paired.record(),
        }


@dataclass(frozen=True, slots=True)
class CaseError:
    """A case that came to nothing in one of the two: `side` is baseline or candidate."""

    sample_id: str
    side: str
    error: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the candidate has got worse than the baseline.

    `status`: "pass"; "inconclusive" (a drop over the margin that may be chance, or that only judges
    see that are not proven); "regression"; "errors" (too many cases came to nothing);
    "no_evidence" (no drop, but one of `rules.smallest_drop` could have been missed, or only such
    judges looked). `paired` is None where no case is left; `with_unproven` is the comparison with
    the judges that are not proven, None where there are none. `notes` are sentences that say what
    was done. `without` names the graders that were left out.
    """

    status: str
    rules: Rules
    baseline: Side
    candidate: Side
    paired: Paired | None
    with_unproven: Paired | None
    power: Power | None
    slices: tuple[SliceChange, ...]
    graders: tuple[GraderChange, ...]
    flips: tuple[Flip, ...]
    errors: tuple[CaseError, ...]
    notes: tuple[str, ...]
    without: tuple[str, ...] = ()

    def exit_code(self, strict: bool = False) -> int:
        """0 to merge, 1 for a regression, 2 for too many errors; 3 where strict asks for evidence
        that is not there.
        """
        if self.status in (REGRESSION, ERRORS):
            return 1 if self.status == REGRESSION else 2
        return 3 if strict and self.status != PASS else 0

    @property
    def sentence(self) -> str:
        """What it came to, in one line."""
        if self.status == ERRORS or self.paired is None:
            return (
                f"No verdict: {self.baseline.errors} of {self.baseline.cases} cases of the baseline"
                f" and {self.candidate.errors} of {self.candidate.cases} of the candidate came to"
                f" nothing; {self.rules.max_errors:.1%} may."
            )
        opening = _OPENINGS[self.status]
        if self.status == REGRESSION and self.rules.policy == NONINFERIOR:
            opening = "Not shown to be as good"
        named = ", ".join(one.name for one in self.slices if one.blocks)
        blocking = f" Slices that block: {named}." if named and self.status == REGRESSION else ""
        return f"{opening}: {_moved(self.paired, self.rules.metric)}.{blocking}"

    def record(self, longest: int | None = None) -> dict[str, Any]:
        """As JSON values; with `longest`, what is said in flips has so many characters at most."""
        return {
            "schema": SCHEMA,
            "status": self.status,
            "sentence": self.sentence,
            "rules": self.rules.record(),
            "baseline": asdict(self.baseline),
            "candidate": asdict(self.candidate),
            "paired": None if self.paired is None else self.paired.record(),
            "with_unproven": None if self.with_unproven is None else self.with_unproven.record(),
            "power": None if self.power is None else self.power.record(),
            "slices": [one.record() for one in self.slices],
            "graders": [one.record() for one in self.graders],
            "flips": [one.record(longest) for one in self.flips],
            "errors": [asdict(one) for one in self.errors],
            "notes": list(self.notes),
            "without": list(self.without),
        }


_OPENINGS = {
    PASS: "Pass",
    INCONCLUSIVE: "Inconclusive",
    REGRESSION: "Regression",
    NO_EVIDENCE: "Pass without enough evidence",
}


def _moved(found: Paired, metric: str) -> str:
    """How far it moved.

    >>> from goldloop.evaluation.paired import paired
    >>> _moved(paired([1] * 50, [0] * 9 + [1] * 41), "passed").split(", ")[:2]
    ['pass rate 100.0% -> 82.0%', '18.0 points down (95% interval 5.4 to 29.2 down']
    """
    what = "mean score" if metric == SCORE else "pass rate"
    return (
        f"{what} {found.baseline:.1%} -> {found.candidate:.1%}, {moved_points(found.change)}"
        f" (95% interval {_interval(found)}, p {_p(found.p)}), {found.pairs} cases"
    )


def moved_points(change: float) -> str:
    """A change in points, and which way it goes."""
    if abs(change) < 0.0005:
        return "no change"
    return f"{abs(100 * change):.1f} points {'up' if change > 0 else 'down'}"


def _interval(found: Paired) -> str:
    low, high = 100 * found.low, 100 * found.high
    if high <= 0.0:
        return f"{-high:.1f} to {-low:.1f} down"
    if low >= 0.0:
        return f"{low:.1f} to {high:.1f} up"
    return f"{-low:.1f} down to {high:.1f} up"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
