"""What a query asks for: choices among what there is, and texts that are not too long."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from werkzeug.exceptions import BadRequest

LONGEST = 200


def choice(
    arguments: Mapping[str, str], key: str, allowed: Collection[str], usual: str = ""
) -> str:
    """The choice of that name, or `usual` where there is none; BadRequest for any other."""
    asked = arguments.get(key) or usual
    if asked != usual and asked not in allowed:
        listed = ", ".join(sorted(allowed)) or "nothing to choose"
        raise BadRequest(f"{key} is to be one of: {listed}")
    return asked


def words(arguments: Mapping[str, str], key: str, longest: int = LONGEST) -> str:
    """A text of that name, or nothing; BadRequest for one that is too long."""
    asked = arguments.get(key, "").strip()
    if len(asked) > longest:
        raise BadRequest(f"{key} is to have at most {longest} characters")
    return asked
