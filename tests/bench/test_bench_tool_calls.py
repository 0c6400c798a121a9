"""bench tool_calls: what expected calls are worth on real runs, as measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import tool_calls
from bench.confidence import read_trials


@pytest.fixture(scope="module")
def figures(tau_airline: Path) -> dict[str, Any]:
    return {
        name: tool_calls.compared(read_trials(tau_airline), tool_calls.VARIANTS[name])
        for name in ("as recommended", "refused calls count", "subset", "every tool counts")
    }


def test_expected_calls_agree_with_the_true_reward(figures: dict[str, Any]) -> None:
    found = figures["as recommended"]
    assert found["agreement"] >= 0.98
    assert found["kappa_low"] >= 0.9
    assert (found["passed_wrong"], found["failed_right"]) == (2, 1)


def test_each_setting_that_is_left_out_costs_agreement(figures: dict[str, Any]) -> None:
    agreement = {name: one["agreement"] for name, one in figures.items()}
    assert agreement["refused calls count"] == pytest.approx(0.945)
    assert agreement["subset"] < 0.85
    assert agreement["every tool counts"] < 0.7


def test_the_figures_name_speed_and_every_variant(
    tau_airline: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = read_trials(tau_airline)[:8]
    monkeypatch.setattr(tool_calls, "read_trials", lambda _: few)
    monkeypatch.setattr(tool_calls, "QUICK_DRAWS", 20)
    monkeypatch.setattr(tool_calls, "QUICK_ROUNDS", 1)
    found = tool_calls.main(quick=True)
    assert found["runs"] == 8
    assert set(found["agreement_by_variant"]) == set(tool_calls.VARIANTS)
    assert found["grades_per_second"] > 0
    assert set(found.get("agentevals_differs", {"none": 0}).values()) == {0}
    assert "as recommended" in capsys.readouterr().out


def test_it_says_that_it_was_skipped_where_there_are_no_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_calls, "DATA", tmp_path / "nowhere")
    assert "no recorded runs" in tool_calls.main(quick=True)["skipped"]
