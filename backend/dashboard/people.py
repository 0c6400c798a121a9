"""Do people agree? By field, slice and pair; how each annotator answers; and what is confused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from werkzeug.exceptions import NotFound

from backend.dashboard.choices import choice, options
from backend.dashboard.kept import kept, kept_as
from backend.dashboard.numbers import moment
from backend.dashboard.paging import page_of
from backend.dashboard.plots import Plot
from goldloop.agreement import FieldAgreement, PairAgreement
from goldloop.annotators import AnnotatorReport, Drift
from goldloop.fields import Field
from goldloop.gold_checks import CheckScore
from store.annotations import people
from store.database import Store
from views.confusions import confusions, mix_ups
from views.gold_checks import Checked, checked
from views.people import (
    SLICES,
    Answered,
    Part,
    agreement_by_field,
    agreement_by_pair,
    agreement_by_period,
    agreement_in_slices,
    random_part,
    reports,
    slices_of,
    with_intervals,
    words_shown,
)
from views.project import Project

# Of a larger store a random part is read, so that the page comes in a second or two.
MOST_ANSWERS = 10_000
MOST_SLICES = 60
MOST_OPTIONS = 12
MOST_MIX_UPS = 20
SIZE = 25

# How people and pairs may stand, and by what; what is not known comes last.
PEOPLE: Mapping[str, tuple[str, Callable[[AnnotatorReport], Any]]] = {
    "id": ("by number", lambda one: one.annotator_id),
    "answers": ("most answers first", lambda one: -one.answers),
    "others": ("least as the others first", lambda one: _last(one.with_others)),
    "fast": ("fastest first", lambda one: _last(one.median_seconds)),
    "hasty": ("most hasty answers first", lambda one: -one.hasty),
    "drift": ("largest fall first", lambda one: _last(one.drift.change)),
}
PAIRS: Mapping[str, tuple[str, Callable[[PairAgreement], Any]]] = {
    "low": ("least agreement first", lambda one: (_last(one.percent.value), -one.tasks)),
    "high": ("most agreement first", lambda one: _last(_less(one.percent.value))),
    "tasks": ("most tasks first", lambda one: -one.tasks),
}


def _last(value: float | None) -> tuple[bool, float]:
    return value is None, value or 0.0


# How a field's agreement can be taken apart: by these and over time.
OVER_TIME = "time"
PARTS = (*SLICES, OVER_TIME)


def _less(value: float | None) -> float | None:
    return None if value is None else -value


@dataclass(frozen=True, slots=True)
class Work:
    """What everybody answered, as far as it was read, and what it says of each field and person."""

    part: Part
    fields: Sequence[FieldAgreement]
    reports: Sequence[AnnotatorReport]
    checked: Checked
    # What is made of it stays as long as it does, however the store goes on.
    mark: object = dataclass_field(default_factory=object)

    @property
    def answered(self) -> Answered:
        """The answers that all of it rests on."""
        return self.part.answered

    def field(self, name: str) -> Field:
        """A voted field of that name."""
        return next(field for field in self.answered.rules.fields if field.name == name)


def work_of(project: Project, db: Store) -> Work:
    """What the page rests on, worked out once for each state of the store."""
    return kept(project, "people", lambda: _work(project, db))


def _work(project: Project, db: Store) -> Work:
    part = random_part(project, db, MOST_ANSWERS)
    found = reports(part.answered, words_shown(db, part.answered.tasks))
    return Work(part, agreement_by_field(part.answered), found, checked(project, db))


def values(project: Project, db: Store, arguments: Mapping[str, str]) -> Mapping[str, Any]:
    """Every field and every person, and one field in slices, by pair and by option."""
    work = work_of(project, db)
    by = choice(arguments, "by", PARTS)
    if not work.reports:
        return {"work": work}
    names = [one.field for one in work.fields]
    gold = [name for name in names if name in work.answered.rules.gold_fields]
    field = choice(arguments, "field", names, (gold or names or [""])[0])
    sort, order = choice(arguments, "sort", PEOPLE, "id"), choice(arguments, "pairs", PAIRS, "low")
    return {
        "work": work,
        "names": people(db),
        "unchecked": CheckScore(0, 0),
        "by": by,
        "field": field,
        "sort": sort,
        "order": order,
        "choices": {
            "field": options(names),
            "by": options(PARTS),
            "sort": options({name: says for name, (says, _) in PEOPLE.items()}),
            "pairs": options({name: says for name, (says, _) in PAIRS.items()}),
        },
        "people": sorted(work.reports, key=PEOPLE[sort][1]),
        "looked_at": sum(one.drift.drifted is not None for one in work.reports),
        **(_of_field(project, db, work, field, by) if field else {}),
        **_pairs(project, work, field, order, arguments),
    }


def _of_field(project: Project, db: Store, work: Work, field: str, by: str) -> dict[str, Any]:
    matrices = confusions(work.reports, field)
    whole = [one for one in matrices if one.option is None]
    return {
        "matrices": [one for one in whole if len(one.options) <= MOST_OPTIONS],
        "mix_ups": [one for matrix in whole for one in mix_ups(matrix)][:MOST_MIX_UPS],
        "ticks": [one for one in matrices if one.option is not None],
        "slices": kept_as(
            work.mark, (project.folder, "slices", field, by), lambda: _slices(db, work, field, by)
        ),
    }


def _slices(db: Store, work: Work, field: str, by: str) -> dict[str, Any] | None:
    """The agreement on a field in the largest slices, and how many there are."""
    if not by:
        return None
    if by == OVER_TIME:
        return _periods(work, field)
    slices = slices_of(db, by, work.answered.tasks)
    counts = Counter(name for own in slices.values() for name in own)
    largest = {name for name, _ in counts.most_common(MOST_SLICES)}
    shown: dict[Hashable, Collection[str]] = {
        sample: [name for name in own if name in largest] for sample, own in slices.items()
    }
    return {
        "rows": agreement_in_slices(work.answered, by, shown, [work.field(field)]),
        "all": len(counts),
        "without": sum(not own for own in slices.values()),
    }


def _periods(work: Work, field: str) -> dict[str, Any]:
    """The agreement on a field over time, in parts that hold as many tasks each."""
    parts = agreement_by_period(work.answered, fields=[work.field(field)])
    rows = [(f"{moment(o.start)} to {moment(o.end)}", o.agreement) for o in parts]
    return {"rows": rows, "all": len(rows), "without": 0}


def _pairs(
    project: Project, work: Work, field: str, order: str, arguments: Mapping[str, str]
) -> dict[str, Any]:
    found: list[tuple[str, PairAgreement]] = []
    fields = [work.field(field)] if field else []
    if fields:
        found = kept_as(
            work.mark,
            (project.folder, "pairs", field),
            lambda: agreement_by_pair(work.answered, fields, draws=0),
        )
    rows = sorted((pair for _, pair in found), key=PAIRS[order][1])
    table = page_of(arguments, len(rows), SIZE)
    shown = with_intervals(work.answered, fields[0], rows[table.rows]) if rows else []
    return {"pairs": shown, "table": table}


def one(
    project: Project,
    db: Store,
    arguments: Mapping[str, str],  # noqa: ARG001
    annotator_id: int,
) -> Mapping[str, Any]:
    """One annotator: the row of the table, confusions and biases by field, and drift."""
    work = work_of(project, db)
    found = [report for report in work.reports if report.annotator_id == annotator_id]
    if not found:
        raise NotFound(f"no annotator {annotator_id} has answered anything")
    return {
        "work": work,
        "report": found[0],
        "name": people(db).get(annotator_id, f"annotator {annotator_id}"),
        "score": work.checked.scores.get(annotator_id, CheckScore(0, 0)),
        "plot": _drift_plot(found[0].drift),
    }


def _drift_plot(drift: Drift) -> Plot:
    numbers: list[float | None] = [*range(1, len(drift.periods) + 1)]
    each = drift.periods
    return Plot(
        "lines",
        "part of the tasks, oldest first",
        "as the others",
        numbers,
        {"share": [one.share for one in each]},
        bands={"share": ([one.interval.low for one in each], [one.interval.high for one in each])},
        x_range=(0.5, len(each) + 0.5),
        y_range=(0.0, 1.0),
    )
