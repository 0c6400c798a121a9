"""JSON schemas: of structured answers and of tools' arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from jsonschema.exceptions import SchemaError
from jsonschema.validators import Draft202012Validator, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from goldloop.errors import SettingsError

_MAX_SAID = 200


class Schema:
    """A JSON schema that values can be checked against.

    The draft is the one that `$schema` names, or 2020-12. References outside of the schema are not
    followed. Raises `SettingsError`, naming `what`, for what is no schema.
    """

    def __init__(self, schema: object, what: str) -> None:
        if not isinstance(schema, Mapping):
            raise SettingsError(f"{what}: expected a JSON schema, an object")
        kind = validator_for(schema, default=Draft202012Validator)
        try:
            kind.check_schema(dict(schema))
        except SchemaError as error:
            place = error.json_path
            raise SettingsError(f"{what} is no JSON schema, at {place}: {error.message}") from None
        outside = next((ref for ref in _references(schema) if not ref.startswith("#")), None)
        if outside is not None:
            raise SettingsError(f"{what}: $ref {outside[:80]!r} leaves the schema; put it inside")
        self.schema = schema
        self._validator = kind(schema, registry=Registry())

    def misfit(self, value: Any) -> str | None:
        """The first thing in which a JSON value does not fit, in words; None when it fits."""
        return self._first_misfit(self._validator, value)

    def _first_misfit(self, validator: Any, value: Any) -> str | None:
        try:
            error = next(validator.iter_errors(value), None)
        except Unresolvable as problem:
            return f"the schema refers to what is not in it: {problem}"[:_MAX_SAID]
        except RecursionError:
            return "it is nested too deep"
        if error is None:
            return None
        said = error.message
        if len(said) > _MAX_SAID:
            # The message begins with the value, however long that is.
            said = f"it breaks {error.validator!r}: {str(error.validator_value)[:_MAX_SAID]}"
        return f"at {error.json_path[:_MAX_SAID]}: {said}"

    def misfit_of_text(self, text: str) -> str | None:
        """The same for a text, which has to be JSON."""
        try:
            value = json.loads(text, parse_constant=_no_json)
        except (ValueError, RecursionError):
            return "it is not JSON"
        return self.misfit(value)


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            yield from _references(value)
    elif isinstance(schema, list | tuple):
        for item in schema:
            yield from _references(item)
