"""select: a batch for people to label, written down as a round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from goldloop.errors import GoldloopError
from goldloop.novelty import novel_paths
from goldloop.selection import Selection, select, uncertainty
from goldloop.settings import SelectionSettings
from store.database import Store, transaction
from store.rounds import (
    Pick,
    ScoredSamples,
    Scores,
    labelled_paths,
    scored_samples,
    write_round,
)


class EmptyPoolError(GoldloopError):
    """There is nothing to select from."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What was picked, from how large a pool, and the round that it was written as (None: dry).

    With `by_rank`, runs were compared by their rank among the runs by the same method, because
    confidences of several methods are no one scale. `calibrators` are those that were in use.
    """

    picks: Sequence[Pick]
    pool_size: int
    round_id: int | None
    without_confidence: int
    by_rank: bool = False
    calibrators: Sequence[int] = ()


def select_batch(
    db: Store,
    agent_version: str,
    settings: SelectionSettings,
    batch_size: int,
    *,
    dry_run: bool = False,
) -> Batch:
    """Pick a batch by the runs of one agent version; raises EmptyPoolError when there is nothing.

    The whole selection is one transaction, so that two of them at once never pick the same sample.
    """
    with transaction(db):
        samples = scored_samples(db, agent_version)
        pool = np.flatnonzero(samples.in_pool)
        if not len(pool):
            raise EmptyPoolError(_why_empty(samples, agent_version))
        scores = _scores(db, samples, agent_version, settings)
        selection = select(
            scores.uncertainty[pool], samples.prn[pool], batch_size, settings.uncertain_share
        )
        round_id = None
        if not dry_run:
            used = {**asdict(settings), "compared_by": "mid_rank" if samples.by_rank else "value"}
            round_id = write_round(db, agent_version, batch_size, used, samples, scores, selection)
    return Batch(
        picks=_picks(samples, scores, selection, pool, round_id or 0),
        pool_size=len(pool),
        round_id=round_id,
        without_confidence=int(np.isnan(samples.confidence[pool]).sum()),
        by_rank=samples.by_rank,
        calibrators=tuple(sorted(samples.calibrators.values())),
    )


def _scores(
    db: Store, samples: ScoredSamples, agent_version: str, settings: SelectionSettings
) -> Scores:
    novel = novel_paths(samples.paths, labelled_paths(db, agent_version))
    return Scores(novel, uncertainty(samples.comparable, novel, settings.novelty_boost))


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


def _picks(
    samples: ScoredSamples,
    scores: Scores,
    selection: Selection,
    pool: np.typing.NDArray[np.intp],
    round_id: int,
) -> list[Pick]:
    order = [(int(i), "uncertain") for i in selection.uncertain]
    order += [(int(i), "random") for i in selection.random]
    picks = []
    for rank, (place, reason) in enumerate(order, start=1):
        i = int(pool[place])
        confidence = float(samples.confidence[i])
        picks.append(
            Pick(
                sample_id=samples.ids[i],
                round_id=round_id,
                reason=reason,
                rank=rank,
                confidence=None if np.isnan(confidence) else confidence,
                novel=bool(scores.novel[i]),
                uncertainty=float(scores.uncertainty[i]),
                inclusion_probability=float(selection.inclusion_probability[place]),
            )
        )
    return picks
