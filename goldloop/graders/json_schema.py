"""Whether the response is JSON that fits a schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from goldloop.errors import SettingsError
from goldloop.graders.bounded_schema import BoundedSchema
from goldloop.graders.grader import Grade, Grader, failed_grade, grade_of
from goldloop.graders.reading import Object, flag_at, object_of, refuse_unknown
from goldloop.graders.regex_patterns import refuse_bad_pattern
from goldloop.graders.texts import MOST_READ, cut
from goldloop.samples import Run, Sample
from goldloop.schemas import Schema

KEYS = ("schema", "fenced")
_FENCE = re.compile(r"```(?:json|JSON)?[ \t]*\r?\n(.*?)\r?\n[ \t]*```", re.DOTALL)


def read(record: Object, where: str) -> dict[str, Any]:
    """The settings of a `json_schema` grader; refuses what is no schema."""
    refuse_unknown(record, KEYS, where)
    schema = object_of(record.get("schema"), f"{where}.schema")
    for key, value in _keywords(schema):
        if key == "patternProperties":
            raise SettingsError(f"{where}.schema: patternProperties is not taken; name the keys")
        if key == "$schema" and isinstance(value, str) and value != schema.get(key):
            raise SettingsError(f"{where}.schema is of two drafts; leave out {value[:80]!r}")
        if key == "pattern" and isinstance(value, str):
            refuse_bad_pattern(value, 0, f"{where}.schema: the pattern {value[:80]!r}")
    Schema(schema, f"{where}.schema")
    return {"schema": dict(schema), "fenced": flag_at(record, "fenced", where, False)}


def _keywords(schema: object) -> Iterator[tuple[str, object]]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            yield key, value
            yield from _keywords(value)
    elif isinstance(schema, list | tuple):
        for item in schema:
            yield from _keywords(item)


def grade(grader: Grader, _: Sample, run: Run) -> Grade:
    """1 when the whole response is JSON that fits, else 0.

    With `fenced`, the only ``` block of the response counts where there is one.
    """
    text = run.response or ""
    if len(text) > MOST_READ:
        return grade_of(grader, 0.0, f"it has more than {MOST_READ:,} characters")
    blocks = _FENCE.findall(text) if grader.settings["fenced"] else []
    schema = _schema(json.dumps(grader.settings["schema"], sort_keys=True))
    try:
        misfit = schema.misfit_of_text(blocks[0] if len(blocks) == 1 else text)
    except TimeoutError as error:
        return failed_grade(grader, f"{error}; simplify it")
    if misfit is None:
        return grade_of(grader, 1.0, "fits the schema")
    return grade_of(grader, 0.0, cut(" ".join(misfit.split()), 300))


@lru_cache(maxsize=64)
def _schema(text: str) -> BoundedSchema:
    return BoundedSchema(json.loads(text), "schema")
