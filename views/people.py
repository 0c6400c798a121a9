"""agreement and annotators: how far people agree, and how each of them answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from goldloop.agreement import (
    FieldAgreement,
    PairAgreement,
    PeriodAgreement,
    agreement_by_slice,
    agreement_over_time,
    annotator_pairs,
    field_agreement,
)
from goldloop.agreement.bootstrap import DRAWS
from goldloop.annotators import AnnotatorReport, annotator_reports, words_to_read
from goldloop.consensus import Annotation, Rules, counted
from goldloop.errors import GoldloopError
from goldloop.fields import Field, Value
from goldloop.printable import printable
from goldloop.prn import tie_break
from goldloop.samples import DIFFICULTIES, Sample
from store.annotations import annotated_samples, people, people_by_email
from store.database import Store
from store.rounds import picks_by_sample
from store.runs import shown_runs, stored_runs
from store.samples import get_samples, prn_of_samples
from views.answers import read_annotations, rules_in_use
from views.project import Project

SLICES = ("tag", "difficulty", "source", "round", "cluster")
PERIODS = 5
BATCH = 500
KNOWN = 20

Row = tuple[str, int, Value, str]


class UnknownAnnotatorError(GoldloopError):
    """Nobody who answered has that name, e-mail address or id, or several have it."""

    exit_code = 2


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


@dataclass(frozen=True, slots=True)
class Part:
    """What was answered on `read` of the `samples` that have, or had, an answer."""

    answered: Answered
    read: int
    samples: int


def everything_answered(project: Project, db: Store) -> Answered:
    """All annotations of all samples, read by the interface that people were shown."""
    tasks = read_annotations(project, db, annotated_samples(db))
    return Answered(rules_in_use(project, db), tasks)


def random_part(project: Project, db: Store, most: int) -> Part:
    """The annotations of samples in a random order that is always the same, until about so many
    have been read; all of them where there are no more.
    """
    ids = annotated_samples(db)
    order = np.argsort(tie_break(prn_of_samples(db, ids)), kind="stable").tolist()
    tasks: dict[str, Sequence[Annotation]] = {}
    read = 0
    for chunk in _chunks([ids[place] for place in order]):
        tasks |= read_annotations(project, db, chunk)
        read += len(chunk)
        if sum(map(len, tasks.values())) >= most:
            break
    found = Answered(rules_in_use(project, db), dict(sorted(tasks.items())))
    return Part(found, read, len(ids))


def agreement_by_field(answered: Answered) -> list[FieldAgreement]:
    """The agreement on every voted field that somebody answered."""
    found = ((field, answered.rows(field)) for field in answered.rules.fields)
    return [field_agreement(field, rows) for field, rows in found if rows]


def agreement_by_pair(
    answered: Answered, fields: Sequence[Field] | None = None, draws: int = DRAWS
) -> list[tuple[str, PairAgreement]]:
    """For every field, or these, and pair of people with tasks in common: how far the two agree.

    With 95% intervals, at about ten milliseconds a pair; with no `draws`, without.
    """
    return [
        (field.name, pair)
        for field in (answered.rules.fields if fields is None else fields)
        for pair in annotator_pairs(field, answered.rows(field), draws=draws)
    ]


def with_intervals(
    answered: Answered, field: Field, pairs: Sequence[PairAgreement]
) -> list[PairAgreement]:
    """These pairs again, with 95% intervals."""
    by_person: dict[Hashable, list[Row]] = defaultdict(list)
    for row in answered.rows(field):
        by_person[row[1]].append(row)
    return [
        found
        for pair in pairs
        for found in annotator_pairs(
            field, [*by_person[pair.first], *by_person[pair.second]], draws=DRAWS
        )
    ]


def agreement_in_slices(
    answered: Answered,
    by: str,
    slices: Mapping[Hashable, Collection[str]],
    fields: Sequence[Field] | None = None,
) -> list[tuple[str, FieldAgreement]]:
    """For every field, or these, and slice: the slice's name, and how far people agree in it.

    `slices` as `slices_of` gives them. Rounds stand in order, difficulties from easy to hard,
    others by name; a sample in no slice is left out.
    """
    found = []
    for field in answered.rules.fields if fields is None else fields:
        named = agreement_by_slice(field, answered.rows(field), slices)
        found += [(name, named[name]) for name in sorted(named, key=lambda name: _rank(by, name))]
    return found


def _rank(by: str, name: str) -> tuple[int, str]:
    if by == "round":
        return int(name), name
    return (DIFFICULTIES.index(name) if by == "difficulty" else 0), name


def slices_of(db: Store, by: str, sample_ids: Collection[str]) -> dict[Hashable, tuple[str, ...]]:
    """The slices that each sample is in; empty for one without a tag, a difficulty and so on.

    `by` is one of `SLICES`; a round is the one that picked the sample.
    """
    rounds = picks_by_sample(db) if by == "round" else {}
    found: dict[Hashable, tuple[str, ...]] = dict.fromkeys(sample_ids, ())
    for chunk in _chunks(sample_ids):
        for sample_id, sample in get_samples(db, chunk).items():
            pick = rounds.get(sample_id)
            found[sample_id] = _slices(by, sample, None if pick is None else pick.round_id)
    return found


def _slices(by: str, sample: Sample, round_id: int | None) -> tuple[str, ...]:
    if by == "tag":
        return sample.tags
    names = {
        "difficulty": sample.difficulty,
        "source": sample.source,
        "round": None if round_id is None else str(round_id),
        "cluster": sample.cluster_id,
    }
    name = names[by]
    return () if name is None else (name,)


def agreement_by_period(
    answered: Answered, periods: int = PERIODS, fields: Sequence[Field] | None = None
) -> list[PeriodAgreement]:
    """For every field, or these: the agreement in up to so many parts of it, oldest first."""
    return [
        period
        for field in (answered.rules.fields if fields is None else fields)
        for period in agreement_over_time(field, answered.rows(field), periods=periods)
    ]


def reports(
    answered: Answered, words: Mapping[str, int] | None = None
) -> tuple[AnnotatorReport, ...]:
    """How each person answers the questions that decide whether a sample is gold.

    `words` as `words_shown` gives them; without, haste is told by the clock alone.
    """
    gold = [field for field in answered.rules.fields if field.name in answered.rules.gold_fields]
    return annotator_reports(gold, answered.tasks, words)


def words_shown(db: Store, sample_ids: Collection[str]) -> dict[str, int]:
    """How many words there are to read of each sample and of the run that annotators were given."""
    words: dict[str, int] = {}
    for chunk in _chunks(sample_ids):
        shown = shown_runs(db, chunk)
        runs = {key[0]: run for key, run in stored_runs(db, chunk).items() if key in shown}
        for sample_id, sample in get_samples(db, chunk).items():
            words[sample_id] = words_to_read(sample, runs.get(sample_id))
    return words


def _chunks(sample_ids: Collection[str]) -> Iterator[list[str]]:
    ids = list(sample_ids)
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def find_annotator(db: Store, who: str, found: Sequence[AnnotatorReport]) -> AnnotatorReport:
    """The report on the person of that id, name or e-mail address, in any case of letters.

    An id counts before a name, so that nobody hides behind a name that is a number. Raises
    UnknownAnnotatorError, with who there is, for nobody and for a name that several have.
    """
    by_id = {str(report.annotator_id): report for report in found}
    if who.strip() in by_id:
        return by_id[who.strip()]
    names, sought = people(db), who.strip().casefold()
    emails = {annotator_id: email for email, annotator_id in people_by_email(db).items()}
    same = [
        report
        for report in found
        if sought in _called(names.get(report.annotator_id), emails.get(report.annotator_id))
    ]
    if len(same) == 1:
        return same[0]
    raise UnknownAnnotatorError(_unknown(who, same or found, names, several=bool(same)))


def _called(*names: str | None) -> set[str]:
    """What somebody can be called by: as it is, and as a table shows it."""
    given = [name for name in names if name]
    return {form.strip().casefold() for name in given for form in (name, printable(name))}


def _unknown(
    who: str, known: Sequence[AnnotatorReport], names: Mapping[int, str], *, several: bool
) -> str:
    if not known:
        return f"there is no annotator {printable(who)!r}: nobody has answered yet"
    listed = ", ".join(
        f"{printable(names.get(one.annotator_id, 'no name'))} ({one.annotator_id})"
        for one in known[:KNOWN]
    )
    more = f" and {len(known) - KNOWN} more" if len(known) > KNOWN else ""
    if several:
        return f"{len(known)} annotators are called {printable(who)!r}; give an id: {listed}{more}"
    return f"there is no annotator {printable(who)!r}; there are: {listed}{more}"
