"""label_studio and label_studio_predictions: tasks to import into Label Studio again, as one JSON.

The answers that stand become one annotation of each task, marked as ground truth, or a prediction
that annotators may look at. Tasks have no id of their own, so nothing in Label Studio is replaced;
`data.sample_id` says which sample a task shows. The project needs the version's labelling
interface, interface.xml in its folder.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from goldloop.errors import PredictionError, VersionError
from goldloop.fields import Field, FieldKind
from goldloop.versions import Item
from label_config.interface import Interface
from label_config.results import write_result
from label_config.tasks import task_data
from sync.exports.case import case_of, facts
from sync.exports.form import Edition, Format, json_line

Answers = Callable[[list[dict[str, Any]], str], dict[str, Any]]


def write(edition: Edition, target: Path, answers: Answers) -> None:
    """A JSON array of tasks, one a line. Raises InterfaceError for an interface that is none."""
    with target.open("w", encoding="utf-8", newline="\n") as out:
        before = "[\n"
        for task in _tasks(edition, answers):
            out.write(before + json_line(task))
            before = ",\n"
        out.write("\n]\n" if before == ",\n" else "[]\n")


def _tasks(edition: Edition, answers: Answers) -> Iterator[dict[str, Any]]:
    interface, source, name = edition.interface, edition.origin, edition.name
    for item in edition.items:
        task = {"data": task_data(case_of(item), None), "meta": _meta(item, source)}
        result = _result(interface, item)
        yield {**task, **answers(result, name)} if result else task


def _meta(item: Item, source: Mapping[str, Any]) -> dict[str, Any]:
    """The item's facts as JSON text: Label Studio's database refuses some values in objects."""
    return {"goldloop": json.dumps(facts(item, source))}


def _result(interface: Interface, item: Item) -> list[dict[str, Any]]:
    """The labels as result items; those on questions that the interface does not ask are left
    out, and stay among the facts.
    """
    asked = ((interface.field(name), value) for name, value in item["labels"].items())
    known = {field.name: _as_answered(field, value) for field, value in asked if field}
    try:
        return write_result(interface, known)
    except PredictionError as error:
        raise VersionError(
            f"sample {item['sample_id']}: its labels do not fit the version's labelling "
            f"interface: {error}; export it as jsonl"
        ) from error


def _as_answered(field: Field, value: Any) -> Any:
    """A value as a person can give it: a rating that people come to together is a mean, of which
    the nearest number of stars is shown (half a star up); the mean itself is among the facts.
    """
    if field.kind is not FieldKind.RATING or not isinstance(value, int | float):
        return value
    low, high = field.minimum or 0, math.inf if field.maximum is None else field.maximum
    return min(max(math.floor(value + 0.5), low), high)


def _annotation(result: list[dict[str, Any]], name: str) -> dict[str, Any]:  # noqa: ARG001
    return {"annotations": [{"result": result, "ground_truth": True}]}


def _prediction(result: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return {"predictions": [{"result": result, "model_version": name}]}


FORMAT = Format(
    "tasks to import, the labels as annotations",
    ".label-studio.json",
    partial(write, answers=_annotation),
)
PREDICTIONS = Format(
    "tasks to import, the labels as predictions",
    ".label-studio-predictions.json",
    partial(write, answers=_prediction),
)
