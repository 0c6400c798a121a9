"""select: a batch for people to label, written down as a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from goldloop.errors import GoldloopError
from goldloop.novelty import Embed
from goldloop.selection import (
    UNCERTAIN,
    Admit,
    Design,
    Round,
    hard_round,
    interest,
    soft_round,
)
from goldloop.settings import SelectionSettings
from store.database import Store, transaction
from store.designs import design_of
from store.round_columns import Column
from store.rounds import Pick, ScoredSamples, Scores, picks_of, scored_samples, write_round
from sync.distinct import Distinct
from sync.rank_pool import Ranked, minimums_of, rank_pool, strata_of

NOVEL = "novel"


class EmptyPoolError(GoldloopError):
    """There is nothing to select from."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What was picked, from how large a pool, and the round that it was written as (None: dry).

    With `by_rank`, runs were compared by their rank among the runs by the same method, because
    confidences of several methods are no one scale. `calibrators` are those that were in use.
    `new_paths` says of picks whose run took a new tool path what is new; `near_duplicates` maps
    what was left out to the pick that it resembles, `held` those of them that were drawn, and wait
    for a later round; `short` says of each tag how many labels are missing to its minimum after
    this batch.
    """

    picks: Sequence[Pick]
    pool_size: int
    round_id: int | None
    without_confidence: int
    by_rank: bool = False
    calibrators: Sequence[int] = ()
    mode: str = "hard"
    new_paths: Mapping[str, str] = field(default_factory=dict)
    near_duplicates: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
    short: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A round that is not written yet, with what it was made from.

    `twins` are the near-duplicates that were left out of the batch, each with the pick that it
    resembles; those of them that were drawn are `held` in the round.
    """

    samples: ScoredSamples
    before: Design
    ranked: Ranked
    scores: Scores
    round: Round
    twins: Mapping[str, str]


def select_batch(
    db: Store,
    agent_version: str,
    settings: SelectionSettings,
    batch_size: int,
    *,
    dry_run: bool = False,
    embed: Embed | None = None,
) -> Batch:
    """Pick a batch by the runs of one agent version, texts compared by `embed` where there is one;
    raises EmptyPoolError when there is nothing.

    The whole selection is one transaction, so that two of them at once never pick the same sample.
    """
    with transaction(db):
        drawn = draw(db, agent_version, settings, batch_size, embed)
        round_id = None
        if not dry_run:
            round_id = write_round(
                db,
                agent_version,
                batch_size,
                recorded_settings(settings, drawn),
                drawn.samples,
                drawn.scores,
                drawn.round,
                drawn.twins,
            )
    return batch_of(drawn, settings, round_id)


def recorded_settings(settings: SelectionSettings, drawn: Drawn) -> dict[str, Any]:
    """What a round keeps of how it was made."""
    novelty = drawn.ranked.novelty
    return {
        **asdict(settings),
        "compared_by": "mid_rank" if drawn.samples.by_rank else "value",
        "novelty_threshold": novelty.threshold if novelty else None,
    }


def draw(
    db: Store,
    agent_version: str,
    settings: SelectionSettings,
    batch_size: int,
    embed: Embed | None = None,
) -> Drawn:
    """Make a round and write nothing; raises EmptyPoolError when there is nothing to pick."""
    samples, before = pool_before(db, agent_version)
    if not samples.in_pool.any():
        raise EmptyPoolError(_why_empty(samples, agent_version))
    ranked = rank_pool(db, samples, agent_version, settings, batch_size, embed)
    return draw_from(db, samples, before, ranked, settings, batch_size)


def pool_before(db: Store, agent_version: str) -> tuple[ScoredSamples, Design]:
    """What can be selected from, and what earlier rounds have made of it; raises EmptyPoolError
    when no sample has a run by that version.
    """
    samples = scored_samples(db, agent_version)
    if not samples.ids:
        raise EmptyPoolError(_why_empty(samples, agent_version))
    return samples, design_of(db, samples.ids, samples.prn, ~samples.in_pool)


def draw_from(
    db: Store,
    samples: ScoredSamples,
    before: Design,
    ranked: Ranked,
    settings: SelectionSettings,
    batch_size: int,
) -> Drawn:
    """Make a round of samples that are ranked already."""
    strata = strata_of(db, samples, settings)
    minimums = minimums_of(db, samples, settings)
    more: dict[str, Column] = {f"tag:{one.tag}": one.members.astype(np.uint8) for one in minimums}
    if strata is not None:
        more["stratum"] = strata
    apart = Distinct(db, samples.ids, settings.near_duplicate)
    admit: Admit | None = apart.admits if settings.near_duplicate else None
    common: dict[str, Any] = {"minimums": minimums, "strata": strata, "admit": admit}
    scores = replace(ranked.scores, more={**ranked.scores.more, **more})
    share = settings.uncertain_share
    made = _round(before, samples, ranked, settings, batch_size, share, common)
    reasons = tuple(
        NOVEL if reason == UNCERTAIN and ranked.because[place] else reason
        for place, reason in zip(made.picks.tolist(), made.reasons, strict=True)
    )
    return Drawn(samples, before, ranked, scores, replace(made, reasons=reasons), apart.refused)


def _round(
    before: Design,
    samples: ScoredSamples,
    ranked: Ranked,
    settings: SelectionSettings,
    batch_size: int,
    share: float,
    common: Mapping[str, Any],
) -> Round:
    if settings.mode == "hard":
        return hard_round(before, ranked.scores.uncertainty, batch_size, share, **common)
    worth = interest(
        samples.comparable, ranked.scores.novel, settings.novelty_boost, settings.soft_aim
    )
    return soft_round(before, worth, batch_size, share, **common)


def batch_of(drawn: Drawn, settings: SelectionSettings, round_id: int | None) -> Batch:
    """What is shown of a round."""
    samples, made = drawn.samples, drawn.round
    held = {samples.ids[place] for place in made.held.tolist()}
    novelty = drawn.ranked.novelty
    paths = {
        samples.ids[place]: reason
        for place in made.picks.tolist()
        if novelty is not None and (reason := novelty.path_reason(place))
    }
    return Batch(
        picks=picks_of(samples, drawn.scores, made, round_id or 0),
        pool_size=int(samples.in_pool.sum()),
        round_id=round_id,
        without_confidence=int(np.isnan(samples.confidence[samples.in_pool]).sum()),
        by_rank=samples.by_rank,
        calibrators=tuple(sorted(samples.calibrators.values())),
        mode=settings.mode,
        new_paths=paths,
        near_duplicates={one: of for one, of in drawn.twins.items() if one not in held},
        held={one: drawn.twins[one] for one in held},
        short=_short(drawn, settings.min_per_tag),
    )


def _short(drawn: Drawn, minimum: int) -> dict[str, int]:
    labelled = drawn.round.design.labelled
    found = {}
    for name, column in drawn.scores.more.items():
        missing = minimum - int((labelled & (column > 0)).sum())
        if name.startswith("tag:") and missing > 0:
            found[name.removeprefix("tag:")] = missing
    return found


def _why_empty(samples: ScoredSamples, agent_version: str) -> str:
    if samples.ids:
        return (
            f"the pool is empty: all {len(samples.ids)} samples with a run by {agent_version} were "
            "picked before; import or generate more"
        )
    return (
        f"no sample has a successful run by {agent_version}; import recorded runs, or run the "
        "agent with: goldloop run"
    )
