"""The loop's decisions on tables, as a notebook has them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from goldloop.consensus.by_kind import fit_field
from goldloop.errors import RecordError, SettingsError
from goldloop.evaluation import Rules, paired, power
from goldloop.fields import Field, FieldKind
from goldloop.notebook import agreement, batch, consensus, gate, pool_estimate

ROWS = [
    ("t1", "ann", "yes"),
    ("t1", "bob", "yes"),
    ("t1", "cem", "no"),
    ("t2", "ann", "no"),
    ("t2", "bob", "no"),
    ("t3", "ann", None),
]
COLUMNS = {name: list(column) for name, column in zip(
    ("task", "annotator", "label"), zip(*ROWS, strict=True), strict=True
)}  # fmt: skip


def test_a_data_frame_and_a_mapping_of_lists_give_the_same_consensus() -> None:
    assert consensus(pd.DataFrame(COLUMNS)) == consensus(COLUMNS)


def test_consensus_has_one_row_a_task_that_somebody_answered() -> None:
    found = consensus(COLUMNS, options=["yes", "no"])
    assert (found["task"], found["label"]) == (["t1", "t2"], ["yes", "no"])
    assert found["answers"] == [3, 2]
    assert found["agreement"] == [pytest.approx(1 / 3), 1.0]


def test_consensus_is_what_the_loop_itself_decides() -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 2, 80)
    rows = [(f"t{t:02}", a, "yn"[int(truth[t] ^ (rng.random() < 0.2))]) for t in range(80)
            for a in range(4)]  # fmt: skip
    table = dict(
        zip(("task", "annotator", "label"), map(list, zip(*rows, strict=True)), strict=True)
    )
    answers: dict[str, dict[int, str]] = {}
    for task, annotator, label in rows:
        answers.setdefault(task, {})[annotator] = label
    field = Field("label", FieldKind.SINGLE_CHOICE, "label", ("y", "n"))
    fitted = fit_field(field, answers).outcomes  # type: ignore[arg-type]
    found = consensus(table, options=["y", "n"])
    assert found["label"] == [fitted[task].value for task in found["task"]]
    assert set(found["method"]) == {"hierarchical"}


def test_known_labels_stand() -> None:
    found = consensus(COLUMNS, options=["yes", "no"], gold={"t2": "yes"})
    assert found["label"] == ["yes", "yes"]


def test_agreement_of_a_table_has_its_measures() -> None:
    found = agreement(COLUMNS, draws=0)
    assert (found.tasks, found.answers) == (2, 5)
    assert found.percent.value == pytest.approx((1 / 3 + 1) / 2)


def test_the_same_secret_picks_the_same_batch_and_another_one_does_not() -> None:
    pool = {"sample_id": [f"s{i}" for i in range(200)], "confidence": [i / 200 for i in range(200)]}
    first, _ = batch(pool, 20, secret="a")
    assert batch(pd.DataFrame(pool), 20, secret="a")[0] == first
    assert batch(pool, 20, secret="b")[0] != first
    assert first["sample_id"][:14] == [f"s{i}" for i in range(14)]
    assert first["probability"][:14] == [1.0] * 14
    assert first["reason"] == ["uncertain"] * 14 + ["random"] * 6


@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_batches_that_hunt_failures_still_estimate_the_whole_pool(mode: str) -> None:
    rng = np.random.default_rng(11)
    confidence = rng.beta(4, 2, 3_000)
    right = (rng.random(3_000) < confidence).astype(float)
    pool = {"sample_id": range(3_000), "confidence": confidence}
    values = []
    for secret in map(str, range(40)):
        _, sampled = batch(pool, 150, secret=secret, mode=mode)
        _, sampled = batch(pool, 150, secret=secret, mode=mode, after=sampled)
        outcome = [one if seen else None for one, seen in zip(right, sampled.labelled, strict=True)]
        values.append(pool_estimate(outcome, sampled).value)
    error = np.array(values, dtype=float) - right.mean()
    assert abs(error.mean()) < 3 * error.std() / math.sqrt(len(error))


def test_a_missing_confidence_counts_as_a_half() -> None:
    pool = {"sample_id": ["a", "b", "c"], "confidence": [0.9, None, math.nan]}
    picked, _ = batch(pool, 2, secret="s", uncertain_share=1.0)
    assert sorted(picked["sample_id"]) == ["b", "c"]


def test_what_is_wrong_with_a_table_is_said() -> None:
    with pytest.raises(RecordError, match="no column 'rater'"):
        consensus(COLUMNS, annotator="rater")
    with pytest.raises(RecordError, match="as long"):
        consensus({**COLUMNS, "label": ["yes"]})
    with pytest.raises(SettingsError, match="kind must be one of"):
        consensus(COLUMNS, kind="thumbs")
    with pytest.raises(SettingsError, match="mode must be"):
        batch(COLUMNS, 1, secret="s", mode="greedy")
    with pytest.raises(RecordError, match="twice"):
        batch({"sample_id": ["a", "a"], "confidence": [1, 1]}, 1, secret="s")


def test_the_gate_is_the_one_of_the_command() -> None:
    rng = np.random.default_rng(3)
    before, after = (rng.random((2, 120)) < 0.8).astype(float)
    clusters = np.arange(120) // 3
    found = gate(before, after, clusters)
    assert found.change == paired(before, after, clusters)
    assert found.power == power(before, after, clusters, Rules())


def test_the_gate_leaves_out_errors_and_does_not_take_them_for_failures() -> None:
    before = [1.0] * 20
    after = [None] * 10 + [1.0] * 10
    found = gate(pd.Series(before), pd.Series(after))
    assert (found.blocks, found.left_out, found.change.pairs) == (False, 10, 10)


def test_cases_that_hang_together_are_less_evidence() -> None:
    before, after = [1.0] * 6, [0.0] * 6
    assert gate(before, after).blocks
    assert not gate(before, after, ["one"] * 6).blocks


def test_a_drop_alone_blocks_by_the_point_policy() -> None:
    before, after = [1.0] * 20, [0.0] + [1.0] * 19
    assert not gate(before, after).blocks
    assert gate(before, after, policy="point").blocks
    assert not gate(before, after, policy="point", margin=0.05).blocks


def test_what_no_gate_can_compare_is_said() -> None:
    with pytest.raises(RecordError, match="same cases"):
        gate([1, 0], [1])
    with pytest.raises(RecordError, match="same cases"):
        gate([1, 0], [1, 0], ["a"])
    with pytest.raises(RecordError, match="nothing to compare"):
        gate([None], [1])
    with pytest.raises(RecordError, match="from 0 to 1"):
        gate([1, 80], [1, 0])
    with pytest.raises(SettingsError, match="policy must be"):
        gate([1], [1], policy="strict")
