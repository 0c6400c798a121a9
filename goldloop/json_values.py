"""JSON values from outside: what may be stored, and an object's keys read as the expected type.

`where` is the place of an object in its record, such as `run` or `messages[2]`, and empty for the
record itself; errors name the key by it.
"""

from __future__ import annotations

import difflib
import math
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from goldloop.errors import RecordError
from goldloop.times import instant

MAX_ID = 200
MAX_TEXT = 10_000_000
MAX_DEPTH = 64
# Python refuses to read or write a whole number of more than 4300 digits.
_TOO_LARGE = 10**1000
_MOST_COUNTED = 2**53 - 1
_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}

Object = Mapping[str, Any]


class _FlawError(Exception):
    """What is wrong with a value; the place is gathered on the way out, innermost first."""

    def __init__(self, what: str, *place: str) -> None:
        super().__init__(what)
        self.place = list(place)


def check_json(value: object, where: str = "", depth: int = 0) -> None:
    """Refuse what cannot be stored and given back as it was.

    Texts (and keys) may have 10,000,000 characters and neither NUL nor a lone surrogate; numbers
    must be finite, whole ones of at most 1000 digits; objects and lists may be nested 64 levels
    deep, of which `depth` are used up around `value`. Raises RecordError that names the place.

    >>> check_json({"a": [1, {"b": float("nan")}]})
    Traceback (most recent call last):
    goldloop.errors.RecordError: a[1].b is nan, which is not JSON; expected a finite number
    """
    try:
        _check(value, depth)
    except _FlawError as flaw:
        place = where + "".join(reversed(flaw.place))
        raise RecordError(f"{place.lstrip('.') or 'the record'} {flaw}") from None


def _check(value: object, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, (int, float)):
        _check_number(value)
    elif isinstance(value, (dict, Mapping)):
        _check_object(value, depth)
    elif isinstance(value, (list, tuple)):
        _check_list(value, depth)
    elif value is not None:
        raise _FlawError(f"is of type {type(value).__name__}, which JSON does not have")


def _check_list(value: Sequence[object], depth: int) -> None:
    _check_depth(depth)
    for index, item in enumerate(value):
        try:
            _check(item, depth + 1)
        except _FlawError as flaw:
            flaw.place.append(f"[{index}]")
            raise


def _check_object(value: Mapping[Any, object], depth: int) -> None:
    _check_depth(depth)
    for key, item in value.items():
        if not isinstance(key, str):
            raise _FlawError(f"has the key {shown(key)}; expected keys that are strings")
        try:
            _check_text(key)
        except _FlawError as flaw:
            raise _FlawError(f"has a key that {flaw}") from None
        try:
            _check(item, depth + 1)
        except _FlawError as flaw:
            flaw.place.append(f".{key[:80]}")
            raise


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise _FlawError(f"makes the record nested deeper than {MAX_DEPTH} levels")


def _check_text(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise _FlawError(f"has {len(text)} characters; at most {MAX_TEXT} are taken")
    if "\x00" in text:
        raise _FlawError("holds the character NUL (U+0000), which cannot be stored")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _FlawError("holds half a surrogate pair, which is not valid Unicode") from None


def _check_number(value: int | float) -> None:
    if isinstance(value, int):
        if abs(value) >= _TOO_LARGE:
            raise _FlawError("has more than 1000 digits")
    elif not math.isfinite(value):
        raise _FlawError(f"is {value}, which is not JSON; expected a finite number")


def kind(value: object) -> str:
    """What a JSON value is, in words, for a message."""
    return "null" if value is None else _KINDS.get(type(value), "a number")


def shown(value: object) -> str:
    """A value for a message, at most 80 characters of it."""
    if isinstance(value, int) and value.bit_length() > 256:
        return "a huge number"
    if not isinstance(value, str | int | float):
        return kind(value) if value is None or type(value) in _KINDS else type(value).__name__
    text = repr(value[:80] if isinstance(value, str) else value)
    return text if len(text) <= 80 else text[:77] + "..."


def place(where: str, key: str) -> str:
    """The name of a key of the object at `where`.

    >>> place("run", "response"), place("", "tags")
    ('run.response', 'tags')
    """
    return f"{where}.{key}" if where else key


def refuse_unknown(record: Object, known: Collection[str], where: str = "") -> None:
    """Raise RecordError for a key that is not known; what is the user's own goes into metadata."""
    unknown = sorted(record.keys() - known)
    if unknown:
        near = difflib.get_close_matches(unknown[0], list(known), n=1)
        hint = f"did you mean {near[0]}" if near else f"known: {', '.join(sorted(known))}"
        raise RecordError(
            f"unknown key {place(where, unknown[0][:80])} ({hint}); put what is your own under "
            "the sample's metadata"
        )


def text_at(record: Object, key: str, where: str = "") -> str | None:
    """A text; an empty one is None, as is a key that is null or not there."""
    value = record.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RecordError(f"{place(where, key)} must be a string, not {kind(value)}")
    return value or None


def identifier_at(record: Object, key: str, where: str = "") -> str | None:
    """A name of 1 to 200 printable characters, in NFC; a whole number becomes its digits."""
    value = record.get(key)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise RecordError(f"{place(where, key)} must be a string, not {kind(value)}")
    value = unicodedata.normalize("NFC", value)
    if not value.strip() or len(value) > MAX_ID:
        raise RecordError(f"{place(where, key)} must have 1 to {MAX_ID} characters")
    if not value.isprintable():
        raise RecordError(f"{place(where, key)} holds characters that do not print: {shown(value)}")
    return value


def choice_at(record: Object, key: str, allowed: Sequence[str], where: str = "") -> str | None:
    """One of `allowed`, or None where the key is null or not there."""
    value = record.get(key)
    if value is None or (isinstance(value, str) and value in allowed):
        return value
    raise RecordError(
        f"{place(where, key)} must be one of {', '.join(allowed)}, not {shown(value)}"
    )


def texts_at(record: Object, key: str, where: str = "") -> tuple[str, ...]:
    """A list of texts that are not blank, sorted and each once; empty where there is none."""
    value = record.get(key)
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise RecordError(f"{place(where, key)} must be a list of strings, not {kind(value)}")
    if not all(isinstance(text, str) and text.strip() for text in value):
        raise RecordError(f"{place(where, key)} must hold nothing but strings that are not empty")
    return tuple(sorted(set(value)))


def object_at(record: Object, key: str, where: str = "") -> Object:
    """An object; an empty one where the key is null or not there."""
    value = record.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise RecordError(f"{place(where, key)} must be an object, not {kind(value)}")
    return value


def number_at(record: Object, key: str, low: float, high: float, where: str = "") -> float | None:
    """A number within [low, high]."""
    value = record.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise RecordError(
            f"{place(where, key)} must be a number from {low:g} to {high:g}, not {shown(value)}"
        )
    return float(value)


def count_at(record: Object, key: str, where: str = "") -> int | None:
    """A whole number from 0 up; 200.0 is one, as some writers know no other numbers."""
    value = number_at(record, key, 0, _MOST_COUNTED, where)
    if value is not None and not value.is_integer():
        raise RecordError(f"{place(where, key)} must be a whole number, not {value!r}")
    return None if value is None else int(value)


def time_at(record: Object, key: str, where: str = "") -> str | None:
    """A time in ISO 8601, as it was written."""
    value = text_at(record, key, where)
    if value is not None:
        instant(value, place(where, key))
    return value
