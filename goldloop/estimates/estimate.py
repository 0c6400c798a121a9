"""An estimate for a whole pool, and what every estimator needs to make one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from goldloop.errors import RecordError
from goldloop.selection.design import Design, Flags
from goldloop.selection.scores import Floats

# Above this share of missing outcomes an estimate comes with a warning.
MISSING_SHARE = 0.05
# A slope fitted on fewer labels may cost more precision than it gains.
FEWEST_FOR_CONTROL = 20
HAJEK, STRATIFIED, CONTROLLED = "hajek", "stratified", "+ppi"
CENSUS, NONE = "census", "none"


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean outcome of a pool (its accuracy, where outcomes are right or wrong) with a 95%
    interval; all between 0 and 1.

    `value` is None where nothing that would tell is labelled; `low` and `high` are then the bounds
    that no outcome can break. `standard_error` is None where it cannot be told (fewer than two
    labels of a part that is not labelled whole, or all of one kind). `labels` were used;
    `effective_labels` is how many labels of a simple random sample would say as much. `method` is
    `stratified` or `hajek`, with `+ppi` where the confidences of the unlabelled helped, `census`
    when all is labelled and `none` without an estimate. `naive` is the plain mean of all labelled
    items: biased, for comparison. `missing` items of the sample have no outcome; `missing_share` is
    their share of it.
    """

    value: float | None
    low: float
    high: float
    standard_error: float | None
    labels: int
    effective_labels: float | None
    method: str
    naive: float | None
    missing: int
    missing_share: float
    pool: int
    notes: tuple[str, ...] = ()

    @property
    def half_width(self) -> float:
        """Half of the interval's width."""
        return (self.high - self.low) / 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The outcomes of a sample; arrays of shape (n,). `used`: drawn and with an outcome.

    `control` is the confidence that stands in where there is no outcome (None: there is none).
    """

    outcome: Floats
    sample: Design
    drawn: Flags
    used: Flags
    control: Floats | None

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest mean that what is known leaves possible."""
        known = float(self.outcome[self.used].sum())
        unknown, items = int((~self.used).sum()), max(len(self.used), 1)
        return known / items, (known + unknown) / items

    @property
    def notes(self) -> tuple[str, ...]:
        """The warnings that hold for every estimator."""
        missing, drawn = int((self.drawn & ~self.used).sum()), int(self.drawn.sum())
        unseen = int((~self.sample.certain & (self.sample.level <= 0.0)).sum())
        notes = []
        if missing > MISSING_SHARE * drawn:
            notes.append(
                f"{missing} of {drawn} sampled items have no outcome; the estimate takes them as "
                "missing at random among items of the same chance, which may not hold"
            )
        if 0 < unseen < len(self.sample):
            notes.append(
                f"{unseen} items had no chance of being drawn yet; the estimate takes them to be "
                "like the others"
            )
        return tuple(notes)

    def estimate(
        self,
        value: float | None,
        interval: tuple[float, float],
        standard_error: float | None,
        effective_labels: float | None,
        method: str,
    ) -> Estimate:
        """An estimate with these figures, held within what is possible."""
        missing, drawn = int((self.drawn & ~self.used).sum()), int(self.drawn.sum())
        labelled = self.outcome[self.sample.labelled & ~np.isnan(self.outcome)]
        bottom, top = self.bounds
        return Estimate(
            value=None if value is None else min(max(value, bottom), top),
            low=min(max(interval[0], bottom), top),
            high=max(min(interval[1], top), bottom),
            standard_error=standard_error,
            labels=int(self.used.sum()),
            effective_labels=effective_labels,
            method=method,
            naive=float(labelled.mean()) if len(labelled) else None,
            missing=missing,
            missing_share=missing / max(drawn, 1),
            pool=len(self.outcome),
            notes=self.notes,
        )

    def nothing(self) -> Estimate:
        """No estimate: the interval is what is possible at all."""
        return self.estimate(None, self.bounds, None, None, NONE)

    def census(self) -> Estimate:
        """All is labelled: the mean itself."""
        value = float(self.outcome.mean())
        return self.estimate(value, (value, value), 0.0, float(len(self.outcome)), CENSUS)


def answers(outcome: ArrayLike, sample: Design, confidence: ArrayLike | None = None) -> Answers:
    """The outcomes beside the design, checked. Raises RecordError for columns of other lengths than
    the sample's, and for an outcome or a confidence outside [0, 1]; NaN is one that is missing.
    """
    given = _column(outcome, "outcome", len(sample))
    drawn = sample.drawn
    control = None
    if confidence is not None:
        control = _column(confidence, "confidence", len(sample))
        known = control[~np.isnan(control)]
        # Any number keeps the estimate valid; the mean costs the least.
        control = np.where(np.isnan(control), known.mean(), control) if len(known) else None
    return Answers(given, sample, drawn, drawn & ~np.isnan(given), control)


def _column(values: ArrayLike, what: str, items: int) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.shape != (items,):
        raise RecordError(f"expected one {what} for each of {items} items, not {column.shape}")
    wrong = np.flatnonzero((column < 0.0) | (column > 1.0))
    if len(wrong):
        raise RecordError(
            f"the {what} at position {wrong[0]} is {column[wrong[0]]}; expected 0 to 1"
        )
    return column
