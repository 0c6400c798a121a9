"""What a query asks for: choices among what there is, and texts that are not too long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from werkzeug.exceptions import BadRequest

LONGEST = 200
# What a page offers: the value, what it says, and how many have it (None: that is not counted).
Option: TypeAlias = tuple[str, str, int | None]


def options(names: Mapping[str, str] | Iterable[str]) -> list[Option]:
    """Choices by name, each with its words, or saying its own name.

    >>> options({"low": "least first"}), options(["tag"])
    ([('low', 'least first', None)], [('tag', 'tag', None)])
    """
    said = names if isinstance(names, Mapping) else {name: name for name in names}
    return [(name, says, None) for name, says in said.items()]


def counted_options(names: Iterable[str], most: int) -> list[Option]:
    """The most frequent of these names, with how often each is there.

    >>> counted_options(["a", "b", "b"], 1)
    [('b', 'b', 2)]
    """
    return [(name, name, many) for name, many in Counter(names).most_common(most)]


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
