"""A long table page by page: which rows a page shows, and where the others are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.exceptions import BadRequest, NotFound

SIZE = 100
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Pages:
    """Page `number`, counted from 1, of `total` rows: those from `start` to before `stop`."""

    number: int
    total: int
    size: int = SIZE

    @property
    def last(self) -> int:
        """The number of the last page; there is always one.

        >>> Pages(1, 0).last, Pages(1, 100).last, Pages(1, 101).last
        (1, 1, 2)
        """
        return max(-(-self.total // self.size), 1)

    @property
    def start(self) -> int:
        """The first row, counted from 0."""
        return (self.number - 1) * self.size

    @property
    def stop(self) -> int:
        """The row after the last one.

        >>> Pages(2, 150).start, Pages(2, 150).stop
        (100, 150)
        """
        return min(self.start + self.size, self.total)

    @property
    def rows(self) -> slice:
        """The rows as a slice of a list of all."""
        return slice(self.start, self.stop)


def page_of(arguments: Mapping[str, str], total: int, size: int = SIZE) -> Pages:
    """The page that the query asks for by `page`, the first one where it asks for none.

    Raises BadRequest for what is no number, and NotFound beyond the last page.
    """
    asked = arguments.get("page", "1")
    if not (asked.isascii() and asked.isdigit() and len(asked) <= _DIGITS and int(asked)):
        raise BadRequest("page is to be a number from 1")
    pages = Pages(int(asked), total, size)
    if pages.number > pages.last:
        raise NotFound(f"there are {pages.last:,} pages, and not {pages.number:,}")
    return pages
