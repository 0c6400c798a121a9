"""The circuit breaker: closed, open, half-open, and closed again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.breaker import PLAIN, Breaker, State


class Clock:
    """Seconds that pass when they are told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def changes() -> list[tuple[str, float]]:
    """What the breaker told of its changes."""
    return []


@pytest.fixture
def breaker(clock: Clock, changes: list[tuple[str, float]]) -> Breaker:
    """Opens after three failures, for 5 s at first and 12 s at most."""
    return Breaker(
        3,
        lambda state, pause: changes.append((state.name, pause)),
        first_pause=5,
        longest_pause=12,
        clock=clock,
    )


def down(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.admit()
        breaker.failed(outage=True)


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not(breaker: Breaker) -> None:
    down(breaker, 2)
    breaker.succeeded()
    down(breaker, 2)
    assert breaker.state is State.CLOSED
    down(breaker, 1)
    assert breaker.state is State.OPEN
    assert not breaker.admit()


def test_a_failure_that_may_be_the_samples_own_counts_less(breaker: Breaker) -> None:
    for _ in range(int(3 / PLAIN) - 1):
        assert not breaker.failed(outage=False)
    assert breaker.failed(outage=False)


def test_after_the_pause_one_call_is_let_through_and_closes_it(
    breaker: Breaker, clock: Clock, changes: list[tuple[str, float]]
) -> None:
    down(breaker, 3)
    clock.now += 4.9
    assert not breaker.would_admit()
    clock.now += 0.1
    assert breaker.would_admit()
    assert [breaker.admit() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert breaker.admit()
    assert changes == [("OPEN", 5), ("HALF_OPEN", 0), ("CLOSED", 0)]


def test_the_pause_doubles_to_its_longest_and_begins_anew_once_the_agent_was_up(
    breaker: Breaker, clock: Clock, changes: list[tuple[str, float]]
) -> None:
    down(breaker, 3)
    for pause in (5, 10, 12):
        clock.now += pause
        down(breaker, 1)
    assert [pause for state, pause in changes if state == "OPEN"] == [5, 10, 12, 12]
    clock.now += 12
    assert breaker.admit()
    breaker.succeeded()
    down(breaker, 3)
    assert changes[-1] == ("OPEN", 5)


def test_calls_that_were_under_way_when_it_opened_do_not_lengthen_the_pause(
    breaker: Breaker, clock: Clock, changes: list[tuple[str, float]]
) -> None:
    down(breaker, 3)
    for _ in range(5):
        assert not breaker.failed(outage=True)
    assert changes == [("OPEN", 5)]
    clock.now += 5
    assert breaker.admit()


def test_a_try_that_was_not_made_is_left_to_the_next(breaker: Breaker, clock: Clock) -> None:
    down(breaker, 3)
    clock.now += 5
    assert breaker.admit()
    breaker.passed()
    assert breaker.admit()
    assert not breaker.admit()


def test_of_many_threads_one_makes_the_try(breaker: Breaker, clock: Clock) -> None:
    down(breaker, 3)
    clock.now += 5
    with ThreadPoolExecutor(16) as threads:
        admitted = list(threads.map(lambda _: breaker.admit(), range(200)))
    assert sum(admitted) == 1
