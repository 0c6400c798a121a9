"""Gold checks: how people did on settled samples that they were given without knowing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from goldloop.consensus import STANDING, counted
from goldloop.gold_checks import CheckScore, check_scores, doubtful_gold
from store.annotations import check_answers
from store.consensus import stored_consensus
from store.database import Store
from views.answers import read_annotation, rules_in_use
from views.project import Project, interface_in_use


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks say of people: scores by person; and of labels: samples to look at again."""

    scores: Mapping[int, CheckScore]
    doubtful: Sequence[str]


def checked(project: Project, db: Store) -> Checked:
    """How people did on the checks whose labels still stand."""
    rules, interface = rules_in_use(project, db), interface_in_use(project, db)
    fields = [field for field in rules.fields if field.name in rules.gold_fields]
    given = check_answers(db)
    labels = {
        one.sample_id: one.labels
        for one in stored_consensus(db, sample_ids=list(given))
        if one.state in STANDING
    }
    answers = {
        sample_id: counted(
            read_annotation(interface, project.settings.consensus, one) for one in said
        )
        for sample_id, said in given.items()
        if sample_id in labels
    }
    return Checked(check_scores(fields, labels, answers), doubtful_gold(fields, labels, answers))
