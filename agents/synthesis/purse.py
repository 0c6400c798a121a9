"""Money for calls: what was spent, what is set aside, and when there is no more."""

from __future__ import annotations

import json
import threading
from decimal import Decimal

from agents.asking import Ask
from agents.usage import Usage
from goldloop.errors import SettingsError
from goldloop.prices import Price

# Tokens that an endpoint may add to what is sent: for the call, and around each message.
CALL_TOKENS, TURN_TOKENS = 200, 20


class Purse:
    """US dollars that calls may cost in all; several threads may pay from one.

    Before a call, the most that it can cost is set aside, and a call for which there is not enough
    is not made: so `spent` never exceeds `limit`, as long as the endpoint bills the tokens that it
    was sent and no more than it was asked for. A call waits while others that are under way may
    still give something back. Once one was refused, all are, and `refused` is what it needed.

    `limit` None means that there is no end, `price` None that nobody knows what calls cost. Raises
    SettingsError for a limit without a price.
    """

    def __init__(
        self,
        limit: Decimal | None = None,
        price: Price | None = None,
        spent: Decimal = Decimal(0),
    ) -> None:
        if limit is not None and price is None:
            raise SettingsError("a limit in US dollars needs a price for the model, under [prices]")
        self.limit, self.price = limit, price
        self.spent = spent
        self.refused: Decimal | None = None
        self._set_aside = Decimal(0)
        self._changed = threading.Condition()

    def most(self, ask: Ask, price: Price | None = None) -> Decimal:
        """The most that one call can cost; 0 without a price.

        No token is shorter than a byte. Raises SettingsError where there is a limit and the call
        bounds its answer by nothing.
        """
        price = price or self.price
        if price is None:
            return Decimal(0)
        if ask.max_tokens is None:
            if self.limit is None:
                return Decimal(0)
            raise SettingsError("a limit in US dollars needs [synthesis] max_output above 0")
        sent = json.dumps([list(ask.turns), ask.schema, list(ask.tools)], ensure_ascii=False)
        size = len(sent.encode()) + CALL_TOKENS + TURN_TOKENS * len(ask.turns)
        return price.cost(size, ask.max_tokens)

    def reserve(self, amount: Decimal) -> bool:
        """Set so much aside; False when there is not enough. Waits while others may settle."""
        with self._changed:
            while self.limit is not None:
                if self.refused is None and self.spent + amount > self.limit:
                    self.refused = amount
                    self._changed.notify_all()
                if self.refused is not None:
                    return False
                if self.spent + self._set_aside + amount <= self.limit:
                    break
                self._changed.wait()
            self._set_aside += amount
            return True

    def settle(self, amount: Decimal, cost: Decimal) -> None:
        """Give back what was set aside, and count what the call cost."""
        with self._changed:
            self._set_aside -= amount
            self.spent += cost
            self._changed.notify_all()

    def cost(self, usage: Usage, most: Decimal, price: Price | None = None) -> Decimal:
        """What a call with this usage cost; `most` where the endpoint did not count."""
        price = price or self.price
        if price is None:
            return Decimal(0)
        if usage.input_tokens is None or usage.output_tokens is None:
            return most
        return price.cost(usage.input_tokens, usage.output_tokens)
