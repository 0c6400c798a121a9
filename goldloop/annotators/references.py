"""References: what each answer is compared with, for all people in one pass over the tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from goldloop.agreement.rate import comparable
from goldloop.consensus.states import Annotation
from goldloop.fields import Field, Value
from goldloop.times import instant


class Comparison(NamedTuple):
    """One person's answer to a field of a task, beside what the others say of it.

    Values are in their comparable form. `others` is what most of the *other* people answered
    (leave one out: nobody vouches for themselves), None where nobody did or it is a tie. `truth` is
    what somebody else marked as ground truth, None where there is none.
    """

    task: str
    annotation: Annotation
    value: Value
    others: Value | None
    truth: Value | None

    @property
    def reference(self) -> Value | None:
        """The best there is: the truth, else the majority of the others."""
        return self.others if self.truth is None else self.truth


def comparisons(field: Field, standing: Mapping[str, Sequence[Annotation]]) -> Iterator[Comparison]:
    """Every answer to the field with its references; `standing` has the annotations that count.

    Raises RecordError when two ground truths of one task must be compared and an `updated_at` is
    no time.
    """
    for task, answers in standing.items():
        given = [
            (a, comparable(field, a.answers[field.name]))
            for a in answers
            if field.name in a.answers
        ]
        counts = Counter(form for _, form in given)
        without = {form: _majority_without(form, counts) for form in counts}
        truths = truths_of(answers)
        for annotation, form in given:
            truth = truth_for(annotation.annotator_id, truths)
            said = None if truth is None else truth.answers.get(field.name)
            told = None if said is None else comparable(field, said)
            yield Comparison(task, annotation, form, without[form], told)


def truths_of(answers: Iterable[Annotation]) -> list[Annotation]:
    """The annotations marked as ground truth, the latest first, as consensus takes them."""
    truths = [a for a in answers if a.ground_truth]
    if len(truths) < 2:
        return truths
    return sorted(truths, key=lambda a: (instant(a.updated_at), a.annotation_id), reverse=True)


def truth_for(person: int, truths: Sequence[Annotation]) -> Annotation | None:
    """The latest ground truth that somebody else gave."""
    return next((truth for truth in truths if truth.annotator_id != person), None)


def _majority_without(form: Value, counts: Mapping[Value, int]) -> Value | None:
    """What most say when one who said `form` is left out; None for a tie and for nobody."""
    left = {other: count - (other == form) for other, count in counts.items()}
    top = max(left.values())
    winners = [other for other, count in left.items() if count == top]
    return winners[0] if top and len(winners) == 1 else None
