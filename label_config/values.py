"""One answer's value, from and to the shapes that Label Studio writes.

kind              type      value
single_choice     choices   {"choices": ["a"]}, or {"choices": [["a", "b"]]} with allowNested
multiple_choice   choices   {"choices": ["a", "b"]}
rating            rating    {"rating": 4}
number            number    {"number": 3.5}
text              textarea  {"text": ["one", "two"]}
pairwise          pairwise  {"selected": "left"}
taxonomy          taxonomy  {"taxonomy": [["a", "b"], ["a"]]}
date              datetime  {"datetime": "2025-03-01"}
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from goldloop.fields import Field, FieldKind, Value
from label_config.controls import PATH

# kind: (the result's type, the key of its value)
WIRE: Mapping[FieldKind, tuple[str, str]] = {
    FieldKind.SINGLE_CHOICE: ("choices", "choices"),
    FieldKind.MULTIPLE_CHOICE: ("choices", "choices"),
    FieldKind.RATING: ("rating", "rating"),
    FieldKind.NUMBER: ("number", "number"),
    FieldKind.TEXT: ("textarea", "text"),
    FieldKind.PAIRWISE: ("pairwise", "selected"),
    FieldKind.TAXONOMY: ("taxonomy", "taxonomy"),
    FieldKind.DATE: ("datetime", "datetime"),
}

_SHORT = reprlib.Repr()
_SHORT.maxstring = 76
_SHORT.maxtuple = 12

_YEAR_OR_MONTH = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2]))?")


class MisfitError(ValueError):
    """A value does not fit its field; the message says what was expected, in words."""


def to_wire(field: Field, value: Value, nested: bool = False) -> Any:
    """The JSON that Label Studio keeps under the value's key. Raises MisfitError."""
    fitting = fit(field, value)
    if field.kind is FieldKind.SINGLE_CHOICE:
        return [_to_choice(fitting, nested)]
    if field.kind is FieldKind.MULTIPLE_CHOICE and isinstance(fitting, tuple):
        return [_to_choice(option, nested) for option in fitting]
    if field.kind is FieldKind.TAXONOMY and isinstance(fitting, tuple):
        return [list(path) for path in fitting]
    return [fitting] if field.kind is FieldKind.TEXT else fitting


def from_wire(field: Field, wire: object, nested: bool = False) -> Value:
    """The value that Label Studio's JSON stands for, fitted to its field. Raises MisfitError."""
    if field.kind in (FieldKind.SINGLE_CHOICE, FieldKind.MULTIPLE_CHOICE):
        chosen = tuple(_from_choice(option, nested) for option in _listed(wire, "choices"))
        if field.kind is FieldKind.MULTIPLE_CHOICE:
            return fit(field, chosen)
        if len(chosen) != 1:
            raise MisfitError(f"{len(chosen)} choices where one is expected")
        return fit(field, chosen[0])
    if field.kind is FieldKind.TAXONOMY:
        return fit(field, tuple(_path(path) for path in _listed(wire, "paths")))
    if field.kind is FieldKind.TEXT:
        texts = _listed(wire, "texts")
        if not texts:
            raise MisfitError("no text")
        joined = "\n".join(_string(text, "text") for text in texts)
        # Half a surrogate pair has no UTF-8, so it could be in no dataset version.
        return fit(field, joined.encode("utf-8", "replace").decode())
    return fit(field, wire)


def fit(field: Field, value: object) -> Value:
    """`value` as `goldloop.fields` defines it for the field's kind. Raises MisfitError.

    A whole number given as a float becomes an int for a rating; sets of choices and of paths are
    sorted and lose their repeats.
    """
    match field.kind:
        case FieldKind.SINGLE_CHOICE | FieldKind.PAIRWISE:
            return _option(field, value)
        case FieldKind.MULTIPLE_CHOICE:
            return tuple(sorted({_option(field, item) for item in _items(value, "choices")}))
        case FieldKind.TAXONOMY:
            return tuple(sorted({_known_path(field, item) for item in _items(value, "paths")}))
        case FieldKind.RATING:
            return _rating(field, value)
        case FieldKind.NUMBER:
            return _number(field, value)
        case FieldKind.DATE:
            return _date(value)
        case FieldKind.TEXT:
            return _string(value, "text")


def quote(value: object) -> str:
    """A value from outside, for a message: on one line and at most 80 characters long."""
    try:
        shown = _SHORT.repr(value)
    except ValueError:  # an integer of thousands of digits has no repr
        shown = "a huge number"
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _to_choice(option: object, nested: bool) -> Any:
    return option.split(PATH) if nested and isinstance(option, str) else option


def _from_choice(option: object, nested: bool) -> object:
    return PATH.join(_path(option)) if nested and isinstance(option, list) else option


def _listed(wire: object, what: str) -> list[object]:
    if not isinstance(wire, list):
        raise MisfitError(f"{quote(wire)} where a list of {what} is expected")
    return wire


def _items(value: object, what: str) -> tuple[object, ...]:
    if not isinstance(value, tuple | list):
        raise MisfitError(f"{quote(value)} where several {what} are expected")
    return tuple(value)


def _path(path: object) -> tuple[str, ...]:
    if not isinstance(path, list | tuple) or not path:
        raise MisfitError(f"{quote(path)} where a path of choices is expected")
    return tuple(_string(step, "choice") for step in path)


def _known_path(field: Field, value: object) -> tuple[str, ...]:
    path = _path(value)
    _option(field, PATH.join(path))
    return path


def _option(field: Field, value: object) -> str:
    option = _string(value, "choice")
    if option not in field.options:
        raise MisfitError(f"unknown choice {quote(option)}; it offers {quote(field.options)}")
    return option


def _string(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise MisfitError(f"{quote(value)} where a {what} is expected")
    return value


def _number(field: Field, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MisfitError(f"{quote(value)} where a number is expected")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise MisfitError("a number that is not finite")
    low, high = field.minimum, field.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        raise MisfitError(f"{number:g} is not {_bounds(low, high)}")
    return number


def _bounds(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"


def _rating(field: Field, value: object) -> int:
    number = _number(field, value)
    if not number.is_integer():
        raise MisfitError(f"{number:g} where a whole number of stars is expected")
    return int(number)


def _date(value: object) -> str:
    text = _string(value, "date")
    if _YEAR_OR_MONTH.fullmatch(text) or _is_iso(text):
        return text
    raise MisfitError(f"{quote(text)} is not a date of ISO 8601, such as 2025-03-01")


def _is_iso(text: str) -> bool:
    for parse in (datetime.fromisoformat, time.fromisoformat):
        try:
            parse(text)
        except ValueError:
            continue
        return True
    return False
