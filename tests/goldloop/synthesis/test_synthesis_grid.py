"""How a batch's slots are spread over the grid."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from goldloop.errors import SettingsError
from goldloop.synthesis.grid import coverage, fill
from goldloop.synthesis.task import read_task
from goldloop.synthesis.values import AXES, Tool

TOOLS = tuple(Tool(f"tool_{n}", "does it") for n in range(10))
TASK = read_task("Help desk", TOOLS)


def values(slots, axis):
    return Counter(getattr(slot.cell, axis) for slot in slots)


def test_slots_are_numbered_from_zero_and_the_same_for_one_seed():
    slots = fill(TASK, 40, seed=3)
    assert [slot.index for slot in slots] == list(range(40))
    assert slots == fill(TASK, 40, seed=3)
    assert slots != fill(TASK, 40, seed=4)


def test_equal_weights_fill_every_axis_to_within_one_slot():
    slots = fill(TASK, 200, seed=0)
    for axis in AXES:
        counts = values(slots, axis)
        assert set(counts) == set(TASK.axes[axis])
        assert max(counts.values()) - min(counts.values()) <= 1


def test_the_pairs_of_any_two_axes_are_even_to_within_one_slot_of_what_is_wanted():
    slots = fill(TASK, 500, seed=1)
    for first, second in combinations(AXES, 2):
        met = Counter((getattr(s.cell, first), getattr(s.cell, second)) for s in slots)
        wanted = 500 / len(TASK.axes[first]) / len(TASK.axes[second])
        for a in TASK.axes[first]:
            for b in TASK.axes[second]:
                assert abs(met[a, b] - wanted) < 1.5


def test_stated_weights_are_kept_by_largest_remainder():
    task = read_task(
        {"description": "x", "axes": {"difficulty": {"easy": 5, "medium": 3, "hard": 2}}}
    )
    assert values(fill(task, 10, seed=0), "difficulty") == {"easy": 5, "medium": 3, "hard": 2}
    # 3.5, 2.1 and 1.4: the one slot that is left goes to the largest remainder.
    assert values(fill(task, 7, seed=0), "difficulty") == {"easy": 4, "medium": 2, "hard": 1}


def test_a_weight_of_zero_is_never_used():
    task = read_task({"description": "x", "axes": {"difficulty": {"easy": 1, "hard": 0}}})
    assert values(fill(task, 9, seed=0), "difficulty") == {"easy": 9}


def test_fewer_slots_than_values_give_each_value_one_slot_at_most():
    counts = values(fill(TASK, 4, seed=2), "capability")
    assert len(counts) == 4


def test_excluded_cells_are_avoided_and_the_shares_kept():
    rule = {"capability": "no_tool", "intent": ["multi_step", "adversarial"]}
    task = read_task({"description": "x", "exclude": [rule]}, TOOLS)
    slots = fill(task, 165, seed=5)
    met = Counter((s.cell.capability, s.cell.intent) for s in slots)
    assert met["no_tool", "multi_step"] == met["no_tool", "adversarial"] == 0
    assert set(values(slots, "capability").values()) == {15}


def test_shares_give_way_where_an_exclusion_leaves_no_room():
    rule = {"capability": "no_tool", "intent": ["ambiguous", "adversarial", "multi_step"]}
    task = read_task({"description": "x", "exclude": [rule]})
    slots = fill(task, 50, seed=0)
    assert set(values(slots, "intent")) == {"clear", "out_of_scope"}


def test_a_grid_without_a_cell_that_is_allowed_is_refused():
    task = read_task({"description": "x", "exclude": [{"difficulty": ["easy", "medium", "hard"]}]})
    with pytest.raises(SettingsError, match="exclude leaves no cell"):
        fill(task, 5, seed=0)


def test_no_samples_are_refused():
    with pytest.raises(SettingsError, match="1 or more, not 0"):
        fill(TASK, 0, seed=0)


def test_coverage_counts_the_pairs_and_says_which_share_of_them_is_met():
    axes = {axis: {"x": 1.0} for axis in AXES} | {
        "difficulty": {"easy": 1.0, "hard": 1.0, "medium": 0.0},
        "capability": {"a": 1.0, "b": 1.0},
    }
    slots = fill(read_task({"description": "x", "axes": {
        "difficulty": ["easy"], "capability": ["a"], "persona": ["x"], "style": ["x"],
        "intent": ["clear"]}}), 3, seed=0)  # fmt: skip
    found = coverage([slot.cell for slot in slots], {**axes, "intent": {"clear": 1.0}})
    # Of 4 pairs of difficulty and capability one is met, of 6 times 2 with a single value 6, and
    # the 3 pairs among single values.
    assert (found.covered, found.possible) == (1 + 6 + 3, 4 + 12 + 3)
    assert found.table("capability", "difficulty") == [
        ("a", {"easy": 3, "hard": 0}),
        ("b", {"easy": 0, "hard": 0}),
    ]
    assert found.table("difficulty", "capability")[0] == ("easy", {"a": 3, "b": 0})


def test_a_batch_of_a_few_hundred_covers_every_pair():
    assert coverage([slot.cell for slot in fill(TASK, 300, seed=0)], TASK.axes).share == 1.0
