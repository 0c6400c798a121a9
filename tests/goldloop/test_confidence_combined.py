from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.confidence import (
    AGREEMENT,
    ENTROPY,
    METHODS,
    combined,
    comparing,
    kind_of,
    with_estimates,
)
from goldloop.samples import Run

RUN = Run("s", "v", response="yes")
NAMES = st.sampled_from(
    ["agreement", "judged_agreement", "entropy", "logprob", "process", "verbalized", "reported"]
)
ESTIMATES = st.dictionaries(NAMES, st.floats(0, 1))
WANTED = st.sampled_from(METHODS)


def test_combined_is_the_mean_of_what_there_is_and_says_what_it_was() -> None:
    assert combined({"verbalized": 0.9, "agreement": 0.5, "process": 0.1}) == (
        pytest.approx(0.5),
        "combined:agreement+process+verbalized",
    )


def test_another_make_up_has_another_name() -> None:
    makes = [{"agreement": 0.5}, {"judged_agreement": 0.5}, {"logprob": 0.5}]
    names = [name for _, name in filter(None, map(combined, makes))]
    assert names == ["combined:agreement", "combined:judged_agreement", "combined:logprob"]


@pytest.mark.parametrize("name", ["entropy", "judged_entropy", "reported", "combined:process"])
def test_what_counts_twice_or_comes_from_elsewhere_is_not_in_it(name: str) -> None:
    assert combined({name: 0.9}) is None
    assert combined({name: 0.9, "process": 0.5}) == (0.5, "combined:process")


@pytest.mark.parametrize("judged", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("estimator", [AGREEMENT, ENTROPY])
def test_a_full_name_leads_back_to_its_estimator(
    estimator: str, ordered: bool, judged: bool
) -> None:
    assert kind_of(comparing(estimator, judged=judged, ordered=ordered)) == estimator


@pytest.mark.parametrize(
    ("method", "expected", "name"),
    [
        ("auto", 0.9, "reported"),
        ("combined", 0.375, "combined:judged_agreement+process"),
        ("agreement", 0.25, "judged_agreement"),
        ("entropy", 0.75, "entropy"),
        ("process", 0.5, "process"),
        ("reported", 0.9, "reported"),
        ("logprob", None, None),
        ("verbalized", None, None),
    ],
)
def test_the_method_says_which_estimate_is_the_confidence(
    method: str, expected: float | None, name: str | None
) -> None:
    found = {"judged_agreement": 0.25, "entropy": 0.75, "process": 0.5, "reported": 0.9}
    run = with_estimates(RUN, found, method)
    assert (run.confidence, run.confidence_method) == (expected, name)


def test_without_a_reported_confidence_the_combined_one_is_taken() -> None:
    run = with_estimates(RUN, {"process": 0.5, "agreement": 1.0})
    assert (run.confidence, run.confidence_method) == (0.75, "combined:agreement+process")


def test_every_estimate_stays_under_its_name() -> None:
    run = Run("s", "v", confidence=0.9, confidence_method="reported")
    assert with_estimates(run, {"process": 0.5}).estimates == {
        "reported": 0.9,
        "process": 0.5,
        "combined:process": 0.5,
    }


def test_what_is_combined_anew_replaces_what_was_combined() -> None:
    first = with_estimates(RUN, {"process": 0.5})
    second = with_estimates(first, {"agreement": 0.0})
    assert second.estimates == {
        "process": 0.5,
        "agreement": 0.0,
        "combined:agreement+process": 0.25,
    }


def test_without_any_estimate_there_is_no_confidence() -> None:
    run = with_estimates(RUN, {})
    assert (run.confidence, run.confidence_method, dict(run.estimates)) == (None, None, {})


@given(ESTIMATES, WANTED)
def test_the_confidence_is_one_of_the_estimates_and_within_them(
    found: dict[str, float], method: str
) -> None:
    run = with_estimates(RUN, found, method)
    if run.confidence is None:
        assert run.confidence_method is None
    else:
        assert run.estimates[run.confidence_method or ""] == run.confidence
        assert min(found.values()) - 1e-12 <= run.confidence <= max(found.values()) + 1e-12
        assert 0.0 <= run.confidence <= 1.0


@given(ESTIMATES, WANTED, ESTIMATES)
def test_the_same_estimates_twice_change_nothing(
    found: dict[str, float], method: str, later: dict[str, float]
) -> None:
    run = with_estimates(with_estimates(RUN, found, method), later, method)
    assert with_estimates(run, later, method) == run


@given(ESTIMATES, NAMES, st.floats(0, 1))
def test_a_surer_part_never_makes_the_whole_less_sure(
    found: dict[str, float], name: str, value: float
) -> None:
    more = {**found, name: max(found.get(name, 0.0), value)}
    before, after = combined({**found, name: found.get(name, 0.0)}), combined(more)
    assert (before is None) == (after is None)
    assert before is None or after is None or after[0] >= before[0] - 1e-12
