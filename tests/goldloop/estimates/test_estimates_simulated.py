"""Estimates over many secrets: no bias, and intervals that hold, whatever the rounds were."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy.special import expit, logit

from goldloop.estimates import Estimate, by_slice, estimate_pool
from goldloop.selection import (
    Design,
    Round,
    TagMinimum,
    design,
    hard_round,
    interest,
    soft_round,
)

NAN = math.nan
APART = 0.9539  # of right and wrong scores: an AUROC of .75
RUNS = 300

pytestmark = pytest.mark.slow


def pool(rng: np.random.Generator, items: int, accuracy: float = 0.8) -> np.ndarray:
    return (rng.random(items) < accuracy).astype(float)


def confidence_in(rng: np.random.Generator, right: np.ndarray) -> np.ndarray:
    score = rng.normal(size=len(right)) + APART * right
    return expit(logit(0.8) + APART * score - APART**2 / 2)


def hard(sample: Design, confidence: np.ndarray, batch: int = 60) -> Design:
    return hard_round(sample, 1 - confidence, batch, 0.7).design


def soft(sample: Design, confidence: np.ndarray, batch: int = 60) -> Design:
    learnt = interest(confidence, np.zeros(len(confidence), dtype=bool), 0.0, "failures")
    return soft_round(sample, learnt, batch, 0.7).design


def holds(runs: Iterator[tuple[Estimate, float]], largest: float = 0.99) -> None:
    """The mean error is within 4 standard errors of 0, and the coverage within 4 of 95%."""
    found = list(runs)
    errors = np.array([one.value - truth for one, truth in found])
    covered = np.mean([one.low <= truth <= one.high for one, truth in found])
    assert abs(errors.mean()) < 4 * errors.std() / math.sqrt(len(found))
    assert 0.95 - 4 * math.sqrt(0.95 * 0.05 / len(found)) < covered <= largest


def rounds(
    rng: np.random.Generator, steps: list[Callable[[Design, np.ndarray], Design]]
) -> tuple[np.ndarray, Design, np.ndarray]:
    """A pool of 1,500 that 150 new and harder items join before each further round; its outcomes,
    the design after the rounds, and the last confidences.
    """
    right, sample = pool(rng, 1_500, 0.85), design(rng.random(1_500))
    confidence = confidence_in(rng, right)
    for number, step in enumerate(steps):
        if number:
            right = np.concatenate([right, pool(rng, 150, 0.5)])
            sample = sample.joined(rng.random(150))
            confidence = confidence_in(rng, right)
        sample = step(sample, confidence)
    return right, sample, confidence


@pytest.mark.parametrize(
    "steps", [[hard] * 4, [soft] * 4, [hard, soft, hard, soft]], ids=["hard", "soft", "mixed"]
)
@pytest.mark.parametrize("controlled", [False, True])
def test_rounds_over_a_growing_pool(
    steps: list[Callable[[Design, np.ndarray], Design]], controlled: bool
):
    def runs() -> Iterator[tuple[Estimate, float]]:
        rng = np.random.default_rng(11)
        for _ in range(RUNS):
            right, sample, confidence = rounds(rng, steps)
            outcome = np.where(sample.labelled, right, NAN)
            yield estimate_pool(outcome, sample, confidence if controlled else None), right.mean()

    holds(runs())


def test_the_naive_mean_is_far_off():
    rng = np.random.default_rng(12)
    right, sample, _ = rounds(rng, [hard] * 4)
    found = estimate_pool(np.where(sample.labelled, right, NAN), sample)
    assert found.naive < right.mean() - 0.2


@pytest.mark.parametrize("step", [hard, soft])
def test_another_agent_graded_on_the_same_items(step: Callable[[Design, np.ndarray], Design]):
    def runs() -> Iterator[tuple[Estimate, float]]:
        rng = np.random.default_rng(13)
        for _ in range(RUNS):
            right, sample, _ = rounds(rng, [step] * 2)
            other = np.where(rng.random(len(right)) < 0.7, right, pool(rng, len(right), 0.4))
            own = confidence_in(rng, other)
            yield estimate_pool(np.where(sample.labelled, other, NAN), sample, own), other.mean()

    holds(runs())


@pytest.mark.parametrize("method", ["stratified", "hajek"])
def test_answers_that_are_missing_at_random(method: str):
    def runs() -> Iterator[tuple[Estimate, float]]:
        rng = np.random.default_rng(14)
        for _ in range(RUNS):
            right, sample, confidence = rounds(rng, [hard] * 2)
            answered = sample.labelled & (rng.random(len(right)) < 0.9)
            outcome = np.where(answered, right, NAN)
            yield estimate_pool(outcome, sample, confidence, method=method), right.mean()

    holds(runs())


def test_slices_of_a_soft_and_of_a_hard_sample():
    def runs(step: Callable[[Design, np.ndarray], Design]) -> Iterator[tuple[Estimate, float]]:
        rng = np.random.default_rng(15)
        for _ in range(RUNS):
            right, sample, confidence = rounds(rng, [step] * 3)
            part = rng.random(len(right)) < 0.3
            outcome = np.where(sample.labelled, right, NAN)
            found = by_slice(outcome, sample, {"part": part}, confidence)["part"]
            yield found, right[part].mean()

    holds(runs(hard))
    holds(runs(soft))


@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_a_minimum_for_a_rare_tag_on_which_the_agent_is_worse(mode: str):
    def runs() -> Iterator[tuple[Estimate, float]]:
        rng = np.random.default_rng(16)
        for _ in range(RUNS):
            rare = rng.random(1_500) < 0.06
            right = np.where(rare, pool(rng, 1_500, 0.4), pool(rng, 1_500, 0.85))
            sample, minimum = design(rng.random(1_500)), TagMinimum("rare", rare, 30)
            for _ in range(2):
                confidence = confidence_in(rng, right)
                if mode == "hard":
                    sample = hard_round(sample, 1 - confidence, 100, 0.7, minimums=[minimum]).design
                else:
                    learnt = interest(confidence, np.zeros(1_500, dtype=bool), 0.0)
                    sample = soft_round(sample, learnt, 100, 0.7, minimums=[minimum]).design
            assert (sample.labelled & rare).sum() >= 30
            outcome = np.where(sample.labelled, right, NAN)
            yield estimate_pool(outcome, sample, confidence), right.mean()

    holds(runs())


def test_items_pushed_by_hand_because_they_fail_change_nothing():
    def runs() -> Iterator[tuple[Estimate, float]]:
        rng = np.random.default_rng(17)
        for _ in range(RUNS):
            right = pool(rng, 1_500)
            by_hand = (right == 0) & (rng.random(1_500) < 0.3)
            sample = design(rng.random(1_500), labelled=by_hand)
            for _ in range(2):
                sample = hard(sample, confidence_in(rng, right))
            yield estimate_pool(np.where(sample.labelled, right, NAN), sample), right.mean()

    holds(runs())


@pytest.mark.parametrize("rule", [hard_round, soft_round])
def test_a_pool_of_which_half_repeats_itself_and_no_batch_does(
    rule: Callable[..., Round],
) -> None:
    """Copies fail more often. In each batch one of a kind is asked about; those of its kind that
    were drawn as well count like it until their own turn comes.
    """
    rng = np.random.default_rng(8)
    items, kinds = 1_200, 100
    kind = np.where(np.arange(items) < items // 2, rng.integers(0, kinds, items), -1)
    right = np.where(kind >= 0, pool(rng, kinds, 0.4)[kind], pool(rng, items, 0.9))
    score = np.clip(0.6 - 0.4 * right + rng.normal(0, 0.2, items), 0, 1)
    waiting = 0

    def run(seed: int) -> tuple[Estimate, float]:
        nonlocal waiting
        sample, like = design(np.random.default_rng(seed).random(items)), {}
        for _ in range(3):
            sample = rule(sample, score, 60, 0.5, admit=one_of_a_kind(kind, like)).design
        outcome = np.where(sample.labelled, right, NAN)
        for one, of in like.items():
            outcome[one] = right[one] if sample.labelled[one] else outcome[of]
        waiting += int((sample.drawn & ~sample.labelled).sum())
        return estimate_pool(outcome, sample), float(right.mean())

    holds(run(seed) for seed in range(RUNS))
    assert waiting > RUNS


def one_of_a_kind(kind: np.ndarray, like: dict[int, int]) -> Callable[[int], bool]:
    seen: dict[int, int] = {}

    def admits(one: int) -> bool:
        if kind[one] < 0 or kind[one] not in seen:
            seen[int(kind[one])] = one
            return True
        like[one] = seen[int(kind[one])]
        return False

    return admits
