"""Precision and recall of filters whose faults are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# (what is wrong with a candidate, what a filter said is wrong); None for nothing.
Outcome = tuple[str | None, str | None]


@dataclass(frozen=True)
class Score:
    """How well one reason, or a whole filter, is found.

    `made` candidates have the fault, `said` are said to have it, `right` both.
    """

    name: str
    made: int
    said: int
    right: int

    @property
    def precision(self) -> float | None:
        """right / said; None where nothing was said."""
        return round(self.right / self.said, 4) if self.said else None

    @property
    def recall(self) -> float | None:
        """right / made; None where there was nothing to find."""
        return round(self.right / self.made, 4) if self.made else None


def by_reason(outcomes: Iterable[Outcome], reasons: Sequence[str]) -> tuple[Score, ...]:
    """The score of each reason; another fault than the true one is right for neither."""
    pairs = Counter(outcomes)
    return tuple(
        Score(
            reason,
            sum(count for (true, _), count in pairs.items() if true == reason),
            sum(count for (_, found), count in pairs.items() if found == reason),
            pairs[reason, reason],
        )
        for reason in reasons
    )


def of_filter(outcomes: Iterable[Outcome], reasons: Sequence[str], name: str) -> Score:
    """The score of a filter as a whole: faults of its kind, whatever it said they were."""
    found = [(true in reasons, said in reasons) for true, said in outcomes]
    made, said = sum(true for true, _ in found), sum(said for _, said in found)
    return Score(name, made, said, sum(true and said for true, said in found))


def show_scores(title: str, scores: Iterable[Score]) -> None:
    """Print a table of them."""
    print(f"{title:<24}{'made':>7}{'said':>7}{'right':>7}{'precision':>11}{'recall':>9}")
    for score in scores:
        shares = (_shown(score.precision), _shown(score.recall))
        print(
            f"{score.name:<24}{score.made:>7}{score.said:>7}{score.right:>7}"
            f"{shares[0]:>11}{shares[1]:>9}"
        )
    print()


def rows(scores: Iterable[Score]) -> Mapping[str, Mapping[str, float | None]]:
    """The same for JSON."""
    return {
        score.name: {"made": score.made, "precision": score.precision, "recall": score.recall}
        for score in scores
    }


def _shown(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
