"""A JSON schema that is given up in time: it comes with a case, and the text may be made for it.

What one value may take is counted, not measured: rules come to the same on every machine, and
what a pattern took is known by the time-outs that were too short for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry

from goldloop.graders.regex_patterns import compiled
from goldloop.schemas import Schema

MOST_STEPS = 500_000  # rules that are looked at: some two seconds
SECONDS = 1.0  # for the patterns
_REFERENCE = 10  # steps that following a reference counts: $ref, $dynamicRef, $recursiveRef
_SAID = 200  # characters of a message that count as a step
_FIRST = 2e-5  # what a pattern is given at first; a quarter of it counts in any case
Rule = Callable[[Any, Any, Any, Any], Any]


class BoundedSchema(Schema):
    """A schema of which every check ends: `misfit` raises TimeoutError for a value that takes too
    much.
    """

    def misfit(self, value: Any) -> str | None:
        """The first thing in which a JSON value does not fit, in words; None when it fits."""
        allowance = _Allowance()
        rules: Mapping[str, Rule] = {
            **self._validator.VALIDATORS,
            "pattern": allowance.pattern,
            "uniqueItems": _unique,
        }
        counted = {
            name: allowance.counted(rule, _REFERENCE if name.lower().endswith("ref") else 1)
            for name, rule in rules.items()
        }
        kind: Any = extend(type(self._validator), counted)  # type: ignore[no-untyped-call]
        # A schema that names its draft would be checked by that draft's own rules where it is
        # referred to.
        plain = {key: part for key, part in self.schema.items() if key != "$schema"}
        return self._first_misfit(kind(plain, registry=Registry()), value)


class _Allowance:
    """What is left for the check of one value."""

    def __init__(self) -> None:
        self.steps = MOST_STEPS
        self.seconds = SECONDS

    def take(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise TimeoutError(f"the schema takes more than {MOST_STEPS:,} steps")

    def counted(self, rule: Rule, steps: int) -> Rule:
        """The same rule, which counts itself and what it says."""

        def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
            self.take(steps)
            for error in rule(validator, value, instance, schema) or ():
                self.take(len(error.message) // _SAID)
                yield error

        return check

    def pattern(self, _: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and not self._found(pattern, value):
            yield ValidationError(f"{value[:100]!r} does not match {pattern[:100]!r}")

    def _found(self, pattern: str, text: str) -> bool:
        """Whether it is found; each time-out that is too short counts, and the next is twice it."""
        self.seconds -= _FIRST / 4
        timeout = _FIRST
        while timeout <= self.seconds:
            try:
                return bool(compiled(pattern, 0).search(text, timeout=timeout, concurrent=True))
            except TimeoutError:
                self.seconds -= timeout
                timeout *= 2
        raise TimeoutError(f"the patterns of the schema took longer than {SECONDS:g} s")


def _unique(_: Any, unique: bool, value: Any, __: Any) -> Iterator[ValidationError]:
    """Compared by hash: each with each, as the rule of the package does, may take hours."""
    if unique and isinstance(value, list) and len({_key(one) for one in value}) < len(value):
        yield ValidationError("it has an item twice")


def _key(value: Any) -> Any:
    """Equal for equal JSON values: 1 is 1.0, but not true.

    >>> _key([1, {"a": None}]) == _key([1.0, {"a": None}]), _key(True) == _key(1)
    (True, False)
    """
    if isinstance(value, dict):
        return dict, frozenset((key, _key(part)) for key, part in value.items())
    if isinstance(value, list):
        return list, tuple(map(_key, value))
    return (bool, value) if isinstance(value, bool) else value
