"""Canonical forms: one spelling for values that mean the same.

`canonical_json` is RFC 8785 (JSON Canonicalization Scheme) with two additions, because real tool
arguments need them: every string is put into Unicode's NFC first, and a whole number beyond the
range where doubles are exact is written as `{"$int": "<digits>"}` instead of being refused. It is a
form to compare and to hash; to store a value, write plain JSON.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import rfc8785

from goldloop.errors import RecordError
from goldloop.samples import ToolCall

MAX_DEPTH = 200
_LARGEST_EXACT = 2**53 - 1
_ESCAPE = re.compile(r"\$+int")
# The standard library's writer in C: the same bytes as RFC 8785, but for what `_Unusual` names.
_write = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, sort_keys=True, separators=(",", ":")
).encode


class _Unusual(Exception):  # noqa: N818 - a signal, not an error
    """A value that Python writes otherwise than RFC 8785: a number that one of them writes with an
    exponent, a key outside ASCII (sorted by UTF-16), a type that JSON does not have.
    """


def canonical_json(value: object) -> bytes:
    """The canonical UTF-8 JSON of a value made of mappings, lists, tuples and scalars.

    Does not depend on the order of keys, on NFC or NFD, on dict or another mapping, on list or
    tuple, or on 1.0 or 1 (nor on 1e16 or 10**16).

    An object whose only key is `$int` (or `$$int`, ...) gets one more `$`, so no value can pose as
    a large integer.

    Raises `RecordError` on NaN and infinity, a key that is no text, two keys that NFC makes equal,
    a lone surrogate, more than 200 levels, and a type that JSON does not have.

    >>> canonical_json({"b": 1.0, "a": ("e\\u0301", 2**53)}).decode()
    '{"a":["é",{"$int":"9007199254740992"}],"b":1}'
    """
    try:
        return _write(_plain(value, 0, _quick_scalar)).encode()
    except _Unusual:
        return _canonical(value)
    except UnicodeEncodeError as error:
        raise RecordError(f"cannot be written as canonical JSON: {error}") from None


def _canonical(value: object) -> bytes:
    try:
        return rfc8785.dumps(_plain(value, 0, _scalar))
    except ValueError as error:  # also UnicodeEncodeError, and integers over Python's digit limit
        raise RecordError(f"cannot be written as canonical JSON: {error}") from None


def canonical_calls(calls: Sequence[ToolCall]) -> tuple[bytes, ...]:
    """The calls as a sorted multiset: equal for equal names and arguments in whatever order.

    `call_id` is left out; repeated calls stay repeated.

    >>> a, b = ToolCall("find", {"id": 1}), ToolCall("book", {})
    >>> canonical_calls([a, b]) == canonical_calls([b, a]) != canonical_calls([a, b, b])
    True
    """
    return tuple(sorted(canonical_json([call.name, call.arguments]) for call in calls))


def normalise_text(text: str) -> str:
    """The text in NFKC, case-folded, with white space collapsed to single spaces and stripped.

    >>> normalise_text("  Straße\\n ＯＫ ")
    'strasse ok'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _scalar(value: object) -> Any:
    """Any value but text, an object or a list, in the types and ranges that `rfc8785` takes."""
    if isinstance(value, int | float) and _LARGEST_EXACT < abs(value) < math.inf:
        return {"$int": str(int(value))}
    return value


def _quick_scalar(value: object) -> Any:
    """The same where Python writes it as RFC 8785 does; raises _Unusual for the rest."""
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, int | float) or not abs(value) <= _LARGEST_EXACT:
        raise _Unusual
    if isinstance(value, int) or value.is_integer():
        return int(value)
    # Both write the shortest digits; Python turns to exponents below 1e-4, RFC 8785 below 1e-6.
    if abs(value) < 1e-4:
        raise _Unusual
    return value


def _plain(value: object, depth: int, scalar: Callable[[object], Any]) -> Any:
    """The value in the types and spellings that can be written, its scalars by `scalar`."""
    if isinstance(value, str):
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    if isinstance(value, dict | list | tuple | Mapping):
        if depth >= MAX_DEPTH:
            raise RecordError(f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, list | tuple):
            return [_plain(item, depth + 1, scalar) for item in value]
        return _plain_object(value, depth + 1, scalar)
    return scalar(value)


def _plain_object(
    value: Mapping[Any, object], depth: int, scalar: Callable[[object], Any]
) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise RecordError(f"keys must be text, got {type(key).__name__}")
        name = key
        if not key.isascii():
            if scalar is _quick_scalar:
                raise _Unusual
            name = unicodedata.normalize("NFC", key)
        if name in plain:
            raise RecordError(f"the key {name[:80]!r} is there twice (equal after NFC)")
        # Most values are such text, and a call for each would take longer than the rest.
        short = type(item) is str and item.isascii()
        plain[name] = item if short else _plain(item, depth, scalar)
    if len(plain) == 1 and _ESCAPE.fullmatch(name):
        return {f"${name}": plain[name]}
    return plain
