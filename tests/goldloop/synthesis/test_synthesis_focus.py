"""How weights turn towards what fails or is not known."""

from __future__ import annotations

import math

import pytest

from goldloop.errors import SettingsError
from goldloop.synthesis.focus import FLOOR, Known, focused

AXES = {"difficulty": {"easy": 2.0, "medium": 1.0, "hard": 1.0}, "style": {"short": 1.0}}


def test_weights_follow_failures_and_widths_by_the_stated_formula():
    known = {
        "easy": Known(1.0, 0.05, 90),
        "medium": Known(0.8, 0.1, 40),
        "hard": Known(0.4, 0.2, 9),
    }
    found = focused(AXES, {"difficulty": known})["difficulty"]
    # Needs are 0.1, 0.4 and 1.0.
    assert found == pytest.approx({"easy": 2 * (0.25 + 0.075), "medium": 0.25 + 0.3, "hard": 1.0})


def test_an_axis_of_which_nothing_is_known_stays_as_it_is():
    assert focused(AXES, {})["style"] == AXES["style"]
    assert focused(AXES, {}) == AXES


def test_a_slice_without_labels_counts_as_the_widest():
    known = {
        "easy": Known(0.9, 0.02, 300),
        "medium": Known(0.7, 0.2, 12),
        "hard": Known(None, None, 0),
    }
    found = focused(AXES, {"difficulty": known})["difficulty"]
    assert found["hard"] == 1.0 > found["medium"] > found["easy"] / 2


def test_no_slice_falls_below_the_floor():
    known = {
        "easy": Known(1.0, 0.0, 999),
        "medium": Known(1.0, 0.0, 999),
        "hard": Known(0.0, 0.5, 1),
    }
    found = focused(AXES, {"difficulty": known})["difficulty"]
    assert found == {"easy": 2 * FLOOR, "medium": FLOOR, "hard": 1.0}


def test_weights_stay_where_nothing_is_weak():
    sure = dict.fromkeys(("easy", "medium", "hard"), Known(1.0, 0.0, 999))
    assert focused(AXES, {"difficulty": sure}) == AXES


def test_a_weight_of_zero_stays_zero():
    axes = {"difficulty": {"easy": 1.0, "hard": 0.0}}
    assert focused(axes, {"difficulty": {"hard": Known(0.0, 0.5, 3)}})["difficulty"]["hard"] == 0.0


@pytest.mark.parametrize("known", [Known(1.5, 0.1, 3), Known(0.5, math.nan, 3)])
def test_an_estimate_out_of_range_is_refused(known):
    with pytest.raises(SettingsError, match="the estimate of 'easy' must be from 0 to 1"):
        focused(AXES, {"difficulty": {"easy": known}})
