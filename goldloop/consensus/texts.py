"""Free text: the wording that most gave, or the one that is nearest to all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from goldloop.canonical import normalise_text
from goldloop.consensus.annotator_model import Annotator
from goldloop.consensus.inference import TIE
from goldloop.consensus.outcome import FieldAnswers, Outcome, TaskAnswers, plurality, unanswered
from goldloop.errors import RecordError

METHOD = "exact_or_medoid"
VERSION = 1
FAR = 0.5
SHRINK = 5.0
SHORT = 3  # words
COMPARED_CHARACTERS = 200
COMPARED_WORDS = 5000


@dataclass(frozen=True, slots=True)
class TextModel:
    """How alike each annotator's texts are to the others', in [0, 1]; `typical` for strangers."""

    skills: Mapping[Annotator, float]
    typical: float

    def to_record(self) -> dict[str, Any]:
        """The model as plain values for JSON."""
        skills = [[who, skill] for who, skill in self.skills.items()]
        return {"skills": skills, "typical": self.typical}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> TextModel:
        """The model that `to_record` wrote. Raises RecordError when that is not what it is."""
        try:
            skills = {who: float(skill) for who, skill in record["skills"]}
            return cls(skills, float(record["typical"]))
        except (KeyError, TypeError, ValueError) as error:
            raise RecordError(f"a stored text model cannot be read: {error!r}") from None


def fit_text(answers: FieldAnswers) -> TextModel:
    """Each annotator's mean similarity to the others on shared tasks, drawn 5 pairs to the mean."""
    sums: Counter[Annotator] = Counter()
    pairs: Counter[Annotator] = Counter()
    for task in sorted(answers):
        texts = _texts(answers[task])
        for one, other in combinations(sorted(texts, key=_order), 2):
            alike = similarity(texts[one], texts[other])
            for who in (one, other):
                sums[who] += alike  # type: ignore[assignment]
                pairs[who] += 1
    total = pairs.total()
    typical = sum(sums.values()) / total if total else 0.0
    skills = {
        who: (sums[who] + SHRINK * typical) / (pairs[who] + SHRINK)
        for who in sorted(pairs, key=_order)
    }
    return TextModel(skills, typical)


def decide_text(model: TextModel, answers: TaskAnswers) -> Outcome:
    """What more than half wrote, compared without case and spacing; else the medoid.

    The medoid is the text most similar to the others, each similarity weighted by the skill of
    whoever wrote the other text, and multiplied by the writer's own. Strings are never fused.
    `confidence` is None: it is a choice among wordings. `far_apart` when texts share less than half
    on average, or, where most agree, never. Equally good texts are tied.
    """
    reason = "the wording that most gave, else the text nearest to the others"
    if not answers:
        return unanswered(METHOD, VERSION, reason)
    texts = _texts(answers)
    forms = [normalise_text(text) for text in texts.values()]
    form, share = plurality(forms)
    agreement = mean_similarity(list(texts.values()))
    most = form is not None and share is not None and share > 0.5
    chosen = str(form) if most else _medoid(model, texts)
    return Outcome(
        value=None if chosen is None else _wording(texts, chosen),
        votes=len(texts),
        method=METHOD,
        method_version=VERSION,
        reason="more than half wrote the same" if most else "the text nearest to the others",
        vote=_wording(texts, str(form)) if form is not None else None,
        share=share,
        agreement=agreement,
        tied=chosen is None,
        far_apart=not most and agreement is not None and agreement < FAR,
    )


def similarity(one: str, other: str) -> float:
    """How alike two texts are, in [0, 1], without case and spacing; symmetric.

    1 when equal. Up to three words in both: 1 - edit distance / length of the longer, on the first
    200 characters. Else the F1 of their words as multisets, on the first 5,000.

    >>> similarity("Refund  the order", "refund the ORDER"), similarity("cat", "car")
    (1.0, 0.6666666666666667)
    >>> similarity("refund the whole order now", "refund the order")
    0.75
    """
    left, right = normalise_text(one), normalise_text(other)
    if left == right:
        return 1.0
    words, others = left.split(), right.split()
    if max(len(words), len(others)) <= SHORT:
        return _edit_similarity(left[:COMPARED_CHARACTERS], right[:COMPARED_CHARACTERS])
    a, b = Counter(words[:COMPARED_WORDS]), Counter(others[:COMPARED_WORDS])
    return 2 * (a & b).total() / (a.total() + b.total())


def mean_similarity(texts: Sequence[str]) -> float | None:
    """The mean similarity of two texts; None below two."""
    pairs = sorted(similarity(one, other) for one, other in combinations(texts, 2))
    return sum(pairs) / len(pairs) if pairs else None


def _edit_similarity(left: str, right: str) -> float:
    longest = max(len(left), len(right))
    row = list(range(len(right) + 1))
    for i, character in enumerate(left, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(right, 1):
            cost = min(row[j] + 1, row[j - 1] + 1, diagonal + (character != other))
            diagonal, row[j] = row[j], cost
    return 1 - row[-1] / longest


def _medoid(model: TextModel, texts: Mapping[Annotator, str]) -> str | None:
    """The normalised form of the best text; None when different ones are as good."""
    skills = {who: model.skills.get(who, model.typical) for who in texts}
    best: dict[str, float] = {}
    for who, text in texts.items():
        others = [one for one in texts if one != who]
        near = [similarity(text, texts[one]) * skills[one] for one in others]
        score = skills[who] * (1 + float(np.sum(np.sort(near)))) if others else 1.0
        form = normalise_text(text)
        best[form] = max(best.get(form, 0.0), score)
    top = max(best.values())
    winners = [form for form, score in best.items() if score >= top - TIE]
    return winners[0] if len(winners) == 1 else None


def _wording(texts: Mapping[Annotator, str], form: str) -> str:
    """The most frequent wording of a form; the first by code point among equals."""
    wordings = Counter(text for text in texts.values() if normalise_text(text) == form)
    return min(wordings, key=lambda wording: (-wordings[wording], wording))


def _texts(answers: TaskAnswers) -> dict[Annotator, str]:
    return {who: str(text) for who, text in answers.items()}


def _order(who: Annotator) -> tuple[bool, Annotator]:
    return isinstance(who, str), who
