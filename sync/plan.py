"""plan: how many more labels until the numbers hold, and what that costs in people's time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from goldloop.estimates import expected_half_width, labels_needed
from goldloop.selection import Round
from goldloop.settings import SelectionSettings
from store.database import Store
from store.grades import grades, lead_times
from sync.rank_pool import rank_pool
from sync.select_batch import draw_from, pool_before
from views.estimate import Question
from views.slices import tag_members

# Without a single answer, a minute is assumed for each.
ASSUMED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class TagPlan:
    """A tag: how many labels stand, are under way, and are lacking to the number asked for.

    `missing` can be had from the pool; `out_of_reach` cannot, for want of samples. `minutes` are
    annotator-minutes for what is missing, and `seconds` what an answer takes.
    """

    tag: str
    pool: int
    labels: int
    waiting: int
    missing: int
    out_of_reach: int
    seconds: float
    minutes: float


@dataclass(frozen=True, slots=True)
class WidthPlan:
    """How many more samples to pick, by one mode, until the interval is as narrow as asked.

    `labels` is None where labelling the whole pool would not do. `half_width_now` is what is
    expected when all that was picked is labelled; None while nothing can be said.
    """

    mode: str
    half_width: float
    half_width_now: float | None
    labels: int | None
    minutes: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is lacking. `compare` labels in all are asked for to compare two versions; `observed`
    says how many answers the seconds come from (0: they are assumed).
    """

    agent_version: str
    labels: int
    waiting: int
    people: int
    seconds: float
    observed: int
    widths: Sequence[WidthPlan]
    compare: int
    compare_missing: int
    compare_minutes: float
    tags: Sequence[TagPlan]

    def record(self) -> dict[str, Any]:
        """Everything as plain values."""
        return asdict(self)


def plan_labels(
    db: Store,
    agent_version: str,
    settings: SelectionSettings,
    question: Question,
    people: int,
    *,
    half_width: float,
    per_tag: int,
    compare: int,
) -> Plan:
    """What is lacking to an interval of ± `half_width`, to `per_tag` labels of every tag, and to
    `compare` labels in all; each label taken as `people` answers.

    Raises EmptyPoolError when no sample has a run by that version.
    """
    times = lead_times(db)
    typical = _typical([seconds for _, seconds in times])
    labelled, waiting = _standing(db, question, agent_version)
    widths = _widths(db, agent_version, settings, half_width, typical * people / 60.0)
    lacking = max(0, compare - len(labelled) - len(waiting))
    return Plan(
        agent_version=agent_version,
        labels=len(labelled),
        waiting=len(waiting),
        people=people,
        seconds=typical,
        observed=len(times),
        widths=widths,
        compare=compare,
        compare_missing=lacking,
        compare_minutes=lacking * people * typical / 60.0,
        tags=_tags(db, agent_version, per_tag, people, labelled, waiting, dict(_by_sample(times))),
    )


def _typical(seconds: Sequence[float], otherwise: float = ASSUMED_SECONDS) -> float:
    """The median, which a break with the page left open does not move."""
    return float(np.median(seconds)) if seconds else otherwise


def _by_sample(times: Sequence[tuple[str, float]]) -> Mapping[str, list[float]]:
    found: dict[str, list[float]] = {}
    for sample_id, seconds in times:
        found.setdefault(sample_id, []).append(seconds)
    return found


def _standing(db: Store, question: Question, agent_version: str) -> tuple[set[str], set[str]]:
    """The samples with a label on this version's run, and those on which one is still to come."""
    own = [one for one in grades(db, question.field) if one.agent_version == agent_version]
    labelled = {one.sample_id for one in own if one.outcome == "answered"}
    waiting = {one.sample_id for one in own if one.outcome == "waiting"}
    return labelled, waiting - labelled


def _widths(
    db: Store,
    agent_version: str,
    settings: SelectionSettings,
    half_width: float,
    minutes_each: float,
) -> list[WidthPlan]:
    """For hard and for soft rounds from here on."""
    samples, before = pool_before(db, agent_version)
    now = expected_half_width(samples.confidence, before)
    found = []
    for mode in ("hard", "soft"):
        # Texts are not compared here: a batch may be tried out twenty times.
        own = replace(settings, mode=mode, near_duplicate=0.0)

        def make(size: int, own: SelectionSettings) -> Round:
            ranked = rank_pool(db, samples, agent_version, replace(own, novelty_boost=0.0), size)
            return draw_from(db, samples, before, ranked, own, size).round

        wanted = labels_needed(samples.confidence, before, half_width, partial(make, own=own))
        minutes = None if wanted is None else wanted * minutes_each
        found.append(WidthPlan(mode, half_width, now, wanted, minutes))
    return found


def _tags(
    db: Store,
    agent_version: str,
    per_tag: int,
    people: int,
    labelled: set[str],
    waiting: set[str],
    times: Mapping[str, Sequence[float]],
) -> list[TagPlan]:
    samples, _ = pool_before(db, agent_version)
    overall = _typical([seconds for own in times.values() for seconds in own])
    found = []
    for tag, members in tag_members(db, samples.ids).items():
        own = {samples.ids[place] for place in np.flatnonzero(members).tolist()}
        free = int((members & samples.in_pool).sum())
        lacking = max(0, per_tag - len(own & labelled) - len(own & waiting))
        seconds = _typical([t for one in own for t in times.get(one, ())], overall)
        missing = min(lacking, free)
        found.append(
            TagPlan(
                tag=tag,
                pool=len(own),
                labels=len(own & labelled),
                waiting=len(own & waiting),
                missing=missing,
                out_of_reach=lacking - missing,
                seconds=seconds,
                minutes=missing * people * seconds / 60.0,
            )
        )
    return found
