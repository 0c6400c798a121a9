from __future__ import annotations

from datetime import timedelta

import pytest

from goldloop.errors import RecordError
from goldloop.times import instant


def test_a_fraction_of_zero_that_was_left_out_is_still_earlier() -> None:
    assert instant("2026-01-31T12:00:00Z") < instant("2026-01-31T12:00:00.000001Z")


def test_zones_are_the_same_moment() -> None:
    assert instant("2026-01-31T12:00:00+02:00") == instant("2026-01-31T10:00:00Z")


def test_a_time_without_a_zone_is_utc() -> None:
    assert instant("2026-01-31T12:00:00").utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "1769860800"])
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(RecordError, match=r"^updated_at is .*expected ISO 8601"):
        instant(text, "updated_at")
