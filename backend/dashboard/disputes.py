"""What is disputed? A queue of samples on which people differ, and each with all that tells why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.exceptions import NotFound

from backend.dashboard.choices import Option, choice, counted_options, options
from backend.dashboard.dispute_queue import (
    CAUSES,
    COMPARED,
    SORTS,
    STEPS,
    Case,
    all_cases,
    read_query,
    wanted,
)
from backend.dashboard.links import named_sample
from backend.dashboard.paging import page_of
from backend.dashboard.run_shown import run_shown
from goldloop.consensus import Annotation, counted
from goldloop.disagreement import Cause, Why
from goldloop.fields import Field
from label_config.expert_case import answer_text
from store.consensus import StoredConsensus, stored_consensus
from store.database import Store
from store.samples import get_sample
from views.answers import in_no_order, read_annotations, rules_in_use
from views.disputes import next_text, why_text
from views.project import Project, interface_in_use

SIZE = 50
MOST_TAGS = 100


def values(project: Project, db: Store, arguments: Mapping[str, str]) -> Mapping[str, Any]:
    """The queue as the query asks for it, and what there is to choose from."""
    cases = all_cases(project, db)
    fields = [field.name for field in rules_in_use(project, db).fields]
    asked = read_query(arguments, fields)
    found = wanted(cases, asked)
    pages = page_of(arguments, len(found), SIZE)
    disputes = [one for case in cases for one in case.disputes]
    tags = [tag for case in cases for tag in case.tags]
    return {
        "cases": found[pages.rows],
        "first": found[0] if found else None,
        "turned": pages,
        "total": len(cases),
        "asked": asked,
        "fields": _counted(fields, Counter(one.field for one in disputes)),
        "tags": counted_options(tags, MOST_TAGS),
        "causes": _named(CAUSES, Counter(one.why.cause.value for one in disputes)),
        "steps": _named(STEPS, Counter(case.step for case in cases)),
        "sorts": options(SORTS),
        "next_text": next_text,
        "cause_names": CAUSES,
        "compared": COMPARED,
    }


def _counted(names: Sequence[str], counts: Mapping[str, int]) -> list[Option]:
    return [(name, name, counts[name]) for name in names if counts[name]]


def _named(names: Mapping[str, str], counts: Mapping[str, int]) -> list[Option]:
    return [(str(name), says, counts[name]) for name, says in names.items()]


def one(
    project: Project, db: Store, arguments: Mapping[str, str], sample_id: str
) -> Mapping[str, Any]:
    """A disputed sample: what was asked and done, the answers side by side, why, and what next; of
    one that is settled by now, how.
    """
    sample_id = named_sample(sample_id, arguments)
    whole = choice(arguments, "all", ("1",)) == "1"
    asked = read_query(arguments, [field.name for field in rules_in_use(project, db).fields])
    cases = all_cases(project, db)
    case = next((one for one in cases if one.sample_id == sample_id), None)
    sample = get_sample(db, sample_id)
    consensus = next(iter(stored_consensus(db, sample_ids=[sample_id])), None)
    if sample is None or consensus is None:
        raise NotFound("no such sample was answered")
    queue = [one.sample_id for one in wanted(cases, asked)]
    shown = {"sample_id": sample_id, "asked": asked, "consensus": consensus, "case": case}
    shown |= _place_in(queue, sample_id)
    if case is None:
        return shown
    return {**shown, **_answers(project, db, case, consensus), **run_shown(db, sample, whole)}


def _place_in(queue: Sequence[str], sample_id: str) -> dict[str, Any]:
    """Where a sample is in the queue, and who is before and after it."""
    place = queue.index(sample_id) if sample_id in queue else None
    after = queue[place + 1 : place + 2] if place is not None else queue[:1]
    return {
        "place": place,
        "queue": len(queue),
        "previous": queue[place - 1] if place else None,
        "following": after[0] if after else None,
    }


def _answers(project: Project, db: Store, case: Case, consensus: StoredConsensus) -> dict[str, Any]:
    """The answers side by side, and why they differ."""
    given = read_annotations(project, db, [case.sample_id]).get(case.sample_id, [])
    answers = in_no_order(db, case.sample_id, counted(given))
    return {
        "columns": answers,
        "rows": _rows(interface_in_use(project, db).fields, answers, case),
        "skips": sum(one.was_cancelled for one in given),
        "whys": _whys(consensus, case, answers),
        "next_says": next_text(case.disputes[0]),
    }


def _rows(
    fields: Sequence[Field], answers: Sequence[Annotation], case: Case
) -> list[tuple[str, bool, list[str | None]]]:
    """Of each field that somebody answered: its name, whether it is disputed, and the answers; the
    disputed ones first.
    """
    disputed = {one.field for one in case.disputes}
    rows = [
        (field.name, field.name in disputed, [_said(one, field.name) for one in answers])
        for field in fields
        if any(field.name in one.answers for one in answers)
    ]
    return sorted(rows, key=lambda row: not row[1])


def _said(annotation: Annotation, name: str) -> str | None:
    return answer_text(annotation.answers.get(name))


def _whys(
    consensus: StoredConsensus, case: Case, answers: Sequence[Annotation]
) -> list[dict[str, Any]]:
    """Of each disputed field: why, what the votes are, and samples that are like it. People are
    named by the place of their answer alone, as experts see them.
    """
    names = {one.annotator_id: f"answer {n}" for n, one in enumerate(answers, 1)}
    return [
        {
            "field": dispute.field,
            "cause": CAUSES[dispute.why.cause],
            "says": _says(dispute.why, names),
            "split": split,
            "consensus": consensus.fields.get(dispute.field),
            "examples": dispute.why.examples,
        }
        for dispute, (_, split) in zip(case.disputes, case.splits, strict=True)
    ]


def _says(why: Why, names: Mapping[int, str]) -> str:
    """What speaks for the cause, without the examples, which the page links to."""
    if why.cause is Cause.ANNOTATOR:
        return why_text(why, names)
    return " and ".join(answer_text(one) or "" for one in why.options)
