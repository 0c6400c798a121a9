"""From a parsed TOML table and an environment to settings, each value checked."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, TypeVar, cast

from goldloop.errors import SettingsError
from goldloop.prices import Price, read_prices
from goldloop.settings.sections import (
    ALIASES,
    PRICES,
    PRICES_VARIABLE,
    SECRETS,
    SECTIONS,
    Secrets,
    Settings,
)

T = TypeVar("T")
_CREDENTIALS = re.compile(r"//.*@")
_KINDS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def parse_settings(table: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """The settings that a parsed TOML table and an environment amount to.

    Raises SettingsError for an unknown section or key, a wrong type, or a value out of range, and
    names the setting as the user wrote it.
    """
    _refuse_unknown(table, {**SECTIONS, PRICES: None}, "section")
    overrides = _overrides(environment)
    sections = {
        name: _section(name, cls, table.get(name, {}), overrides.get(name, {}))
        for name, cls in SECTIONS.items()
    }
    # A secret that was read from a file often ends in a newline, which no header may hold.
    secrets = {key: environment.get(name, "").strip() for key, (name, _) in SECRETS.items()}
    prices = _prices(table, environment)
    return Settings(**sections, prices=prices, secrets=Secrets(**secrets))


def _prices(table: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Price]:
    """The prices, whose keys are the user's own; the variable holds them as JSON."""
    text = environment.get(PRICES_VARIABLE)
    if not text:
        return read_prices(table.get(PRICES, {}), f"goldloop.toml: [{PRICES}]")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise SettingsError(f"${PRICES_VARIABLE} must be a JSON object") from None
    return read_prices(value, f"${PRICES_VARIABLE}")


def _overrides(environment: Mapping[str, str]) -> dict[str, dict[str, tuple[str, str]]]:
    """By section and key: the variable's name and text."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for name, (section, key) in ALIASES.items():
        if environment.get(name):
            found.setdefault(section, {})[key] = (name, environment[name])
    for section, cls in SECTIONS.items():
        for item in fields(cls):
            name = f"GOLDLOOP_{section}_{item.name}".upper()
            if name in environment:
                found.setdefault(section, {})[item.name] = (name, environment[name])
    return found


def _section(name: str, cls: type[T], table: object, overrides: Mapping[str, tuple[str, str]]) -> T:
    if not isinstance(table, Mapping):
        raise SettingsError(f"goldloop.toml: [{name}] must be a section, not {_shown(table)}")
    known = {item.name: item for item in fields(cast(Any, cls))}
    _refuse_unknown(table, known, f"key in [{name}]")
    values = {
        key: _checked(known[key], value, f"goldloop.toml: [{name}] {key}")
        for key, value in table.items()
    }
    for key, (variable, text) in overrides.items():
        values[key] = _checked(known[key], _from_text(known[key], text), f"${variable}")
    return cls(**values)


def _refuse_unknown(given: Mapping[str, Any], known: Mapping[str, Any], what: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, list(known), n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise SettingsError(f"goldloop.toml: unknown {what}: {key}; {hint}")


def _from_text(item: Field[Any], text: str) -> Any:
    """An environment variable's text as the setting's type; the text itself where it is not one."""
    if isinstance(item.default, tuple):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(item.default, bool):
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    if isinstance(item.default, (int, float)):
        try:
            return type(item.default)(text)
        except ValueError:
            return text
    return text


def _checked(item: Field[Any], value: Any, where: str) -> Any:
    default = item.default
    if isinstance(default, tuple):
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            raise SettingsError(f"{where} must be a list of strings, not {_shown(value)}")
        value = tuple(value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, type(default)) or isinstance(value, bool) != isinstance(default, bool):
        kind = _KINDS[type(default)]
        raise SettingsError(f"{where} must be {kind}, not {_shown(value)}")
    check = item.metadata.get("check")
    problem = check(value) if check else None
    if problem:
        raise SettingsError(f"{where} {problem}, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    """A wrong value for a message: short, and without the password that an address may hold."""
    shown = _CREDENTIALS.sub("//***@", repr(value))
    return shown if len(shown) <= 80 else shown[:77] + "..."
