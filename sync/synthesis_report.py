"""synthesis report: what became of the samples that a model wrote, stage by stage, and the cost.

A rate counts the attempts that reached a stage, so that a prompt that loses half of its samples to
the rules does not look good at the stages after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from goldloop.novelty import sample_text
from goldloop.novelty.texts import Embed
from goldloop.prices import shown_usd
from goldloop.samples import DIFFICULTIES
from goldloop.synthesis.consistency import Rate, rate
from goldloop.synthesis.diversity import Compared, compared
from goldloop.synthesis.grid import coverage
from goldloop.synthesis.values import CALL, CONSISTENCY, RULES, SPOT_CHECK, STAGES, Rejection
from store.database import Store
from store.samples import prn_of_samples, sample_texts
from store.synthesis import (
    HUMAN_REJECTED,
    KEPT,
    NEEDS_HUMAN,
    PASSED,
    WRITTEN,
    StoredCandidate,
    SyntheticBatch,
    candidates_of,
    get_batch,
    list_batches,
)
from store.synthesis_calls import PurposeCost, costs_by_purpose
from sync.spot_check_result import spot_check_result
from sync.synthesis_plan import axes_of

AXES = ("prompt", "model", "difficulty", "tag")


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many there are at each step of one or more batches.

    `attempts` at filling `slots`; `written` of them brought a sample. `rejected` counts the reasons
    of each stage, and what a person took back or turned down since stays counted there.
    `needs_human` wait for a person; `decided` were decided by one. `kept` samples are good so far,
    `verified` of them by a person. `open` slots have no sample that is kept or waits.
    """

    slots: int
    attempts: int
    written: int
    rejected: Mapping[str, Mapping[str, int]]
    needs_human: int
    decided: int
    human_rejected: int
    kept: int
    verified: int
    open: int


@dataclass(frozen=True, slots=True)
class Report:
    """What there is to say of one batch, or of all of them (`batches` then holds several).

    `cells` are how many are kept and asked for, by capability and difficulty; `pairs` how many
    pairs of values of two axes are met by what is kept, and by what was asked for. `diversity` is
    None for several batches, and where nothing is kept. `usd` is None where no
    price is known; `unpriced` calls are in no sum.
    """

    batches: Sequence[SyntheticBatch]
    funnel: Funnel
    rates: Mapping[str, Sequence[Rate]]
    calls: Sequence[PurposeCost]
    cells: Sequence[tuple[str, Mapping[str, tuple[int, int]]]]
    pairs: tuple[int, int]
    diversity: Compared | None = None
    spot_check: Mapping[str, Any] | None = None

    @property
    def usd(self) -> Decimal | None:
        """What all calls cost, as far as it is known."""
        priced = [step for step in self.calls if step.unpriced < step.calls]
        return sum((step.usd for step in priced), Decimal(0)) if priced else None

    @property
    def unpriced(self) -> int:
        """Calls whose cost is not known."""
        return sum(step.unpriced for step in self.calls)

    @property
    def usd_per_kept(self) -> Decimal | None:
        """The cost of everything, for one kept sample; None where nothing is kept."""
        if self.usd is None or not self.funnel.kept:
            return None
        return round(self.usd / self.funnel.kept, 8)


def report(db: Store, batch: int | None, embed: Embed | None = None) -> Report:
    """The report on a batch, or on all of them. Raises StoreError for one that is not there."""
    batches = list_batches(db) if batch is None else [get_batch(db, batch)]
    found = candidates_of(db, batch)
    kept = [one for one in found if one.outcome == KEPT]
    return Report(
        batches=batches,
        funnel=_funnel(batches, found),
        rates=_rates({one.batch: one for one in batches}, found),
        calls=costs_by_purpose(db, batch),
        cells=_cells(batches, kept),
        pairs=_pairs(batches, kept),
        diversity=None if batch is None or not kept else _diversity(db, kept, embed),
        spot_check=None if batch is None else spot_check_result(db, batch),
    )


def _funnel(batches: Sequence[SyntheticBatch], found: Sequence[StoredCandidate]) -> Funnel:
    outcomes = Counter(one.outcome for one in found)
    filled = {(o.batch, o.slot.index) for o in found if o.outcome in (KEPT, NEEDS_HUMAN)}
    slots = sum(batch.count for batch in batches)
    return Funnel(
        slots=slots,
        attempts=len(found),
        written=sum(one.candidate is not None for one in found),
        rejected=_reasons(found),
        needs_human=outcomes[NEEDS_HUMAN],
        decided=sum(one.verdict is not None for one in found if one.rejection),
        human_rejected=outcomes[HUMAN_REJECTED],
        kept=outcomes[KEPT],
        verified=sum(one.verified for one in found),
        open=slots - len(filled),
    )


def _reasons(found: Iterable[StoredCandidate]) -> dict[str, dict[str, int]]:
    """How often each stage had each of its reasons, the stages in their order."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in found:
        counts.update((why.stage, why.reason) for why in _verdicts(one, True).values() if why)
    return {
        stage: {reason: count for (of, reason), count in counts.most_common() if of == stage}
        for stage in STAGES
    }


def _rates(
    batches: Mapping[int, SyntheticBatch], found: Sequence[StoredCandidate]
) -> dict[str, list[Rate]]:
    """Of every stage, the rates on every axis; the names in order of the alphabet, the difficulties
    in theirs.
    """
    reached: dict[str, dict[tuple[str, str], list[Rejection | None]]] = {s: {} for s in STAGES}
    for one in found:
        batch = batches[one.batch]
        places = _places(batch, one)
        for stage, why in _verdicts(one, _asks_twice(batch)).items():
            for place in places:
                reached[stage].setdefault(place, []).append(why)
    return {
        stage: [rate(*place, reached[stage][place]) for place in sorted(reached[stage], key=_order)]
        for stage in STAGES
    }


def _asks_twice(batch: SyntheticBatch) -> bool:
    return bool(batch.inputs.get("settings", {}).get("consistency", True))


def _places(batch: SyntheticBatch, one: StoredCandidate) -> list[tuple[str, str]]:
    cell = one.slot.cell
    return [
        ("prompt", batch.prompt_version),
        ("model", batch.model),
        ("difficulty", cell.difficulty),
        ("tag", cell.capability),
        ("tag", f"intent:{cell.intent}"),
    ]


def _order(place: tuple[str, str]) -> tuple[int, int, str]:
    axis, name = place
    return AXES.index(axis), DIFFICULTIES.index(name) if name in DIFFICULTIES else 0, name


def _verdicts(one: StoredCandidate, consistency: bool) -> dict[str, Rejection | None]:
    """The stages that an attempt reached, and what each found; a person's verdict on what the model
    itself doubted says nothing of a batch, and is not among them.
    """
    why = one.rejection
    found: dict[str, Rejection | None] = {}
    for stage in (CALL, RULES, CONSISTENCY):
        if stage == RULES and (one.candidate is None or one.outcome == WRITTEN):
            return found
        if stage == CONSISTENCY and (one.outcome == PASSED or not consistency):
            break
        found[stage] = why if why and why.stage == stage else None
        if found[stage]:
            return found
    if one.verdict is not None:
        bad = Rejection(SPOT_CHECK, "human_rejected", one.human_said or "")
        found[SPOT_CHECK] = None if one.verdict else bad
    return found


def _cells(
    batches: Sequence[SyntheticBatch], kept: Sequence[StoredCandidate]
) -> list[tuple[str, dict[str, tuple[int, int]]]]:
    """By capability and difficulty: how many are kept of those that were asked for."""
    places = [(s.cell.capability, s.cell.difficulty) for batch in batches for s in batch.slots]
    asked = Counter(places)
    have = Counter((one.slot.cell.capability, one.slot.cell.difficulty) for one in kept)
    return [
        (name, {level: (have[name, level], asked[name, level]) for level in DIFFICULTIES})
        for name in sorted({name for name, _ in places})
    ]


def _pairs(batches: Sequence[SyntheticBatch], kept: Sequence[StoredCandidate]) -> tuple[int, int]:
    slots = [slot for batch in batches for slot in batch.slots]
    axes = axes_of(slots)
    have = coverage([one.slot.cell for one in kept], axes)
    return have.covered, coverage([slot.cell for slot in slots], axes).covered


def _diversity(db: Store, kept: Sequence[StoredCandidate], embed: Embed | None) -> Compared:
    """The kept samples beside the rest of the pool, both in the order of their permanent random
    numbers.
    """
    own = sorted(kept, key=lambda one: one.prn or 0.0)
    texts = [sample_text(one.sample.user_input, one.sample.conversation) for one in own]
    pool = sample_texts(db)
    for one in own:
        pool.pop(one.sample.sample_id, None)
    ids = list(pool)
    order = prn_of_samples(db, ids).argsort() if ids else ()
    return compared(texts, [pool[ids[place]] for place in order], embed)


def report_record(found: Report) -> dict[str, Any]:
    """The report as plain values; money is decimal text."""
    return {
        "batches": [batch_record(batch) for batch in found.batches],
        "funnel": asdict(found.funnel),
        "rates": {
            stage: [{**asdict(one), "share": one.share} for one in rates]
            for stage, rates in found.rates.items()
        },
        "cost": {
            "usd": _text(found.usd),
            "usd_per_kept": _text(found.usd_per_kept),
            "unpriced_calls": found.unpriced,
            "by_purpose": [{**asdict(step), "usd": shown_usd(step.usd)} for step in found.calls],
        },
        "coverage": [
            {"capability": name, **{level: list(counts) for level, counts in row.items()}}
            for name, row in found.cells
        ],
        "pairs_covered": {"kept": found.pairs[0], "asked": found.pairs[1]},
        "diversity": None if found.diversity is None else asdict(found.diversity),
        "spot_check": found.spot_check,
    }


def batch_record(batch: SyntheticBatch) -> dict[str, Any]:
    """A batch as plain values, without what it was asked for with."""
    return {
        "batch": batch.batch,
        "state": batch.state,
        "accepted": batch.how,
        "count": batch.count,
        "model": batch.model,
        "prompt_version": batch.prompt_version,
        "seed": batch.seed,
        "created_at": batch.created_at,
        "accepted_at": batch.accepted_at,
        "focus": batch.focus,
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else shown_usd(amount)


def rejects(
    db: Store, batch: int | None, stage: str | None = None, reason: str | None = None
) -> list[StoredCandidate]:
    """Every attempt that a filter or a person turned down, and what waits for a person, by batch
    and slot. Raises StoreError for a batch that is not there.
    """
    if batch is not None:
        get_batch(db, batch)
    return [one for one in candidates_of(db, batch) if _wanted(one, stage, reason)]


def _wanted(one: StoredCandidate, stage: str | None, reason: str | None) -> bool:
    whys = [why for why in _verdicts(one, True).values() if why]
    return any(
        (stage is None or why.stage == stage) and (reason is None or why.reason == reason)
        for why in whys
    )
