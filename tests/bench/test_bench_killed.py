"""bench killed: what is killed leaves nothing broken, and what would be broken is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench import killed
from bench.versions import fill


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "project"
    fill(folder, 60)
    return folder


@pytest.fixture(autouse=True)
def _one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(killed, "TRIES", 1)


def test_every_command_is_counted_and_leaves_a_whole_thing_or_none(folder: Path) -> None:
    chance = np.random.default_rng(1)
    for kill in (killed.kill_commits, killed.kill_exports):
        found = kill(folder, 2, chance)
        assert found["killed"] == 2
        assert (found["killed_left_broken"], found["lost"]) == (0, 0)


def test_an_export_that_is_not_as_the_one_left_alone_is_broken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies_half_way(folder: Path, arguments: tuple[str, ...], seconds: float) -> bool:
        Path(arguments[-1]).write_text("half")
        return False

    monkeypatch.setattr(killed, "_killed", dies_half_way)
    found = killed.kill_exports(folder, 2, np.random.default_rng(1))
    assert (found["killed"], found["killed_left_broken"]) == (2, 2)
