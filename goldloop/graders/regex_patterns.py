"""Whether a pattern is found. It may be a bad one and the text a model's, so both are bounded."""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
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
MOST_PARTS = 50_000  # some 20 MB
_FLAGS = {"ignore_case": regex.IGNORECASE, "multiline": regex.MULTILINE, "dotall": regex.DOTALL}
# What is to be told apart as the module itself does: escapes; sets, whose first ] and classes like
# [:alpha:] do not end them; comments and flags, which are no part; counts; and all else.
_TOKEN = regex.compile(
    r"\\.|\[\^?+\]?+(?:\\.|\[:\^?[A-Za-z]+:\]|\[(?!:)|[^\]\\\[])*+\]"
    r"|\(\?\#(?:\\.|[^)\\])*+\)|\(\?[A-Za-z01-]+\)|\{\d*(?:,(\d*))?\}|.",
    regex.DOTALL,
)
_CALL = regex.compile(r"\(\?(?:R|&|P>|[+-]?\d)")
_VERBOSE = regex.compile(r"\(\?[A-Za-z01]*x")


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
    most, parts = unrolled(pattern)
    if most > MOST_REPEATED:
        raise SettingsError(f"{what} repeats something over {MOST_REPEATED:,} times; use * or +")
    if parts > MOST_PARTS:
        raise SettingsError(f"{what} has over {MOST_PARTS:,} parts with its counts written out")
    if told := _untold(pattern):
        raise SettingsError(f"{what} {told}")
    try:
        compiled(pattern, flags)
    except (regex.error, RecursionError, OverflowError, ValueError, MemoryError) as error:
        said = f"{what} is no regular expression: {str(error)[:200]}"
        raise SettingsError(said) from None


def _untold(pattern: str) -> str | None:
    """What it has that `unrolled` cannot tell the size of, in words; None where it has nothing."""
    if _has(_CALL, pattern):
        return "refers to itself, as (?R) and (?1) do; write it without that"
    if _has(_VERBOSE, pattern):
        return "has the flag x, by which a part of it is no pattern; write it without spaces"
    if "[" in map(itemgetter(0), _TOKEN.finditer(pattern)):  # one that ends is a token of its own
        return "has a set that does not end; write \\[ for a bracket, also within a set"
    return None


def _has(group: Any, pattern: str) -> bool:
    r"""Whether a group of this kind opens somewhere, and not just looks like one.

    >>> _has(_CALL, r"\((?R)?\)"), _has(_CALL, r"\(?1[(?R)]")
    (True, False)
    """
    found = (token.start() for token in _TOKEN.finditer(pattern) if token[0][0] == "(")
    return any(group.match(pattern, start) for start in found)


def unrolled(pattern: str) -> tuple[int, int]:
    r"""The most that counts like {3} or {2,5} can repeat a part, nested ones multiplied; and how
    many parts there are when the least of them are written out, a set's characters among them.

    >>> unrolled(r"(\d{3}-\d{4}){2}"), unrolled(r"[{9}]x\{7}"), unrolled(r"[])](?#))a{5,9}")
    ((8, 32), (1, 10), (9, 10))
    """
    groups, last = [(1, 0)], (1, 1)  # what is open, and the part that a count would repeat
    for found in _TOKEN.finditer(pattern):
        token = found[0]
        if token[:2] == "(?" and token[-1] == ")":
            continue
        most, parts = groups[-1]
        if token == "(":  # noqa: S105 - a token of a pattern
            groups.append((1, 1))
            continue
        if token == ")" and len(groups) > 1:  # noqa: S105
            last, (most, parts) = groups.pop(), groups[-1]
        elif token[0] == "{" and token[1:-1].strip(","):
            parts -= last[1]
            least, _, greatest = token[1:-1].partition(",")
            count = max(1, int(least or 1))
            last = last[0] * max(count, int(greatest or 1)), last[1] * count
        elif token == "}":  # noqa: S105
            # What it ends may be no part at all, {e<=0}: a count then repeats what is before.
            last, parts = (most, parts + 1), 0
        else:
            last = 1, len(token)
        groups[-1] = max(most, last[0]), parts + last[1]
    return max(most for most, _ in groups), sum(parts for _, parts in groups)


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


@lru_cache(maxsize=64)
def compiled(pattern: str, flags: int) -> Any:
    """The pattern, compiled once. Syntax and meaning are those of Python's own `re`, and more."""
    return regex.compile(pattern, flags | regex.VERSION0)
