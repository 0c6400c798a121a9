"""The example notebook runs from top to bottom, and is kept without what it printed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "notebook.ipynb"
CELLS = [
    cell
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    if cell["cell_type"] == "code"
]


@pytest.fixture(scope="module")
def printed() -> str:
    """What its cells print, run one after the other."""
    import contextlib
    import io

    shown, names = io.StringIO(), {"__name__": "notebook"}
    with contextlib.redirect_stdout(shown):
        for number, cell in enumerate(CELLS, start=1):
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)  # noqa: S102
    return shown.getvalue()


def test_it_is_kept_without_outputs() -> None:
    assert [cell["outputs"] for cell in CELLS] == [[]] * len(CELLS)
    assert {cell["execution_count"] for cell in CELLS} == {None}


def test_the_batch_is_the_share_that_the_text_says(printed: str) -> None:
    assert "{'uncertain': 140, 'random': 60}" in printed


def test_the_labels_are_better_than_their_annotators(printed: str) -> None:
    hits = re.search(r"([\d.]+)% of 200 labels are right", printed)
    assert hits is not None
    assert float(hits[1]) > 93


def test_the_estimate_holds_the_truth_that_the_naive_mean_misses(printed: str) -> None:
    said = re.search(r"naive (.+)%, estimated .+ \((.+)% to (.+)%\), truth (.+)%", printed)
    assert said is not None
    naive, low, high, truth = map(float, said.groups())
    assert low <= truth <= high
    assert naive < low


def test_the_gate_blocks_what_got_worse_alone(printed: str) -> None:
    assert re.search(r"unchanged: .*blocked: False", printed)
    assert re.search(r"worse: .*blocked: True", printed)
