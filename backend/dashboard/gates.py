"""What gates said: whether a candidate has got worse, how sure that is, and the flipped cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from werkzeug.exceptions import NotFound

from backend.dashboard.choices import choice, options, words
from backend.dashboard.evaluation import FEW_SLICES, MOST_SLICES
from backend.dashboard.graded import graded_side, money
from backend.dashboard.paging import page_of
from goldloop.errors import GoldloopError
from goldloop.evaluation import STATUSES, Rules, Summary, summarise
from store.database import Store
from store.evaluations import StoredGate, get_evaluation
from store.gate_review import gate_review_tasks
from store.gates import ListedGate, count_gates, get_gate, list_gates
from views import gate_words
from views.flips import address
from views.gate_review_result import VERDICTS, gate_review
from views.project import Project

SIZE = 20
# How gates may stand, and by what; those that compared no case come last.
SORTS: Mapping[str, tuple[str, Callable[[ListedGate], Any]]] = {
    "newest": ("newest first", lambda one: -one.gate_id),
    "oldest": ("oldest first", lambda one: one.gate_id),
    "fallen": ("largest fall first", lambda one: (one.change is None, one.change or 0.0)),
    "risen": ("largest rise first", lambda one: (one.change is None, -(one.change or 0.0))),
    "chance": ("smallest p first", lambda one: (one.p is None, one.p or 0.0)),
    "cases": ("most cases first", lambda one: -(one.pairs or 0)),
}
DIRECTIONS = ("regressed", "recovered")
NOT_ASKED = "not_asked"
PEOPLE: Mapping[str, str] = {
    "right": "right",
    "wrong": "wrong",
    "disputed": "they disagree",
    "open": "not answered by enough",
    NOT_ASKED: "not asked",
}
MEANS: Mapping[str, str] = {
    "right": "cases in which people find what the candidate did right",
    "wrong": "cases in which people find what the candidate did wrong",
    "disputed": "cases in which no answer has the majority",
    "open": "cases that too few people have answered",
}


def values(project: Project, db: Store, arguments: Mapping[str, str]) -> Mapping[str, Any]:  # noqa: ARG001
    """Every gate, or those with one verdict, the newest first or in the order asked for."""
    status = choice(arguments, "status", STATUSES)
    sort = choice(arguments, "sort", SORTS, "newest")
    total = count_gates(db, status or None)
    pages = page_of(arguments, total)
    gates = sorted(list_gates(db, status or None, most=total), key=SORTS[sort][1])
    return {
        "gates": gates[pages.rows],
        "status": status,
        "sort": sort,
        "sorts": options({name: says for name, (says, _) in SORTS.items()}),
        "query": {"sort": sort} if sort != "newest" else {},
        "statuses": [(name, gate_words.TITLES[name], count_gates(db, name)) for name in STATUSES],
        "total": count_gates(db),
        "table": pages,
        "words": gate_words,
    }


def one(
    project: Project, db: Store, arguments: Mapping[str, str], gate_id: int
) -> Mapping[str, Any]:
    """A gate's verdict with what it rests on, and the flipped cases that the query asks for."""
    gate = get_gate(db, gate_id)
    if gate is None:
        raise NotFound(f"there is no gate {gate_id}")
    record = gate.record
    return {
        "gate": gate,
        "record": record,
        "rules": Rules(**{**record["rules"], "slices": tuple(record["rules"]["slices"])}),
        "summaries": _summaries(db, gate),
        "slices": sorted(record["slices"], key=_clearest_drop),
        "scale": _scale(record),
        "few": FEW_SLICES,
        "most": MOST_SLICES,
        "words": gate_words,
        "money": money,
        **_flips(project, db, arguments, gate),
    }


def _clearest_drop(one: Mapping[str, Any]) -> tuple[bool, float, float]:
    return not one["gates"], one["paired"]["p"], one["paired"]["change"]


def _flips(
    project: Project, db: Store, arguments: Mapping[str, str], gate: StoredGate
) -> dict[str, Any]:
    """The flipped cases that the query asks for, with what people said of them."""
    record = gate.record
    review, review_error = _review(project, db, gate.candidate_id)
    said = {one["sample_id"]: one for one in review["cases"]} if review else {}
    flips = [(flip, said.get(flip["sample_id"])) for flip in record["flips"]]
    asked = _read_query(arguments, record)
    found = [(flip, people) for flip, people in flips if _fits(flip, people, asked)]
    pages = page_of(arguments, len(found), SIZE)
    return {
        "review": review,
        "review_error": review_error,
        "asked": asked,
        "directions": Counter(flip["direction"] for flip in record["flips"]),
        "slice_names": options(one["name"] for one in record["slices"]),
        "people": _people(flips),
        "people_says": PEOPLE,
        "asked_means": MEANS,
        "flips": [_flip(flip, people) for flip, people in found[pages.rows]],
        "table": pages,
    }


def _review(
    project: Project, db: Store, evaluation_id: int
) -> tuple[Mapping[str, Any] | None, str]:
    """What people said of the candidate's flipped cases, or why that cannot be read."""
    if not gate_review_tasks(db, evaluation_id):
        return None, ""
    try:
        return gate_review(project, db, evaluation_id), ""
    except GoldloopError as error:
        return None, str(error)


def _read_query(arguments: Mapping[str, str], record: Mapping[str, Any]) -> dict[str, str]:
    return {
        "show": choice(arguments, "show", DIRECTIONS),
        "slice": choice(arguments, "slice", [one["name"] for one in record["slices"]]),
        "people": choice(arguments, "people", PEOPLE),
        "q": words(arguments, "q"),
    }


def _fits(
    flip: Mapping[str, Any], people: Mapping[str, Any] | None, asked: Mapping[str, str]
) -> bool:
    text = asked["q"].casefold()
    return (
        (not asked["show"] or asked["show"] == flip["direction"])
        and (not asked["slice"] or asked["slice"] in flip["slices"])
        and (not asked["people"] or asked["people"] == _verdict(people))
        and (not text or any(text in one.casefold() for one in _texts(flip)))
    )


def _texts(flip: Mapping[str, Any]) -> list[str]:
    sides = (flip["baseline"], flip["candidate"])
    return [flip["sample_id"], flip["user_input"], *(side["response"] or "" for side in sides)]


def _verdict(people: Mapping[str, Any] | None) -> str:
    return NOT_ASKED if people is None else str(people["verdict"])


def _people(flips: Sequence[tuple[Any, Mapping[str, Any] | None]]) -> list[tuple[str, str, int]]:
    counts = Counter(_verdict(people) for _, people in flips)
    return [(name, PEOPLE[name], counts[name]) for name in (*VERDICTS, NOT_ASKED)]


def _flip(flip: Mapping[str, Any], people: Mapping[str, Any] | None) -> dict[str, Any]:
    """A flipped case with both sides; people may have seen another run than the one shown here."""
    return {
        **flip,
        "sides": [
            (name, flip[name]["attempt"] + 1, graded_side(flip[name]))
            for name in ("baseline", "candidate")
        ],
        "task": address(flip["task_url"]),
        "people": people,
    }


def _summaries(db: Store, gate: StoredGate) -> list[tuple[str, int | None, Summary | None]]:
    """Both sides with their figures by the graders that the gate counted; None for a baseline that
    came from a file.
    """
    metric, without = gate.record["rules"]["metric"], gate.record.get("without", ())
    found = []
    for name, number in (("baseline", gate.baseline_id), ("candidate", gate.candidate_id)):
        evaluation = None if number is None else get_evaluation(db, number)
        found.append((name, number, summarise(evaluation, metric, without) if evaluation else None))
    return found


def _scale(record: Mapping[str, Any]) -> float:
    """The largest change that the plots have to show, so that all of them can be compared."""
    parts = [one["paired"] for one in (*record["slices"], *record["graders"])]
    ends = [
        abs(paired[key])
        for paired in (*parts, record["paired"])
        if paired is not None
        for key in ("change", "low", "high")
    ]
    return float(min(max([*ends, 2 * record["rules"]["margin"], 0.02]), 1.0))
