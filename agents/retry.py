"""Ask again what may work the second time: 429, 5xx, broken connections and time-outs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from agents.usage import Usage
from goldloop.errors import AgentError

T = TypeVar("T")
_PASSING = ("server_error", "rate_limit_exceeded", "overloaded_error", "api_error")


class CallError(AgentError):
    """One call of an endpoint that failed.

    `status` is the HTTP status, or None when there was no answer. `again` says whether the same
    call may work later, and `retry_after` how many seconds the endpoint asked to wait. `usage` is
    what it took all the same, where the endpoint said so; `sent` is False where there was nobody
    to ask, so that it took nothing.
    """

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        again: bool = False,
        retry_after: float | None = None,
        usage: Usage = Usage(),  # noqa: B008 - immutable
        sent: bool = True,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.again = again
        self.retry_after = retry_after
        self.usage = usage
        self.sent = sent
        # 400, 413 and 422 are about what was asked.
        self.outage = again or status not in (None, 400, 413, 422)


def refused(status: int, text: str, retry_after: str | None) -> CallError:
    """The error for an HTTP status that is no success.

    429 and 5xx may be tried again, except a 429 that says the quota is used up.
    """
    again = status >= 500 or (status == 429 and "insufficient_quota" not in text)
    wait = retry_after_seconds(retry_after, datetime.now(UTC))
    said = ": redirects are not followed" if 300 <= status < 400 else f": {text}" if text else ""
    return CallError(f"HTTP {status}{said}", status=status, again=again, retry_after=wait)


def failed(error: object, said: str, usage: Usage) -> CallError:
    """The error for a 200 whose body says that it failed after all.

    It may be tried again when its code is one of a server that is overloaded or broken.
    """
    code = error.get("code") or error.get("type") if isinstance(error, Mapping) else None
    again = code in _PASSING or (isinstance(code, int) and (code >= 500 or code == 429))
    return CallError(
        f"the endpoint failed: {said or 'it does not say why'}", again=again, usage=usage
    )


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, given as a number or as an HTTP date.

    None when it is missing, malformed or in the past.

    >>> retry_after_seconds("1.5", datetime(2026, 1, 1, tzinfo=UTC))
    1.5
    >>> retry_after_seconds("Thu, 01 Jan 2026 00:00:09 GMT", datetime(2026, 1, 1, tzinfo=UTC))
    9.0
    """
    try:
        seconds = float(value or "")
    except ValueError:
        seconds = _seconds_until(value or "", now)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _seconds_until(date: str, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return math.nan
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and after what waits a call is made again.

    The waits double from `first_wait` seconds, with up to `first_wait` more at random so that
    threads do not come back together. A longer wait that the endpoint asked for is kept, and none
    is longer than `longest_wait` plus that random part.
    """

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 60.0
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, call: Callable[[], T]) -> T:
        """The result of `call`, or its last error: a `CallError` that may not be tried again, or
        that came `attempts` times."""
        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, CallError) and error.again),
            stop=stop_after_attempt(self.attempts),
            wait=self._wait,
            sleep=self.sleep,
            reraise=True,
        )
        return retrying(call)

    def _wait(self, state: RetryCallState) -> float:
        backoff = wait_exponential(multiplier=self.first_wait, max=self.longest_wait)(state)
        error = state.outcome.exception() if state.outcome else None
        asked = (error.retry_after if isinstance(error, CallError) else None) or 0.0
        jitter = wait_random(0, self.first_wait)(state)
        return max(backoff, min(asked, self.longest_wait)) + jitter
