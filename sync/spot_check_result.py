"""What people said in a spot check, and what it comes to, as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from goldloop.synthesis.spot_check import (
    FAULTS,
    Decision,
    RejectionRate,
    Settled,
    by_difficulty,
    decision,
    rejection_rate,
    settled,
)
from label_config.interface import Interface
from label_config.spot_check import read_verdict, spot_check_interface
from store.database import Store
from store.samples import get_samples
from store.side_tasks import SideAnswer
from store.spot_checks import (
    SpotCheck,
    SpotCheckTask,
    get_spot_check,
    spot_check_tasks,
    standing_answers,
)
from store.synthesis import ACCEPTED, HUMAN_REJECTED, STOPPED, candidates_of, get_batch

SHOWN_REASON = 300


@dataclass(frozen=True, slots=True)
class CheckedSample:
    """One task of a check: what stands of its answers (None: nothing yet), whether people only
    skipped it, and how many left a question out that it needs.
    """

    task: SpotCheckTask
    settled: Settled | None
    skipped: bool
    incomplete: int

    @property
    def rejected(self) -> bool:
        """Whether people rejected it."""
        return self.settled is not None and not self.settled.good


def checked_samples(db: Store, batch: int) -> list[CheckedSample]:
    """Every sample that people were to look at, in the order of the tasks."""
    interface, answers = spot_check_interface(), standing_answers(db, batch)
    return [
        _checked(interface, task, answers.get(task.sample_id, ()))
        for task in spot_check_tasks(db, batch)
    ]


def _checked(
    interface: Interface, task: SpotCheckTask, given: Sequence[SideAnswer]
) -> CheckedSample:
    verdicts = [
        read_verdict(interface, answer.result, task.difficulty)[0]
        for answer in given
        if not answer.was_cancelled
    ]
    found = settled(verdicts)
    incomplete = len(verdicts) - (found.people if found else 0)
    skipped = found is None and any(answer.was_cancelled for answer in given)
    return CheckedSample(task, found, skipped, incomplete)


def decided(check: SpotCheck, samples: Sequence[CheckedSample]) -> Decision:
    """What follows of these verdicts, whatever was decided before."""
    drawn = [one for one in samples if one.task.purpose == "drawn"]
    answered = [one for one in drawn if one.settled]
    return decision(
        sum(one.rejected for one in answered),
        len(answered),
        sum(one.skipped for one in drawn),
        len(drawn),
        check.max_rejected,
    )


def standing(db: Store, check: SpotCheck) -> Decision:
    """What was decided about the batch, by the check or by whoever took it unchecked."""
    state = get_batch(db, check.batch).state
    if state in (ACCEPTED, STOPPED):
        return "accepted" if state == ACCEPTED else "stopped"
    return check.decision or "open"


def spot_check_result(db: Store, batch: int) -> dict[str, Any] | None:
    """A batch's spot check in plain JSON values; None where nothing was drawn yet.

    `decision` is what was decided (`open` as long as it was not), `now` what the answers say today.
    """
    check = get_spot_check(db, batch)
    if check is None:
        return None
    samples = checked_samples(db, batch)
    drawn = [one for one in samples if one.task.purpose == "drawn"]
    others = [one for one in samples if one.task.purpose == "needs_human"]
    return {
        "batch": batch,
        "decision": standing(db, check),
        "decided_at": check.decided_at,
        "now": decided(check, samples),
        "max_rejected": check.max_rejected,
        **_rates(check, drawn),
        "faults": _faults(samples),
        "reasons": [_why(one) for one in samples if one.rejected],
        "corrected": sum(bool(one.settled and one.settled.difficulty) for one in samples),
        "incomplete": sum(one.incomplete for one in samples),
        "needs_human": _decided_one_by_one(others),
        "rejected_in_pool": rejected_in_pool(db, batch),
    }


def _rates(check: SpotCheck, drawn: Sequence[CheckedSample]) -> dict[str, Any]:
    answered = [one for one in drawn if one.settled]
    rejected = [one for one in answered if one.rejected]
    population = sum(check.population.values())
    overall = rejection_rate(len(rejected), len(answered), population)
    skipped = sum(one.skipped for one in drawn)
    rates = by_difficulty(check.population, _difficulties(answered), _difficulties(rejected))
    return {
        "population": population,
        "drawn": len(drawn),
        "answered": len(answered),
        "skipped": skipped,
        "left": len(drawn) - len(answered) - skipped,
        "rejected": len(rejected),
        **_rate(overall),
        "by_difficulty": [
            {"difficulty": name, **asdict(rate), **_rate(rate)} for name, rate in rates.items()
        ],
    }


def _difficulties(samples: Sequence[CheckedSample]) -> Counter[str]:
    return Counter(one.task.difficulty for one in samples)


def _rate(found: RejectionRate) -> dict[str, Any]:
    return {"rate": found.rate, "low": found.low, "high": found.high, "exact": found.exact}


def _faults(samples: Sequence[CheckedSample]) -> dict[str, int]:
    """How many rejected samples have each fault."""
    found = Counter(
        fault for one in samples if one.settled and one.rejected for fault in one.settled.faults
    )
    return {fault: found[fault] for fault in FAULTS if found[fault]}


def _why(one: CheckedSample) -> Mapping[str, Any]:
    found = one.settled
    return {
        "sample_id": one.task.sample_id,
        "difficulty": one.task.difficulty,
        "faults": list(found.faults) if found else [],
        "said": [reason[:SHOWN_REASON] for reason in found.reasons] if found else [],
    }


def _decided_one_by_one(samples: Sequence[CheckedSample]) -> dict[str, int]:
    answered = [one for one in samples if one.settled]
    wrong = sum(one.rejected for one in answered)
    return {
        "tasks": len(samples),
        "answered": len(answered),
        "skipped": sum(one.skipped for one in samples),
        "right": len(answered) - wrong,
        "wrong": wrong,
    }


def rejected_in_pool(db: Store, batch: int) -> list[str]:
    """The samples that people reject by now, and that went into the pool before: they stay there,
    for rounds may have been drawn with them.
    """
    rejected = [one.sample.sample_id for one in candidates_of(db, batch, (HUMAN_REJECTED,))]
    return sorted(get_samples(db, rejected))


def verdict_of(found: Settled) -> str:
    """What people said of a sample, in one text."""
    named = ", ".join(fault.replace("_", " ") for fault in found.faults)
    return "; ".join(part for part in (named, *found.reasons) if part)
