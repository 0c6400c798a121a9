"""Links to pages that are named by a sample, whatever its id is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for
from werkzeug.exceptions import NotFound

NAMED_BESIDE = "-"
LONGEST = 1000


def sample_link(sample_id: str, endpoint: str = "sample", **query: str | int) -> str:
    """Where a sample's page is. Browsers and servers fold `//` and `..`, turn backslashes, and lose
    control characters, so an id that has such stands in the query.
    """
    page = f"dashboard.{endpoint}"
    values: dict[str, Any] = {"sample_id": sample_id, **query}
    parts = sample_id.split("/")
    folded = {"", ".", "..", NAMED_BESIDE} & {part.strip() for part in parts}
    if folded or "\\" in sample_id or not sample_id.isprintable():
        values |= {"sample_id": NAMED_BESIDE, "id": sample_id}
    return url_for(page, **values)


def named_sample(sample_id: str, arguments: Mapping[str, str]) -> str:
    """The sample that such a link names."""
    found = arguments.get("id", sample_id) if sample_id == NAMED_BESIDE else sample_id
    if len(found) > LONGEST:
        raise NotFound("no sample has so long an id")
    return found
