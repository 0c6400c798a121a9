"""Text as a terminal, a page or a message may show it."""

from __future__ import annotations


def printable(text: str, limit: int = 120) -> str:
    """One line of text that cannot move the cursor or recolour the terminal, cut at `limit`.

    >>> printable("two\\nlines\\x1b[31m"), printable("long", 3)
    ('two lines [31m', 'lo…')
    """
    flat = "".join(char if char.isprintable() else " " for char in text)
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
