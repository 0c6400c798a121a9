"""Make and check the predictions that pre-fill an annotator's answers.

Label Studio stores any prediction, and one that does not fit shows up as a broken or empty screen;
so a prediction is checked here before it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from goldloop.errors import InterfaceError, PredictionError
from goldloop.fields import Answers, Field, FieldKind, Value
from goldloop.samples import Run, Sample
from label_config.controls import PATH
from label_config.interface import Interface
from label_config.results import field_of, target, write_result
from label_config.values import MisfitError, fit, from_wire, quote

EXPECTED_RESPONSE = "expected_response"


def prefill(
    interface: Interface, sample: Sample, run: Run | None, names: Sequence[str]
) -> dict[str, Value]:
    """A first answer for each field in `names` that the sample or the run has one for.

    `expected_response` gets the sample's expected response, or else the run's response. Any other
    field gets its own key of the response where that is a JSON object, and else the response
    itself. What does not fit the field's kind and options is left out; choices match without
    regard to case and outer spaces. Raises InterfaceError for a name that is not a question.
    """
    filled: dict[str, Value] = {}
    for name in names:
        field = interface.field(name)
        if field is None:
            known = ", ".join(field.name for field in interface.fields)
            raise InterfaceError(
                f"cannot pre-fill {quote(name)}: the labelling interface asks only {known}"
            )
        value = _fitted(field, _source(sample, run, name))
        if value is not None:
            filled[name] = value
    return filled


def prediction(
    interface: Interface, answers: Answers, score: float, model_version: str
) -> dict[str, Any]:
    """A prediction as Label Studio takes it, checked. Raises PredictionError."""
    result = write_result(interface, answers)
    check_prediction(interface, result, score)
    return {"result": result, "score": float(score), "model_version": model_version}


def check_prediction(interface: Interface, result: object, score: object) -> None:
    """Raise PredictionError, naming the control, unless `result` and `score` fit the interface.

    The score is a finite number from 0 to 1. Each item answers one question of the interface, with
    its type, its target and a value in its range; no question is answered twice.
    """
    _check_score(score)
    if not isinstance(result, list):
        raise PredictionError(f"{quote(result)} where a list of result items is expected")
    answered: set[str] = set()
    for item in result:
        name = _check_item(interface, item)
        if name in answered:
            raise PredictionError(f"{name!r} is answered twice")
        answered.add(name)


def _source(sample: Sample, run: Run | None, name: str) -> object:
    response = run.response if run is not None else None
    if name == EXPECTED_RESPONSE:
        return sample.expected_response or response
    if response is None:
        return None
    try:
        value = json.loads(response)
    except (ValueError, RecursionError):
        return response
    return value.get(name) if isinstance(value, Mapping) else response


def _fitted(field: Field, value: object) -> Value | None:
    try:
        return fit(field, _adapted(field, value))
    except MisfitError:
        return None


def _adapted(field: Field, value: object) -> object:
    """`value` without the freedoms that a model takes: case, digits as text, one for many."""
    match field.kind:
        case FieldKind.SINGLE_CHOICE | FieldKind.PAIRWISE:
            return _matched(field, value)
        case FieldKind.MULTIPLE_CHOICE:
            values = value if isinstance(value, list) else [value]
            return [_matched(field, item) for item in values]
        case FieldKind.TAXONOMY:
            paths = value if isinstance(value, list) else [value]
            return [_matched_path(field, path) for path in paths]
        case FieldKind.RATING | FieldKind.NUMBER:
            return _numeric(value)
        case FieldKind.DATE:
            return value.strip() if isinstance(value, str) else value
        case FieldKind.TEXT:
            return _storable(value)


def _matched(field: Field, value: object) -> object:
    """The one option that `value` names, or `value` itself."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return value
    if value in field.options:
        return value
    wanted = str(value).strip().casefold()
    found = [option for option in field.options if option.strip().casefold() == wanted]
    return found[0] if len(found) == 1 else value


def _matched_path(field: Field, value: object) -> object:
    if isinstance(value, list) and all(isinstance(step, str) for step in value):
        value = PATH.join(step.strip() for step in value)
    matched = _matched(field, value)
    return matched.split(PATH) if isinstance(matched, str) else matched


def _numeric(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return float(value.strip())
    except ValueError:
        return value


def _storable(value: object) -> object:
    # PostgreSQL refuses NUL and a lone surrogate cannot be sent; nothing to show is no answer.
    if not isinstance(value, str) or not value.strip() or "\x00" in value:
        return None
    return value.encode("utf-8", "replace").decode("utf-8")


def _check_score(score: object) -> None:
    # The comparison also refuses NaN, and integers too large for a float.
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise PredictionError(f"the score {quote(score)} is not a number from 0 to 1")


def _check_item(interface: Interface, item: object) -> str:
    try:
        field, wire = field_of(interface, item)
    except MisfitError as error:
        raise PredictionError(str(error)) from None
    to_name = item.get("to_name") if isinstance(item, Mapping) else None
    if to_name != target(field):
        raise PredictionError(
            f"{field.name!r}: to_name {quote(to_name)}, expected {target(field)!r}"
        )
    try:
        from_wire(field, wire, field.name in interface.nested)
    except MisfitError as error:
        raise PredictionError(f"{field.name!r}: {error}") from None
    return field.name
