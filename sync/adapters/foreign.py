"""What results of other tools have in common: rows, one for each attempt, that become cases.

The files come from anywhere. Texts are bounded and cleaned, names must be printable, and an address
in them is never used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from typing import Any

from goldloop.errors import RecordError
from goldloop.evaluation import Attempt, Case, Evaluation, GraderFacts
from goldloop.json_values import identifier_at

MOST_ATTEMPTS = 1_000_000
MOST_CASES = 100_000
LONGEST_TEXT = 100_000
LONGEST_NAME = 200
MOST_DEPTH = 20
UNVERSIONED = "unversioned"
_ORIGIN = ("dataset", "version", "content_fingerprint", "labels_fingerprint")
# promptfoo blacks out a bare fingerprint, so its export writes what it is before it.
_HASH, _PRINT = "sha256:", re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt as a file has it. `content` says what was asked: equal for the runs of a case.

    `metadata` is the case's own, in which our exports leave what slices and fingerprints want.
    """

    sample_id: str
    content: str
    user_input: str
    metadata: Mapping[str, Any]
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class About:
    """What a file says of itself; `dataset` is where its cases say nothing better."""

    file: str
    made_by: str
    agent_version: str
    dataset: str
    graders: tuple[GraderFacts, ...]
    created_at: str | None = None
    notes: tuple[str, ...] = ()


def text(value: object, limit: int = LONGEST_TEXT) -> str:
    """A value as text that can be kept: bounded, without NUL and halves of surrogate pairs.

    >>> text({"a": 1}), text("a\\0b"), text(None)
    ('{"a": 1}', 'a\\ufffdb', '')
    """
    if value is None:
        return ""
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    clean = said[: limit + 1].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def name(value: object, otherwise: str) -> str:
    """A value as a name on one line; `otherwise` where nothing of it is left."""
    said = "".join(char if char.isprintable() else " " for char in text(value, LONGEST_NAME))
    return said.strip() or otherwise


def number(value: object) -> float | None:
    """A finite number; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < 1e15 else None


def count(value: object) -> int | None:
    """A number of things, 0 or more; None for what is none."""
    found = number(value)
    return int(found) if found is not None and found >= 0 else None


def plain(value: object, depth: int = MOST_DEPTH) -> Any:
    """A JSON value that can be kept: its texts as `text` has them, and as a text also what is no
    JSON (NaN) or nested too deep.

    >>> plain({"a": ["b\\0", float("nan"), 1]})
    {'a': ['b\ufffd', 'nan', 1]}
    """
    if depth and isinstance(value, Mapping):
        return {text(key): plain(part, depth - 1) for key, part in value.items()}
    if depth and isinstance(value, list):
        return [plain(part, depth - 1) for part in value]
    if value is None or isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return value
    return text(str(value) if isinstance(value, float) else value)


def mapping(value: object) -> Mapping[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> Sequence[Any]:
    """A list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def print_of(value: object) -> str:
    """Sixteen hexadecimal digits of any JSON value, whatever the order of its keys."""
    said = json.dumps(value, sort_keys=True, default=str).encode("utf-8", "replace")
    return sha256(said).hexdigest()[:16]


def grader_version(*settings: object) -> str:
    """A grader's version, from all that the file says of how it grades."""
    return print_of(list(settings))[:12]


def sample_id_of(metadata: Mapping[str, Any], where: str) -> str | None:
    """The id that our exports leave in a case's metadata; None where there is none."""
    return identifier_at(metadata, "sample_id", where)


def evaluation_of(rows: Iterable[Row], about: About) -> Evaluation:
    """The file's evaluation, its cases sorted by id.

    Raises RecordError for a file without a row, for too many, and for two cases of one id.
    """
    by_id: dict[str, list[Row]] = {}
    for number_, row in enumerate(rows, start=1):
        if number_ > MOST_ATTEMPTS:
            raise RecordError(f"{about.file} has more than {MOST_ATTEMPTS:,} results; split it")
        found = by_id.setdefault(row.sample_id, [])
        if found and found[0].content != row.content:
            raise RecordError(
                f"{about.file} has two different cases named {row.sample_id!r}; each case needs an "
                "id of its own (metadata sample_id)"
            )
        found.append(row)
    if not by_id or len(by_id) > MOST_CASES:
        size = "more than 100,000 cases" if by_id else "no result"
        raise RecordError(f"{about.file} has {size}; expected 1 to {MOST_CASES:,} cases")
    return _evaluation(by_id, about)


def _evaluation(by_id: Mapping[str, Sequence[Row]], about: About) -> Evaluation:
    cases = tuple(_case(by_id[sample_id]) for sample_id in sorted(by_id))
    origin, missing = _origin([rows[0].metadata for rows in by_id.values()])
    content = origin.get("content_fingerprint")
    return Evaluation(
        evaluation_id=about.file,
        dataset=origin.get("dataset", about.dataset),
        version=origin.get("version", UNVERSIONED),
        content_fingerprint=content or print_of([(c.sample_id, c.content) for c in cases]),
        labels_fingerprint=origin.get("labels_fingerprint", ""),
        agent_version=about.agent_version,
        graders=about.graders,
        cases=cases,
        runs_per_case=max(len(case.attempts) for case in cases),
        created_at=about.created_at,
        made_by=about.made_by,
        notes=(_made_by(about), *about.notes, *missing),
    )


def _made_by(about: About) -> str:
    named = [one.name for one in about.graders]
    more = f" and {len(named) - 10} more" if len(named) > 10 else ""
    return (
        f"{about.file} was made by {about.made_by}; it is graded by {', '.join(named[:10])}{more}"
    )


def _origin(found: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The dataset version that all cases name, and what has to be said where they do not."""
    said = {tuple(_plain(one.get(key)).removeprefix(_HASH) for key in _ORIGIN) for one in found}
    if len(said) == 1 and all(values := next(iter(said))) and _PRINT.fullmatch(values[2]):
        return dict(zip(_ORIGIN, values, strict=True)), ()
    return {}, (
        "its cases do not all name one dataset version of goldloop, so they are compared by id and"
        " content alone",
    )


def _plain(value: object) -> str:
    """A short name; empty for anything else."""
    good = isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()
    return str(value) if good else ""


def _case(rows: Sequence[Row]) -> Case:
    first = rows[0]
    facts, chance = first.metadata, number(first.metadata.get("inclusion_probability"))
    tags = {_plain(tag) for tag in listed(facts.get("tags"))} - {""}
    return Case(
        sample_id=first.sample_id,
        content=first.content,
        attempts=tuple(row.attempt for row in rows),
        user_input=first.user_input,
        cluster_id=_plain(facts.get("cluster_id")) or None,
        tags=tuple(sorted(tags)),
        difficulty=_plain(facts.get("difficulty")) or None,
        source=_plain(facts.get("source")) or None,
        inclusion_probability=chance if chance is not None and 0.0 < chance <= 1.0 else None,
    )
