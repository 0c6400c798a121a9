"""The figures in the explanations are those that the benchmarks printed, and so are the plots."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
README = (DOCS.parent / "README.md").read_text(encoding="utf-8")
GATE = (DOCS / "explanations" / "gate.md").read_text(encoding="utf-8")
CONSENSUS = (DOCS / "explanations" / "consensus.md").read_text(encoding="utf-8")
SELECTION = (DOCS / "explanations" / "selection.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def plots() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "plots.py"))


def _percent(share: float) -> int:
    return round(100 * share)


def test_the_table_of_the_gate_is_what_the_benchmark_printed(plots: dict[str, Any]) -> None:
    assert plots["gate_table"](plots["figures"]("gate")) in GATE


def test_what_is_said_of_the_gate_follows_from_the_table(plots: dict[str, Any]) -> None:
    found = plots["figures"]("gate")
    rows = {(row["row"], row["drop"]): row for row in found["rows"]}
    for page in (GATE, README):
        assert "one unchanged agent in five, on 100 cases" in page
    assert rows["100 cases, 1 run", 0]["point"] == pytest.approx(0.2, abs=0.02)
    assert "one unchanged agent in five again" in GATE
    assert found["naive_clustered_false_block_max"] == pytest.approx(0.2, abs=0.03)
    said = re.search(r"5 points (\d+)% of the time, and one run of 200 cases only (\d+)%", GATE)
    assert said is not None
    seen = [rows["200 cases, 3 runs", 5], rows["200 cases, 1 run", 5]]
    assert [int(one) for one in said.groups()] == [_percent(one["significant"]) for one in seen]


def test_what_is_said_of_the_estimates_is_what_the_benchmark_printed(
    plots: dict[str, Any],
) -> None:
    rows = {row["estimator"]: row for row in plots["figures"]("estimates")["rows"]}
    told = re.findall(
        r"^\| ([^|]+) \| ([\d.]+)(?: points)? \| (\w+)%? \| (\d+) \|$", SELECTION, re.M
    )
    said = {name.strip(): (off, held, int(count)) for name, off, held, count in told}
    assert len(said) == SELECTION.count("\n| ") - 2 == 3
    naive = rows["naive"]
    assert said["the mean of the 500 labelled"] == (
        f"{-naive['bias']:.0f}",
        "never",
        round(naive["failures"]),
    )
    assert naive["coverage"] == 0
    for name, row in {"hard": rows["hard"], "soft": rows["soft failures"]}.items():
        assert said[f"`goldloop estimate`, {name} rounds"] == (
            f"{abs(row['bias']):.1f}",
            f"{_percent(row['coverage'])}",
            round(row["failures"]),
        )
    assert f"about {round(rows['hard']['equivalent'], -1):.0f} random ones" in SELECTION
    assert f"about {rows['soft failures']['half_width']:.0f} points instead of 6" in SELECTION
    assert round(rows["hard"]["half_width"]) == 6
    assert {row["runs"] for row in rows.values()} == {3000}
    assert "3,000 simulated rounds a row" in SELECTION


def test_what_is_said_of_consensus_is_what_the_benchmark_printed(plots: dict[str, Any]) -> None:
    found = plots["figures"]("truth")
    said = re.search(
        r"right on ([\d.]+)% of the labels, and the majority on ([\d.]+)%\. .* off by ([\d.]+) "
        r"points on average\. .* right on ([\d.]+)% and ([\d.]+)%, a little more; but their "
        r"probabilities are off by ([\d.]+) and ([\d.]+) ",
        CONSENSUS,
    )
    assert said is not None
    keys = (
        "default_accuracy",
        "majority_accuracy",
        "default_ece",
        "weighted_vote_accuracy",
        "dawid_skene_accuracy",
        "weighted_vote_ece",
        "dawid_skene_ece",
    )
    assert said.groups() == tuple(f"{100 * found[key]:.1f}" for key in keys)
    assert found["sets"] == 5


@pytest.mark.parametrize("name", ["gate", "estimates", "truth"])
def test_the_plots_are_drawn_from_these_figures(
    name: str, plots: dict[str, Any], tmp_path: Path
) -> None:
    for path in plots["draw"](name, tmp_path):
        kept = DOCS / "plots" / path.name
        assert _shapes(path) == _shapes(kept), "the figures changed; run: python docs/plots.py"


def _shapes(path: Path) -> list[str]:
    """The markers and bars: fonts and versions of matplotlib may move the rest."""
    return re.findall(r"<use |<path d=", path.read_text(encoding="utf-8"))
