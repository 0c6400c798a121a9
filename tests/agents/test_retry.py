from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from agents.retry import CallError, Retry, refused, retry_after_seconds

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def failing(*errors: Exception) -> Callable[[], str]:
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return call


def again(retry_after: float | None = None) -> CallError:
    return CallError("busy", status=429, again=True, retry_after=retry_after)


def test_a_call_that_works_is_made_once(waits: list[float]) -> None:
    assert Retry(sleep=waits.append)(failing()) == "answer"
    assert waits == []


def test_waits_double_with_a_random_part_below_the_first_wait(waits: list[float]) -> None:
    assert Retry(first_wait=1, sleep=waits.append)(failing(again(), again(), again())) == "answer"
    assert [int(wait) for wait in waits] == [1, 2, 4]
    assert all(wait != int(wait) for wait in waits)


def test_no_wait_is_longer_than_the_longest(waits: list[float]) -> None:
    retry = Retry(attempts=8, first_wait=1, longest_wait=5, sleep=waits.append)
    retry(failing(*[again() for _ in range(7)]))
    assert max(waits) <= 6


@pytest.mark.parametrize(("asked", "least", "most"), [(7.0, 7, 8), (3600.0, 60, 61), (0.0, 1, 2)])
def test_the_wait_that_the_endpoint_asks_for_is_kept_up_to_a_cap(
    waits: list[float], asked: float, least: float, most: float
) -> None:
    Retry(first_wait=1, longest_wait=60, sleep=waits.append)(failing(again(asked)))
    assert least <= waits[0] <= most


def test_the_last_error_comes_out_after_the_last_attempt(waits: list[float]) -> None:
    last = CallError("the last", again=True)
    with pytest.raises(CallError, match="the last"):
        Retry(attempts=3, sleep=waits.append)(failing(again(), again(), last, again()))
    assert len(waits) == 2


@pytest.mark.parametrize("error", [CallError("bad request", status=400), ValueError("bug")])
def test_other_errors_are_not_tried_again(waits: list[float], error: Exception) -> None:
    with pytest.raises(type(error)):
        Retry(sleep=waits.append)(failing(error))
    assert waits == []


def test_it_really_waits_by_default() -> None:
    started = time.monotonic()
    Retry(first_wait=0.05)(failing(again(), again()))
    assert time.monotonic() - started >= 0.15


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [((429, 500, 502, 503, 529), True), ((302, 400, 401, 403, 404, 409, 422), False)],
)
def test_which_statuses_may_be_tried_again(statuses: tuple[int, ...], expected: bool) -> None:
    assert {refused(status, "", None).again for status in statuses} == {expected}


def test_a_used_up_quota_is_not_tried_again() -> None:
    assert not refused(429, "insufficient_quota You exceeded your quota", None).again


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("2.5", 2.5),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 23:59:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, NOW) == seconds
