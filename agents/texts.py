"""Texts that came from outside: made storable, and made short and free of secrets for an error."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_ERROR = 300
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_KEY_SHAPED = re.compile(
    r"(?i)\b(?:sk|pk|rk|ghp|hf|xai|gsk|aiza)[-_]?[a-z0-9*_-]{12,}|\b(?:bearer|basic)\s+[^\s\"',]+"
)


def clean_text(text: str) -> str:
    """The text with NUL and lone surrogates, which neither SQLite nor UTF-8 takes, as U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def short_text(text: str, secrets: Iterable[str] = ()) -> str:
    """One line of at most 300 characters for an error, with secrets and key-like words starred.

    A secret of several words ("Bearer abc") is starred word by word, where a word has six letters
    or more. Stars take as much room as the secret did, so that the cut cannot move half a secret
    that was torn at the end of `text` into view.
    """
    words = {word for secret in secrets for word in (secret, *secret.split()) if len(word) >= 6}
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "*" * len(word))
    text = _KEY_SHAPED.sub(lambda match: "*" * len(match[0]), text)
    return clean_text(" ".join(text[:MAX_ERROR].split()))
