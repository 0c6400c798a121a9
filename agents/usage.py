"""Tokens that calls of a model took, as their endpoint counts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Usage(NamedTuple):
    """Tokens in and out; None where the endpoint did not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None

    @property
    def known(self) -> bool:
        """Whether the endpoint said anything at all."""
        return self != Usage()


def usage_from(value: object, names: tuple[str, str]) -> Usage:
    """The counts under two names; one that is no whole number from 0 up is None.

    >>> usage_from({"sent": 7, "received": -1}, ("sent", "received"))
    Usage(input_tokens=7, output_tokens=None)
    """
    if not isinstance(value, Mapping):
        return Usage()
    return Usage(*(_count(value.get(name)) for name in names))


def total(parts: Iterable[Usage]) -> Usage:
    """Their sums; None where one of the parts is None, and 0 for no parts.

    >>> total([Usage(1, 2), Usage(3, None)])
    Usage(input_tokens=4, output_tokens=None)
    """
    parts = list(parts)
    return Usage(
        _sum([part.input_tokens for part in parts]), _sum([part.output_tokens for part in parts])
    )


def _sum(counts: list[int | None]) -> int | None:
    return None if None in counts else sum(count or 0 for count in counts)


def _count(value: object) -> int | None:
    """A count that fits an SQLite integer and a JSON number."""
    sound = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return value if sound else None  # type: ignore[return-value]
