"""cost: the tokens and the money that each agent version took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from goldloop.prices import Price, price_of
from goldloop.settings import AgentSettings
from store.costs import Spent, spent_tokens
from store.database import Store
from store.runs import named_version


@dataclass(frozen=True, slots=True)
class Cost:
    """What one version took, and that in US dollars; None where its price is not known, or where
    none of its tokens were counted.
    """

    spent: Spent
    usd: Decimal | None

    @property
    def counted(self) -> int:
        """Runs whose tokens are in the sums."""
        return self.spent.runs - self.spent.uncounted + self.spent.replaced


def costs(db: Store, agent: AgentSettings, prices: Mapping[str, Price]) -> list[Cost]:
    """What every agent version cost.

    The price is the one under the version's name; for the version that the settings describe, also
    the one under the model's.
    """
    models = {named_version(db, agent): agent.model} if agent.kind == "openai" else {}
    return [_cost(spent, prices, models) for spent in spent_tokens(db)]


def _cost(spent: Spent, prices: Mapping[str, Price], models: Mapping[str, str]) -> Cost:
    version = spent.agent_version
    price = price_of(prices, version, models.get(version, version))
    cost = Cost(spent, None)
    if price is None or not cost.counted:
        return cost
    return Cost(spent, price.cost(spent.input_tokens, spent.output_tokens))


def total_usd(found: Sequence[Cost]) -> Decimal:
    """Of those whose price is known."""
    return sum((cost.usd for cost in found if cost.usd is not None), Decimal(0))
