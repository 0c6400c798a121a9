"""What things cost, as tables for a person and records for a program."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from goldloop.prices import shown_usd
from sync import terminal
from sync.budget import Budget
from sync.cost import Cost, total_usd


def cost_record(cost: Cost) -> dict[str, Any]:
    """One version's cost; tokens and money are null where nothing was counted, and amounts of US
    dollars are texts, because they are exact.
    """
    spent = cost.spent
    return {
        "agent_version": spent.agent_version,
        "runs": spent.runs,
        "failed": spent.failed,
        "uncounted": spent.uncounted,
        "replaced": spent.replaced,
        "input_tokens": spent.input_tokens if cost.counted else None,
        "output_tokens": spent.output_tokens if cost.counted else None,
        "usd": None if cost.usd is None else shown_usd(cost.usd),
        "usd_per_run": _per_run(cost),
    }


def _per_run(cost: Cost) -> str | None:
    if cost.usd is None:
        return None
    return shown_usd((cost.usd / cost.counted).quantize(Decimal("0.000001")))


def show_costs(found: Sequence[Cost]) -> None:
    """Every version with what it took, and the sum."""
    headings = ("version", "runs", "failed", "not counted", "tokens in", "tokens out", "USD")
    rows = [
        (
            one.spent.agent_version,
            *(one.spent.runs, one.spent.failed, one.spent.uncounted),
            *(_known(one, one.spent.input_tokens), _known(one, one.spent.output_tokens)),
            _money(one),
        )
        for one in found
    ]
    terminal.print_table(headings, rows, "" if rows else "there are no runs yet: goldloop run")
    if any(one.usd is not None for one in found):
        terminal.result(f"in all {shown_usd(total_usd(found))} USD")
    for said in _notes(found):
        terminal.say(said)


def _known(cost: Cost, tokens: int) -> int | None:
    return tokens if cost.counted else None


def _money(cost: Cost) -> str | None:
    if cost.usd is None:
        return None
    return ("at least " if cost.spent.uncounted else "") + shown_usd(cost.usd)


def _notes(found: Sequence[Cost]) -> list[str]:
    """What the table leaves open."""
    uncounted = sum(one.spent.uncounted for one in found)
    unpriced = [one.spent.agent_version for one in found if one.counted and one.usd is None]
    notes = []
    if uncounted:
        notes.append(f"of {uncounted} runs nobody counted the tokens; they are in no sum")
    if unpriced:
        notes.append(
            f"no price is known for {', '.join(unpriced[:5])}; put it under [prices] in "
            "goldloop.toml"
        )
    return notes


def show_stopped(budget: Budget, left: int) -> None:
    """Why a run stopped at its budget, and how to go on."""
    terminal.say(
        f"stopped: {shown_usd(budget.spent)} of {shown_usd(budget.limit)} USD are spent, and the "
        f"next run may cost {shown_usd(budget.refused or Decimal(0))}; {left} samples are left; go "
        "on with: goldloop run --max-usd AMOUNT"
    )
