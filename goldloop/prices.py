"""What tokens cost: a table of prices, and money as exact decimals in US dollars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from goldloop.errors import SettingsError

MOST = 1_000_000
_CENT = Decimal("0.01")
_EXPECTED = "[USD per million input tokens, USD per million output tokens]"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens, in and out."""

    input: Decimal
    output: Decimal

    def cost(self, input_tokens: int, output_tokens: int) -> Decimal:
        """What so many tokens cost in US dollars, exactly.

        >>> Price(Decimal("2.5"), Decimal("10")).cost(1_001, 3)
        Decimal('0.0025325')
        """
        return (input_tokens * self.input + output_tokens * self.output).scaleb(-6)


def read_prices(table: object, where: str) -> dict[str, Price]:
    """The prices of models or agent versions, by name.

    Raises SettingsError that names the key after `where`.

    >>> read_prices({"model-7": [0.15, 1]}, "[prices]")["model-7"].input
    Decimal('0.15')
    """
    if not isinstance(table, Mapping):
        raise SettingsError(f'{where} must hold lines such as "model" = {_EXPECTED}')
    return {name: _price(value, f'{where} "{name}"') for name, value in table.items()}


def _price(value: object, where: str) -> Price:
    if isinstance(value, Mapping):
        raise SettingsError(f"{where} is cut at a dot; put the whole name in quotes")
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise SettingsError(f"{where} must be {_EXPECTED}, not {repr(value)[:80]}")
    return Price(_amount(value[0], where), _amount(value[1], where))


def _amount(value: object, where: str) -> Decimal:
    """As it was written: 0.1 is a tenth, not the number nearest to it that a computer has."""
    sound = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST
    if not sound:
        raise SettingsError(f"{where}: a price must be 0 to {MOST}, not {repr(value)[:80]}")
    return Decimal(str(value))


def price_of(prices: Mapping[str, Price], *names: str) -> Price | None:
    """The price under the first of the names that has one."""
    return next((prices[name] for name in names if name in prices), None)


def shown_usd(amount: Decimal) -> str:
    """An amount with all its digits, and at least its cents.

    >>> shown_usd(Decimal("0.0025325")), shown_usd(Decimal("3"))
    ('0.0025325', '3.00')
    """
    exact = amount.normalize()
    digits = exact.as_tuple().exponent
    return f"{exact:f}" if isinstance(digits, int) and digits < -2 else f"{amount.quantize(_CENT)}"
