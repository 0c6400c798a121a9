"""verbalized: the probability that a model states when it is asked how sure it is."""

from __future__ import annotations

import json
import re

# A longer reply is no answer to a question for one number.
MAX_REPLY = 20_000
_NUMBER = r"(?<![\w.,/+–—-])([0-9]{1,9}(?:\.[0-9]{1,20})?|\.[0-9]{1,20})(?![.,/–—-]?\w)\s?(%?)"
_ANY = re.compile(_NUMBER)
_NAMED = re.compile(
    rf"(?i)\b(?:probability|confidence)\b[*`\"]{{0,3}}\s?(?:is|[:=])[*`\"]{{0,3}}\s?{_NUMBER}"
)
_KEYS = ("probability", "confidence")


def stated_probability(reply: str) -> float | None:
    """The probability that a reply states, in [0, 1]; None where it states none beyond doubt.

    Read are a JSON object with `probability` or `confidence`; else the last `probability: ...` in
    the text; else the only number in it. A number from 2 to 100, or with a %, is a percentage.
    Nothing is guessed: of two numbers, of a fraction (8/10), a range, or one that is out of bounds,
    it is none.

    >>> [stated_probability(said) for said in ("0.85", "I am 85% sure.", '{"probability": 0.85}')]
    [0.85, 0.85, 0.85]
    >>> [stated_probability(said) for said in ("8/10", "between 0.5 and 0.9", "-0.5", "NaN")]
    [None, None, None, None]
    """
    if len(reply) > MAX_REPLY:
        return None
    try:
        value = json.loads(reply)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return _given(next((value[key] for key in _KEYS if key in value), None))
    found = _NAMED.findall(reply)[-1:] or _ANY.findall(reply)
    if len(found) != 1:
        return None
    number, percent = found[0]
    return _scaled(float(number), bool(percent))


def _given(value: object) -> float | None:
    """A number, or its text, as JSON has it."""
    if isinstance(value, str):
        text = _ANY.fullmatch(value.strip())
        return None if text is None else _scaled(float(text[1]), bool(text[2]))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _scaled(value, percent=False)


def _scaled(number: float, percent: bool) -> float | None:
    if 0 <= number <= 1 and not percent:
        return float(number)
    # 1.5 is more likely a slip than one and a half percent.
    if (percent and 0 <= number <= 100) or 2 <= number <= 100:
        return number / 100
    return None
