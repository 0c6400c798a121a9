"""bench versions: what it measures, and in which figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import versions
from bench._versions_run import KINDS


def in_this_process(kind: str, folder: Path) -> dict[str, float]:
    KINDS[kind](folder)
    return {"seconds": 0.5 if kind == "floor" else 1.0, "peak_mb": 10.0}


def test_every_measurement_does_its_work_and_ratios_are_to_the_floor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(versions, "QUICK", 20)
    monkeypatch.setattr(versions, "_fresh", in_this_process)
    figures: dict[str, Any] = versions.main(quick=True)
    assert figures["samples"] == 20
    assert figures["commit_ratio"] == figures["verify_ratio"] == figures["diff_ratio"] == 2.0
    assert set(figures["peak_mb"]) == {"first commit", "commit", *KINDS} - {"report"}
    assert "20 samples" in capsys.readouterr().out


def test_the_whole_report_is_measured_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(versions, "_fresh", in_this_process)
    assert versions.whole_report(tmp_path / "project", 5) == 1.0


def test_a_measurement_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"verify failed:\n(.|\n)*goldloop.toml"):
        versions.measure("verify", tmp_path, 1)
