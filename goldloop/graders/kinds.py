"""Each kind of grader: how its settings are read, and how those that ask nobody grade."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from goldloop.errors import RecordError, SettingsError
from goldloop.graders import asked, contains, exact, json_schema, regex_patterns, tool_calls
from goldloop.graders.grader import KINDS, Grade, Grader, When
from goldloop.graders.reading import (
    Object,
    names_at,
    number_at,
    object_of,
    refuse_unknown,
    text_at,
)
from goldloop.json_values import check_json, kind, shown
from goldloop.samples import DIFFICULTIES, SOURCES, Run, Sample

MOST_GRADERS = 50
MOST_WEIGHT = 1e6
COMMON = ("name", "kind", "weight", "threshold", "when")
_LONGEST_NAME = 100
# Half of the comparisons of a pair are won by chance: undecided is as good as what is expected.
_THRESHOLDS = {"judge_pair": 0.5}
_SETTINGS: Mapping[str, Callable[[Object, str], dict[str, Any]]] = {
    "contains": contains.read,
    "exact": exact.read,
    "regex": regex_patterns.read,
    "json_schema": json_schema.read,
    "tool_calls": tool_calls.read,
    "judge": asked.read_judge,
    "judge_pair": asked.read_pair,
    "python": asked.read_python,
}
_GRADES: Mapping[str, Callable[[Grader, Sample, Run], Grade]] = {
    "contains": contains.grade,
    "exact": exact.grade,
    "regex": regex_patterns.grade,
    "json_schema": json_schema.grade,
    "tool_calls": tool_calls.grade,
}


def grade_run(grader: Grader, sample: Sample, run: Run) -> Grade:
    """The grade of a run by a grader of the kinds that ask nobody.

    Raises ValueError for a judge and a Python function: `agents.grading` asks those.
    """
    if grader.kind not in _GRADES:
        raise ValueError(f"{grader.kind} is asked elsewhere; expected one of {', '.join(_GRADES)}")
    return _GRADES[grader.kind](grader, sample, run)


def read_grader(value: object, where: str) -> Grader:
    """One grader, its settings checked and those not given filled in.

    Raises SettingsError that names the place.
    """
    record = object_of(value, where)
    try:
        check_json(record, where)
    except RecordError as error:
        raise SettingsError(str(error)) from None
    chosen = _kind(record, where)
    own = {key: item for key, item in record.items() if key not in COMMON}
    settings = _SETTINGS[chosen](own, where)
    least = _THRESHOLDS.get(chosen, 1.0)
    return Grader(
        name=_name(record, where),
        kind=chosen,
        settings=settings,
        weight=number_at(record, "weight", 0, MOST_WEIGHT, where, 1.0) or 0.0,
        threshold=number_at(record, "threshold", 0, 1, where, least) or 0.0,
        when=_when(record.get("when", {}), f"{where}.when"),
    )


def _kind(record: Object, where: str) -> str:
    value = record.get("kind")
    if value is None:
        raise SettingsError(f"{where}.kind is missing; expected one of {', '.join(KINDS)}")
    if not isinstance(value, str) or value not in KINDS:
        raise SettingsError(f"{where}.kind must be one of {', '.join(KINDS)}, not {shown(value)}")
    return value


def _name(record: Object, where: str) -> str:
    name = text_at(record, "name", where)
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise SettingsError(f"{where}.name must have 1 to {_LONGEST_NAME} characters that print")
    return name


def _when(value: object, where: str) -> When:
    record = object_of(value, where)
    refuse_unknown(record, ("tags", "difficulty", "source"), where)
    return When(
        tags=tuple(names_at(record, "tags", where)),
        difficulty=_known(record, "difficulty", DIFFICULTIES, where),
        source=_known(record, "source", SOURCES, where),
    )


def _known(record: Object, key: str, known: tuple[str, ...], where: str) -> tuple[str, ...]:
    names = tuple(names_at(record, key, where))
    for name in names:
        if name not in known:
            raise SettingsError(f"{where}.{key} may have {', '.join(known)}, not {shown(name)}")
    return names


def listed(value: object, where: str) -> list[Any]:
    """A list of 1 to 50 graders, not yet read."""
    if not isinstance(value, list | tuple):
        raise SettingsError(f"{where} must be a list of graders, not {kind(value)}")
    if not 1 <= len(value) <= MOST_GRADERS:
        raise SettingsError(f"{where} must have 1 to {MOST_GRADERS} graders, not {len(value)}")
    return list(value)


def unique(graders: Iterable[Grader], where: str) -> tuple[Grader, ...]:
    """The graders; SettingsError where two have one name."""
    found: dict[str, Grader] = {}
    for grader in graders:
        if grader.name in found:
            raise SettingsError(f"{where}: two graders are called {grader.name!r}; rename one")
        found[grader.name] = grader
    return tuple(found.values())
