"""Times as text, in ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime

from goldloop.errors import RecordError


def instant(text: str, what: str = "the time") -> datetime:
    """The moment that a text names; UTC where it names no zone.

    Compare moments, not texts: Label Studio leaves out a fraction of zero, and as texts
    "12:00:00Z" comes after "12:00:00.5Z". Raises RecordError that says `what` is no time.

    >>> instant("2026-01-31T12:00:00Z") < instant("2026-01-31T12:00:00.500000Z")
    True
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RecordError(
            f"{what} is {text[:80]!r}; expected ISO 8601 such as 2026-01-31T12:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
