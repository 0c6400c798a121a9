"""The queue of disputed samples: what each is about, and which of them a query asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from backend.dashboard.choices import choice, words
from backend.dashboard.kept import kept
from goldloop.disagreement import Cause
from goldloop.routing import Step
from label_config.expert_case import answer_text
from store.database import Store
from store.samples import get_samples
from views.disputes import Dispute, held_back, list_disputes
from views.project import Project

# Why people differ is looked for in so many further samples: more tell little and take long.
COMPARED = 2_000
EXPERTS = "with_experts"
CAUSES: Mapping[str, str] = {
    Cause.ANNOTATOR: "one person is far from the others",
    Cause.GUIDELINE: "options are confused",
    Cause.HARD_CASE: "a hard case",
    Cause.UNKNOWN: "not known",
}
STEPS: Mapping[str, str] = {
    Step.WAIT: "waits for one more answer",
    Step.ANOTHER: "one more annotator",
    Step.NOBODY_LEFT: "nobody is left to ask",
    Step.EXPERT: "an expert",
    EXPERTS: "with the experts",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A sample that is held back, with all of its disputed fields.

    `annotators` answered; `agreement_rate` is the share of the fields on which all of them agree,
    and `updated_at` when the consensus was worked out.
    """

    sample_id: str
    asked: str
    tags: tuple[str, ...]
    state: str
    annotators: int
    agreement_rate: float | None
    updated_at: str
    disputes: tuple[Dispute, ...]

    @property
    def step(self) -> str:
        """What is next, by its name in `STEPS`."""
        first = self.disputes[0]
        return EXPERTS if first.with_experts else first.next.value

    @property
    def link(self) -> str | None:
        """The task in Label Studio."""
        return self.disputes[0].link

    @property
    def splits(self) -> list[tuple[str, list[tuple[str, int]]]]:
        """Of each disputed field, how often each answer was given."""
        return [
            (one.field, Counter(answer_text(said) or "" for said in one.answers).most_common())
            for one in self.disputes
        ]


def _by_agreement(case: Case) -> tuple[bool, float, str]:
    """What is not known comes last."""
    return case.agreement_rate is None, case.agreement_rate or 0.0, case.sample_id


_SORTS: Mapping[str, tuple[str, Callable[[Case], Any]]] = {
    "oldest": ("longest waiting", lambda case: (case.updated_at, case.sample_id)),
    "newest": ("newest", lambda case: case.updated_at),
    "split": ("least agreement", _by_agreement),
    "answers": ("most answers", lambda case: (-case.annotators, case.sample_id)),
    "sample": ("sample", lambda case: case.sample_id),
}
SORTS = {name: says for name, (says, _) in _SORTS.items()}
USUAL_SORT = "oldest"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query asks for; empty where it does not say."""

    field: str = ""
    tag: str = ""
    cause: str = ""
    next: str = ""
    sort: str = USUAL_SORT

    @property
    def query(self) -> dict[str, str]:
        """The same as a link carries it, without what is as usual."""
        usual = Asked()
        names = ("field", "tag", "cause", "next", "sort")
        found = {name: str(getattr(self, name)) for name in names}
        return {key: value for key, value in found.items() if value != getattr(usual, key)}


def all_cases(project: Project, db: Store) -> Sequence[Case]:
    """Every sample that is held back, by id; worked out once for every state of the store."""
    return kept(project, "disputes", lambda: _cases(project, db))


def _cases(project: Project, db: Store) -> list[Case]:
    disputes = list_disputes(project, db, COMPARED)
    held = {one.sample_id: one for one in held_back(db)}
    samples = get_samples(db, list(held))
    found = []
    for sample_id, own in groupby(disputes, key=attrgetter("sample_id")):
        one, sample = held.get(sample_id), samples.get(sample_id)
        if one is None or sample is None:
            continue
        found.append(
            Case(
                sample_id,
                sample.user_input,
                sample.tags,
                one.state.value,
                one.annotators,
                one.agreement_rate,
                one.updated_at,
                tuple(own),
            )
        )
    return found


def read_query(arguments: Mapping[str, str], fields: Sequence[str]) -> Asked:
    """What the query asks for; BadRequest for what there cannot be."""
    return Asked(
        choice(arguments, "field", fields),
        words(arguments, "tag"),
        choice(arguments, "cause", CAUSES),
        choice(arguments, "next", STEPS),
        choice(arguments, "sort", SORTS, USUAL_SORT),
    )


def wanted(cases: Sequence[Case], asked: Asked) -> list[Case]:
    """The cases that a query asks for, in its order."""
    found = [case for case in cases if _fits(case, asked)]
    key = _SORTS[asked.sort][1]
    return sorted(found, key=key, reverse=asked.sort == "newest")


def _fits(case: Case, asked: Asked) -> bool:
    """A field and a cause have to be those of one dispute."""
    return (
        (not asked.tag or asked.tag in case.tags)
        and (not asked.next or asked.next == case.step)
        and any(
            (not asked.field or asked.field == one.field)
            and (not asked.cause or asked.cause == one.why.cause)
            for one in case.disputes
        )
    )
