"""How shares, changes and intervals are written in the reports of evaluations and gates."""

from __future__ import annotations

from goldloop.evaluation import Rules

UNKNOWN = "-"
METRICS = {"passed": "cases that pass", "score": "mean score"}
TITLES = {
    "pass": "Pass",
    "inconclusive": "Inconclusive",
    "regression": "Regression",
    "errors": "Too many errors",
    "no_evidence": "Not enough evidence",
}

POLICIES = {
    "point": "blocks a drop of more than {margin}, whether or not it may be chance",
    "significant": (
        "blocks a drop of more than {margin} that is no chance (one-sided p under {alpha:g})"
    ),
    "noninferior": (
        "blocks whatever is not shown to drop by less than {margin} (one-sided, at {alpha:g})"
    ),
}


def rules_said(rules: Rules) -> str:
    """The policy in one sentence."""
    margin = f"{points(rules.margin).lstrip('+')} points"
    said = POLICIES[rules.policy].format(margin=margin, alpha=rules.alpha)
    return f"Policy {rules.policy} on {METRICS[rules.metric]}: {said}."


def share(value: float | None) -> str:
    """A share in percent.

    >>> share(0.8125), share(None)
    ('81.2%', '-')
    """
    return UNKNOWN if value is None else f"{100 * value:.1f}%"


def between(low: float | None, high: float | None) -> str:
    """An interval of shares.

    >>> between(0.7, 0.9), between(None, None)
    ('70.0% to 90.0%', '-')
    """
    return UNKNOWN if low is None or high is None else f"{share(low)} to {share(high)}"


def scored(value: float | None, low: float | None, high: float | None) -> str:
    """A share with its interval.

    >>> scored(0.8, 0.7, 0.9), scored(None, None, None)
    ('80.0% (70.0% to 90.0%)', '-')
    """
    if value is None:
        return UNKNOWN
    return share(value) if low is None or high is None else f"{share(value)} ({between(low, high)})"


def points(change: float | None) -> str:
    """A change of a share in points.

    >>> points(-0.0312), points(0.02), points(0.0)
    ('-3.1', '+2.0', '0.0')
    """
    if change is None:
        return UNKNOWN
    said = f"{100 * change:+.1f}"
    return "0.0" if said in ("+0.0", "-0.0") else said


def points_between(low: float | None, high: float | None) -> str:
    """An interval of changes.

    >>> points_between(-0.05, 0.01)
    '-5.0 to +1.0'
    """
    return UNKNOWN if low is None or high is None else f"{points(low)} to {points(high)}"


def chance(p: float | None) -> str:
    """A p value.

    >>> chance(0.00004), chance(0.0312), chance(None)
    ('<0.001', '0.031', '-')
    """
    if p is None:
        return UNKNOWN
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def counted(number: int, one: str, many: str) -> str:
    """A number of things.

    >>> counted(1, "case", "cases"), counted(1200, "case", "cases")
    ('1 case', '1,200 cases')
    """
    return f"{number:,} {one if number == 1 else many}"
