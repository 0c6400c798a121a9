"""What consensus says about one field of one task, the same for every kind of field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from goldloop.consensus.annotator_model import Annotator
from goldloop.consensus.inference import TIE
from goldloop.consensus.majority import LISTED
from goldloop.fields import Value

TaskAnswers: TypeAlias = Mapping[Annotator, Value]
FieldAnswers: TypeAlias = Mapping[str, TaskAnswers]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The consensus of one field of one task.

    `value` is what stands; None without answers and where it is tied. `confidence` is how probable
    `value` is, in [0, 1], None where the method gives none. `posterior` lists the most probable
    values, at most ten (for several choices: each option that somebody chose, with the probability
    that it applies). `spread` is the standard deviation of numbers, ratings or dates (in days)
    around the value, None below two answers. `votes` counts the answers. `vote` is what most said,
    None when that is tied, and `share` how many of the answers that is. `agreement` is the mean
    agreement of two answers, in [0, 1], None below two. `tied`: more than one value is equally
    good, so that none stands. `far_apart`: the answers differ so much that a person should look.
    `warnings` are sentences.
    """

    value: Value | None
    votes: int
    method: str
    method_version: int
    reason: str
    confidence: float | None = None
    posterior: tuple[tuple[Value, float], ...] = ()
    spread: float | None = None
    vote: Value | None = None
    share: float | None = None
    agreement: float | None = None
    tied: bool = False
    far_apart: bool = False
    warnings: tuple[str, ...] = ()


def unanswered(method: str, method_version: int, reason: str) -> Outcome:
    """The outcome of a task that nobody answered, or that everybody skipped."""
    return Outcome(None, 0, method, method_version, f"no answers; {reason}")


def plurality(answers: Sequence[Value]) -> tuple[Value | None, float | None]:
    """What most said (None when tied) and the share of the answers that is (None for none).

    >>> plurality(["a", "b", "a"]), plurality(["a", "b"])
    (('a', 0.6666666666666666), (None, 0.5))
    """
    if not answers:
        return None, None
    counts = Counter(answers)
    top = max(counts.values())
    winners = [answer for answer, count in counts.items() if count == top]
    return (winners[0] if len(winners) == 1 else None), top / len(answers)


def equal_pairs(answers: Sequence[Value]) -> float | None:
    """The share of pairs of answers that are equal; None below two answers.

    >>> equal_pairs(["a", "a", "b"])
    0.3333333333333333
    """
    pairs = len(answers) * (len(answers) - 1)
    if not pairs:
        return None
    return sum(count * (count - 1) for count in Counter(answers).values()) / pairs


def mean_jaccard(answers: Sequence[frozenset[object]]) -> float | None:
    """The mean over pairs of what two sets share, |A and B| / |A or B|; 1 for empty sets."""
    if len(answers) < 2:
        return None
    shares = [len(a & b) / len(a | b) if a | b else 1.0 for a, b in combinations(answers, 2)]
    return sum(shares) / len(shares)


def most_probable(posterior: Sequence[float]) -> tuple[int | None, float]:
    """The place of the most probable option, None when it is tied, and its probability.

    Options within 1e-9 of the best are tied: order decides nothing.
    """
    best = max(posterior)
    winners = [place for place, p in enumerate(posterior) if p >= best - TIE]
    return (winners[0] if len(winners) == 1 else None), best


def listed(options: Sequence[Value], posterior: Sequence[float]) -> tuple[tuple[Value, float], ...]:
    """The ten most probable options with their probabilities, the most probable first."""
    order = sorted(range(len(options)), key=lambda place: -posterior[place])
    return tuple((options[place], float(posterior[place])) for place in order[:LISTED])
