"""The loop's decisions on tables, as a notebook has them."""

from __future__ import annotations

import math
from typing import Any

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


def test_tasks_of_a_column_with_a_gap_are_the_whole_numbers_that_they_were() -> None:
    table = {"task": pd.Series([1, 1, 1, 2, 2, None]), "annotator": list("abcaba"),
             "label": ["yes", "yes", "no", "no", "no", None]}  # fmt: skip
    found = consensus(table, options=["yes", "no"], gold={1: "no"})
    assert (found["task"], found["label"]) == ([1, 2], ["no", "no"])
    with pytest.raises(RecordError, match="task of the rows with a label, at position 5"):
        consensus({**table, "label": ["yes"] * 6})


@pytest.mark.parametrize("kind", ["string", "category", "object"])
def test_a_label_that_pandas_calls_missing_is_no_answer(kind: str) -> None:
    frame = pd.DataFrame(COLUMNS).astype({"label": kind})
    found = consensus(frame, options=["yes", "no"])
    assert found == consensus(COLUMNS, options=["yes", "no"])
    assert agreement(frame, draws=0) == agreement(COLUMNS, draws=0)


@pytest.mark.parametrize("labels", [[True, True, False, False, False, None], [1, 1, 0, 0, 0, None]])
def test_true_and_numbers_are_options_as_their_texts_are(labels: list[object]) -> None:
    texts = [None if one is None else str(one) for one in labels]
    options = [str(labels[0]), str(labels[3])]
    for given in (labels, pd.array(labels), np.array(labels[:5])):
        table = {name: column[: len(given)] for name, column in COLUMNS.items()}
        found = consensus({**table, "label": given}, options=options)
        expected = consensus({**COLUMNS, "label": texts}, options=options)
        assert found["probability"] == expected["probability"]
        assert [type(one) for one in found["label"]] == [type(labels[0])] * 2
        same = agreement({**table, "label": given}, draws=0).percent
        assert same == agreement(COLUMNS, draws=0).percent


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


@pytest.mark.parametrize(
    "confidence",
    [
        [0.9, None, math.nan],
        pd.array([0.9, None, None], dtype="Float64"),
        np.array([0.9, math.nan, math.nan], dtype=np.float32),
    ],
)
def test_a_missing_confidence_counts_as_a_half(confidence: object) -> None:
    pool = {"sample_id": ["a", "b", "c"], "confidence": confidence}
    picked, _ = batch(pool, 2, secret="s", uncertain_share=1.0)
    assert sorted(picked["sample_id"]) == ["b", "c"]


def test_a_batch_can_be_merged_with_the_table_that_it_is_of() -> None:
    pool = pd.DataFrame({"sample_id": range(9), "confidence": 0.5})
    picked, _ = batch(pool, 3, secret="s")
    assert len(pool.merge(pd.DataFrame(picked), on="sample_id")) == 3


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
    with pytest.raises(RecordError, match="confidence at position 0 is 'high'"):
        batch({"sample_id": ["a"], "confidence": ["high"]}, 1, secret="s")
    with pytest.raises(SettingsError, match="size must be a whole number"):
        batch({"sample_id": ["a"], "confidence": [1]}, 1.5, secret="s")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="draws must be from 0"):
        agreement(COLUMNS, draws=-1)


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


@pytest.mark.parametrize("kind", ["string", "Int64", "datetime64[ns]", "Float32"])
def test_cases_without_a_cluster_hang_together_with_none(kind: str) -> None:
    before, after = [1.0] * 6, [0.0] * 6
    nothing = pd.Series([None] * 6, dtype=kind)
    assert gate(before, after, nothing).change == gate(before, after).change


def test_values_that_pandas_calls_missing_are_left_out_too() -> None:
    whole = pd.Series([1, 1, None, 1], dtype="Int64")
    found = gate(whole, pd.Series([True, None, True, False], dtype="boolean"))
    assert (found.left_out, found.change.pairs, found.change.worse) == (2, 2, 1)


def test_columns_of_pandas_have_to_be_in_one_order() -> None:
    before = pd.Series([1.0, 0.0, 1.0], index=["a", "b", "c"])
    with pytest.raises(RecordError, match="baseline and candidate have different indexes"):
        gate(before, before.sort_values())
    with pytest.raises(RecordError, match="candidate and cluster have different indexes"):
        gate(before, before, pd.Series(["x", "y", "z"]))
    assert gate(before, before.to_numpy()).change.worse == 0


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


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"runs": 0}, "runs must be from 1 on"),
        ({"runs": -1}, "runs must be from 1 on"),
        ({"runs": 1.5}, "runs must be a whole number"),
        ({"alpha": 0}, "alpha must be from 0.0001 to 0.5"),
        ({"alpha": 5}, "alpha must be from"),
        ({"margin": 2}, "margin must be from 0 to 1"),
        ({"margin": "2"}, "margin must be a number"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        gate([1, 1], [1, 0], **given)


@pytest.mark.parametrize(
    ("baseline", "says"),
    [
        (["yes", "no"], "baseline at position 0 is 'yes'"),
        (pd.DataFrame({"a": [1, 0], "b": [1, 0]}), "baseline at position 0 is 'a'"),
        (np.ones((2, 1)), "expected a number"),
        (7, "must be a column"),
    ],
)
def test_what_is_no_column_of_numbers_is_refused(baseline: Any, says: str) -> None:
    with pytest.raises(RecordError, match=says):
        gate(baseline, [1, 0])
