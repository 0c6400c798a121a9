"""Whether a pattern is found. It may be a bad one and the text a model's, so both are bounded."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import regex

from goldloop.errors import SettingsError
from goldloop.graders.grader import Grade, Grader, failed_grade, grade_of
from goldloop.graders.reading import Object, choice_at, flag_at, refuse_unknown, text_at
from goldloop.graders.texts import PLACES, quoted, text_of
from goldloop.samples import Run, Sample

KEYS = ("pattern", "mode", "on", "ignore_case", "multiline", "dotall")
MODES = ("search", "match", "none")
LONGEST = 2_000
SECONDS = 1.0
# A pattern is unrolled when it is compiled: three nested {1000} would take all of the memory.
MOST_REPEATED = 10_000
_FLAGS = {"ignore_case": regex.IGNORECASE, "multiline": regex.MULTILINE, "dotall": regex.DOTALL}
_TOKEN = regex.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\{\d*(?:,(\d*))?\}|[()]|.", regex.DOTALL)
_CALL = regex.compile(r"\(\?(?:R|&|P>|[+-]?\d)")


def read(record: Object, where: str) -> dict[str, Any]:
    """The settings of a `regex` grader; refuses a pattern that cannot be compiled."""
    refuse_unknown(record, KEYS, where)
    pattern = text_at(record, "pattern", where)
    flags = {name: flag_at(record, name, where, False) for name in _FLAGS}
    refuse_bad_pattern(pattern, _flags(flags), f"{where}.pattern")
    return {
        "pattern": pattern,
        "mode": choice_at(record, "mode", MODES, where),
        "on": choice_at(record, "on", PLACES, where),
        **flags,
    }


def refuse_bad_pattern(pattern: str, flags: int, what: str) -> None:
    """Raise SettingsError for a pattern that cannot be compiled or would take all of the memory."""
    if len(pattern) > LONGEST:
        raise SettingsError(f"{what} has {len(pattern):,} characters; at most {LONGEST:,}")
    if repeated(pattern) > MOST_REPEATED:
        raise SettingsError(f"{what} repeats something over {MOST_REPEATED:,} times; use * or +")
    if recursive(pattern):
        raise SettingsError(f"{what} refers to itself, as (?R) and (?1) do; write it without that")
    try:
        compiled(pattern, flags)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        said = f"{what} is no regular expression: {str(error)[:200]}"
        raise SettingsError(said) from None


def repeated(pattern: str) -> int:
    r"""The most that counts like {3} or {2,5} can repeat a part, nested ones multiplied.

    >>> repeated(r"(\d{3}-\d{4}){2}"), repeated(r"[{9}]x\{7}")
    (8, 1)
    """
    open_groups, last = [1], 1
    for found in _TOKEN.finditer(pattern):
        token = found[0]
        if token == "(":  # noqa: S105 - a token of a pattern
            open_groups.append(1)
        elif token == ")" and len(open_groups) > 1:  # noqa: S105
            last = open_groups.pop()
        elif token[0] == "{" and token[1:-1].strip(","):
            last *= max(int(number) for number in token[1:-1].split(",") if number)
        else:
            last = 1
        open_groups[-1] = max(open_groups[-1], last)
    return max(open_groups)


def recursive(pattern: str) -> bool:
    r"""Whether a group is called from within the pattern: that may take all of the memory.

    >>> recursive(r"\((?R)?\)"), recursive(r"\(?1[(?R)]")
    (True, False)
    """
    found = (token.start() for token in _TOKEN.finditer(pattern) if token[0] == "(")
    return any(_CALL.match(pattern, start) for start in found)


def grade(grader: Grader, sample: Sample, run: Run) -> Grade:
    """1 when the pattern is found (`search`), is the whole text (`match`) or is not found (`none`).

    A pattern that takes longer than a second is the grader's failure, not the agent's.
    """
    settings = grader.settings
    pattern = compiled(settings["pattern"], _flags(settings))
    text = text_of(sample, run, settings["on"])
    look = pattern.fullmatch if settings["mode"] == "match" else pattern.search
    try:
        found = look(text, timeout=SECONDS, concurrent=True)
    except TimeoutError:
        return failed_grade(grader, f"the pattern took longer than {SECONDS:g} s; simplify it")
    except (MemoryError, RecursionError):
        return failed_grade(grader, "the pattern needs too much memory; simplify it")
    said = f"found {quoted(found[0])}" if found else "the pattern is not found"
    return grade_of(grader, float((found is None) == (settings["mode"] == "none")), said)


def _flags(settings: Object) -> int:
    return sum(flag for name, flag in _FLAGS.items() if settings[name])


@lru_cache(maxsize=256)
def compiled(pattern: str, flags: int) -> Any:
    """The pattern, compiled once. Syntax and meaning are those of Python's own `re`, and more."""
    return regex.compile(pattern, flags | regex.VERSION0)
