"""Many calls of one model at once, each made once and paid once.

The model itself is asked in threads: it bounds bodies and time, and does so synchronously. Each
writes its reply into the journal before it takes the next call, so that a process that is killed
has paid in vain only for what was in the air.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any, Self, TypeVar

from agents.asking import Ask
from agents.completions import Completion
from agents.openai_model import OpenAIModel
from agents.retry import CallError, Retry
from agents.synthesis.journal import Journal, MemoryJournal, Reply
from agents.synthesis.purse import Purse
from agents.texts import clean_text
from agents.usage import Usage
from goldloop.errors import AgentError
from goldloop.prices import Price
from goldloop.synthesis.written import MAX_REPLY

T = TypeVar("T")
# So many failures in a row, or as many as calls may be under way at once, are an outage.
OUTAGE = 8


class OutageError(AgentError):
    """The endpoint is down or refuses everybody; nothing more is asked of it."""

    outage = True


class OutOfMoneyError(AgentError):
    """The call was not made: it could cost more than is left."""


@dataclass(frozen=True, slots=True)
class Call:
    """A question with what it is for: see `Reply`."""

    purpose: str
    slot: int
    attempt: int
    step: int
    ask: Ask


@dataclass(slots=True)
class _Outcome:
    """What a thread brings back: a reply or an error, and what failed tries took."""

    reply: Reply | None = None
    error: AgentError | None = None
    lost: list[dict[str, Any]] = field(default_factory=list)


class Asker:
    """Asks a model at most `concurrency` questions at once; use it as an async context manager.

    A call whose reply the journal has is not made again. Its key is the SHA-256 of the question,
    the model and the parameters, and of what it is for. `model` must try once only, since each try
    is paid for on its own: `retry` says how often it is tried. `price` is that of this model, where
    it is another one than the purse's. Cancelled while calls are under way, it waits for their
    replies and keeps them; cancelled again, it does not.
    """

    def __init__(
        self,
        model: OpenAIModel,
        journal: Journal | None = None,
        purse: Purse | None = None,
        *,
        concurrency: int = 16,
        retry: Retry | None = None,
        price: Price | None = None,
    ) -> None:
        self.model, self.price = model, price
        self.purse = purse or Purse()
        self._journal: Journal = journal or MemoryJournal()
        self._retry = retry or Retry()
        self._outage_after = max(OUTAGE, concurrency)
        # Twice as many as threads: the next call is at hand when a thread ends one, even while the
        # event loop is busy.
        self._places = asyncio.Semaphore(2 * concurrency)
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="synthesis")
        self._lock = threading.Lock()
        self._failures = 0
        self._down: OutageError | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.model.close()

    def key(self, call: Call) -> str:
        """The key of a call in the journal."""
        ask = call.ask
        content = {
            "purpose": [call.purpose, call.slot, call.attempt, call.step],
            "model": self.model.model,
            "turns": [dict(turn) for turn in ask.turns],
            "parameters": [ask.temperature, ask.seed, ask.max_tokens, ask.schema],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    async def ask(self, call: Call) -> Reply:
        """The reply to a call. Raises `CallError` when it failed for good, `OutOfMoneyError` when
        it was not made, and `OutageError` when there is no use in asking anything more.
        """
        key = self.key(call)
        kept = self._journal.get(key)
        if kept is not None:
            return Reply.of(kept)
        async with self._places:
            if self._down is not None:
                raise self._down
            outcome = await self._arrived(key, call)
        if outcome.reply is None:
            raise outcome.error or AgentError("the call brought nothing")
        return outcome.reply

    async def _arrived(self, key: str, call: Call) -> _Outcome:
        """The outcome of a call; when it is cancelled, that of a call under way is waited for."""
        stop = threading.Event()
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, self._made, key, call, stop)
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait({work})
            raise
        return work.result()

    def _note(self, key: str, outcome: _Outcome) -> None:
        for cost in outcome.lost:
            self._journal.lose(key, cost)
        if outcome.reply is not None:
            self._journal.put(key, outcome.reply.record())

    def _judged(self, error: AgentError) -> AgentError:
        """The error, or that of an outage when it is one."""
        if isinstance(error, OutOfMoneyError) or not error.outage:
            return error
        lasting = isinstance(error, CallError) and not error.again
        with self._lock:
            self._failures += 1
            if self._down is None and (lasting or self._failures >= self._outage_after):
                self._down = OutageError(
                    f"{error}. Nothing more is asked of it; what came so far is kept, so run the"
                    " same command again once the endpoint answers"
                )
            return self._down or error

    def _made(self, key: str, call: Call, stop: threading.Event) -> _Outcome:
        """Make a call, as often as it takes, and note what came of it; in a thread."""
        outcome = _Outcome()
        retry = replace(self._retry, sleep=partial(_pause, self._retry, stop))
        try:
            outcome.reply = retry(partial(self._tried, call, outcome, stop))
        except AgentError as error:
            outcome.error = self._judged(error)
        else:
            with self._lock:
                self._failures = 0
        self._note(key, outcome)
        return outcome

    def _tried(self, call: Call, outcome: _Outcome, stop: threading.Event) -> Reply:
        most = self.purse.most(call.ask, self.price)
        if self._down is not None:
            raise self._down
        if stop.is_set():
            raise CallError("given up before it was asked")
        if not self.purse.reserve(most):
            raise OutOfMoneyError(f"a call may cost {most} US dollars, and there is less left")
        cost = most
        try:
            completion = self.model.complete(call.ask)
            cost = self.purse.cost(_spent(completion), most, self.price)
        except CallError as error:
            cost = self._lost(call, error, most, outcome)
            raise
        finally:
            self.purse.settle(most, cost)
        return self._reply(call, completion, cost)

    def _lost(self, call: Call, error: CallError, most: Decimal, outcome: _Outcome) -> Decimal:
        """What a failed try may have cost: a refusal is free, and a connection that broke may have
        been an answer that was billed.
        """
        if not error.usage.known and (error.status is not None or not error.sent):
            return Decimal(0)
        cost = self.purse.cost(error.usage, most, self.price)
        outcome.lost.append(
            {
                "purpose": call.purpose,
                "slot": call.slot,
                "attempt": call.attempt,
                "step": call.step,
                "input_tokens": error.usage.input_tokens,
                "output_tokens": error.usage.output_tokens,
                "usd": self._usd(cost),
            }
        )
        return cost

    def _reply(self, call: Call, completion: Completion, cost: Decimal) -> Reply:
        spent = _spent(completion)
        return Reply(
            purpose=call.purpose,
            slot=call.slot,
            attempt=call.attempt,
            step=call.step,
            # One character too many is enough to see that it is too long.
            text=clean_text(completion.text[: MAX_REPLY + 1]),
            refused=completion.refused,
            stop_reason=completion.stop_reason,
            structured=completion.structured,
            request_id=completion.request_id,
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            usd=self._usd(cost),
        )

    def _usd(self, cost: Decimal) -> str | None:
        return None if self.price is None and self.purse.price is None else str(cost)


def _spent(completion: Completion) -> Usage:
    return completion.spent if completion.spent.known else completion.usage


def _pause(retry: Retry, stop: threading.Event, seconds: float) -> None:
    """Wait as the retry does, but no longer than until the call is given up."""
    if retry.sleep is time.sleep:
        stop.wait(seconds)
    else:
        retry.sleep(seconds)


def seed_of(seed: int, *of: object) -> int:
    """A whole number in [0, 2**31), the same for ever for a seed and what it is for."""
    digest = hashlib.sha256("/".join(map(str, (seed, *of))).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


async def as_they_come(works: Sequence[Coroutine[Any, Any, T]]) -> AsyncIterator[T]:
    """The results in the order in which they come; an error ends all, after what is under way."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        for task in asyncio.as_completed(tasks):
            yield await task
    finally:
        for left in tasks:
            left.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
