"""The whole report: one pass over the items, and then what the answers tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from goldloop.agreement import FieldAgreement
from goldloop.near_duplicates import NearDuplicate
from goldloop.quality_report.advice import Advice, advice
from goldloop.quality_report.balance import BalanceTally, FieldBalance
from goldloop.quality_report.composition import Capability, Composition, CompositionTally
from goldloop.quality_report.facts import Facts
from goldloop.quality_report.people import (
    AnnotatorFigures,
    BeyondChance,
    Certainty,
    CertaintyTally,
    HeldBack,
    agreements,
    annotator_figures,
    held_back_by_state,
    lowest_agreement,
)
from goldloop.quality_report.repeats import RepeatTally
from goldloop.quality_report.selected import Selected, SelectedTally
from goldloop.quality_report.tools import ToolCoverage, ToolTally
from goldloop.versions import Item

SCHEMA = "goldloop-quality-report-1"
MOST = 1_000
_ABOUT = ("dataset", "version", "parent", "created_at", "author", "message", "reason")


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Everything about a version; a section that cannot be had is None, and `missing` says why.

    `about` is which version it is, `changes` how many items each kind of change touched since the
    parent, with the first ids of each. `held_back` are the samples on which no label stands, by
    state, their number and the first ids: they are not in the version. Of `capabilities` and
    `tools` there are at most the first 1,000.
    """

    about: Mapping[str, Any]
    composition: Composition
    capabilities: tuple[Capability, ...]
    balance: tuple[FieldBalance, ...] | None
    certainty: Certainty
    agreement: tuple[FieldAgreement, ...] | None
    lowest_agreement: BeyondChance | None
    annotators: tuple[AnnotatorFigures, ...] | None
    held_back: Mapping[str, HeldBack] | None
    near_duplicates: tuple[NearDuplicate, ...] | None
    tools: tuple[ToolCoverage, ...]
    selection: Selected
    changes: Mapping[str, Any] | None
    missing: Mapping[str, str]
    warnings: tuple[Advice, ...] = ()

    def record(self) -> dict[str, Any]:
        """The report as JSON has it."""
        found: dict[str, Any] = plain({"schema": SCHEMA, **asdict(self)})
        return found


def quality_report(items: Callable[[], Iterable[Item]], facts: Facts) -> QualityReport:
    """The report on a version's items, which are read once.

    Memory grows with the answers and the texts that are compared, and else not with the items.
    """
    made = _figures(items(), facts)
    cut = {name: made[name][:MOST] for name in ("capabilities", "tools")}
    return QualityReport(**{**made, **cut}, warnings=advice(made))


def _figures(items: Iterable[Item], facts: Facts) -> dict[str, Any]:
    composed, certain, chosen = CompositionTally(), CertaintyTally(), SelectedTally()
    tools = ToolTally(facts.tools_called)
    repeated = RepeatTally(facts.compared, int(facts.manifest.get("items") or 0))
    balances = {field.name: BalanceTally(field) for field in facts.fields or ()}
    ids: set[str] = set()
    steps = [composed.add, certain.add, chosen.add, tools.add, repeated.add]
    for item in items:
        ids.add(str(item["sample_id"]))
        for step in steps:
            step(item)
        for name, label in item["labels"].items():
            if name in balances:
                balances[name].add(label)
    whole = composed.found()
    missing = dict(facts.missing)
    if repeated.too_many:
        missing["near_duplicates"] = (
            f"not looked for among more than {facts.compared:,} items, or fewer that are long; run"
            " goldloop report"
        )
    return {
        "about": _about(facts.manifest),
        "composition": whole,
        "capabilities": composed.capabilities(),
        "balance": _balance(facts, balances, whole.items),
        "certainty": certain.found(),
        **_of_people(ids, facts),
        "near_duplicates": repeated.found(),
        "tools": tools.found(),
        "selection": chosen.found(),
        "changes": _changes(facts.manifest),
        "missing": missing,
    }


def _balance(
    facts: Facts, balances: Mapping[str, BalanceTally], items: int
) -> tuple[FieldBalance, ...] | None:
    return None if facts.fields is None else tuple(one.found(items) for one in balances.values())


def _of_people(ids: set[str], facts: Facts) -> dict[str, Any]:
    """What the answers to the version's own items tell, and which samples are not among them."""
    held_back = held_back_by_state(facts.held_back)
    if facts.answers is None:
        unknown = dict.fromkeys(("agreement", "lowest_agreement", "annotators"))
        return {**unknown, "held_back": held_back}
    answers = {one: given for one, given in facts.answers.items() if one in ids}
    gold = [field for field in facts.voted if field.name in facts.gold_fields]
    agreement = agreements(facts.voted, answers, facts.draws)
    return {
        "agreement": agreement,
        "lowest_agreement": lowest_agreement(agreement),
        "annotators": annotator_figures(gold, answers, facts.names, facts.words),
        "held_back": held_back,
    }


def _about(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{key: manifest.get(key) for key in _ABOUT},
        "fingerprints": dict(manifest.get("fingerprints") or {}),
    }


def _changes(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """What changed since the parent; None for a version without one.

    Of each kind: how many items, the first twenty ids, and how often each key or field changed.
    """
    if not manifest.get("parent"):
        return None
    changes = manifest.get("changes") or {}
    kinds = ("added", "removed", "modified", "relabelled", "redescribed")
    return {
        "parent": manifest["parent"],
        "reason": manifest.get("reason"),
        "guidelines": bool(changes.get("guidelines")),
        **{kind: _change(changes.get(kind) or ()) for kind in kinds},
    }


def _change(touched: Mapping[str, Sequence[str]] | Sequence[str]) -> dict[str, Any]:
    keys: dict[str, int] = {}
    if isinstance(touched, Mapping):
        for names in touched.values():
            for name in names:
                keys[name] = keys.get(name, 0) + 1
    return {
        "items": len(touched),
        "first": sorted(touched)[:20],
        "keys": dict(sorted(keys.items())),
    }


def plain(value: Any) -> Any:
    """A value as JSON has it: tuples are lists, and keys and names are plain texts."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, str) else value
