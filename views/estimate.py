"""estimate: how good the agent is on the whole pool, from the labels that stand on what was picked.

A label is about the run that people were shown. It speaks for another version's run on the same
sample only where that says and does the same, or where somebody graded it: then the other version
gets an estimate by the same chances, because these belong to the samples.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldloop.errors import GoldloopError, RecordError, SettingsError
from goldloop.estimates import Estimate, by_slice, estimate_pool
from goldloop.selection import Design
from store.database import Store
from store.designs import design_of
from store.grades import Grade, graded_without_a_round, grades, same_as_shown
from store.rounds import ScoredSamples, get_rounds, near_duplicates, scored_samples
from views.project import Project
from views.question import right_answers
from views.slices import difficulty_members, tag_members

SLICES = ("tag", "difficulty")
# With which a command ends that has no number to give.
NO_ESTIMATE = 3
TOO_MANY_MISSING = 0.05
OUTCOMES = ("answered", "disputed", "skipped", "waiting", "deleted")


class NothingToEstimateError(GoldloopError):
    """There is no sample by design, or nothing of it is graded."""

    exit_code = NO_ESTIMATE


@dataclass(frozen=True, slots=True)
class PoolEstimate:
    """What can be said of one agent version.

    `outcomes` counts what became of the samples that rounds picked; `elsewhere` are those whose
    label speaks of another version's run alone. `by_hand` are labelled samples that no round
    picked; they are kept out. `unseen` samples came after the last round. `by_likeness` samples
    were drawn and wait for a later batch; they count like the labelled one that they nearly repeat.
    `slices` are in the order that they are shown in. `notes` are warnings.
    """

    agent_version: str
    field: str
    correct: Sequence[str]
    rounds: int
    estimate: Estimate
    outcomes: Mapping[str, int]
    elsewhere: int
    by_hand: int
    unseen: int
    by_likeness: int
    by: str | None
    slices: Mapping[str, Estimate]
    notes: Sequence[str]

    def record(self) -> dict[str, Any]:
        """Everything as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Question:
    """The field that says whether the agent was right, and the answers that mean so."""

    field: str
    correct: Sequence[str]


def question_of(project: Project, db: Store, name: str | None, correct: Sequence[str]) -> Question:
    """The question of [calibration], or another one of the labelling interface.

    Raises SettingsError when it is no single choice, or the answers are none of its own.
    """
    asked = project.settings.calibration
    asked = replace(asked, field=name or asked.field, correct=tuple(correct) or asked.correct)
    chosen = replace(project, settings=replace(project.settings, calibration=asked))
    return Question(asked.field, sorted(right_answers(chosen, db)))


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """A version's pool as the design sees it; `outcome` of shape (n,) is NaN where not graded, and
    that of the sample that it resembles where one was drawn and waits for a later batch. `known`
    has what was graded itself, by sample.
    """

    agent_version: str
    question: Question
    samples: ScoredSamples
    design: Design
    known: Mapping[str, float]
    outcome: NDArray[np.float64]
    grades: Sequence[Grade]
    elsewhere: int
    by_likeness: int


def sampled(
    db: Store, agent_version: str, question: Question, given: Mapping[str, float] | None = None
) -> Sampled:
    """The pool of a version, with every label that speaks for its runs, and the grades given.

    Raises NothingToEstimateError when no round has scored any of it.
    """
    samples = scored_samples(db, agent_version)
    if not samples.ids:
        raise NothingToEstimateError(
            f"no sample has a successful run by {agent_version}; the versions that people were "
            f"shown: {', '.join(sorted({row.agent_version for row in get_rounds(db)})) or 'none'}"
        )
    design = design_of(db, samples.ids, samples.prn, ~samples.in_pool)
    if not (design.certain | (design.level > 0.0)).any():
        raise NothingToEstimateError(
            "no round has picked from this pool yet, so nothing can be said of it; start with: "
            "goldloop push --batch-size 20"
        )
    found = grades(db, question.field)
    same = same_as_shown(db, agent_version)
    known = {
        one.sample_id: float(one.value in question.correct)
        for one in found
        if one.outcome == "answered"
        and (one.agent_version == agent_version or one.sample_id in same)
    }
    known.update(given or {})
    other = [one for one in found if one.outcome == "answered" and one.sample_id not in known]
    outcome, alike = outcomes(samples.ids, design, known, near_duplicates(db))
    return Sampled(
        agent_version, question, samples, design, known, outcome, found, len(other), alike
    )


def outcomes(
    ids: Sequence[str], design: Design, known: Mapping[str, float], repeats: Mapping[str, str]
) -> tuple[NDArray[np.float64], int]:
    """The outcome of each sample, (n,), and how many of them are that of a sample that it `repeats`
    because it was drawn and not graded itself.
    """
    drawn = {one for one, is_in in zip(ids, design.drawn.tolist(), strict=True) if is_in}
    alike = {
        one: known[of]
        for one, of in repeats.items()
        if one in drawn and one not in known and of in known
    }
    return np.array([known.get(one, alike.get(one, np.nan)) for one in ids]), len(alike)


def estimate(
    db: Store,
    agent_version: str,
    question: Question,
    *,
    by: str | None = None,
    given: Mapping[str, float] | None = None,
) -> PoolEstimate:
    """The quality of an agent version on the whole pool, and in every slice when asked for.

    `given` are grades from elsewhere by sample id, from 0 to 1. Raises NothingToEstimateError where
    nothing is graded.
    """
    return estimate_from(db, sampled(db, agent_version, question, given), by=by)


def estimate_from(db: Store, found: Sampled, *, by: str | None = None) -> PoolEstimate:
    """The same from what `sampled` gave."""
    agent_version, question = found.agent_version, found.question
    if np.isnan(found.outcome).all():
        raise NothingToEstimateError(_why_nothing(agent_version, question, found))
    confidence = found.samples.confidence
    slices = {}
    if by is not None:
        members = (tag_members if by == "tag" else difficulty_members)(db, found.samples.ids)
        slices = by_slice(found.outcome, found.design, members, confidence)
    whole = estimate_pool(found.outcome, found.design, confidence)
    counts: Counter[str] = Counter(one.outcome for one in found.grades)
    by_hand = graded_without_a_round(db, question.field)
    unseen = int((~found.design.certain & (found.design.level <= 0.0)).sum())
    return PoolEstimate(
        agent_version=agent_version,
        field=question.field,
        correct=question.correct,
        rounds=len(get_rounds(db)),
        estimate=whole,
        outcomes={name: counts[name] for name in OUTCOMES},
        elsewhere=found.elsewhere,
        by_hand=len(by_hand),
        unseen=unseen,
        by_likeness=found.by_likeness,
        by=by,
        slices=slices,
        notes=[*whole.notes, *_notes(counts, found, len(by_hand), agent_version)],
    )


def _why_nothing(agent_version: str, question: Question, found: Sampled) -> str:
    if found.elsewhere:
        return (
            f"{found.elsewhere} labels stand, but on runs of other versions, and {agent_version} "
            f"says something else on these samples; grade its runs and give them with --grades, "
            "or let people label a batch of them: goldloop push --batch-size 20"
        )
    waiting = len(found.grades)
    return (
        f"no label of {question.field} stands on any of the {waiting} samples that were picked, so "
        "nothing can be said yet; when people have answered: goldloop pull"
    )


def _notes(counts: Mapping[str, int], found: Sampled, by_hand: int, version: str) -> list[str]:
    notes = []
    picked = max(sum(counts.values()), 1)
    lost = {name: counts.get(name, 0) for name in ("skipped", "disputed", "deleted")}
    if sum(lost.values()) > TOO_MANY_MISSING * picked:
        parts = ", ".join(f"{count} {name}" for name, count in lost.items() if count)
        notes.append(
            f"over 5% of the {picked} picked samples have no label that stands ({parts}): if these "
            "are harder than the others, the estimate is too high; see: goldloop disputes"
        )
    if found.elsewhere:
        notes.append(
            f"{found.elsewhere} labels stand on runs of another version that say something else "
            f"than those of {version}; they do not count. Grade these samples for it: --grades"
        )
    if found.by_likeness:
        notes.append(
            f"{found.by_likeness} samples that were drawn nearly repeat labelled ones, and count "
            "like these until a later batch asks about them"
        )
    if by_hand:
        notes.append(
            f"{by_hand} labelled samples were picked by no round and are kept out: nobody knows "
            "how likely they were to be labelled"
        )
    return notes


def read_grades(path: Path) -> dict[str, float]:
    """Grades from a JSONL file, by sample id: lines with `sample_id`, and `correct` (true or false)
    or `score` (from 0 to 1).

    Raises RecordError, with the line, for anything else and for a sample that comes twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    found: dict[str, float] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        sample_id, score = _grade(line, f"{path}:{number}")
        if sample_id in found:
            raise RecordError(f"{path}:{number}: sample {sample_id} is graded twice")
        found[sample_id] = score
    return found


def _grade(line: str, where: str) -> tuple[str, float]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{where} is not JSON: {error}") from None
    sample_id = record.get("sample_id") if isinstance(record, dict) else None
    score = record.get("score", record.get("correct")) if isinstance(record, dict) else None
    known = isinstance(score, (bool, int, float)) and 0.0 <= score <= 1.0
    if not isinstance(sample_id, str) or not known or score is None:
        raise RecordError(
            f'{where}: expected {{"sample_id": "...", "correct": true or false}}, or a "score" from'
            " 0 to 1"
        )
    return sample_id, float(score)
