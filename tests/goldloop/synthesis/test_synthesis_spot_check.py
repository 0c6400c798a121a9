"""The spot check: what is drawn, what verdicts come to, and what follows for the batch."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from goldloop.prn import permanent_random_number
from goldloop.synthesis.spot_check import (
    Verdict,
    allocation,
    by_difficulty,
    checks_needed,
    decision,
    draw,
    interval,
    rejection_rate,
    rejects,
    settled,
)

GOOD = Verdict(True, True, True)
BAD = Verdict(True, False, True, reason="It promises a refund that the policy forbids.")


@pytest.mark.parametrize(
    ("n", "needed"), [(0, 0), (1, 1), (49, 49), (50, 50), (499, 50), (501, 51), (2000, 200)]
)
def test_a_tenth_is_checked_and_at_least_fifty_and_at_most_all(n: int, needed: int) -> None:
    assert checks_needed(n) == needed


def test_a_share_that_floating_point_rounds_up_asks_for_nobody_more() -> None:
    assert 0.07 * 100 > 7
    assert checks_needed(100, 0.07, 0) == 7


def ids(count: int) -> list[str]:
    return [f"syn-{number:04}" for number in range(count)]


def numbers(names: list[str]) -> list[float]:
    return [permanent_random_number(b"secret", name) for name in names]


def test_a_draw_is_in_proportion_to_the_difficulties() -> None:
    names = ids(200)
    difficulties = ["easy"] * 100 + ["medium"] * 60 + ["hard"] * 40
    drawn = set(draw(names, difficulties, numbers(names), 50))
    counts = [len(drawn & set(part)) for part in (names[:100], names[100:160], names[160:])]
    assert counts == [25, 15, 10]


def test_the_smallest_numbers_of_each_difficulty_are_drawn_in_their_order() -> None:
    difficulties = ["easy", "hard", "easy", "hard", "easy", "hard"]
    drawn = draw(["a", "b", "c", "d", "e", "f"], difficulties, [0.9, 0.1, 0.2, 0.8, 0.3, 0.05], 4)
    assert drawn == ["f", "b", "c", "e"]


def test_a_draw_does_not_depend_on_the_order_of_the_candidates() -> None:
    names = ids(90)
    difficulties = ["easy", "medium", "hard"] * 30
    given = list(zip(names, difficulties, numbers(names), strict=True))
    shuffled = [given[i] for i in np.random.default_rng(3).permutation(90)]
    assert draw(*map(list, zip(*shuffled, strict=True)), 31) == draw(  # type: ignore[arg-type]
        names, difficulties, numbers(names), 31
    )


def test_a_rare_difficulty_is_drawn_all_the_same() -> None:
    assert allocation({"easy": 500, "medium": 499, "hard": 1}, 50) == {
        "easy": 25,
        "medium": 24,
        "hard": 1,
    }


@pytest.mark.parametrize("count", range(13))
def test_seats_add_up_and_never_pass_what_there_is(count: int) -> None:
    sizes = {"easy": 1, "medium": 8, "hard": 3}
    seats = allocation(sizes, count)
    assert sum(seats.values()) == count
    assert all(0 <= seats[name] <= sizes[name] for name in sizes)


def test_more_than_there_are_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="cannot draw 3 of 2"):
        draw(["a", "b"], ["easy", "easy"], [0.1, 0.2], 3)


@pytest.mark.parametrize(
    ("rejected", "checked", "low", "high"),
    [
        # 1 - 0.025 ** (1 / n), as worked by hand.
        (0, 20, 0.0, 0.168433),
        (0, 50, 0.0, 0.071122),
        (0, 300, 0.0, 0.012221),
        # Clopper and Pearson 1934, and every table since.
        (1, 10, 0.002529, 0.445016),
        (5, 50, 0.033275, 0.218135),
        (50, 50, 0.928878, 1.0),
    ],
)
def test_the_interval_is_the_exact_one(
    rejected: int, checked: int, low: float, high: float
) -> None:
    assert interval(rejected, checked) == pytest.approx((low, high), abs=1e-6)


def test_nothing_checked_says_nothing() -> None:
    found = rejection_rate(0, 0, 40)
    assert (found.rate, found.low, found.high, found.exact) == (None, 0.0, 1.0, False)


def test_a_batch_that_was_checked_whole_has_an_exact_rate() -> None:
    assert rejection_rate(3, 40, 40).exact
    assert not rejection_rate(3, 40, 41).exact


@pytest.mark.parametrize("counts", [(3, 2, 10), (-1, 2, 10), (0, 11, 10)])
def test_counts_that_do_not_fit_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot have"):
        rejection_rate(*counts)


@pytest.mark.parametrize(
    ("verdict", "rejected"),
    [
        (GOOD, False),
        (Verdict(True, True, True, "hard"), False),
        (Verdict(False, True, True), True),
        (Verdict(True, False, True), True),
        (Verdict(True, True, False), True),
        (Verdict(None, False, None), True),
        (Verdict(True, True, None), None),
        (Verdict(reason="hm"), None),
    ],
)
def test_one_fault_rejects_and_a_wrong_difficulty_does_not(
    verdict: Verdict, rejected: bool | None
) -> None:
    assert rejects(verdict) is rejected


def test_the_majority_of_several_people_stands() -> None:
    found = settled([GOOD, BAD, GOOD])
    assert found
    assert (found.good, found.people, found.faults) == (True, 3, ("wrong_answer",))


def test_a_tie_rejects() -> None:
    found = settled([GOOD, BAD])
    assert found
    assert not found.good
    assert found.reasons == (BAD.reason,)


def test_incomplete_verdicts_alone_settle_nothing() -> None:
    assert settled([Verdict(True, True, None), Verdict()]) is None


@pytest.mark.parametrize(
    ("said", "corrected"),
    [
        (["hard"], "hard"),
        (["hard", None], None),
        (["hard", "hard", "easy"], "hard"),
        ([None], None),
    ],
)
def test_a_difficulty_is_corrected_to_what_more_than_half_say(
    said: list[str | None], corrected: str | None
) -> None:
    found = settled([Verdict(True, True, True, one) for one in said])
    assert found
    assert found.difficulty == corrected


def test_a_batch_is_accepted_when_all_are_answered_and_the_bound_is_not_above_the_limit() -> None:
    # The lower bounds of 6 and of 7 of 50 are 4.53% and 5.82%.
    assert decision(6, 50, 0, 50) == "accepted"
    assert decision(7, 50, 0, 50) == "stopped"
    assert decision(0, 49, 0, 50) == "open"


def test_a_batch_is_stopped_early_only_where_the_rest_cannot_save_it() -> None:
    # 3 of 3 alone have a lower bound of 29%: to stop there would be to look after every answer.
    assert interval(3, 3)[0] > 0.05
    assert decision(3, 3, 0, 50) == "open"
    assert decision(7, 7, 0, 50) == "stopped"


def test_skipped_samples_keep_a_batch_open_only_where_they_could_decide_it() -> None:
    assert decision(0, 48, 2, 50) == "accepted"
    assert decision(6, 49, 1, 50) == "open"
    assert decision(0, 0, 50, 50) == "open"


def test_nothing_to_check_is_accepted() -> None:
    assert decision(0, 0, 0, 0) == "accepted"


def test_every_difficulty_has_its_own_rate_from_the_easiest() -> None:
    found = by_difficulty({"hard": 10, "easy": 30}, {"hard": 10, "easy": 12}, {"hard": 2})
    assert list(found) == ["easy", "hard"]
    assert (found["hard"].rate, found["hard"].exact) == (0.2, True)
    assert (found["easy"].rate, found["easy"].exact) == (0.0, False)


@pytest.mark.parametrize("truth", [0.01, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("n", [20, 50, 200])
def test_the_interval_covers_the_truth_at_least_95_times_in_100(truth: float, n: int) -> None:
    bounds = [interval(k, n) for k in range(n + 1)]
    chances = binom.pmf(np.arange(n + 1), n, truth)
    covered = sum(p for p, (low, high) in zip(chances, bounds, strict=True) if low <= truth <= high)
    assert covered >= 0.95


@pytest.mark.slow
def test_a_batch_at_the_limit_is_rarely_stopped_and_a_bad_one_nearly_always() -> None:
    generator = np.random.default_rng(11)

    def stopped(truth: float, trials: int = 1500) -> float:
        """The share of batches of 500 with this rate that 50 answers, one by one, stop."""
        return float(
            np.mean([_run(generator, round(500 * truth)) == "stopped" for _ in range(trials)])
        )

    # Two-sided 95%: at most 2.5% false stops, and drawing without replacement makes them fewer.
    assert stopped(0.05) <= 0.025
    assert stopped(0.25) > 0.95


def _run(generator: np.random.Generator, bad: int) -> str:
    """What comes of a batch whose decision is asked for after every answer."""
    marks = generator.permutation(500)[:50] < bad
    for answered in range(1, 51):
        found = decision(int(marks[:answered].sum()), answered, 0, 50)
        if found != "open":
            return found
    return "open"
