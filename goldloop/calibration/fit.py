"""Fitting: which calibrator the labels can carry, and its parameters.

Below 50 labels, or 10 of either class, there is none. Up to what 1,000 random labels are worth it
is Platt scaling, above that isotonic regression, which follows any rising curve and needs that many
to do so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goldloop.calibration.calibrators import Calibrator, Floats, Isotonic, Platt, logit
from goldloop.calibration.labels import LabelledScores, worth

LEAST_LABELS = 50
LEAST_OF_A_CLASS = 10
MOST_FOR_PLATT = 1000
# Labels that depend on each other stay in one fold, and there are five.
LEAST_GROUPS = 5
ITERATIONS = 100
_STEEP = 1e-9


@dataclass(frozen=True, slots=True)
class NoCalibrator:
    """Why there is none. `missing` labels make it possible; None where the labels say that the
    score tells nothing.
    """

    why: str
    missing: int | None = None


def fit(labels: LabelledScores) -> Calibrator | NoCalibrator:
    """The calibrator that these labels can carry, or why they carry none.

    A score by which runs are the less often correct the surer they are carries no information, and
    is left as it is: turned round, it would rank by what it got wrong.
    """
    lacking = too_few(labels)
    if lacking is not None:
        return lacking
    found = fit_platt(labels)
    if found.slope <= _STEEP:
        return NoCalibrator(
            "the score carries no information: runs with a higher one are not more often correct"
        )
    return fit_isotonic(labels) if labels.worth > MOST_FOR_PLATT else found


def too_few(labels: LabelledScores) -> NoCalibrator | None:
    """What is missing before anything is fitted; None when there is enough."""
    right = int(labels.correct.sum())
    wrong, groups = len(labels) - right, len(np.unique(labels.groups))
    short = {
        f"{len(labels)} of {LEAST_LABELS} labels": LEAST_LABELS - len(labels),
        f"{right} of {LEAST_OF_A_CLASS} correct ones": LEAST_OF_A_CLASS - right,
        f"{wrong} of {LEAST_OF_A_CLASS} incorrect ones": LEAST_OF_A_CLASS - wrong,
        f"{groups} of {LEAST_GROUPS} clusters": LEAST_GROUPS - groups,
    }
    lacking = {what: number for what, number in short.items() if number > 0}
    if not lacking:
        return None
    return NoCalibrator(f"too few to learn from: {', '.join(lacking)}", max(lacking.values()))


def fit_platt(labels: LabelledScores) -> Platt:
    """Weighted logistic regression of `correct` on the logit of the score.

    Minimises sum w (log(1 + exp(z)) - t z), z = intercept + slope · logit(score), with Platt's
    targets t = (n1 + 1) / (n1 + 2) for correct runs and 1 / (n0 + 2) for others, n1 and n0 being
    what the labels of each class are worth: a weak prior that keeps perfectly separated labels
    finite. A slope that would be negative is 0. With one class it is level, too.
    """
    weights = labels.weights * labels.worth / labels.weights.sum()
    right = float(weights @ labels.correct)
    wrong = float(weights.sum()) - right
    target = np.where(labels.correct == 1, (right + 1) / (right + 2), 1 / (wrong + 2))
    x = logit(labels.scores)
    centre, scale = float(x.mean()), float(x.std()) or 1.0
    level, slope = _logistic((x - centre) / scale, target, weights)
    if slope <= 0:
        share = float(weights @ target) / float(weights.sum())
        return Platt(0.0, float(np.log(share / (1 - share))))
    return Platt(slope / scale, level - slope * centre / scale)


def _logistic(x: Floats, target: Floats, weights: Floats) -> tuple[float, float]:
    """Intercept and slope by Newton's method, its steps halved while they make things worse."""
    design = np.column_stack([np.ones_like(x), x])
    at = np.zeros(2)
    loss = _loss(design @ at, target, weights)
    for _ in range(ITERATIONS):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ at, -700, 700)))
        gradient = design.T @ (weights * (target - p))
        curvature = (design * (weights * p * (1 - p))[:, None]).T @ design
        # Scores that are all the same leave the slope open; this leaves it at 0.
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        while (new := _loss(design @ (at + step), target, weights)) > loss and step.any():
            step = np.where(np.abs(step) > 1e-12, step / 2, 0.0)
        at, gain, loss = at + step, loss - new, new
        if gain <= 1e-12 * weights.sum():
            break
    return float(at[0]), float(at[1])


def _loss(linear: Floats, target: Floats, weights: Floats) -> float:
    return float(weights @ (np.logaddexp(0.0, linear) - target * linear))


def fit_isotonic(labels: LabelledScores) -> Isotonic:
    """The rising curve nearest to the labels, by weighted least squares (pool adjacent violators).

    No probability comes nearer to 0 or 1 than 1 / (n + 2), n being what all labels are worth: that
    all labels above a score were correct does not say that all runs are.
    """
    # Imported here, because it takes a second that no other command need wait for.
    from sklearn.isotonic import IsotonicRegression

    nearest = 1.0 / (worth(labels.weights) + 2.0)
    curve = IsotonicRegression(y_min=nearest, y_max=1.0 - nearest, out_of_bounds="clip")
    curve.fit(labels.scores, labels.correct, sample_weight=labels.weights)
    return Isotonic(tuple(curve.X_thresholds_.tolist()), tuple(curve.y_thresholds_.tolist()))
