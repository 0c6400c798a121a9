"""What a selection goes by: the uncertainty of every sample, with a boost for what is new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from agents.python_callable import imported
from goldloop.novelty import (
    Embed,
    Novelty,
    NoveltyRule,
    assess_novelty,
    boost_novel,
    most_novel,
)
from goldloop.prn import tie_break
from goldloop.selection import (
    TagMinimum,
    split_batch,
    uncertainty,
)
from goldloop.settings import SelectionSettings
from store.database import Store
from store.round_columns import Column
from store.rounds import ScoredSamples, Scores
from store.runs import steps_of_runs
from store.samples import sample_texts, slices_of_samples
from sync.project import Project
from views.slices import tag_members

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Every scored sample as the selection sees it, in the order of the samples' ids.

    `because` marks what would not be among the most uncertain without its boost. `novelty` is None
    where novelty is off; `set_back` counts novel ones without a boost, by why.
    """

    scores: Scores
    because: Flags
    novelty: Novelty | None
    like_a_pick: int = 0
    over_cap: int = 0


def rank_pool(
    db: Store,
    samples: ScoredSamples,
    agent_version: str,
    settings: SelectionSettings,
    batch_size: int,
    embed: Embed | None = None,
) -> Ranked:
    """The uncertainty of every sample, boosted where it or its run is like nothing labelled; texts
    are compared by `embed`, or else by their words.
    """
    plain = uncertainty(samples.comparable, np.zeros(len(samples.ids), dtype=np.bool_), 0.0)
    if not settings.novelty_boost or samples.in_pool.all():
        nothing = np.zeros(len(plain), dtype=np.bool_)
        return Ranked(Scores(nothing, plain), nothing, None)
    novelty = _novelty(db, samples, agent_version, settings, embed)
    size = min(batch_size, int(samples.in_pool.sum()))
    boosted = boost_novel(
        plain,
        novelty,
        tie_break(samples.prn),
        samples.in_pool,
        split_batch(size, settings.uncertain_share)[0],
        boost=settings.novelty_boost,
        most=most_novel(size, settings.novelty_cap),
    )
    more: dict[str, Column] = {"boost": boosted.boost, "because": boosted.because.astype(np.uint8)}
    if novelty.threshold is not None:
        more["novelty"] = novelty.text
    more["new_path"] = novelty.by_path.astype(np.uint8)
    return Ranked(
        scores=Scores(boosted.boost > 0.0, boosted.final, more),
        because=boosted.because,
        novelty=novelty,
        like_a_pick=int((boosted.like_a_pick & samples.in_pool).sum()),
        over_cap=int((boosted.over_cap & samples.in_pool).sum()),
    )


def _novelty(
    db: Store,
    samples: ScoredSamples,
    agent_version: str,
    settings: SelectionSettings,
    embed: Embed | None,
) -> Novelty:
    rule = NoveltyRule(
        settings.novelty_quantile, settings.novelty_floor, by_text=settings.text_novelty
    )
    steps = steps_of_runs(db, agent_version)
    found = sample_texts(db) if rule.by_text else {}
    return assess_novelty(
        [found[one] for one in samples.ids] if rule.by_text else [],
        [steps[one] for one in samples.ids],
        ~samples.in_pool,
        rule=rule,
        embed=embed,
    )


def embedding(project: Project) -> Embed | None:
    """The function that [selection] embedding names, looked for in the project's folder first; None
    for no name. Raises SettingsError when it cannot be had.
    """
    name = project.settings.selection.embedding
    if not name:
        return None
    where = "goldloop.toml: [selection] embedding"
    return cast(Embed, imported(name, str(project.folder), where))


def minimums_of(db: Store, samples: ScoredSamples, settings: SelectionSettings) -> list[TagMinimum]:
    """Every tag with the number of labels that it is to have; none where no minimum is set."""
    if not settings.min_per_tag:
        return []
    return [
        TagMinimum(tag, members, settings.min_per_tag)
        for tag, members in tag_members(db, samples.ids).items()
    ]


def strata_of(db: Store, samples: ScoredSamples, settings: SelectionSettings) -> Floats | None:
    """A number for each sample that says which tags it has together; None where nothing is to be
    spread over the tags.
    """
    if not settings.stratify:
        return None
    tags = [tuple(sorted(one.tags)) for one in slices_of_samples(db, samples.ids)]
    number = {own: float(code) for code, own in enumerate(sorted(set(tags)))}
    return np.array([number[own] for own in tags])
