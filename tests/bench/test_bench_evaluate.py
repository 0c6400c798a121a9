"""bench evaluate: an evaluation beside its ideal wall time, and what a kill costs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

import pytest

from bench import evaluate
from tests.sync import dying


def test_an_evaluation_is_timed_beside_its_ideal(tmp_path: Path) -> None:
    with evaluate.peer(0.05) as url:
        evaluate.make_project(tmp_path / "timed", url, 32)
        assert evaluate.evaluated(tmp_path / "timed") == 1.0
        assert evaluate.counts(url) == {
            "agent": {"calls": 32, "paid_twice": 0},
            "judge": {"calls": 0, "paid_twice": 0},
        }


class Forked:
    """A command in a process that starts at once, with what the benchmark asks of a process."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = dying.start(folder, list(arguments))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.join()

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self, seconds: float) -> int | None:
        self.process.join(seconds)
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.process.pid or 0, number)


def test_a_killed_evaluation_pays_again_only_for_the_calls_in_the_air(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "running", Forked)
    paid = evaluate.stopped(tmp_path / "killed", 48, judge=True, seconds=0.1)
    assert 0 <= paid <= evaluate.AT_ONCE


def test_the_figures_have_their_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluate, "timed", lambda *_: {"wall_ratio": 1.1})
    monkeypatch.setattr(evaluate, "stopped", lambda *_, judge: 5 if judge else 4)
    expected = {"wall_ratio": 1.1, "paid_twice": 4, "judged_paid_twice": 5}
    assert evaluate.main(quick=True) == expected
    assert "wall_ratio" in capsys.readouterr().out
