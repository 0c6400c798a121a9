"""agreement and annotators: how far people agree, and how each of them answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from goldloop.agreement import FieldAgreement, PairAgreement, annotator_pairs, field_agreement
from goldloop.annotators import AnnotatorReport, annotator_reports
from goldloop.consensus import Annotation, Rules, counted
from goldloop.fields import Field, Value
from store.annotations import annotated_samples
from store.database import Store
from sync.consensus import read_annotations, rules_in_use
from sync.project import Project

Row = tuple[str, int, Value, str]


@dataclass(frozen=True, slots=True)
class Answered:
    """Every annotation that stands, by sample, and the rules that they are judged by."""

    rules: Rules
    tasks: Mapping[str, Sequence[Annotation]]

    def rows(self, field: Field) -> list[Row]:
        """The answers that count to one field: sample, annotator, value, time."""
        return [
            (sample_id, a.annotator_id, a.answers[field.name], a.updated_at)
            for sample_id, annotations in self.tasks.items()
            for a in counted(annotations)
            if field.name in a.answers
        ]


def everything_answered(project: Project, db: Store) -> Answered:
    """All annotations of all samples, read by the interface that people were shown."""
    tasks = read_annotations(project, db, annotated_samples(db))
    return Answered(rules_in_use(project, db), tasks)


def agreement_by_field(answered: Answered) -> list[FieldAgreement]:
    """The agreement on every voted field that somebody answered."""
    found = ((field, answered.rows(field)) for field in answered.rules.fields)
    return [field_agreement(field, rows) for field, rows in found if rows]


def agreement_by_pair(answered: Answered) -> list[tuple[str, PairAgreement]]:
    """For every field and pair of people with tasks in common: how far the two agree."""
    return [
        (field.name, pair)
        for field in answered.rules.fields
        for pair in annotator_pairs(field, answered.rows(field))
    ]


def reports(answered: Answered) -> tuple[AnnotatorReport, ...]:
    """How each person answers the questions that decide whether a sample is gold."""
    gold = [field for field in answered.rules.fields if field.name in answered.rules.gold_fields]
    return annotator_reports(gold, answered.tasks)
