"""Samples of customer support as a model might write them, of which it is known what is wrong.

Everything follows from the seed and a draw, so the same request always gets the same sample.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench._synthetic_faults import (
    BLANKS,
    NO_TOOLS,
    SHORT,
    edited,
    leaked,
    respelt,
    with_bad_arguments,
    with_personal_data,
    with_placeholder,
)
from bench._synthetic_phrases import FACTS, HONEST, Random, facts_in, request, saying
from goldloop.synthesis.values import CONSISTENCY, REASONS, RULES

DEFAULT_RATES: Mapping[str, float] = {
    **dict.fromkeys(REASONS[RULES], 0.02),
    **dict.fromkeys(("refused", "truncated", "malformed"), 0.01),
    **dict.fromkeys([one for one in REASONS[CONSISTENCY] if one != "unsolved"], 0.02),
}
# How often a solver errs on a good sample, by difficulty.
NOISE: Mapping[str, float] = {"easy": 0.01, "medium": 0.03, "hard": 0.08}
POOL = 200
_NO_CALLS = ("no_tool", "")
_MAKERS: Mapping[str, Callable[[Random], Any]] = {
    "order_id": lambda random: f"LM-{random.integers(100_000, 999_999)}",
    "tracking_number": lambda random: f"LMX{random.integers(10**8, 10**9)}",
    "sku": lambda random: f"{_one(random, ('TRS', 'JKT', 'TNT'))}-{random.integers(1000, 9999)}",
    "line_ids": lambda random: [f"L{line}" for line in range(1, int(random.integers(2, 5)))],
    "amount": lambda random: round(float(random.integers(1, 30_000)) / 100, 2),
    "currency": lambda random: _one(random, ("EUR", "GBP", "USD")),
    "code": lambda random: _one(random, ("WELCOME10", "SPRING26", "CLUB5")),
    "query": lambda random: _one(random, HONEST)[:40],
    "language": lambda random: _one(random, ("de", "en", "fr")),
    "recipient": lambda random: _one(random, ("Ines Duarte", "T. Nowak")),
    "street": lambda random: f"Mill Lane {random.integers(1, 90)}",
    "city": lambda random: _one(random, ("Porto", "Gdansk", "Leeds")),
    "postal_code": lambda random: f"{random.integers(10_000, 99_999)}",
    "country": lambda random: _one(random, ("PT", "PL", "GB")),
    "queue": lambda random: _one(random, ("payments", "warehouse", "privacy")),
    "priority": lambda random: _one(random, ("normal", "urgent")),
    "summary": lambda random: _one(random, FACTS),
    "resolution": lambda _: "refund",
    "exchange_sku": lambda _: None,
}
_REASONS = {
    "cancel_order": ("changed_mind", "too_slow", "other"),
    "refund_order": ("damaged", "late_delivery", "other"),
    "create_return": ("too_small", "faulty", "wrong_item"),
}
_KEYS = {
    "find_order": ("order_id",),
    "track_parcel": ("tracking_number",),
    "cancel_order": ("order_id", "reason"),
    "update_address": ("order_id", "recipient", "street", "city", "postal_code", "country"),
    "refund_order": ("order_id", "line_ids", "amount", "currency", "reason"),
    "create_return": ("order_id", "line_ids", "reason", "resolution", "exchange_sku"),
    "check_stock": ("sku",),
    "apply_coupon": ("order_id", "code"),
    "escalate_to_human": ("queue", "priority", "summary"),
    "search_help": ("query", "language"),
}


@dataclass(frozen=True)
class Made:
    """A sample in the form that models are asked for, and what is wrong with it, if anything."""

    reason: str | None
    sample: dict[str, Any] = field(hash=False)


class SyntheticSamples:
    """Writes samples, solves them and judges answers. `pool` are the texts that duplicates repeat;
    `noise` is the share of good samples, by difficulty, that a solver gets wrong, and `slipped` the
    inputs of those that it did get wrong.
    """

    def __init__(self, seed: int = 0, rates: Mapping[str, float] = DEFAULT_RATES) -> None:
        unknown = set(rates) - set(DEFAULT_RATES)
        if unknown:
            raise ValueError(
                f"no such fault: {sorted(unknown)[0]}; there are {list(DEFAULT_RATES)}"
            )
        self.seed, self.rates = seed, dict(rates)
        self.noise: Mapping[str, float] = {}
        self.slipped: set[str] = set()
        random = np.random.default_rng([seed, 1])
        self.pool = tuple(request(random, str(_MAKERS["order_id"](random))) for _ in range(POOL))

    def write(
        self,
        draw: int,
        *,
        capability: str,
        difficulty: str,
        intent: str,
        examples: Sequence[str] = (),
    ) -> Made:
        """A sample; whether and how it is bad follows from the draw. `examples` are the texts that
        were shown; where there are none, none leaks and the sample is good.
        """
        random = self._random(draw, 2)
        reason = self._reason(random)
        calls = [] if intent == "out_of_scope" else _calls(capability, random)
        if reason in ("unknown_tool", "bad_arguments", "different_calls", "unexpected_calls"):
            calls = calls or _calls("find_order", random)
        sample = self._good(calls, difficulty, random)
        if reason == "leaked_example" and not examples:
            reason = None
        if reason is not None:
            self._spoil(sample, reason, examples, random)
        return Made(reason, sample)

    def _random(self, draw: int, purpose: int) -> Random:
        return np.random.default_rng([self.seed, purpose, draw])

    def _reason(self, random: Random) -> str | None:
        at = float(random.random())
        for reason, rate in self.rates.items():
            if at < rate:
                return reason
            at -= rate
        return None

    def _good(self, calls: list[dict[str, str]], difficulty: str, random: Random) -> dict[str, Any]:
        arguments = [json.loads(call["arguments_json"]) for call in calls]
        orders = [one["order_id"] for one in arguments if "order_id" in one]
        order = orders[0] if orders else str(_MAKERS["order_id"](random))
        fact = _one(random, FACTS)
        return {
            "user_input": request(random, order),
            "conversation": [],
            "expected_response": saying(random, fact),
            "key_points": [f"{fact[0].upper()}{fact[1:]}."],
            "expected_tool_calls": calls,
            "difficulty": difficulty,
        }

    def _spoil(
        self, sample: dict[str, Any], reason: str, examples: Sequence[str], random: Random
    ) -> None:
        text, calls = sample["user_input"], sample["expected_tool_calls"]
        if reason == "empty":
            self._empty(sample, random)
        elif reason == "too_short":
            sample["user_input"] = _one(random, SHORT)
        elif reason == "too_long":
            where = _one(random, ("user_input", "expected_response"))
            sample[where] = " ".join([text] * (5000 // len(text) + 1))
        elif reason == "unknown_tool":
            calls[0]["name"] = _one(random, NO_TOOLS)
        elif reason == "bad_arguments":
            with_bad_arguments(calls, random)
        elif reason == "placeholder":
            with_placeholder(sample, random)
        elif reason == "personal_data":
            with_personal_data(sample, random)
        elif reason == "exact_duplicate":
            sample["user_input"] = respelt(_one(random, self.pool), random)
        elif reason == "near_duplicate":
            sample["user_input"] = edited(_one(random, self.pool), random)
        elif reason == "leaked_example":
            sample["user_input"] = leaked(_one(random, examples), text, random)

    def _empty(self, sample: dict[str, Any], random: Random) -> None:
        if random.random() < 0.5:
            sample["user_input"] = _one(random, BLANKS)
        else:
            sample["expected_response"] = _one(random, BLANKS) or None
            sample["key_points"] = []

    def solve(self, made: Made, draw: int, turn: int) -> dict[str, Any]:
        """A solution of a sample, on the first or second `turn`: right in other words, or as wrong
        as its reason says. What a good one's solver gets wrong, it does on the second turn.
        """
        random = self._random(draw, 3)
        calls = [_shuffled(call, random) for call in made.sample["expected_tool_calls"]]
        fact = (facts_in(made.sample["expected_response"] or "") or FACTS)[0]
        reason = made.reason if made.reason in REASONS[CONSISTENCY] else self._slip(made, draw)
        if made.reason is None and reason is not None and turn == 1:
            self.slipped.add(made.sample["user_input"])
        wrong = str(reason).startswith("unexpected") or (reason is not None and turn == 1)
        if wrong and str(reason).endswith("calls"):
            calls = _other_calls(calls, made)
        elif wrong:
            fact = FACTS[(FACTS.index(fact) + 1) % len(FACTS)]
        silent = calls and str(reason).endswith("calls")
        response = None if silent else saying(random, fact)
        return {"response": response, "tool_calls": calls}

    def _slip(self, made: Made, draw: int) -> str | None:
        rate = self.noise.get(made.sample["difficulty"], 0.0)
        random = self._random(draw, 4)
        if made.reason is not None or random.random() >= rate:
            return None
        return "different_calls" if made.sample["expected_tool_calls"] else "different_answer"

    def groups(self, answers: Sequence[str]) -> list[int]:
        """The answers that say the same facts are one group, numbered from 1."""
        said = [facts_in(answer) for answer in answers]
        firsts = list(dict.fromkeys(said))
        return [firsts.index(facts) + 1 for facts in said]


def _calls(capability: str, random: Random) -> list[dict[str, str]]:
    """The calls that a sample about a tool expects: often after looking up the order."""
    if capability not in _KEYS:
        return []
    arguments = {key: _value(capability, key, random) for key in _KEYS[capability]}
    found = [_call(capability, arguments)]
    if "order_id" in arguments and capability != "find_order" and random.random() < 0.5:
        found.insert(0, _call("find_order", {"order_id": arguments["order_id"]}))
    return found


def _value(tool: str, key: str, random: Random) -> Any:
    return _one(random, _REASONS[tool]) if key == "reason" else _MAKERS[key](random)


def _call(name: str, arguments: Mapping[str, Any]) -> dict[str, str]:
    return {"name": name, "arguments_json": json.dumps(arguments)}


def _shuffled(call: Mapping[str, str], random: Random) -> dict[str, str]:
    """The same call with its keys in another order; one that is no JSON stays as it is."""
    try:
        arguments = json.loads(call["arguments_json"])
    except ValueError:
        return dict(call)
    if not isinstance(arguments, dict):
        return dict(call)
    keys = list(arguments)
    return _call(
        call["name"],
        {keys[place]: arguments[keys[place]] for place in random.permutation(len(keys))},
    )


def _other_calls(calls: Sequence[dict[str, str]], made: Made) -> list[dict[str, str]]:
    """Calls that are not the expected ones, always the same for one sample."""
    number = 100_000 + len(made.sample["user_input"])
    if len(calls) > 1:
        return list(calls[:-1])
    return [_call("find_order", {"order_id": f"LM-{number}"})]


def _one(random: Random, options: Sequence[str]) -> str:
    return options[int(random.integers(len(options)))]
