"""How far the money of one `goldloop run` goes: what was spent, and what may still be begun."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal

from agents.questions import question
from goldloop.errors import SettingsError
from goldloop.prices import Price, price_of
from goldloop.samples import Run, Sample
from goldloop.settings import AgentSettings, Settings
from store.costs import counted_runs, dearest_run
from store.database import Store

# What one answer may have where [agent] max_output does not say.
OUTPUT_TOKENS = 2_000
# Texts have three to five characters a token; of two, there are more tokens than there will be.
CHARACTERS = 2


@dataclass(slots=True)
class Budget:
    """US dollars that a command may spend.

    For every run that is under way so much is set aside as the dearest run of the version cost so
    far; before there is one, `bound` and what is sent. No more runs are under way than costs are
    known, and at least one, so that a first guess that is wrong is wrong once. What the command
    spends in the end exceeds `limit` only where a run costs more than each before it.
    """

    limit: Decimal
    price: Price
    calls: int
    output_tokens: int
    known: int = 0
    dearest: Decimal | None = None
    spent: Decimal = Decimal(0)
    refused: Decimal | None = None

    def admits(self, sample: Sample, under_way: int) -> bool:
        """Whether a run on the sample may begin while so many others are under way."""
        reserve = self._reserve(sample)
        fits = self.spent + reserve * (under_way + 1) <= self.limit
        self.refused = None if fits else reserve
        return fits and under_way < max(1, self.known)

    def add(self, sample: Sample, run: Run) -> None:
        """Count what a run took; one whose tokens nobody counted took what was set aside for it."""
        cost = cost_of(run, self.price)
        if cost is None:
            # Most failures cost nothing: nobody answered.
            self.spent += Decimal(0) if run.error else self._reserve(sample)
            return
        self.spent += cost
        self.known += 1
        self.dearest = max(cost, self.dearest or cost)

    def _reserve(self, sample: Sample) -> Decimal:
        if self.dearest is not None:
            return self.dearest
        sent = len(json.dumps(question(sample), ensure_ascii=False)) // CHARACTERS
        return self.price.cost(sent * self.calls, self.output_tokens * self.calls)


def cost_of(run: Run, price: Price) -> Decimal | None:
    """What everything that was asked for a run cost; None where its tokens were not counted."""
    sent = run.input_tokens if run.spent_input_tokens is None else run.spent_input_tokens
    came = run.output_tokens if run.spent_output_tokens is None else run.spent_output_tokens
    return None if sent is None or came is None else price.cost(sent, came)


def budget_of(db: Store, settings: Settings, version: str, limit: Decimal) -> Budget:
    """A budget of so many US dollars for runs of the version that the settings describe.

    Raises SettingsError when its price is not known.
    """
    agent = settings.agent
    price = price_of(settings.prices, version, agent.model)
    if price is None:
        name = agent.model or version
        raise SettingsError(
            f'--max-usd needs a price: put "{name}" = [USD per million input tokens, USD per '
            "million output tokens] under [prices] in goldloop.toml"
        )
    tokens = dearest_run(db, version, price)
    return Budget(
        limit,
        price,
        calls=_calls(agent),
        output_tokens=agent.max_output or OUTPUT_TOKENS,
        known=counted_runs(db, version),
        dearest=price.cost(*tokens) if tokens else None,
    )


def _calls(agent: AgentSettings) -> int:
    """Answers that are compared, and one question about them."""
    return agent.answers + 1
