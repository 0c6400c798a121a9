"""The keys of a grader, read as the expected type. Errors name the key by its place."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from goldloop.errors import RecordError, SettingsError
from goldloop.json_values import kind, place, shown
from goldloop.json_values import number_at as json_number_at

MAX_TEXTS = 200
MAX_TEXT = 10_000

Object = Mapping[str, Any]


def refuse_unknown(record: Object, known: Collection[str], where: str) -> None:
    """Raise SettingsError for a key that is not known, with the nearest that is."""
    unknown = sorted(record.keys() - known)
    if unknown:
        near = difflib.get_close_matches(unknown[0], list(known), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
        raise SettingsError(f"{place(where, unknown[0][:80])} is not known; {hint}")


def object_of(value: object, where: str) -> Object:
    """An object."""
    if not isinstance(value, Mapping):
        raise SettingsError(f"{where} must be an object, not {kind(value)}")
    return value


def text_at(record: Object, key: str, where: str, default: str | None = None) -> str:
    """A text of 1 to 10,000 characters; the default where there is none."""
    value = record.get(key, default)
    if value is None:
        raise SettingsError(f"{place(where, key)} is missing; expected a text")
    return _text(value, place(where, key), empty=value == default)


def _text(value: object, where: str, *, empty: bool = False) -> str:
    if not isinstance(value, str):
        raise SettingsError(f"{where} must be a text, not {kind(value)}")
    if not (empty or value.strip()) or len(value) > MAX_TEXT:
        raise SettingsError(f"{where} must have 1 to {MAX_TEXT:,} characters")
    return value


def choice_at(record: Object, key: str, allowed: Sequence[str], where: str) -> str:
    """One of `allowed`, of which the first is the default."""
    value = record.get(key, allowed[0])
    return _choice(value, allowed, place(where, key))


def _choice(value: object, allowed: Sequence[str], where: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise SettingsError(f"{where} must be one of {', '.join(allowed)}, not {shown(value)}")
    return value


def choices_at(record: Object, key: str, allowed: Sequence[str], where: str) -> dict[str, str]:
    """An object of which every value is one of `allowed`; empty where there is none."""
    found = object_of(record.get(key, {}), place(where, key))
    return {name: _choice(item, allowed, _item(where, key, name)) for name, item in found.items()}


def flag_at(record: Object, key: str, where: str, default: bool) -> bool:
    """True or false."""
    value = record.get(key, default)
    if not isinstance(value, bool):
        raise SettingsError(f"{place(where, key)} must be true or false, not {shown(value)}")
    return value


def texts_at(record: Object, key: str, where: str) -> list[str]:
    """A list of at most 200 texts, none of them blank; empty where there is none."""
    return texts_of(record.get(key, []), place(where, key))


def texts_of(value: object, where: str) -> list[str]:
    """The same for the value itself."""
    if not isinstance(value, list | tuple):
        raise SettingsError(f"{where} must be a list of texts, not {kind(value)}")
    if len(value) > MAX_TEXTS:
        raise SettingsError(f"{where} has {len(value)} texts; at most {MAX_TEXTS} are taken")
    return [_text(item, f"{where}[{index}]") for index, item in enumerate(value)]


def names_at(record: Object, key: str, where: str) -> list[str]:
    """A list of names, sorted and each once, as their order means nothing."""
    return sorted(set(texts_at(record, key, where)))


def number_at(
    record: Object, key: str, low: float, high: float, where: str, default: float | None = None
) -> float | None:
    """A number within [low, high]; the default where there is none."""
    try:
        value = json_number_at(record, key, low, high, where)
    except RecordError as error:
        raise SettingsError(str(error)) from None
    return default if value is None else value


def tolerance_at(record: Object, key: str, where: str) -> dict[str, float] | None:
    """How far numbers may be off: a number, or an object with `absolute` and `relative`."""
    value = record.get(key)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        record, value = {"absolute": value}, {"absolute": value}
        number_at(record, "absolute", 0, 1e300, place(where, key))
    here = place(where, key)
    refuse_unknown(value, ("absolute", "relative"), here)
    return {
        name: number_at(value, name, 0, 1e300, here, 0.0) or 0.0
        for name in ("absolute", "relative")
    }


def _item(where: str, key: str, name: object) -> str:
    return f"{place(where, key)}.{str(name)[:80]}"
